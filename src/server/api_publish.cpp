// Publications through the server API.

#include <algorithm>
#include <utility>

#include "auth/base64.hpp"
#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/publication_info.hpp"
#include "dialect/centrifuge/reply.hpp"
#include "dialect/json.hpp"
#include "dialect/json_reader.hpp"
#include "hub/publish_keys.hpp"
#include "server/api_call.hpp"
#include "server/api_share.hpp"
#include "shard/shard.hpp"
#include "simd/utf8.hpp"

namespace ringcast::server {

namespace {

namespace api = dialect::centrifuge::server_api;
using dialect::centrifuge::ErrorCode;

/// Tags that subscribers would take for the server's own are refused, and two of one name.
bool are_tags_valid(std::span<const Tag> tags) noexcept {
    return Tags::are_valid(tags) && std::ranges::none_of(tags, [&](const Tag& tag) {
               return tag.first == dialect::centrifuge::skipped_tag_name ||
                      tag.first == dialect::centrifuge::base64_tag_name ||
                      std::ranges::count(tags, tag.first, &Tag::first) > 1;
           });
}

bool is_kept(const shard::HttpExchange& exchange, std::string_view topic) noexcept {
    return exchange.shard().settings().topics.home.stream_of(topic).count_max > 0;
}

/// A publication on its way to the home of its topic.
struct Submission {
    std::size_t index;
    std::string topic;
    PublicationKind kind;
    std::string payload;
    std::string info;
    std::string key;
    std::uint64_t version;
    std::string version_epoch;
};

/// Those for one home, which takes one after the other: so publications to one topic stay in order
/// also where one of them has to wait for room. Whoever is not answered publishes again under the
/// same key.
struct Submissions {
    shard::WayBack back;
    std::vector<Submission> all;
    std::vector<SubmissionAnswer> answers{};

    void operator()(shard::Shard& home) {
        answers.reserve(all.size());
        while (answers.size() < all.size()) {
            const Submission& next = all[answers.size()];
            const shard::Submitted submitted =
                home.submit(next.topic, next.kind, as_bytes(next.payload),
                            {.key = next.key,
                             .version = {.number = next.version, .epoch = next.version_epoch},
                             .info = as_bytes(next.info)});
            if (submitted.status == PublishStatus::full)
                return home.run_on(home.topics().shard(), std::move(*this));
            answers.push_back({next.index, submitted});
        }
        send_back(back, home, std::move(answers));
    }
};

/// For each home.
using Parcels = std::vector<std::vector<Submission>>;

/// How many homes have got one.
std::uint32_t send_out(shard::HttpExchange& exchange, Parcels& parcels) {
    std::uint32_t count = 0;
    for (std::uint32_t home = 0; home < parcels.size(); ++home) {
        if (parcels[home].empty()) continue;
        exchange.shard().run_on(
            home, Submissions{.back = shard::WayBack{exchange}, .all = std::move(parcels[home])});
        ++count;
    }
    return count;
}

/// Not for what is full.
std::variant<api::Error, api::PublishResult> outcome_of(PublishStatus status) noexcept {
    switch (status) {
        case PublishStatus::accepted: return api::PublishResult{};
        case PublishStatus::too_large: return api::Error{ErrorCode::limit_exceeded};
        case PublishStatus::full:
        case PublishStatus::invalid_topic:
        case PublishStatus::closed: break;
    }
    return api::Error{ErrorCode::internal};
}

}  // namespace

/// Those that follow each other in a batch are under way together.
bool ApiCall::serve(shard::HttpExchange& exchange, const api::PublishRequest&) {
    if (progress_.targets.empty()) {
        for (const api::Command& command : std::span{call_.batch.commands}.subspan(done_count_)) {
            const auto* const request = std::get_if<api::PublishRequest>(&command.request);
            if (request == nullptr) break;
            aim(request->channel, *request);
        }
    }
    if (!publish(exchange)) return false;
    for (const PublishResponse& response : progress_.responses)
        std::visit([&](const auto& outcome) { finish({outcome}); }, response.outcome);
    done_count_ += progress_.responses.size() - 1;  // And this one.
    return true;
}

bool ApiCall::serve(shard::HttpExchange& exchange, const api::BroadcastRequest& request) {
    if (request.channels.empty()) return refuse(ErrorCode::bad_request);
    if (progress_.targets.empty()) {
        for (const std::string_view channel : request.channels) aim(channel, request);
    }
    if (!publish(exchange)) return false;
    return finish({api::BroadcastResult{progress_.responses}});
}

void ApiCall::aim(std::string_view channel, const api::NewPublication& publication) {
    progress_.targets.push_back({channel, &publication});
}

/// Has the homes publish to each target, a share at a time, and notes what comes of it. All of it
/// goes this way: two ways to a home are no order, and only the home knows keys and positions.
/// False: there is more to do.
bool ApiCall::publish(shard::HttpExchange& exchange) {
    shard::Shard& here = exchange.shard();
    auto& responses = progress_.responses;
    Parcels parcels(here.topics().shards());
    while (responses.size() < progress_.targets.size()) {
        const Target& target = progress_.targets[responses.size()];
        if (const auto error = fault_of(exchange, target)) {
            responses.push_back({api::Error{*error}});
            continue;
        }
        const auto& [kind, payload] = progress_.content;
        const std::size_t bytes = payload.size() + progress_.info.size() + publication_bytes;
        if (share_bytes_ < bytes && share_bytes_ < share_bytes_max) break;
        share_bytes_ -= std::min(share_bytes_, bytes);
        parcels[here.home_of(target.channel)].push_back(
            {.index = responses.size(),
             .topic = std::string{target.channel},
             .kind = kind,
             .payload = std::string{payload},
             .info = progress_.info,
             .key = std::string{target.publication->idempotency_key},
             .version = target.publication->version,
             .version_epoch = std::string{target.publication->version_epoch}});
        responses.push_back({api::PublishResult{}});  // So far: take() says what became of it.
    }
    return await(send_out(exchange, parcels));
}

void ApiCall::take(std::span<const SubmissionAnswer> answers) {
    count_answer();
    for (const auto& [index, submitted] : answers) {
        auto& outcome = progress_.responses[index].outcome;
        outcome = outcome_of(submitted.status);
        if (auto* const result = std::get_if<api::PublishResult>(&outcome)) {
            const hub::Position& position = submitted.position;
            result->offset = position.offset;
            result->epoch = progress_.epochs.emplace_back(position.epoch).text();
        }
    }
}

/// Of a publication, or of its channel.
std::optional<ErrorCode> ApiCall::fault_of(const shard::HttpExchange& exchange,
                                           const Target& target) {
    const api::NewPublication& publication = *target.publication;
    if (std::exchange(progress_.publication, &publication) != &publication)
        progress_.fault = read(publication);
    if (progress_.fault) return progress_.fault;
    if (const auto error = fault_of(exchange, target.channel)) return error;
    if (publication.skip_history && is_kept(exchange, target.channel))
        return ErrorCode::not_available;
    return std::nullopt;
}

/// Finds out what is to be published. The error is what is wrong with it.
std::optional<ErrorCode> ApiCall::read(const api::NewPublication& publication) {
    const std::string_view key = publication.idempotency_key;
    if (!key.empty() && !hub::PublishKeys::is_valid(key)) return ErrorCode::bad_request;
    if (publication.version_epoch.size() > hub::PublicationVersion::epoch_bytes_max)
        return ErrorCode::bad_request;
    if (!are_tags_valid(publication.tags)) return ErrorCode::bad_request;
    progress_.info.clear();
    if (!publication.tags.empty()) progress_.info = pack(std::span<const Tag>{publication.tags});
    // Whoever sends both means this one, as with Centrifugo: some SDKs send `data` in any case.
    if (!publication.b64data.empty()) return read_base64(publication);
    return publication.data.bytes.empty() ? ErrorCode::bad_request : read_data(publication);
}

std::optional<ErrorCode> ApiCall::read_data(const api::NewPublication& publication) {
    const std::string_view data = publication.data.bytes;
    if (publication.kind.empty() || publication.kind == "json") {
        progress_.content = Content{PublicationKind::json, data};
        return std::nullopt;
    }
    if (publication.kind != "text") return ErrorCode::bad_request;
    const auto offset = static_cast<std::size_t>(data.data() - text_.data());
    RC_ASSERT(offset + data.size() <= text_.size());
    dialect::JsonReader reader{std::span{text_}.subspan(offset, data.size())};
    const std::string_view text = reader.read_string();
    reader.finish();
    if (reader.fault() != dialect::JsonFault::none) return ErrorCode::bad_request;
    progress_.content = Content{PublicationKind::text, text};
    return std::nullopt;
}

std::optional<ErrorCode> ApiCall::read_base64(const api::NewPublication& publication) {
    auto octets = auth::decode_base64(publication.b64data, auth::Base64::standard);
    if (!octets) return ErrorCode::bad_request;
    progress_.decoded = *std::move(octets);
    if (publication.kind.empty() || publication.kind == "binary") {
        progress_.content = Content{PublicationKind::binary, progress_.decoded};
    } else if (publication.kind == "text" && simd::is_utf8(as_bytes(progress_.decoded))) {
        progress_.content = Content{PublicationKind::text, progress_.decoded};
    } else if (publication.kind == "json" && dialect::is_json(progress_.decoded)) {
        progress_.content = Content{PublicationKind::json, progress_.decoded};
    } else {
        return ErrorCode::bad_request;
    }
    return std::nullopt;
}

}  // namespace ringcast::server

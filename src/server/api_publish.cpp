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

/// A publication on its way to the home of its topic. Whoever is not answered publishes again under
/// the same key.
struct Submission {
    shard::WayBack back;
    std::string topic;
    PublicationKind kind;
    std::string payload;
    std::string info;
    std::string key;
    std::uint64_t version;
    std::string version_epoch;

    void operator()(shard::Shard& home) {
        const shard::Submitted submitted =
            home.submit(topic, kind, as_bytes(payload),
                        {.key = key,
                         .version = {.number = version, .epoch = version_epoch},
                         .info = as_bytes(info)});
        if (submitted.status == PublishStatus::full)
            return home.run_on(home.topics().shard(), std::move(*this));
        send_back(back, home, submitted);
    }
};

}  // namespace

bool ApiCall::serve(shard::HttpExchange& exchange, const api::PublishRequest& request) {
    if (!publish(exchange, std::span{&request.channel, 1}, request)) return false;
    const auto& outcome = progress_.responses.front().outcome;
    if (const auto* const error = std::get_if<api::Error>(&outcome)) return finish({*error});
    return finish({std::get<api::PublishResult>(outcome)});
}

bool ApiCall::serve(shard::HttpExchange& exchange, const api::BroadcastRequest& request) {
    if (request.channels.empty()) return refuse(ErrorCode::bad_request);
    if (!publish(exchange, request.channels, request)) return false;
    return finish({api::BroadcastResult{progress_.responses}});
}

/// Publishes to each of `channels`, and notes what came of it. Where nothing is kept an answer says
/// that the home's queue has taken the publication: who finds no room waits. Otherwise, or with a
/// key, the home itself is asked. False: there is more to do.
bool ApiCall::publish(shard::HttpExchange& exchange, std::span<const std::string_view> channels,
                      const api::NewPublication& publication) {
    const std::optional<Content>& content = progress_.content;
    auto& responses = progress_.responses;
    if (!content) {
        if (const auto error = read(publication)) {
            responses.assign(channels.size(), {api::Error{*error}});
            return true;
        }
    }
    const std::string_view info = progress_.info;
    const std::size_t bytes = content->bytes.size() + info.size() + publication_bytes;
    while (responses.size() < channels.size()) {
        const std::string_view topic = channels[responses.size()];
        if (const auto error = fault_of(exchange, topic)) {
            responses.push_back({api::Error{*error}});
            continue;
        }
        const auto& topics = exchange.shard().settings().topics;
        const bool is_kept = topics.home.stream_of(topic).count_max > 0;
        if (is_kept && publication.skip_history) {
            responses.push_back({api::Error{ErrorCode::not_available}});
            continue;
        }
        if (!publication.idempotency_key.empty() || is_kept) {
            return submit(exchange, topic, publication);
        }
        const bool is_share_spent = share_bytes_ < bytes && share_bytes_ < share_bytes_max;
        const PublishStatus status =
            is_share_spent ? PublishStatus::full
                           : exchange.shard().publish(topic, content->kind,
                                                      as_bytes(content->bytes), as_bytes(info));
        switch (status) {
            case PublishStatus::accepted:
                responses.push_back({api::PublishResult{}});
                share_bytes_ -= std::min(share_bytes_, bytes);
                break;
            case PublishStatus::full: exchange.await_room(topic); return false;
            case PublishStatus::too_large:
                responses.push_back({api::Error{ErrorCode::limit_exceeded}});
                break;
            case PublishStatus::invalid_topic:
            case PublishStatus::closed:
                responses.push_back({api::Error{ErrorCode::internal}});
                break;
        }
    }
    return true;
}

bool ApiCall::submit(shard::HttpExchange& exchange, std::string_view topic,
                     const api::NewPublication& publication) {
    shard::Shard& here = exchange.shard();
    here.run_on(here.home_of(topic),
                Submission{.back = shard::WayBack{exchange},
                           .topic = std::string{topic},
                           .kind = progress_.content->kind,
                           .payload = std::string{progress_.content->bytes},
                           .info = progress_.info,
                           .key = std::string{publication.idempotency_key},
                           .version = publication.version,
                           .version_epoch = std::string{publication.version_epoch}});
    return await(1);
}

void ApiCall::take(const shard::Submitted& submitted) {
    count_answer();
    auto& responses = progress_.responses;
    switch (submitted.status) {
        case PublishStatus::accepted: {
            const hub::Position& position = submitted.position;
            const std::string_view epoch = progress_.epochs.emplace_back(position.epoch).text();
            responses.push_back({api::PublishResult{.offset = position.offset, .epoch = epoch}});
            return;
        }
        case PublishStatus::too_large:
            responses.push_back({api::Error{ErrorCode::limit_exceeded}});
            return;
        case PublishStatus::full:
        case PublishStatus::invalid_topic:
        case PublishStatus::closed: responses.push_back({api::Error{ErrorCode::internal}}); return;
    }
}

/// Finds out what is to be published. The error is what is wrong with it.
std::optional<ErrorCode> ApiCall::read(const api::NewPublication& publication) {
    const std::string_view key = publication.idempotency_key;
    if (!key.empty() && !hub::PublishKeys::is_valid(key)) return ErrorCode::bad_request;
    if (publication.version_epoch.size() > hub::PublicationVersion::epoch_bytes_max)
        return ErrorCode::bad_request;
    if (!are_tags_valid(publication.tags)) return ErrorCode::bad_request;
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

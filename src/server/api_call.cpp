#include "server/api_call.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "api/topic_rules.hpp"
#include "auth/base64.hpp"
#include "base/assert.hpp"
#include "dialect/centrifuge/channel_pattern.hpp"
#include "dialect/centrifuge/named_client.hpp"
#include "dialect/json.hpp"
#include "dialect/json_reader.hpp"
#include "dialect/topic_name.hpp"
#include "hub/publish_keys.hpp"
#include "server/process_figures.hpp"
#include "server/version.hpp"
#include "shard/shard.hpp"
#include "simd/utf8.hpp"

namespace ringcast::server {

namespace {

namespace api = dialect::centrifuge::server_api;
using dialect::centrifuge::ErrorCode;
using dialect::centrifuge::Malformed;

/// What one call publishes in a turn: then others have theirs.
constexpr std::size_t share_bytes_max = 256 << 10;
/// What a publication counts for, beside its payload.
constexpr std::size_t publication_bytes = 1 << 10;
/// What a turn looks at of the table of topics.
constexpr std::size_t places_per_turn = 4096;

std::span<const std::byte> as_bytes(std::string_view text) noexcept {
    return std::as_bytes(std::span{text});
}

std::uint32_t clamped(std::uint64_t count) noexcept {
    constexpr std::uint64_t max = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::min(count, max));
}

/// Negative where the clock was set back.
std::uint32_t clamped_seconds(double seconds) noexcept {
    return clamped(static_cast<std::uint64_t>(std::max(0.0, seconds)));
}

std::optional<ErrorCode> error_of(dialect::TopicNameFault fault) noexcept {
    switch (fault) {
        case dialect::TopicNameFault::none: return std::nullopt;
        // In Centrifugo's words: of a namespace that there is not.
        case dialect::TopicNameFault::reserved: return ErrorCode::unknown_channel;
        case dialect::TopicNameFault::empty:
        case dialect::TopicNameFault::too_long:
        case dialect::TopicNameFault::not_utf8:
        case dialect::TopicNameFault::control_character: return ErrorCode::bad_request;
    }
    return ErrorCode::internal;
}

/// What cannot be had yet, and must not be promised: subscribers would see a publication that is
/// older than one before, or one without its tags.
bool asks_for_more(const api::NewPublication& publication) noexcept {
    return publication.version != 0 || !publication.tags.empty();
}

/// A publication on its way to the home of its topic, and its answer on the way back, where the
/// exchange may be over by then: whoever was not answered publishes again under the same key.
struct Submission {
    shard::ExchangeId asker;
    std::uint32_t asker_shard;
    std::string topic;
    PublicationKind kind;
    std::string payload;
    std::string key;

    void operator()(shard::Shard& home) {
        const shard::Submitted submitted = home.submit(topic, kind, as_bytes(payload), key);
        if (submitted.status == PublishStatus::full)
            return home.run_on(home.topics().shard(), std::move(*this));
        home.run_on(asker_shard, [id = asker, submitted](shard::Shard& asking) {
            auto waiting = asking.find_exchange(id);
            if (!waiting) return;
            static_cast<ApiCall*>(waiting->state())->take(submitted);
            proceed(*waiting);
        });
    }
};

/// A walk over the topics of one shard, a part in each turn.
struct Scan {
    shard::ExchangeId exchange;
    std::uint32_t asker;
    std::optional<std::string> pattern;  // None: only the figures are wanted.
    hub::LocalTopics::Cursor cursor{};
    ShardFigures figures{};
};

void go_on(shard::Shard& there, Scan scan) {
    if (scan.pattern) {
        const bool is_done = there.topics().visit_local(
            scan.cursor, places_per_turn, [&](std::string_view name, std::size_t count) {
                if (scan.figures.subscribers.size() <= channels_max &&
                    dialect::centrifuge::matches_pattern(name, *scan.pattern))
                    scan.figures.subscribers.insert_or_assign(std::string{name}, clamped(count));
            });
        if (!is_done) {
            return there.run_on(there.topics().shard(),
                                [scan = std::move(scan)](shard::Shard& here) mutable {
                                    go_on(here, std::move(scan));
                                });
        }
    }
    scan.figures.sessions = there.metrics().sessions;
    scan.figures.subscriptions = there.topics().subscriptions();
    scan.figures.channels = there.topics().home_topics_wanted();
    there.run_on(scan.asker, [id = scan.exchange, figures = std::move(scan.figures)](
                                 shard::Shard& asking) { take_answer(asking, id, figures); });
}

}  // namespace

bool ApiCall::begin(std::string_view method, std::span<const std::byte> body) {
    call_.batch = {};
    done_count_ = 0;
    if (!api::choose_method(method, call_)) return false;
    text_.assign(reinterpret_cast<const char*>(body.data()), body.size());
    answer_ = api::AnswerText{call_.is_batch};
    if (api::decode_body(text_, call_) == Malformed::none) return true;
    // Of the whole request, be it a batch.
    call_.batch.commands.clear();
    answer_ = api::AnswerText{false};
    answer_.add({api::Error{ErrorCode::bad_request}});
    call_.is_batch = false;
    return true;
}

bool ApiCall::run(shard::HttpExchange& exchange) {
    share_bytes_ = share_bytes_max;
    for (; done_count_ < call_.batch.commands.size(); ++done_count_) {
        const bool is_done =
            std::visit([&](const auto& request) { return serve(exchange, request); },
                       call_.batch.commands[done_count_].request);
        if (!is_done) return false;
        content_.reset();
        responses_.clear();
        epochs_.clear();
        survey_.reset();
        is_history_answered_ = false;
        crowd_.reset();
    }
    return true;
}

bool ApiCall::refuse(ErrorCode code) {
    add({api::Error{code}});
    return true;
}

std::optional<ErrorCode> ApiCall::fault_of(const shard::HttpExchange& exchange,
                                           std::string_view channel) {
    const auto& namespaces = *exchange.shard().settings().topics.home.namespaces;
    return error_of(ringcast::api::check_topic(namespaces, channel));
}

void ApiCall::add(api::Result result) {
    answer_.add(result);
}

bool ApiCall::serve(shard::HttpExchange& exchange, const api::PublishRequest& request) {
    if (!publish(exchange, std::span{&request.channel, 1}, request)) return false;
    const auto& outcome = responses_.front().outcome;
    if (const auto* const error = std::get_if<api::Error>(&outcome)) {
        add({*error});
    } else {
        add({std::get<api::PublishResult>(outcome)});
    }
    return true;
}

bool ApiCall::serve(shard::HttpExchange& exchange, const api::BroadcastRequest& request) {
    if (request.channels.empty()) {
        add({api::Error{ErrorCode::bad_request}});
        return true;
    }
    if (!publish(exchange, request.channels, request)) return false;
    add({api::BroadcastResult{responses_}});
    return true;
}

bool ApiCall::serve(shard::HttpExchange& exchange, const api::InfoRequest&) {
    if (!ask_shards(exchange, std::nullopt)) return false;
    const ShardFigures& figures = survey_->figures;
    const api::NodeResult node{.uid = node_.uid,
                               .name = "ringcast",
                               .version = version,
                               .num_clients = clamped(figures.sessions),
                               .num_users = 0,
                               .num_channels = clamped(figures.channels),
                               .uptime = clamped_seconds(unix_seconds() - node_.start_time_seconds),
                               .num_subs = clamped(figures.subscriptions)};
    add({api::InfoResult{std::span{&node, 1}}});
    return true;
}

bool ApiCall::serve(shard::HttpExchange& exchange, const api::ChannelsRequest& request) {
    if (!dialect::centrifuge::is_channel_pattern(request.pattern)) {
        add({api::Error{ErrorCode::bad_request}});
        return true;
    }
    if (answer_.bytes() >= answer_bytes_max) {
        add({api::Error{ErrorCode::limit_exceeded}});
        return true;
    }
    if (!ask_shards(exchange, std::string{request.pattern})) return false;
    if (survey_->figures.subscribers.size() > channels_max) {
        add({api::Error{ErrorCode::limit_exceeded}});
        return true;
    }
    std::vector<std::pair<std::string_view, api::ChannelInfo>> channels;
    for (const auto& [name, count] : survey_->figures.subscribers)
        channels.emplace_back(name, api::ChannelInfo{count});
    add({api::ChannelsResult{channels}});
    return true;
}

bool ApiCall::serve(shard::HttpExchange& exchange,
                    const dialect::centrifuge::PresenceRequest& request) {
    if (!ask_home(exchange, request.channel, shard::PresenceQuery::clients)) return false;
    if (!crowd_) return true;
    const dialect::centrifuge::NamedClients clients{shard::ClientList{as_bytes(crowd_->clients)}};
    add({api::PresenceResult{clients.all()}});
    return true;
}

bool ApiCall::serve(shard::HttpExchange& exchange,
                    const dialect::centrifuge::PresenceStatsRequest& request) {
    if (!ask_home(exchange, request.channel, shard::PresenceQuery::counts)) return false;
    if (!crowd_) return true;
    add({api::PresenceStatsResult{crowd_->counts.clients, crowd_->counts.users}});
    return true;
}

bool ApiCall::serve(shard::HttpExchange&, const std::monostate&) {
    add({api::Error{ErrorCode::method_not_found}});
    return true;
}

/// What nobody serves yet.
template <class Request>
bool ApiCall::serve(shard::HttpExchange&, const Request&) {
    add({api::Error{ErrorCode::not_available}});
    return true;
}

/// Publishes to each of `channels`, and notes what came of it. Where nothing is kept an answer says
/// that the home's queue has taken the publication: who finds no room waits. Otherwise, or with a
/// key, the home itself is asked. False: there is more to do.
bool ApiCall::publish(shard::HttpExchange& exchange, std::span<const std::string_view> channels,
                      const api::NewPublication& publication) {
    if (!content_) {
        if (const auto error = read(publication)) {
            responses_.assign(channels.size(), {api::Error{*error}});
            return true;
        }
    }
    if (is_submitted_) return false;
    const std::size_t bytes = content_->bytes.size() + publication_bytes;
    while (responses_.size() < channels.size()) {
        const std::string_view topic = channels[responses_.size()];
        if (const auto error = fault_of(exchange, topic)) {
            responses_.push_back({api::Error{*error}});
            continue;
        }
        const std::string_view key = publication.idempotency_key;
        const auto& topics = exchange.shard().settings().topics;
        if (!key.empty() || topics.home.stream_of(topic).count_max > 0) {
            submit(exchange, topic, key);
            return false;
        }
        const bool is_share_spent = share_bytes_ < bytes && share_bytes_ < share_bytes_max;
        const PublishStatus status =
            is_share_spent
                ? PublishStatus::full
                : exchange.shard().publish(topic, content_->kind, as_bytes(content_->bytes));
        switch (status) {
            case PublishStatus::accepted:
                responses_.push_back({api::PublishResult{}});
                share_bytes_ -= std::min(share_bytes_, bytes);
                break;
            case PublishStatus::full: exchange.await_room(topic); return false;
            case PublishStatus::too_large:
                responses_.push_back({api::Error{ErrorCode::limit_exceeded}});
                break;
            case PublishStatus::invalid_topic:
            case PublishStatus::closed:
                responses_.push_back({api::Error{ErrorCode::internal}});
                break;
        }
    }
    return true;
}

void ApiCall::submit(shard::HttpExchange& exchange, std::string_view topic, std::string_view key) {
    is_submitted_ = true;
    shard::Shard& here = exchange.shard();
    here.run_on(here.home_of(topic), Submission{.asker = exchange.id(),
                                                .asker_shard = here.topics().shard(),
                                                .topic = std::string{topic},
                                                .kind = content_->kind,
                                                .payload = std::string{content_->bytes},
                                                .key = std::string{key}});
}

void ApiCall::take(const shard::Submitted& submitted) {
    RC_ASSERT(is_submitted_);
    is_submitted_ = false;
    switch (submitted.status) {
        case PublishStatus::accepted: {
            const hub::Position& position = submitted.position;
            const std::string_view epoch = epochs_.emplace_back(position.epoch).text();
            responses_.push_back({api::PublishResult{.offset = position.offset, .epoch = epoch}});
            return;
        }
        case PublishStatus::too_large:
            responses_.push_back({api::Error{ErrorCode::limit_exceeded}});
            return;
        case PublishStatus::full:
        case PublishStatus::invalid_topic:
        case PublishStatus::closed: responses_.push_back({api::Error{ErrorCode::internal}}); return;
    }
}

/// Finds out what is to be published. The error is what is wrong with it.
std::optional<ErrorCode> ApiCall::read(const api::NewPublication& publication) {
    if (asks_for_more(publication)) return ErrorCode::not_available;
    const std::string_view key = publication.idempotency_key;
    if (!key.empty() && !hub::PublishKeys::is_valid(key)) return ErrorCode::bad_request;
    // Whoever sends both means this one, as with Centrifugo: some SDKs send `data` in any case.
    if (!publication.b64data.empty()) return read_base64(publication);
    return publication.data.bytes.empty() ? ErrorCode::bad_request : read_data(publication);
}

std::optional<ErrorCode> ApiCall::read_data(const api::NewPublication& publication) {
    const std::string_view data = publication.data.bytes;
    if (publication.kind.empty() || publication.kind == "json") {
        content_ = Content{PublicationKind::json, data};
        return std::nullopt;
    }
    if (publication.kind != "text") return ErrorCode::bad_request;
    const auto offset = static_cast<std::size_t>(data.data() - text_.data());
    RC_ASSERT(offset + data.size() <= text_.size());
    dialect::JsonReader reader{std::span{text_}.subspan(offset, data.size())};
    const std::string_view text = reader.read_string();
    reader.finish();
    if (reader.fault() != dialect::JsonFault::none) return ErrorCode::bad_request;
    content_ = Content{PublicationKind::text, text};
    return std::nullopt;
}

std::optional<ErrorCode> ApiCall::read_base64(const api::NewPublication& publication) {
    auto octets = auth::decode_base64(publication.b64data, auth::Base64::standard);
    if (!octets) return ErrorCode::bad_request;
    decoded_ = *std::move(octets);
    if (publication.kind.empty() || publication.kind == "binary") {
        content_ = Content{PublicationKind::binary, decoded_};
    } else if (publication.kind == "text" && simd::is_utf8(as_bytes(decoded_))) {
        content_ = Content{PublicationKind::text, decoded_};
    } else if (publication.kind == "json" && dialect::is_json(decoded_)) {
        content_ = Content{PublicationKind::json, decoded_};
    } else {
        return ErrorCode::bad_request;
    }
    return std::nullopt;
}

/// Asks every shard for its figures, and, with a pattern, for its channels. True once all have
/// answered.
bool ApiCall::ask_shards(shard::HttpExchange& exchange, std::optional<std::string> pattern) {
    if (survey_) return survey_->missing_count == 0;
    shard::Shard& here = exchange.shard();
    survey_.emplace(Survey{.missing_count = here.topics().shards(), .figures = {}});
    const Scan scan{
        .exchange = exchange.id(), .asker = here.topics().shard(), .pattern = std::move(pattern)};
    // There, then back here, where the exchange may be over by then.
    for (std::uint32_t i = 0; i < here.topics().shards(); ++i)
        here.run_on(i, [scan](shard::Shard& there) { go_on(there, scan); });
    return false;
}

/// Asks the topic's home who is there. True once it has answered, or if it was not asked, since the
/// answer is an error.
bool ApiCall::ask_home(shard::HttpExchange& exchange, std::string_view topic,
                       shard::PresenceQuery query) {
    if (crowd_) return true;
    shard::Shard& here = exchange.shard();
    const hub::HomeTopics::Limits& limits = here.settings().topics.home;
    auto error = error_of(ringcast::api::check_topic(*limits.namespaces, topic));
    if (!error && !limits.presence_of(topic).is_kept) error = ErrorCode::not_available;
    if (error) {
        add({api::Error{*error}});
        return true;
    }
    // There, then back here, where the exchange may be over by then.
    here.run_on(
        here.topics().home_of(topic), [id = exchange.id(), asker = here.topics().shard(),
                                       name = std::string{topic}, query](shard::Shard& there) {
            const hub::Presence& presence = there.topics().presence();
            Crowd crowd{.counts = presence.stats(name), .clients = {}};
            if (query == shard::PresenceQuery::clients)
                crowd.clients = shard::client_list_of(presence, name);
            there.run_on(asker, [id, crowd = std::move(crowd)](shard::Shard& asking) mutable {
                auto waiting = asking.find_exchange(id);
                if (!waiting) return;
                static_cast<ApiCall*>(waiting->state())->take(std::move(crowd));
                proceed(*waiting);
            });
        });
    return false;
}

bool ApiCall::take(const ShardFigures& figures) {
    RC_ASSERT(survey_ && survey_->missing_count > 0);
    ShardFigures& all = survey_->figures;
    all.sessions += figures.sessions;
    all.subscriptions += figures.subscriptions;
    all.channels += figures.channels;
    for (const auto& [name, count] : figures.subscribers) all.subscribers[name] += count;
    return --survey_->missing_count == 0;
}

void take_answer(shard::Shard& asking, shard::ExchangeId id, const ShardFigures& figures) {
    auto exchange = asking.find_exchange(id);
    if (!exchange) return;
    if (static_cast<ApiCall*>(exchange->state())->take(figures)) proceed(*exchange);
}

shard::HttpAnswer answer_of(ApiCall& call) {
    return {.fields = "Cache-Control: no-store\r\n",
            .content_type = "application/json",
            .body = call.take_answer()};
}

void proceed(shard::HttpExchange& exchange) {
    auto& call = *static_cast<ApiCall*>(exchange.state());
    // With the answer the exchange ends, and the call with it.
    if (call.run(exchange)) exchange.answer(answer_of(call));
}

}  // namespace ringcast::server

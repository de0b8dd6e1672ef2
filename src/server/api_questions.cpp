// What the server API tells of what there is: of the node, of channels, and of what a topic's home
// knows of it.

#include <algorithm>
#include <limits>
#include <utility>

#include "api/centrifuge_publications.hpp"
#include "api/centrifuge_rules.hpp"
#include "api/session_orders.hpp"
#include "base/bytes.hpp"
#include "dialect/centrifuge/channel_pattern.hpp"
#include "dialect/centrifuge/named_client.hpp"
#include "server/api_call.hpp"
#include "server/api_share.hpp"
#include "server/process_figures.hpp"
#include "server/version.hpp"
#include "shard/shard.hpp"

namespace ringcast::server {

namespace {

namespace api = dialect::centrifuge::server_api;
namespace centrifuge = dialect::centrifuge;
using dialect::centrifuge::ErrorCode;

std::uint32_t clamped(std::uint64_t count) noexcept {
    constexpr std::uint64_t max = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::min(count, max));
}

/// Negative where the clock was set back.
std::uint32_t clamped_seconds(double seconds) noexcept {
    return clamped(static_cast<std::uint64_t>(std::max(0.0, seconds)));
}

/// A walk over the topics of one shard, a part in each turn.
struct Scan {
    shard::WayBack back;
    std::optional<std::string> pattern;  // None: only the figures are wanted.
    hub::LocalTopics::Cursor cursor{};
    ShardFigures figures{};

    void operator()(shard::Shard& there) {
        if (pattern && !visit(there.topics()))
            return there.run_on(there.topics().shard(), std::move(*this));
        figures.sessions = there.metrics().sessions;
        figures.users = ringcast::api::user_count(there);
        figures.subscriptions = there.topics().subscriptions();
        figures.channels = there.topics().home_topics_wanted();
        send_back(back, there, std::move(figures));
    }
    /// True once it has come to the end.
    bool visit(const shard::Topics& topics) {
        return topics.visit_local(
            cursor, places_per_turn, [&](std::string_view name, std::size_t count) {
                if (figures.subscribers.size() <= channels_max &&
                    centrifuge::matches_pattern(name, *pattern))
                    figures.subscribers.insert_or_assign(std::string{name}, clamped(count));
            });
    }
};

}  // namespace

bool ApiCall::serve(shard::HttpExchange& exchange, const api::InfoRequest&) {
    if (!progress_.has_asked) return ask_shards(exchange, std::nullopt);
    const ShardFigures& figures = progress_.figures;
    const api::NodeResult node{.uid = node_.uid,
                               .name = "ringcast",
                               .version = version,
                               .num_clients = clamped(figures.sessions),
                               .num_users = clamped(figures.users),
                               .num_channels = clamped(figures.channels),
                               .uptime = clamped_seconds(unix_seconds() - node_.start_time_seconds),
                               .num_subs = clamped(figures.subscriptions)};
    return finish({api::InfoResult{std::span{&node, 1}}});
}

bool ApiCall::serve(shard::HttpExchange& exchange, const api::ChannelsRequest& request) {
    if (!progress_.has_asked) {
        if (!centrifuge::is_channel_pattern(request.pattern)) return refuse(ErrorCode::bad_request);
        if (answer_.bytes() >= answer_bytes_max) return refuse(ErrorCode::limit_exceeded);
        return ask_shards(exchange, std::string{request.pattern});
    }
    const auto& subscribers = progress_.figures.subscribers;
    if (subscribers.size() > channels_max) return refuse(ErrorCode::limit_exceeded);
    std::vector<std::pair<std::string_view, api::ChannelInfo>> channels;
    for (const auto& [name, count] : subscribers)
        channels.emplace_back(name, api::ChannelInfo{count});
    return finish({api::ChannelsResult{channels}});
}

bool ApiCall::serve(shard::HttpExchange& exchange, const centrifuge::PresenceRequest& request) {
    if (!progress_.has_asked)
        return ask_home(exchange, request.channel, shard::PresenceQuery::clients);
    const centrifuge::NamedClients clients{shard::ClientList{as_bytes(progress_.crowd.clients)}};
    return finish({api::PresenceResult{clients.all()}});
}

bool ApiCall::serve(shard::HttpExchange& exchange,
                    const centrifuge::PresenceStatsRequest& request) {
    if (!progress_.has_asked)
        return ask_home(exchange, request.channel, shard::PresenceQuery::counts);
    const hub::Presence::Stats& counts = progress_.crowd.counts;
    return finish({api::PresenceStatsResult{counts.clients, counts.users}});
}

bool ApiCall::serve(shard::HttpExchange& exchange, const api::HistoryRequest& request) {
    if (!progress_.has_asked) {
        if (const auto error = fault_of(exchange, request.channel)) return refuse(*error);
        const auto& topics = exchange.shard().settings().topics.home;
        if (topics.stream_of(request.channel).count_max == 0)
            return refuse(ErrorCode::not_available);
        if (answer_.bytes() >= answer_bytes_max) return refuse(ErrorCode::limit_exceeded);
        if (!exchange.history(request.channel, ringcast::api::history_query_of(request)))
            return refuse(ErrorCode::too_many_requests);
        return await(1);
    }
    const shard::HistoryAnswer& said = *progress_.history;
    if (const auto error = ringcast::api::history_fault(said.outcome)) return refuse(*error);
    const ringcast::api::Publications publications{said.publications};
    return finish({api::HistoryResult{.publications = publications.all(),
                                      .epoch = said.position.epoch.text(),
                                      .offset = said.position.offset}});
}

void ApiCall::take(const shard::HistoryAnswer& said) {
    count_answer();
    progress_.history = &said;
}

/// For its figures, and, with a pattern, for its channels.
bool ApiCall::ask_shards(shard::HttpExchange& exchange, const std::optional<std::string>& pattern) {
    const std::uint32_t shards = exchange.shard().topics().shards();
    const Scan scan{.back = shard::WayBack{exchange}, .pattern = pattern};
    for (std::uint32_t i = 0; i < shards; ++i) exchange.shard().run_on(i, scan);
    return await(shards);
}

void ApiCall::take(const ShardFigures& figures) {
    count_answer();
    ShardFigures& all = progress_.figures;
    all.sessions += figures.sessions;
    all.users += figures.users;
    all.subscriptions += figures.subscriptions;
    all.channels += figures.channels;
    for (const auto& [name, count] : figures.subscribers) all.subscribers[name] += count;
}

/// Who is there.
bool ApiCall::ask_home(shard::HttpExchange& exchange, std::string_view topic,
                       shard::PresenceQuery query) {
    if (const auto error = fault_of(exchange, topic)) return refuse(*error);
    shard::Shard& here = exchange.shard();
    if (!here.settings().topics.home.presence_of(topic).is_kept)
        return refuse(ErrorCode::not_available);
    const bool is_list = query == shard::PresenceQuery::clients;
    if (is_list && answer_.bytes() >= answer_bytes_max) return refuse(ErrorCode::limit_exceeded);
    here.run_on(here.home_of(topic), [back = shard::WayBack{exchange}, name = std::string{topic},
                                      is_list](shard::Shard& home) {
        const hub::Presence& presence = home.topics().presence();
        Crowd crowd{.counts = presence.stats(name), .clients = {}};
        if (is_list) crowd.clients = shard::client_list_of(presence, name);
        send_back(back, home, std::move(crowd));
    });
    return await(1);
}

void ApiCall::take(Crowd crowd) {
    count_answer();
    progress_.crowd = std::move(crowd);
}

}  // namespace ringcast::server

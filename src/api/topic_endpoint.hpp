#pragma once
// What mount_topics() serves: the raw dialect, in which the path names the topic.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "api/endpoint.hpp"
#include "base/token_bucket.hpp"
#include "ringcast/topics.hpp"
#include "shard/endpoint.hpp"
#include "shard/http_exchange.hpp"

namespace ringcast::api {

/// One per mounted path and shard. The path's pattern has a parameter `topic`.
class TopicEndpoint final : public UserEndpoint {
public:
    TopicEndpoint(const shard::SessionLimits& limits, TopicsPolicy policy)
        : UserEndpoint{limits}, policy_{std::move(policy)} {}

    shard::Verdict on_upgrade(shard::Upgrade& upgrade) override;
    /// The same about a plain request for a stream of events, with `fields` in any answer to it.
    [[nodiscard]] shard::Verdict on_event_stream(shard::Upgrade& upgrade, std::string fields);
    /// And about a plain request that publishes, and nothing else.
    [[nodiscard]] shard::Verdict on_post(shard::Upgrade& upgrade);
    /// Whom a publication is from that `granted` allows, as others are told: a packed ClientInfo,
    /// or nothing.
    [[nodiscard]] static std::string_view info_in(const shard::Verdict& granted) noexcept;
    /// Of a publication that is posted, which `granted` allows: how long until it may be; or 0.
    [[nodiscard]] static Duration take_publication(const shard::HttpExchange& exchange,
                                                   const shard::Verdict& granted);
    shard::Verdict on_late_verdict(shard::Verdict late, shard::Verdict pending) override;
    void on_open(shard::Session& session) override;
    void on_subscribed(shard::Session& session, const shard::Subscribed& subscribed) override;
    void on_message(shard::Session session, std::string_view payload, MessageKind kind) override;
    /// When its token ends.
    [[nodiscard]] Instant deadline(const shard::Session& session) const override;
    [[nodiscard]] Instant expiry(const shard::Session& session) const override;
    void on_time(shard::Session& session) override;
    void on_drain(shard::Session&) override {}
    void on_close(shard::Session& session, CloseCode code, std::string_view reason) override;
    void on_skipped(shard::Session& session, std::uint64_t count) override;
    void append_farewell(const shard::Session& session, CloseCode code, std::string_view reason,
                         std::string& content) const override;
    void on_tick(shard::Shard&) override {}

    [[nodiscard]] const void* state_tag() const noexcept override;

private:
    struct Wishes;
    struct PendingTopic;

    [[nodiscard]] shard::Verdict decide(shard::Upgrade& upgrade, const std::string& topic,
                                        Wishes wishes);
    [[nodiscard]] std::string_view user_of(const shard::Session& session) const override;
    static void pace(shard::Session& session, std::string_view topic, const TokenRate& rate,
                     std::uint64_t publisher);
    void send_notice(shard::Session& session, std::string_view name, const std::string& text,
                     const hub::Position& position = {});
    [[nodiscard]] SendStatus send_missed(shard::Session& session,
                                         const shard::MissedPublication& missed,
                                         std::string_view epoch);

    TopicsPolicy policy_;
    std::string event_;  // The one under way.
};

}  // namespace ringcast::api

#pragma once
// The applications of the simulated server with topics: the raw dialect as it is, with a look at
// what is accepted, and one in which sessions join and leave topics at their clients' word, as a
// program does through the public API.

#include <memory>
#include <string>

#include "api/topic_endpoint.hpp"
#include "shard/endpoint.hpp"
#include "sim/topic_book.hpp"
#include "sim/topic_scenario.hpp"

namespace ringcast::sim {

/// What rooms and their clients say besides publications: one of these and the number of a topic.
namespace rooms {
inline constexpr char subscribe = '+', unsubscribe = '-';  ///< Said by clients, and back when done.
inline constexpr char refused = '!';
}  // namespace rooms

/// A TopicEndpoint, overheard.
class OverheardTopics final : public shard::Endpoint {
public:
    OverheardTopics(const shard::SessionLimits& limits, TopicBook& book)
        : Endpoint{limits}, topics_{limits, {.anonymous = TopicAccess::publish}}, book_{book} {}

    shard::Verdict on_upgrade(shard::Upgrade& upgrade) override {
        return topics_.on_upgrade(upgrade);
    }
    void on_open(shard::Session& session) override { topics_.on_open(session); }
    void on_message(shard::Session session, std::string_view payload, MessageKind kind) override;
    void on_drain(shard::Session& session) override { topics_.on_drain(session); }
    void on_close(shard::Session& session, CloseCode code, std::string_view reason) override {
        topics_.on_close(session, code, reason);
    }
    void on_skipped(shard::Session& session, std::uint64_t count) override {
        topics_.on_skipped(session, count);
    }
    void on_tick(shard::Shard& shard) override { topics_.on_tick(shard); }

private:
    api::TopicEndpoint topics_;
    TopicBook& book_;
};

class Rooms final : public shard::Endpoint {
public:
    Rooms(const shard::SessionLimits& limits, const TopicScenario& scenario, TopicBook& book)
        : Endpoint{limits}, scenario_{scenario}, book_{book} {}

    shard::Verdict on_upgrade(shard::Upgrade&) override { return {}; }
    void on_open(shard::Session&) override {}
    void on_message(shard::Session session, std::string_view payload, MessageKind kind) override;
    void on_drain(shard::Session&) override {}
    void on_close(shard::Session&, CloseCode, std::string_view) override {}
    void on_tick(shard::Shard&) override {}

    /// Publications that had no room.
    [[nodiscard]] std::uint64_t refusals() const noexcept { return refusals_; }

private:
    void publish(shard::Session& session, const Message& message, std::uint32_t publication);
    void answer(shard::Session& session, char word, std::size_t topic);

    const TopicScenario& scenario_;
    TopicBook& book_;
    std::uint64_t refusals_ = 0;
};

}  // namespace ringcast::sim

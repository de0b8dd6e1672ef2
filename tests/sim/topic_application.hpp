#pragma once
// The applications of the simulated server with topics: the raw dialect as it is, with a look at
// what is accepted, and a handler of the public API in which sessions join and leave topics at
// their clients' word.

#include <memory>
#include <string>

#include "api/topic_endpoint.hpp"
#include "ringcast/session.hpp"
#include "shard/endpoint.hpp"
#include "sim/topic_book.hpp"
#include "sim/topic_scenario.hpp"

namespace ringcast::sim {

/// What rooms and their clients say besides publications: one of these and the number of a topic.
namespace rooms {
inline constexpr char subscribe = '+', unsubscribe = '-';  ///< Said by clients, and back when done.
inline constexpr char refused = '!';
/// Said in front of a publication: it is published in the same breath as its topic subscribed to.
/// Answered like `subscribe`.
inline constexpr char enter = '*';
/// What is answered; it begins with the word and the number.
[[nodiscard]] std::string answer(const TopicScenario& scenario, char word, std::size_t topic);
}  // namespace rooms

/// A TopicEndpoint, overheard.
class OverheardTopics final : public shard::Endpoint {
public:
    /// `asks`: for what is kept, too, now and then. `mixes_keys` is a break: all have one.
    OverheardTopics(const shard::SessionLimits& limits, TopicBook& book, bool asks, bool mixes_keys)
        : Endpoint{limits},
          topics_{limits, {.anonymous = TopicAccess::publish}},
          book_{book},
          asks_{asks},
          mixes_keys_{mixes_keys} {}

    shard::Verdict on_upgrade(shard::Upgrade& upgrade) override {
        return topics_.on_upgrade(upgrade);
    }
    void on_open(shard::Session& session) override { topics_.on_open(session); }
    void on_message(shard::Session session, std::string_view payload, MessageKind kind) override;
    void on_subscribed(shard::Session& session, const shard::Subscribed& subscribed) override {
        topics_.on_subscribed(session, subscribed);
    }
    void on_history(shard::Session& session, const shard::HistoryAnswer& answer) override;
    void on_drain(shard::Session& session) override { topics_.on_drain(session); }
    void on_close(shard::Session& session, CloseCode code, std::string_view reason) override {
        topics_.on_close(session, code, reason);
    }
    void on_skipped(shard::Session& session, std::uint64_t count) override {
        topics_.on_skipped(session, count);
    }
    void on_tick(shard::Shard& shard) override { topics_.on_tick(shard); }

private:
    void publish(shard::Session session, std::string_view payload, MessageKind kind,
                 std::uint32_t key);

    api::TopicEndpoint topics_;
    TopicBook& book_;
    const bool asks_, mixes_keys_;
};

/// A handler as a program would mount it.
class Rooms {
public:
    /// `publishes_first` is a break: it publishes before it subscribes.
    Rooms(const TopicScenario* scenario, TopicBook* book, bool publishes_first)
        : scenario_{*scenario}, book_{*book}, publishes_first_{publishes_first} {}

    void on_message(Session<>& session, Message message);

private:
    void enter(Session<>& session, const Message& message);
    void subscribe(Session<>& session, std::size_t topic);
    void publish(Session<>& session, const Message& message, std::uint32_t publication);
    void answer(Session<>& session, char word, std::size_t topic);

    const TopicScenario& scenario_;
    TopicBook& book_;
    bool publishes_first_;
};

}  // namespace ringcast::sim

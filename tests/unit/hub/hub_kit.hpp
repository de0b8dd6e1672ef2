#pragma once
// What the hub tests share: sessions that are subscribed to topics of a LocalTopics, and a home
// that answers as the test says.

#include <algorithm>
#include <cstdint>
#include <doctest/doctest.h>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hub/local_topics.hpp"

namespace ringcast::hub {

using Outcome = LocalTopics::Outcome;

/// A session as LocalTopics sees it.
struct TestSession {
    SlotId id;
    SessionTopics topics;
};

/// LocalTopics of a shard among `shards`, with sessions by number.
struct HubKit {
    explicit HubKit(const LocalTopics::Limits& limits = {}, std::uint32_t shards = 4)
        : local{7, shards, limits} {}

    TestSession& session(std::uint32_t number) {
        TestSession& session = sessions[number];
        if (session.id.generation == 0) session.id = {.slot = number, .generation = 1};
        return session;
    }
    Outcome subscribe(std::uint32_t number, std::string_view name,
                      LocalTopics::Hears hears = LocalTopics::Hears::publications,
                      LocalTopics::Takes takes = LocalTopics::Takes::whole) {
        TestSession& subscriber = session(number);
        return local.subscribe(subscriber.id, subscriber.topics, name,
                               LocalTopics::LiveBy::interest, hears, takes);
    }
    Outcome subscribe_for_deltas(std::uint32_t number, std::string_view name) {
        return subscribe(number, name, LocalTopics::Hears::publications,
                         LocalTopics::Takes::deltas);
    }
    bool unsubscribe(std::uint32_t number, std::string_view name) {
        return local.unsubscribe(session(number).topics, name);
    }
    void unsubscribe_all(std::uint32_t number) { local.unsubscribe_all(session(number).topics); }

    /// What settle() wanted to tell the homes, in order: `+name` joins, `-name` leaves; `is_told`:
    /// whether they could be told.
    std::string settle(bool is_told = true) {
        std::string told;
        const auto note = [&](char sign, const LocalTopic& topic) {
            told += told.empty() ? "" : " ";
            told += sign;
            told += topic.name();
            return is_told;
        };
        local.settle([&](const LocalTopic& topic) { return note('+', topic); },
                     [&](const LocalTopic& topic) { return note('-', topic); });
        return told;
    }
    /// Settles, and the homes confirm everything; for what is not of interest to a test.
    void settle_and_confirm() {
        std::vector<std::pair<std::string, std::uint64_t>> joins;
        local.settle(
            [&](const LocalTopic& topic) {
                joins.emplace_back(topic.name(), topic.join_number());
                return true;
            },
            [](const LocalTopic&) { return true; });
        for (const auto& [name, number] : joins) local.confirm(name, number, [](SlotId, SlotId) {});
    }
    /// The sessions that confirm(), refuse() or lose() named, in order.
    std::string confirm(std::string_view name, std::uint64_t join_number) {
        std::string named;
        local.confirm(name, join_number, [&](SlotId id, SlotId) { append(named, id); });
        return named;
    }
    std::string refuse(std::string_view name, std::uint64_t join_number) {
        std::string named;
        local.refuse(name, join_number, [&](SlotId id, SlotId) { append(named, id); });
        return named;
    }
    std::string lose(std::uint32_t home) {
        std::string named;
        local.lose(home, [&](SlotId id, SlotId) { append(named, id); });
        return named;
    }
    std::uint64_t join_number(std::string_view name) {
        REQUIRE(local.find(name) != nullptr);
        return local.find(name)->join_number();
    }
    HomeState state(std::string_view name) {
        REQUIRE(local.find(name) != nullptr);
        return local.find(name)->home_state();
    }

    LocalTopics local;
    std::map<std::uint32_t, TestSession> sessions;

private:
    static void append(std::string& named, SlotId id) {
        named += (named.empty() ? "" : " ") + std::to_string(id.slot);
    }
};

}  // namespace ringcast::hub

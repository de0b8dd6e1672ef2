#include "hub/presence.hpp"

#include <algorithm>
#include <cstdint>
#include <doctest/doctest.h>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/prng.hpp"
#include "unit/hub/presence_kit.hpp"

using namespace ringcast;
using namespace ringcast::hub;

namespace {

using Put = Presence::Outcome;

/// The clients of a topic as visit() tells them, `portion` places at a time.
std::string told(const Presence& presence, std::string_view topic, std::size_t portion = 100) {
    std::string numbers;
    Presence::Cursor cursor;
    while (!cursor.is_at_end) {
        cursor = presence.visit(topic, cursor, portion, [&](const Member& member) {
            numbers += (numbers.empty() ? "" : " ") + std::to_string(number_of(member.client));
            return true;
        });
    }
    return numbers;
}

Presence::Limits with_clients_max(std::uint32_t clients_max) {
    Presence::Limits limits;
    limits.clients_max = clients_max;
    return limits;
}

}  // namespace

TEST_CASE("a member is there as it was put, until it is removed") {
    Presence presence{1, {}};
    CHECK_FALSE(presence.find("a", client(1)));
    Member ann = member(1, "ann");
    ann.connection_info = R"({"name":"Ann"})";
    ann.channel_info = "x";
    ann.shard = 5;
    ann.session = {.slot = 77, .generation = 3};
    CHECK(presence.put("a", ann) == Put::joined);
    const std::optional<Member> found = presence.find("a", client(1));
    REQUIRE(found);
    CHECK(found->client == client(1));
    CHECK(found->user == "ann");
    CHECK(found->connection_info == R"({"name":"Ann"})");
    CHECK(found->channel_info == "x");
    CHECK(found->shard == 5);
    CHECK(found->session == SlotId{.slot = 77, .generation = 3});
    CHECK(found->joined == 1);
    CHECK_FALSE(presence.find("b", client(1)));
    CHECK_FALSE(presence.find("a", client(2)));
    std::string left;
    const auto note = [&](std::string_view topic, const Member& gone) {
        left = std::string{topic} + " " + std::string{gone.user};
    };
    CHECK_FALSE(presence.remove("b", client(1), note));
    CHECK_FALSE(presence.remove("a", client(2), note));
    CHECK(left == "");
    CHECK(presence.remove("a", client(1), note));
    CHECK(left == "a ann");
    CHECK(presence.last_event() == 2);
    CHECK_FALSE(presence.remove("a", client(1), note));
    CHECK_FALSE(presence.find("a", client(1)));
    CHECK(presence.bytes() == 0);
    CHECK(presence.topics() == 0);
}

TEST_CASE("a member that is put again has its new infos and session, and joins no second time") {
    Presence presence{1, {}};
    Member ann = member(1, "ann");
    ann.connection_info = "long information";
    CHECK(presence.put("a", ann) == Put::joined);
    ann.connection_info = "";
    ann.channel_info = "c";
    ann.shard = 1;
    CHECK(presence.put("a", ann) == Put::updated);
    CHECK(presence.find("a", client(1))->connection_info == "");
    CHECK(presence.find("a", client(1))->channel_info == "c");
    CHECK(presence.find("a", client(1))->shard == 1);
    CHECK(presence.find("a", client(1))->joined == 1);
    CHECK(presence.last_event() == 1);
    CHECK(presence.stats("a") == Presence::Stats{.clients = 1, .users = 1});
    // In another topic it is another member.
    CHECK(presence.put("b", ann) == Put::joined);
    CHECK(presence.clients() == 2);
}

TEST_CASE("a topic that is forgotten takes its members with it, free places or not") {
    Presence presence{1, {}};
    for (std::uint32_t i = 0; i < 4; ++i) CHECK(presence.put("a", member(i, "u")) == Put::joined);
    CHECK(presence.put("b", member(1, "u")) == Put::joined);
    CHECK(presence.remove("a", client(0)));
    CHECK(presence.remove("a", client(2)));
    presence.clear("c");
    presence.clear("a");
    CHECK(presence.topics() == 1);
    CHECK(presence.stats("a") == Presence::Stats{});
    CHECK(presence.last_event() == 7);  // That was none.
    CHECK(told(presence, "b") == "1");
    CHECK(presence.put("a", member(1, "u")) == Put::joined);
    CHECK(told(presence, "a") == "1");
}

TEST_CASE("several connections of one user count as one user, and so do all who are anonymous") {
    Presence presence{1, {}};
    CHECK(presence.stats("a") == Presence::Stats{});
    for (std::uint32_t i = 0; i < 3; ++i) CHECK(presence.put("a", member(i, "ann")) == Put::joined);
    CHECK(presence.put("a", member(3, "bob")) == Put::joined);
    CHECK(presence.put("a", member(4, "")) == Put::joined);
    CHECK(presence.put("a", member(5, "")) == Put::joined);
    CHECK(presence.put("b", member(0, "ann")) == Put::joined);
    CHECK(presence.stats("a") == Presence::Stats{.clients = 6, .users = 3});
    CHECK(presence.remove("a", client(0)));
    CHECK(presence.remove("a", client(1)));
    CHECK(presence.stats("a") == Presence::Stats{.clients = 4, .users = 3});
    CHECK(presence.remove("a", client(2)));
    CHECK(presence.stats("a") == Presence::Stats{.clients = 3, .users = 2});
    CHECK(presence.stats("b") == Presence::Stats{.clients = 1, .users = 1});
}

TEST_CASE("a list is told in portions, and who comes and goes meanwhile disturbs nobody else") {
    Presence presence{1, {}};
    CHECK(told(presence, "a") == "");
    for (std::uint32_t i = 0; i < 6; ++i) CHECK(presence.put("a", member(i, "u")) == Put::joined);
    CHECK(told(presence, "a", 1) == "0 1 2 3 4 5");
    std::string numbers;
    const auto tell = [&](const Member& each) {
        numbers += std::to_string(number_of(each.client)) + " ";
        return true;
    };
    Presence::Cursor cursor = presence.visit("a", {}, 3, tell);
    CHECK(numbers == "0 1 2 ");
    CHECK_FALSE(cursor.is_at_end);
    CHECK(presence.remove("a", client(1)));
    CHECK(presence.remove("a", client(4)));
    CHECK(presence.put("a", member(6, "u")) == Put::joined);  // Has the place of 4.
    CHECK(presence.put("a", member(7, "u")) == Put::joined);  // That of 1: too late for this list.
    CHECK(presence.put("a", member(8, "u")) == Put::joined);
    cursor = presence.visit("a", cursor, 0, tell);
    cursor = presence.visit("a", cursor, 4, tell);
    CHECK(numbers == "0 1 2 3 6 5 8 ");
    CHECK(cursor.is_at_end);
    CHECK(presence.visit("a", cursor, 4, tell).is_at_end);
    CHECK(told(presence, "a") == "0 7 2 3 6 5 8");
}

TEST_CASE("what there was no room for is the first of the next portion") {
    Presence presence{1, {}};
    for (std::uint32_t i = 0; i < 4; ++i) CHECK(presence.put("a", member(i, "u")) == Put::joined);
    std::string numbers;
    Presence::Cursor cursor;
    while (!cursor.is_at_end) {
        std::size_t room = 3;
        cursor = presence.visit("a", cursor, 100, [&](const Member& each) {
            if (room-- == 0) return false;
            numbers += std::to_string(number_of(each.client));
            return true;
        });
        numbers += '|';
    }
    CHECK(numbers == "012|3|");
}

TEST_CASE("members of a lost shard are in doubt until they are told anew, the rest is removed") {
    Presence presence{1, {}};
    for (std::uint32_t i = 0; i < 6; ++i)
        CHECK(presence.put(i < 3 ? "a" : "b", member(i, "u", i % 2)) == Put::joined);
    presence.doubt(1);  // 1, 3 and 5.
    presence.doubt(7);  // Has none.
    CHECK(told(presence, "a") == "0 1 2");
    CHECK(presence.put("b", member(3, "u", 1)) == Put::updated);
    CHECK(presence.put("b", member(7, "u", 1)) == Put::joined);
    CHECK(presence.remove_doubted(0, 100));
    std::string left;
    const auto note = [&](std::string_view topic, const Member& gone) {
        left += std::string{topic} + std::to_string(number_of(gone.client)) + " ";
    };
    CHECK_FALSE(presence.remove_doubted(1, 1, note));
    CHECK(left == "a1 ");
    CHECK(presence.remove_doubted(1, 100, note));
    CHECK(left == "a1 b5 ");
    CHECK(told(presence, "a") == "0 2");
    CHECK(told(presence, "b") == "3 4 7");
    // A shard that is gone for good: all of them. One that moved to another shard is not its own.
    CHECK(presence.put("b", member(3, "u", 2)) == Put::updated);
    presence.doubt(1);
    CHECK(presence.put("b", member(8, "u", 1)) == Put::joined);
    presence.doubt(1);
    CHECK(presence.remove_doubted(1, 100, note));
    CHECK(left == "a1 b5 b7 b8 ");
}

TEST_CASE("what has no room changes nothing, and what is removed makes room") {
    SUBCASE("clients of the shard") {
        Presence presence{1, with_clients_max(2)};
        CHECK(presence.put("a", member(1, "u")) == Put::joined);
        CHECK(presence.put("b", member(2, "u")) == Put::joined);
        CHECK(presence.put("c", member(3, "u")) == Put::shard_full);
        CHECK(presence.put("b", member(2, "u")) == Put::updated);
        CHECK(presence.topics() == 2);
        CHECK(presence.last_event() == 2);
        CHECK(presence.remove("a", client(1)));
        CHECK(presence.put("c", member(3, "u")) == Put::joined);
    }
    SUBCASE("clients of a topic") {
        Presence::Limits limits;
        limits.topic_clients_max = 1;
        Presence presence{1, limits};
        CHECK(presence.put("a", member(1, "u")) == Put::joined);
        CHECK(presence.put("a", member(2, "u")) == Put::topic_full);
        CHECK(presence.put("b", member(2, "u")) == Put::joined);
    }
    SUBCASE("bytes of one member") {
        Presence::Limits limits;
        limits.member_bytes_max = 4;
        Presence presence{1, limits};
        Member large = member(1, "u");
        large.connection_info = "cc";
        large.channel_info = "hh";
        CHECK(presence.put("a", large) == Put::too_large);
        CHECK(presence.topics() == 0);
        large.channel_info = "h";
        CHECK(presence.put("a", large) == Put::joined);
    }
    SUBCASE("bytes of a topic and of the shard, when it joins and when it grows") {
        constexpr std::uint64_t one =
            Presence::topic_bytes + 1 + Presence::user_bytes + 1 + Presence::member_bytes;
        Presence::Limits limits;
        limits.bytes_max = 2 * one + 3;
        limits.topic_bytes_max = one + 2;
        Presence presence{1, limits};
        Member ann = member(1, "u");
        ann.connection_info = "ccc";
        CHECK(presence.put("a", ann) == Put::topic_full);
        ann.connection_info = "";
        CHECK(presence.put("a", ann) == Put::joined);
        CHECK(presence.bytes() == one);
        ann.connection_info = "ccc";
        CHECK(presence.put("a", ann) == Put::topic_full);
        CHECK(presence.find("a", client(1))->connection_info == "");
        ann.connection_info = "cc";
        CHECK(presence.put("a", ann) == Put::updated);
        Member bob = member(2, "v");
        bob.channel_info = "hh";
        CHECK(presence.put("b", bob) == Put::shard_full);
        bob.channel_info = "h";
        CHECK(presence.put("b", bob) == Put::joined);
        bob.channel_info = "hh";
        CHECK(presence.put("b", bob) == Put::shard_full);
        bob.channel_info = "";
        CHECK(presence.put("b", bob) == Put::updated);
        CHECK(presence.bytes() == 2 * one + 2);
    }
}

TEST_CASE("whatever joins, changes and leaves, presence is as a naive one") {
    struct Naive {
        std::string user, connection_info, channel_info;
        std::uint32_t shard;
        std::uint64_t joined;
        bool is_doubted = false;
    };
    constexpr std::uint32_t clients_max = 40;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        CAPTURE(seed);
        Prng prng{seed};
        Presence presence{seed, with_clients_max(clients_max)};
        std::map<std::string, std::map<std::uint32_t, Naive>> naive;
        std::uint64_t events = 0;
        // A list under way: all who were there at its begin and stay must be in it, once.
        std::string listed_topic = "t0";
        Presence::Cursor cursor{.place = 0, .is_at_end = true};
        std::set<std::uint32_t> staying, listed;
        const auto count = [&] {
            std::size_t clients = 0;
            for (const auto& [name, members] : naive) clients += members.size();
            return clients;
        };
        const auto left = [&](std::string_view topic, const Member& gone) {
            const std::uint32_t number = number_of(gone.client);
            auto& members = naive[std::string{topic}];
            REQUIRE(members.contains(number));
            CHECK(members[number].joined == gone.joined);
            CHECK(presence.last_event() == ++events);
            members.erase(number);
            if (topic == listed_topic) staying.erase(number);
        };
        const auto list = [&](const Member& each) {
            const std::uint32_t id = number_of(each.client);
            CHECK(naive[listed_topic].contains(id));
            // Only one that left and came back can be in it twice.
            if (staying.contains(id)) CHECK_FALSE(listed.contains(id));
            listed.insert(id);
            return true;
        };
        for (int step = 0; step < 2000; ++step) {
            const std::string topic = "t" + std::to_string(prng.below(3));
            const auto number = static_cast<std::uint32_t>(prng.below(25));
            const auto shard = static_cast<std::uint32_t>(prng.below(4));
            const bool is_there = naive[topic].contains(number);
            switch (prng.below(12)) {
                default: {
                    const std::string user = "user" + std::to_string(number % 7);
                    const std::string connection_info(prng.below(20), 'c');
                    const std::string channel_info(prng.below(3), 'h');
                    Member put = member(number, user, shard);
                    put.connection_info = connection_info;
                    put.channel_info = channel_info;
                    const bool fits = is_there || count() < clients_max;
                    const Put expected = !fits      ? Put::shard_full
                                         : is_there ? Put::updated
                                                    : Put::joined;
                    CHECK(presence.put(topic, put) == expected);
                    if (!fits) break;
                    const std::uint64_t joined = is_there ? naive[topic][number].joined : ++events;
                    naive[topic][number] = {user, connection_info, channel_info, shard, joined};
                    break;
                }
                case 0:
                case 1:
                case 2:
                case 3: CHECK(presence.remove(topic, client(number), left) == is_there); break;
                case 4:
                    presence.doubt(shard);
                    for (auto& [name, members] : naive)
                        for (auto& [id, each] : members) each.is_doubted |= each.shard == shard;
                    break;
                case 5: {
                    const bool is_all = presence.remove_doubted(shard, prng.below(4), left);
                    bool is_any_left = false;
                    for (auto& [name, members] : naive)
                        for (auto& [id, each] : members)
                            is_any_left |= each.shard == shard && each.is_doubted;
                    CHECK(is_all == !is_any_left);
                    break;
                }
                case 6:
                    if (cursor.is_at_end) {
                        CHECK(std::ranges::includes(listed, staying));
                        listed_topic = topic;
                        cursor = {};
                        listed.clear();
                        staying.clear();
                        for (const auto& [id, each] : naive[topic]) staying.insert(id);
                    }
                    cursor = presence.visit(listed_topic, cursor, prng.below(6), list);
                    break;
            }
            REQUIRE(presence.clients() == count());
            for (const auto& [name, members] : naive) {
                std::set<std::string> users;
                for (const auto& [id, each] : members) {
                    users.insert(each.user);
                    const std::optional<Member> found = presence.find(name, client(id));
                    REQUIRE(found);
                    const bool is_equal = found->user == each.user &&
                                          found->connection_info == each.connection_info &&
                                          found->channel_info == each.channel_info &&
                                          found->shard == each.shard &&
                                          found->joined == each.joined;
                    REQUIRE(is_equal);
                }
                const Presence::Stats stats = presence.stats(name);
                REQUIRE(stats.clients == members.size());
                REQUIRE(stats.users == users.size());
            }
        }
        for (std::uint32_t shard = 0; shard < 4; ++shard) {
            presence.doubt(shard);
            CHECK(presence.remove_doubted(shard, 1000, left));
        }
        CHECK(count() == 0);
        CHECK(presence.bytes() == 0);
    }
}

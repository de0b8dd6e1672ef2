#include "hub/presence.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <doctest/doctest.h>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/prng.hpp"

using namespace ringcast;
using namespace ringcast::hub;

namespace {

using Put = Presence::Outcome;

ClientId client(std::uint32_t number) {
    ClientId id{};
    std::memcpy(id.data() + 5, &number, sizeof number);
    return id;
}

std::uint32_t number_of(const ClientId& id) {
    std::uint32_t number;
    std::memcpy(&number, id.data() + 5, sizeof number);
    return number;
}

Presence::Member member(std::uint32_t number, std::string_view user,
                        std::string_view connection = {}, std::string_view channel = {}) {
    return {.client = {.id = client(number),
                       .user = user,
                       .connection = connection,
                       .channel = channel},
            .seen = {}};
}

/// The clients of a topic, by number.
std::string told(const Presence& presence, std::string_view topic) {
    std::set<std::uint32_t> numbers;
    std::size_t count = 0;
    presence.for_each(topic, [&](const ClientInfo& each) {
        numbers.insert(number_of(each.id));
        ++count;
    });
    CHECK(numbers.size() == count);
    std::string text;
    for (const std::uint32_t number : numbers)
        text += (text.empty() ? "" : " ") + std::to_string(number);
    return text;
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
    Presence::Member ann = member(1, "ann", R"({"name":"Ann"})", "x");
    ann.seen.is_announced = true;
    CHECK(presence.put("a", ann) == Put::joined);
    const auto found = presence.find("a", client(1));
    REQUIRE(found);
    CHECK(found->client.id == client(1));
    CHECK(found->client.user == "ann");
    CHECK(found->client.connection == R"({"name":"Ann"})");
    CHECK(found->client.channel == "x");
    CHECK(found->seen.is_announced);
    CHECK_FALSE(presence.find("b", client(1)));
    CHECK_FALSE(presence.find("a", client(2)));
    CHECK_FALSE(presence.remove("b", client(1)));
    CHECK_FALSE(presence.remove("a", client(2)));
    CHECK(presence.remove("a", client(1)));
    CHECK_FALSE(presence.remove("a", client(1)));
    CHECK_FALSE(presence.find("a", client(1)));
    CHECK(presence.bytes() == 0);
    CHECK(presence.topics() == 0);
}

TEST_CASE("a member that is put again has its new infos, and joins no second time") {
    Presence presence{1, {}};
    CHECK(presence.put("a", member(1, "ann", "long information")) == Put::joined);
    Presence::Member again = member(1, "ann", "", "c");
    again.seen.is_announced = true;
    CHECK(presence.put("a", again) == Put::updated);
    CHECK(presence.find("a", client(1))->client.connection == "");
    CHECK(presence.find("a", client(1))->client.channel == "c");
    CHECK(presence.find("a", client(1))->seen.is_announced);
    CHECK(presence.stats("a") == Presence::Stats{.clients = 1, .users = 1});
    // In another topic it is another member.
    CHECK(presence.put("b", again) == Put::joined);
    CHECK(presence.clients() == 2);
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

TEST_CASE("all who are in a topic are told, whoever came and went before") {
    Presence presence{1, {}};
    CHECK(told(presence, "a") == "");
    for (std::uint32_t i = 0; i < 6; ++i) CHECK(presence.put("a", member(i, "u")) == Put::joined);
    CHECK(presence.put("b", member(9, "u")) == Put::joined);
    CHECK(told(presence, "a") == "0 1 2 3 4 5");
    for (const std::uint32_t gone : {1u, 5u, 0u}) CHECK(presence.remove("a", client(gone)));
    CHECK(presence.put("a", member(6, "u")) == Put::joined);
    CHECK(told(presence, "a") == "2 3 4 6");
    CHECK(told(presence, "b") == "9");
}

TEST_CASE("who is not listed is there for itself only") {
    Presence presence{1, {}};
    Presence::Member shy = member(1, "ann");
    shy.seen = {.is_listed = false, .is_announced = true};
    CHECK(presence.put("a", shy) == Put::joined);
    CHECK(presence.put("a", member(2, "bob")) == Put::joined);
    CHECK(told(presence, "a") == "2");
    CHECK(presence.stats("a") == Presence::Stats{.clients = 1, .users = 1});
    CHECK(presence.find("a", client(1))->seen.is_announced);
    CHECK(presence.clients() == 2);
    shy.seen.is_listed = true;
    CHECK(presence.put("a", shy) == Put::updated);
    CHECK(told(presence, "a") == "1 2");
    CHECK(presence.stats("a") == Presence::Stats{.clients = 2, .users = 2});
}

TEST_CASE("what has no room changes nothing, and what is removed makes room") {
    SUBCASE("clients of the shard") {
        Presence presence{1, with_clients_max(2)};
        CHECK(presence.put("a", member(1, "u")) == Put::joined);
        CHECK(presence.put("b", member(2, "u")) == Put::joined);
        CHECK(presence.put("c", member(3, "u")) == Put::shard_full);
        CHECK(presence.put("b", member(2, "u")) == Put::updated);
        CHECK(presence.topics() == 2);
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
        CHECK(presence.put("a", member(1, "u", "cc", "hh")) == Put::too_large);
        CHECK(presence.topics() == 0);
        CHECK(presence.put("a", member(1, "u", "cc", "h")) == Put::joined);
    }
    SUBCASE("bytes of a topic and of the shard, when it joins and when it grows") {
        constexpr std::uint64_t one =
            Presence::topic_bytes + 1 + Presence::user_bytes + 1 + Presence::member_bytes;
        Presence::Limits limits;
        limits.bytes_max = 2 * one + 3;
        limits.topic_bytes_max = one + 2;
        Presence presence{1, limits};
        CHECK(presence.put("a", member(1, "u", "ccc")) == Put::topic_full);
        CHECK(presence.put("a", member(1, "u")) == Put::joined);
        CHECK(presence.bytes() == one);
        CHECK(presence.put("a", member(1, "u", "ccc")) == Put::topic_full);
        CHECK(presence.find("a", client(1))->client.connection == "");
        CHECK(presence.put("a", member(1, "u", "cc")) == Put::updated);
        CHECK(presence.put("b", member(2, "v", "", "hh")) == Put::shard_full);
        CHECK(presence.put("b", member(2, "v", "", "h")) == Put::joined);
        CHECK(presence.put("b", member(2, "v", "", "hh")) == Put::shard_full);
        CHECK(presence.put("b", member(2, "v")) == Put::updated);
        CHECK(presence.bytes() == 2 * one + 2);
    }
}

TEST_CASE("whatever joins, changes and leaves, presence is as a naive one") {
    struct Naive {
        std::string user, connection, channel;
        bool is_announced, is_listed;
    };
    constexpr std::uint32_t clients_max = 40;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        CAPTURE(seed);
        Prng prng{seed};
        Presence presence{seed, with_clients_max(clients_max)};
        std::map<std::string, std::map<std::uint32_t, Naive>> naive;
        const auto count = [&] {
            std::size_t clients = 0;
            for (const auto& [name, members] : naive) clients += members.size();
            return clients;
        };
        for (int step = 0; step < 2000; ++step) {
            const std::string topic = "t" + std::to_string(prng.below(3));
            const auto number = static_cast<std::uint32_t>(prng.below(25));
            const bool is_there = naive[topic].contains(number);
            if (prng.below(3) == 0) {
                CHECK(presence.remove(topic, client(number)) == is_there);
                naive[topic].erase(number);
            } else {
                const Naive next{.user = "user" + std::to_string(number % 7),
                                 .connection = std::string(prng.below(20), 'c'),
                                 .channel = std::string(prng.below(3), 'h'),
                                 .is_announced = prng.below(2) == 0,
                                 .is_listed = prng.below(3) > 0};
                Presence::Member put = member(number, next.user, next.connection, next.channel);
                put.seen = {.is_listed = next.is_listed, .is_announced = next.is_announced};
                const bool fits = is_there || count() < clients_max;
                const Put expected = !fits      ? Put::shard_full
                                     : is_there ? Put::updated
                                                : Put::joined;
                CHECK(presence.put(topic, put) == expected);
                if (fits) naive[topic][number] = next;
            }
            REQUIRE(presence.clients() == count());
            for (const auto& [name, members] : naive) {
                std::set<std::string> users;
                std::string numbers;
                std::uint32_t listed = 0;
                for (const auto& [id, each] : members) {
                    if (each.is_listed) {
                        ++listed;
                        users.insert(each.user);
                        numbers += (numbers.empty() ? "" : " ") + std::to_string(id);
                    }
                    const auto found = presence.find(name, client(id));
                    REQUIRE(found);
                    const bool is_equal = found->client.user == each.user &&
                                          found->client.connection == each.connection &&
                                          found->client.channel == each.channel &&
                                          found->seen.is_announced == each.is_announced &&
                                          found->seen.is_listed == each.is_listed;
                    REQUIRE(is_equal);
                }
                REQUIRE(told(presence, name) == numbers);
                REQUIRE(presence.stats(name) ==
                        Presence::Stats{.clients = listed,
                                        .users = static_cast<std::uint32_t>(users.size())});
            }
        }
        for (auto& [name, members] : naive) {
            for (const auto& [id, each] : members) CHECK(presence.remove(name, client(id)));
        }
        CHECK(presence.bytes() == 0);
    }
}

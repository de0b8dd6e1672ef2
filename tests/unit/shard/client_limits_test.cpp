#include "shard/client_limits.hpp"

#include <atomic>
#include <doctest/doctest.h>
#include <string>
#include <thread>
#include <vector>

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

IpAddress ip(std::string_view text) {
    return parse_ip_address(text).value();
}

/// 10.0.0.0 and so many further.
IpAddress numbered(std::uint32_t number) {
    IpAddress address = ip("10.0.0.0");
    for (std::size_t i = 0; i < 3; ++i)
        address.octets[15 - i] = static_cast<std::uint8_t>(number >> 8 * i);
    return address;
}

constexpr Instant start{std::chrono::hours{1}};

}  // namespace

TEST_CASE("a client has so many connections at a time, others theirs") {
    ClientLimits limits{{.connections_per_client_max = 3, .seed = 7}};
    CHECK(limits.is_on());
    std::vector<std::uint32_t> places;
    for (int i = 0; i < 3; ++i) {
        const auto entry = limits.admit(ip("192.0.2.7"), start);
        REQUIRE(entry.verdict == ClientLimits::Verdict::admitted);
        places.push_back(entry.place);
    }
    CHECK(limits.admit(ip("192.0.2.7"), start).verdict == ClientLimits::Verdict::too_many);
    CHECK(limits.admit(ip("192.0.2.8"), start).verdict == ClientLimits::Verdict::admitted);
    limits.leave(places[1]);
    CHECK(limits.admit(ip("192.0.2.7"), start).verdict == ClientLimits::Verdict::admitted);
    CHECK(limits.admit(ip("192.0.2.7"), start).verdict == ClientLimits::Verdict::too_many);
    limits.leave(ClientLimits::no_place);
}

TEST_CASE("of IPv6 the first 64 bits are the client, of IPv4 the whole address") {
    ClientLimits limits{{.connections_per_client_max = 1}};
    const auto is_admitted = [&](std::string_view text) {
        return limits.admit(ip(text), start).verdict == ClientLimits::Verdict::admitted;
    };
    CHECK(is_admitted("2001:db8:1:2::1"));
    CHECK_FALSE(is_admitted("2001:db8:1:2:ffff:ffff:ffff:ffff"));
    CHECK(is_admitted("2001:db8:1:3::1"));
    CHECK(is_admitted("192.0.2.7"));
    CHECK_FALSE(is_admitted("::ffff:192.0.2.7"));
    CHECK(is_admitted("192.0.2.8"));
    CHECK(is_admitted("::1"));  // The same 64 bits as the IPv4 addresses have, and no relation.
}

TEST_CASE("without a limit everybody is admitted and nothing kept") {
    ClientLimits limits{{}};
    CHECK_FALSE(limits.is_on());
    for (int i = 0; i < 100; ++i) {
        const auto entry = limits.admit(ip("192.0.2.7"), start);
        CHECK(entry.verdict == ClientLimits::Verdict::admitted);
        CHECK(entry.place == ClientLimits::no_place);
    }
}

TEST_CASE("a client comes so often in a second, ten seconds' worth at once") {
    ClientLimits limits{{.handshakes_per_client = 5, .seed = 3}};
    Instant now = start;
    const auto admitted = [&](std::string_view client, int tries) {
        int count = 0;
        for (int i = 0; i < tries; ++i)
            count +=
                limits.admit(ip(client), now).verdict == ClientLimits::Verdict::admitted ? 1 : 0;
        return count;
    };
    CHECK(admitted("192.0.2.7", 100) == 50);
    CHECK(limits.admit(ip("192.0.2.7"), now).verdict == ClientLimits::Verdict::too_often);
    CHECK(admitted("192.0.2.8", 1) == 1);
    now += 201ms;
    CHECK(admitted("192.0.2.7", 100) == 1);
    now += 2s;
    CHECK(admitted("192.0.2.7", 100) == 10);
    now += 1h;
    CHECK(admitted("192.0.2.7", 100) == 50);
    // A clock that stands a turn behind that of another shard.
    now -= 10ms;
    CHECK(admitted("192.0.2.7", 1) == 0);
}

TEST_CASE("the clock of the rates may turn over") {
    ClientLimits limits{{.handshakes_per_client = 1}};
    for (const auto days : {0, 100, 104, 105, 208, 209, 300, 417}) {
        const Instant now = start + std::chrono::days{days};
        CAPTURE(days);
        for (int i = 0; i < 10; ++i)
            CHECK(limits.admit(ip("192.0.2.7"), now).verdict == ClientLimits::Verdict::admitted);
        CHECK(limits.admit(ip("192.0.2.7"), now).verdict == ClientLimits::Verdict::too_often);
    }
}

TEST_CASE("of a publisher a topic takes its burst at once, and then what comes, on all shards") {
    using enum ClientLimits::Excess;
    ClientLimits limits{{.has_publication_rates = true, .seed = 9}};
    CHECK_FALSE(limits.is_on());  // Nobody is counted who connects.
    constexpr TokenRate rate{.rate = 10, .burst = 3};
    const auto seven = limits.publisher(ClientLimits::Publisher::user, "7");
    Instant now = start;
    const auto given = [&](std::uint64_t who, std::string_view topic, int tries) {
        int count = 0;
        for (int i = 0; i < tries; ++i)
            count += limits.take_publication(who, topic, rate, now, refused).is_given ? 1 : 0;
        return count;
    };
    CHECK(given(seven, "a", 100) == 3);
    const auto late = limits.take_publication(seven, "a", rate, now, refused);
    CHECK_FALSE(late.is_given);
    CHECK(late.next > 99ms);
    CHECK(late.next <= 100ms);
    // Nobody else's, and no other topic's.
    CHECK(given(seven, "b", 100) == 3);
    CHECK(given(limits.publisher(ClientLimits::Publisher::session, "7"), "a", 100) == 3);
    CHECK(given(limits.publisher(ip("192.0.2.7")), "a", 100) == 3);
    now += 101ms;
    CHECK(given(seven, "a", 100) == 1);
    now += 1h;
    CHECK(given(seven, "a", 100) == 3);
    CHECK(limits.take_publication(seven, "a", {}, now, refused).is_given);  // No rate.
}

TEST_CASE("a publication that was taken in excess puts the next one off") {
    using enum ClientLimits::Excess;
    ClientLimits limits{{.has_publication_rates = true, .seed = 9}};
    constexpr TokenRate rate{.rate = 1};
    const auto who = limits.publisher(ClientLimits::Publisher::user, "7");
    for (int i = 1; i <= 5; ++i) {
        const auto permit = limits.take_publication(who, "a", rate, start, owed);
        CHECK(permit.is_given);
        CHECK(permit.next > std::chrono::milliseconds{999} * i);
        CHECK(permit.next <= 1s * i);
    }
    // Not for ever, however many there were.
    for (int i = 0; i < 1000; ++i) (void)limits.take_publication(who, "a", rate, start, owed);
    CHECK_FALSE(limits.take_publication(who, "a", rate, start + 59s, refused).is_given);
    CHECK(limits.take_publication(who, "a", rate, start + 62s, refused).is_given);
    ClientLimits off{{}};
    CHECK(off.take_publication(who, "a", rate, start, refused).is_given);
}

TEST_CASE("of as many clients as there may be connections nearly all are counted, and all leave") {
    constexpr std::uint32_t clients = 10'000;
    ClientLimits limits{{.connections_per_client_max = 1, .connections_max = clients, .seed = 11}};
    for (int round = 0; round < 3; ++round) {
        std::vector<std::uint32_t> places;
        std::size_t counted = 0;
        for (std::uint32_t i = 0; i < clients; ++i) {
            const auto entry = limits.admit(numbered(i), start);
            REQUIRE(entry.verdict == ClientLimits::Verdict::admitted);
            counted += entry.place != ClientLimits::no_place ? 1 : 0;
            places.push_back(entry.place);
        }
        CHECK(counted > clients * 95 / 100);
        for (const std::uint32_t place : places) limits.leave(place);
    }
}

TEST_CASE("whoever comes too often stays known among many who come once") {
    ClientLimits limits{{.handshakes_per_client = 1, .seed = 5}};
    for (int i = 0; i < 10; ++i) (void)limits.admit(ip("192.0.2.7"), start);
    for (std::uint32_t i = 0; i < 1'000'000; ++i) (void)limits.admit(numbered(i), start);
    CHECK(limits.admit(ip("192.0.2.7"), start).verdict == ClientLimits::Verdict::too_often);
}

TEST_CASE("shards that count at the same time lose nothing") {
    constexpr std::uint32_t most = 100;
    ClientLimits limits{{.connections_per_client_max = most, .connections_max = 8}};
    std::atomic<std::uint32_t> inside = 0, highest = 0;
    const auto come_and_go = [&] {
        for (int i = 0; i < 20'000; ++i) {
            const auto entry = limits.admit(numbered(static_cast<std::uint32_t>(i) % 2), start);
            if (entry.verdict != ClientLimits::Verdict::admitted) continue;
            const std::uint32_t now = ++inside;
            for (std::uint32_t seen = highest; seen < now;)
                if (highest.compare_exchange_weak(seen, now)) break;
            --inside;
            limits.leave(entry.place);
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(come_and_go);
    for (std::thread& thread : threads) thread.join();
    CHECK(highest <= 4);
    for (std::uint32_t i = 0; i < most; ++i)
        REQUIRE(limits.admit(numbered(0), start).verdict == ClientLimits::Verdict::admitted);
    CHECK(limits.admit(numbered(0), start).verdict == ClientLimits::Verdict::too_many);
}

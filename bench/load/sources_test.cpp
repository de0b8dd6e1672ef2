#include "sources.hpp"

#include <doctest/doctest.h>
#include <set>
#include <string>
#include <vector>

#include "url.hpp"

namespace {

using namespace ringcast::bench;

/// The addresses of the next `count` connections.
std::vector<std::string> take(Sources& sources, int count) {
    std::vector<std::string> taken;
    for (int i = 0; i < count; ++i) {
        const auto address = sources.next();
        taken.push_back(address ? address->host() : "any");
    }
    return taken;
}

Sources sources_of(const std::vector<std::string>& addresses, const char* url) {
    auto sources = Sources::create(addresses, *parse_url(url));
    REQUIRE(sources.has_value());
    return *sources;
}

constexpr const char* loopback_url = "ws://127.0.0.1:8080/";
constexpr const char* other_url = "ws://10.1.2.3:8080/";

}  // namespace

TEST_CASE("connections leave from the named addresses in turn") {
    Sources sources = sources_of({"127.0.0.7", "127.0.1.9"}, loopback_url);
    CHECK(take(sources, 4) ==
          std::vector<std::string>{"127.0.0.7", "127.0.1.9", "127.0.0.7", "127.0.1.9"});
}

TEST_CASE("on loopback there are many addresses without naming any, elsewhere the kernel's") {
    Sources loopback = sources_of({}, loopback_url);
    const auto taken = take(loopback, 257);
    CHECK(std::set(taken.begin(), taken.end()).size() == 256);
    CHECK(taken.front() == "127.0.0.1");
    CHECK(taken.back() == "127.0.0.1");
    Sources other = sources_of({}, other_url);
    CHECK(take(other, 2) == std::vector<std::string>{"any", "any"});
}

TEST_CASE("an address that is none is refused by name") {
    for (const char* text : {"", "localhost", "[::1]", "::1", "10.0.0", "10.0.0.1/8"}) {
        const auto sources =
            Sources::create(std::vector<std::string>{"10.0.0.1", text}, *parse_url(other_url));
        REQUIRE_FALSE(sources.has_value());
        CHECK(sources.error().message ==
              "--source must be an IPv4 address, as the server's, got '" + std::string(text) + "'");
    }
}

TEST_CASE("to a server at an IPv6 address connections leave from IPv6 addresses") {
    constexpr const char* url = "ws://[::1]:8080/";
    Sources sources = sources_of({"::1", "fd00::2"}, url);
    CHECK(take(sources, 3) == std::vector<std::string>{"::1", "fd00::2", "::1"});
    CHECK_FALSE(Sources::create(std::vector<std::string>{"127.0.0.1"}, *parse_url(url)));
    Sources none = sources_of({}, url);
    CHECK(take(none, 1) == std::vector<std::string>{"any"});
}

TEST_CASE("more connections than the addresses have ports are refused before any is opened") {
    CHECK(sources_of({}, other_url).check_ports(100, 100).has_value());
    const auto one = sources_of({}, other_url).check_ports(201, 100);
    REQUIRE_FALSE(one.has_value());
    CHECK(one.error().message ==
          "201 connections need more ports than 1 source address with 100 each: give 3 with "
          "--source, or widen net.ipv4.ip_local_port_range");
    CHECK(sources_of({"10.0.0.1", "10.0.0.2"}, other_url).check_ports(200, 100).has_value());
    CHECK_FALSE(sources_of({"10.0.0.1", "10.0.0.2"}, other_url).check_ports(201, 100).has_value());
    CHECK(ephemeral_port_count() > 0);
}

#include "base/ip_address.hpp"

#include <arpa/inet.h>
#include <cstring>
#include <doctest/doctest.h>
#include <string>

#include "base/prng.hpp"

using namespace ringcast;

namespace {

/// What the C library makes of the text, in our shape.
std::optional<IpAddress> reference(const std::string& text) {
    IpAddress address;
    std::array<std::uint8_t, 4> octets{};
    if (inet_pton(AF_INET, text.c_str(), octets.data()) == 1) return IpAddress::ipv4(octets);
    if (inet_pton(AF_INET6, text.c_str(), address.octets.data()) == 1) return address;
    return std::nullopt;
}

IpAddress ip(std::string_view text) {
    return parse_ip_address(text).value();
}

bool contains(std::string_view network, std::string_view address) {
    return IpNetwork::parse(network).value().contains(ip(address));
}

}  // namespace

TEST_CASE("addresses are read as the C library reads them") {
    for (const char* const text :
         {"0.0.0.0", "192.0.2.7", "255.255.255.255", "::", "::1", "1::", "2001:db8::7",
          "2001:DB8::a:b", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
          "1::3:4:5:6:7:8", "::ffff:192.0.2.7", "64:ff9b::192.0.2.7", "1:2:3:4:5:6:1.2.3.4",
          "fe80:0:0:0:0:0:0:1"}) {
        CAPTURE(text);
        REQUIRE(reference(text));
        CHECK(parse_ip_address(text) == reference(text));
    }
    CHECK(ip("::ffff:192.0.2.7") == ip("192.0.2.7"));
    CHECK(ip("192.0.2.7").is_ipv4());
    CHECK_FALSE(ip("::192.0.2.7").is_ipv4());
}

TEST_CASE("what is no address is refused, as it is by the C library") {
    for (const char* const text : {"",
                                   "1",
                                   "1.2.3",
                                   "1.2.3.4.5",
                                   "1.2.3.256",
                                   "1.2.3.-4",
                                   "1.2.3.",
                                   ".1.2.3",
                                   "1..2.3",
                                   "01.2.3.4",
                                   "1.2.3.4 ",
                                   " 1.2.3.4",
                                   "1.2.3.4/8",
                                   "0x1.2.3.4",
                                   ":",
                                   ":::",
                                   "1:2",
                                   "1:2:3:4:5:6:7",
                                   "1::2::3",
                                   "12345::",
                                   "::g",
                                   ":1::",
                                   "1:::2",
                                   "::1:",
                                   "1:2:3:4:5:6:7:8:9",
                                   "1:2:3:4:5:6:7:8::",
                                   "::1:2:3:4:5:6:7:8",
                                   "1:2:3:4:5:6:7:1.2.3.4",
                                   "1.2.3.4::",
                                   "::1.2.3",
                                   "::1.2.3.4:5",
                                   "[::1]",
                                   "fe80::1%eth0",
                                   "::-1",
                                   "::+1",
                                   "localhost",
                                   "unknown"}) {
        CAPTURE(text);
        CHECK_FALSE(reference(text));
        CHECK_FALSE(parse_ip_address(text));
    }
}

TEST_CASE("on any text the verdict is the C library's") {
    constexpr std::string_view alphabet = "0129af:.::";
    Prng prng{7};
    for (int i = 0; i < 200'000; ++i) {
        std::string text(prng.below(20), '\0');
        for (char& c : text) c = alphabet[prng.below(alphabet.size())];
        const auto expected = reference(text);
        const bool is_same = parse_ip_address(text) == expected;
        REQUIRE_MESSAGE(is_same, text);
    }
}

TEST_CASE("an endpoint may have brackets and a port") {
    struct {
        const char *text, *address;
        std::uint16_t port;
    } const cases[] = {
        {"192.0.2.7", "192.0.2.7", 0},           {"192.0.2.7:80", "192.0.2.7", 80},
        {"192.0.2.7:0", "192.0.2.7", 0},         {"192.0.2.7:65535", "192.0.2.7", 65535},
        {"2001:db8::7", "2001:db8::7", 0},       {"[2001:db8::7]", "2001:db8::7", 0},
        {"[2001:db8::7]:80", "2001:db8::7", 80}, {"::1:80", "::1:80", 0},
    };
    for (const auto& [text, address, port] : cases) {
        CAPTURE(text);
        CHECK(parse_ip_endpoint(text) == IpEndpoint{.ip = ip(address), .port = port});
    }
    for (const char* const text :
         {"", ":", ":80", "192.0.2.7:", "192.0.2.7:65536", "192.0.2.7:x", "192.0.2.7:080",
          "[192.0.2.7]", "[192.0.2.7]:80", "[::1", "[::1]x", "[::1]:", "[::1]80", "::1]:80",
          "[]:80", "localhost:80", "192.0.2.7:80:90"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_ip_endpoint(text));
    }
}

TEST_CASE("a network holds what begins with its bits") {
    CHECK(contains("10.0.0.0/8", "10.255.0.1"));
    CHECK_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
    CHECK(contains("192.168.4.0/22", "192.168.7.255"));
    CHECK_FALSE(contains("192.168.4.0/22", "192.168.8.0"));
    CHECK(contains("192.0.2.7", "192.0.2.7"));
    CHECK_FALSE(contains("192.0.2.7", "192.0.2.6"));
    CHECK(contains("0.0.0.0/0", "203.0.113.9"));
    CHECK_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
    CHECK(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
    CHECK(contains("2001:db8::/33", "2001:db8:7fff::1"));
    CHECK_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
    CHECK(contains("::1", "::1"));
    CHECK(contains("::/0", "10.0.0.1"));
    for (const char* const text :
         {"", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.1/8", "2001:db8::/129",
          "2001:db8::1/32", "/8", "10/8", "[::1]", "10.0.0.0/8/8", "10.0.0.0/-1", "example.org"}) {
        CAPTURE(text);
        const auto network = IpNetwork::parse(text);
        REQUIRE_FALSE(network);
        CHECK(network.error().starts_with("'" + std::string{text} + "': "));
    }
}

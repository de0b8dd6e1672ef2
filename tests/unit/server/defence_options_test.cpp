#include "server/defence_options.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "server/options.hpp"

using namespace ringcast;
using namespace ringcast::server;
using namespace std::chrono_literals;

namespace {

std::expected<Options, Exit> load_defences(std::vector<std::string> arguments) {
    arguments.emplace_back("--listen=ws://127.0.0.1:0");
    return load_options({.arguments = std::move(arguments), .environment = {}, .read_file = {}});
}

std::string defence_mistake(std::vector<std::string> arguments) {
    const auto options = load_defences(std::move(arguments));
    REQUIRE_FALSE(options);
    CHECK(options.error().code == Exit::usage);
    return options.error().text;
}

}  // namespace

TEST_CASE("without settings nobody is limited and nobody believed") {
    const Options options = load_defences({}).value();
    CHECK(options.connections_per_ip_max == 0);
    CHECK(options.handshakes_per_ip == 0);
    CHECK(options.message_rate == 0);
    CHECK(options.byte_rate == 0);
    CHECK(options.trusted_proxies.empty());
    CHECK_FALSE(options.proxy_protocol);
    CHECK(options.forwarded_field == http::ForwardedField::x_forwarded_for);
    CHECK(options.allow_origin.empty());
    CHECK(options.tcp_user_timeout == 60s);
}

TEST_CASE("every flag of the defences reaches its member") {
    const Options options =
        load_defences({"--connections-per-ip-max=100", "--handshakes-per-ip=5", "--message-rate=20",
                       "--message-burst=50", "--byte-rate=64KiB", "--byte-burst=1MiB",
                       "--trusted-proxies=10.0.0.0/8", "--trusted-proxies=unix", "--proxy-protocol",
                       "--forwarded-field=forwarded", "--allow-origin=https://*.example.org",
                       "--allow-origin=http://localhost:*", "--tcp-user-timeout=20s"})
            .value();
    CHECK(options.connections_per_ip_max == 100);
    CHECK(options.handshakes_per_ip == 5);
    CHECK(options.message_rate == 20);
    CHECK(options.message_burst == 50);
    CHECK(options.byte_rate == 64 << 10);
    CHECK(options.byte_burst == 1 << 20);
    CHECK(options.trusted_proxies == std::vector<std::string>{"10.0.0.0/8", "unix"});
    CHECK(options.proxy_protocol);
    CHECK(options.forwarded_field == http::ForwardedField::forwarded);
    CHECK(options.allow_origin ==
          std::vector<std::string>{"https://*.example.org", "http://localhost:*"});
    CHECK(options.tcp_user_timeout == 20s);
}

TEST_CASE("what no defence can be is a mistake that names its flag") {
    CHECK(
        defence_mistake({"--allow-origin=example.org"}).contains("--allow-origin: 'example.org'"));
    CHECK(defence_mistake({"--allow-origin=https://*.*.org/"}).contains("without a path"));
    CHECK(defence_mistake({"--allow-origin=https://a.org:443/"}).contains("without a path"));
    CHECK(defence_mistake({"--trusted-proxies=10.0.0.1/8"})
              .contains("--trusted-proxies: '10.0.0.1/8'"));
    CHECK(defence_mistake({"--forwarded-field=via"}).contains("--forwarded-field"));
    CHECK(defence_mistake({"--connections-per-ip-max=16777216"})
              .contains("--connections-per-ip-max"));
    CHECK(defence_mistake({"--handshakes-per-ip=10001"}).contains("--handshakes-per-ip"));
    CHECK(defence_mistake({"--message-rate=1000001"}).contains("--message-rate"));
    CHECK(defence_mistake({"--byte-rate=5GiB"}).contains("--byte-rate"));
    CHECK(defence_mistake({"--byte-rate=1023"}).contains("1KiB to 4GiB, or 0"));
    CHECK(defence_mistake({"--proxy-protocol"}).contains("--trusted-proxies"));
}

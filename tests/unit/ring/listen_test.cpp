#include "ring/listen.hpp"

#include <netinet/tcp.h>
#include <sys/stat.h>

#include "unit/ring/ring_kit.hpp"

namespace ringcast::ring {
namespace {

TEST_CASE("listen URLs are read into addresses") {
    const auto text_of_url = [](std::string_view url) {
        const auto address = parse_listen_url(url);
        return address ? address->to_string() : "error: " + address.error();
    };
    CHECK(text_of_url("ws://127.0.0.1:8080") == "127.0.0.1:8080");
    CHECK(text_of_url("ws://0.0.0.0:0") == "0.0.0.0");
    CHECK(text_of_url("ws://localhost:65535") == "127.0.0.1:65535");
    CHECK(text_of_url("ws://[::1]:80") == "[::1]:80");
    CHECK(text_of_url("ws://[::]:80") == "[::]:80");
    CHECK(text_of_url("ws://[2001:DB8::0:1]:80") == "[2001:db8::1]:80");
    CHECK(text_of_url("ws://[fe80::1%1]:80") == "[fe80::1%lo]:80");
    CHECK(text_of_url("ws://[fe80::1%lo]:80") == "[fe80::1%lo]:80");
    CHECK(text_of_url("unix:/run/x.sock") == "unix:/run/x.sock");
    CHECK(text_of_url("unix:/" + std::string(106, 'x')) == "unix:/" + std::string(106, 'x'));
}

TEST_CASE(
    "a listen URL has one of the schemes that are asked for, and who gives another hears of all") {
    CHECK(parse_listen_url("wss://[::1]:90")->to_string() == "[::1]:90");
    CHECK(parse_listen_url("https://[::1]:90").error() ==
          "'https://[::1]:90': expected ws://address:port, wss://address:port or unix:/path");
    CHECK(parse_listen_url("http://[::1]:90", http_schemes)->to_string() == "[::1]:90");
    CHECK(parse_listen_url("unix:/x", http_schemes)->to_string() == "unix:/x");
    CHECK(parse_listen_url("ws://[::1]:90", http_schemes).error() ==
          "'ws://[::1]:90': expected http://address:port or unix:/path");
}

TEST_CASE("loopback is what only this machine can reach") {
    for (const char* const url : {"ws://127.0.0.1:1", "ws://127.9.9.9:1", "ws://[::1]:1",
                                  "ws://[::ffff:127.0.0.1]:1", "ws://localhost:1", "unix:/x"}) {
        CAPTURE(url);
        CHECK(parse_listen_url(url)->is_loopback());
    }
    for (const char* const url : {"ws://0.0.0.0:1", "ws://[::]:1", "ws://10.0.0.1:1",
                                  "ws://[::ffff:10.0.0.1]:1", "ws://[fe80::1%1]:1"}) {
        CAPTURE(url);
        CHECK_FALSE(parse_listen_url(url)->is_loopback());
    }
    CHECK_FALSE(Address{}.is_loopback());
}

TEST_CASE("a listen URL that is none is refused with a sentence that quotes it") {
    for (const std::string& url : {std::string{},
                                   std::string{"8080"},
                                   std::string{"http://127.0.0.1:80"},
                                   std::string{"https://127.0.0.1:80"},
                                   std::string{"wss:127.0.0.1:80"},
                                   std::string{"ws://"},
                                   std::string{"ws://:80"},
                                   std::string{"ws://127.0.0.1"},
                                   std::string{"ws://127.0.0.1:"},
                                   std::string{"ws://127.0.0.1:x"},
                                   std::string{"ws://127.0.0.1:-1"},
                                   std::string{"ws://127.0.0.1:+1"},
                                   std::string{"ws://127.0.0.1: 1"},
                                   std::string{"ws://127.0.0.1:65536"},
                                   std::string{"ws://127.0.0.1:80/"},
                                   std::string{"ws://127.0.0.256:80"},
                                   std::string{"ws://example.org:80"},
                                   std::string{"ws://::1:80"},
                                   std::string{"ws://[::1]"},
                                   std::string{"ws://[::1:80"},
                                   std::string{"ws://[127.0.0.1]:80"},
                                   std::string{"ws://[fe80::1%]:80"},
                                   std::string{"ws://[fe80::1%nosuchzone]:80"},
                                   std::string{"unix:"},
                                   std::string{"unix:relative"},
                                   std::string{"unix:/a\0b", 9},
                                   "unix:/" + std::string(107, 'x')}) {
        CAPTURE(url);
        const auto address = parse_listen_url(url);
        REQUIRE(!address.has_value());
        CHECK(address.error().starts_with("'" + url + "': "));
    }
}

TEST_CASE("addresses print as people write them") {
    CHECK(Address{}.to_string() == "unknown");
    CHECK(Address{}.ip_string() == "unknown");
    const Address unix_address{.family = Address::Family::unix_path, .path = "/x"};
    CHECK(unix_address.to_string() == "unix:/x");
    CHECK(unix_address.ip_string() == "unix");
    CHECK(loopback(80).ip_string() == "127.0.0.1");
    Address mapped = parse_listen_url("ws://[::ffff:10.1.2.3]:80").value();
    CHECK(mapped.ip_string() == "10.1.2.3");
    CHECK(mapped.to_string() == "10.1.2.3:80");
    mapped.port = 0;
    CHECK(mapped.to_string() == "10.1.2.3");
}

TEST_CASE("the kernel chooses the port when none is named") {
    const Descriptor listener = listen_on_loopback();
    const Address address = local_address(listener.get());
    CHECK(address.family == Address::Family::ipv4);
    CHECK(address.port != 0);
    CHECK(address.ip_string() == "127.0.0.1");
    CHECK(local_address(-1).family == Address::Family::none);
}

TEST_CASE("IPv6 listeners accept connections") {
    auto listener = listen_on(parse_listen_url("ws://[::1]:0").value(), {});
    if (!listener) {
        MESSAGE("no IPv6 here: " << listener.error());
        return;
    }
    const Descriptor client = connect_to(*listener);
    CHECK(local_address(client.get()).ip_string() == "::1");
}

TEST_CASE("several shards listen on one port, and the probe finds them all the same") {
    const Descriptor first = listen_on_loopback();
    const Address address = local_address(first.get());
    CHECK(listen_on(address, {}).has_value());
    const auto probe = probe_free(address);
    REQUIRE(!probe.has_value());
    CHECK(probe.error() ==
          "cannot listen on " + address.to_string() + ": bind: Address already in use");
    const auto exclusive = listen_on(address, {.sharing = ListenOptions::Sharing::exclusive});
    REQUIRE(!exclusive.has_value());
    CHECK(exclusive.error() == probe.error());
}

TEST_CASE("what is accepted has the listener's options without a call") {
    const auto listener =
        listen_on(loopback(0), {.user_timeout = std::chrono::milliseconds{12'345}});
    REQUIRE(listener.has_value());
    const Descriptor client = connect_to(*listener);
    const Descriptor accepted{accept(listener->get(), nullptr, nullptr)};
    const auto option = [&](int name) {
        int value = 0;
        socklen_t size = sizeof value;
        REQUIRE(getsockopt(accepted.get(), IPPROTO_TCP, name, &value, &size) == 0);
        return value;
    };
    CHECK(option(TCP_NODELAY) != 0);
    CHECK(option(TCP_USER_TIMEOUT) == 12'345);
}

TEST_CASE("a port is free again after its listener was closed") {
    Descriptor listener = listen_on_loopback();
    const Address address = local_address(listener.get());
    const Descriptor client = connect_to(listener);
    listener = Descriptor{};
    CHECK(probe_free(address).has_value());
    CHECK(listen_on(address, {}).has_value());
    CHECK(probe_free(loopback(0)).has_value());
}

TEST_CASE("an address of another machine cannot be listened on") {
    const auto listener = listen_on(parse_listen_url("ws://192.0.2.1:0").value(), {});
    REQUIRE(!listener.has_value());
    CHECK(listener.error() == "cannot listen on 192.0.2.1: bind: Cannot assign requested address");
}

/// A path of this test's own, removed at the end.
struct UnixPath {
    Address address{.family = Address::Family::unix_path,
                    .path = "/tmp/ringcast-listen-test-" + std::to_string(getpid())};
    ~UnixPath() { unlink(address.path.c_str()); }
};

TEST_CASE("a stale Unix socket is replaced, a live one is not") {
    const UnixPath path;
    {
        const auto listener = listen_on(path.address, {.unix_mode = 0600});
        REQUIRE(listener.has_value());
        struct stat status{};
        REQUIRE(stat(path.address.path.c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0600);
        CHECK(local_address(listener->get()) == path.address);
        CHECK(!probe_free(path.address).has_value());
        const auto second = listen_on(path.address, {});
        REQUIRE(!second.has_value());
        CHECK(second.error().ends_with("bind: Address already in use"));
    }
    CHECK(probe_free(path.address).has_value());
    const mode_t umask_before = umask(0777);
    const auto listener = listen_on(path.address, {.unix_mode = 0666});
    umask(umask_before);
    REQUIRE(listener.has_value());
    struct stat status{};
    REQUIRE(stat(path.address.path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0666);
    const Descriptor client = connect_to(*listener);
}

TEST_CASE("a file that is no socket is never replaced") {
    const UnixPath path;
    const Descriptor file{open(path.address.path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)};
    REQUIRE(file.get() >= 0);
    const auto listener = listen_on(path.address, {});
    REQUIRE(!listener.has_value());
    CHECK(listener.error().ends_with("the path exists and is not a socket"));
    CHECK(!probe_free(path.address).has_value());
    struct stat status{};
    REQUIRE(stat(path.address.path.c_str(), &status) == 0);
    CHECK(S_ISREG(status.st_mode));
}

TEST_CASE("a descriptor is closed once, by its last owner") {
    const auto is_open = [](int fd) { return fcntl(fd, F_GETFD) >= 0; };
    Descriptor first{dup(0)};
    const int fd = first.get();
    Descriptor second{std::move(first)};
    CHECK(!first);
    CHECK(second.get() == fd);
    second = Descriptor{};
    CHECK(!is_open(fd));
    Descriptor third{dup(0)};
    const int released = third.release();
    third = Descriptor{};
    CHECK(is_open(released));
    ::close(released);
}

}  // namespace
}  // namespace ringcast::ring

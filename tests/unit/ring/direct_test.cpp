// Direct descriptors: what is different about them. All else is in the other tests, which run with
// them, too.

#include "ring/direct.hpp"

#include <sys/resource.h>

#include "ring_kit.hpp"

namespace ringcast::ring {
namespace {

/// Runs `test` if this kernel has direct descriptors, for each kind of accept.
template <typename Test>
void on_each_accept(Test&& test) {
    const Probe probe = probe_uring();
    if (!probe.direct_descriptors) return;
    for (const std::string_view words : {"all", "-multishot-accept"}) {
        CAPTURE(words);
        test(Options{.features = parse_features(words).value()});
    }
}

std::unique_ptr<Ring> make(Options options, std::uint32_t direct_descriptors) {
    options.direct_descriptors = direct_descriptors;
    auto ring = make_ring(Backend::uring, options);
    REQUIRE_MESSAGE(ring.has_value(), (ring.has_value() ? "" : ring.error()));
    return std::move(*ring);
}

/// Open descriptors of this process. Its limit must allow one more.
int open_files() {
    int count = 0;
    for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) != -1 ? 1 : 0;
    return count;
}

/// Lets the process open no file more.
class NoFiles {
public:
    NoFiles() {
        REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const rlimit none{.rlim_cur = 0, .rlim_max = before_.rlim_max};
        REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    }
    NoFiles(const NoFiles&) = delete;
    NoFiles& operator=(const NoFiles&) = delete;
    ~NoFiles() { setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

TEST_CASE("a direct descriptor is no file of the process, and no system call takes its number") {
    on_each_accept([](const Options& options) {
        auto ring = make(options, 4);
        const Pair other = connected_pair(*ring);
        const int before = open_files();
        const Pair pair = connected_pair(*ring);
        CHECK(is_direct(pair.server));
        CHECK(open_files() == before + 1);  // The client's end.
        CHECK(fcntl(pair.server, F_GETFD) == -1);
        CHECK(ring->peer_address(pair.server) == local_address(pair.client.get()));
        CHECK(ring->unacknowledged_bytes(pair.server) == 0);
        ring->shutdown(token_of(pair.server), pair.server, Shutdown::sending);
        CHECK(ring->turn({.until = ring->now()}).empty());
        CHECK(open_files() == before + 1);
        close_all(*ring, {other.server, pair.server});
        check_idle(*ring);
    });
}

TEST_CASE("an accept that finds the table full says ENFILE, and can be armed when there is room") {
    on_each_accept([](const Options& options) {
        auto ring = make(options, 2);
        const Descriptor listener = listen_on_loopback();
        const Token token = token_of(listener.get());
        std::vector<Descriptor> clients;
        std::vector<int> accepted;
        std::int32_t error = 0;
        const auto accept_until = [&](const auto& done) {
            ring->accept(token, listener.get());
            turn_until(*ring, done, [&](const Completion& completion) {
                if (completion.result >= 0)
                    accepted.push_back(completion.result);
                else
                    error = completion.result;
                if (completion.has_more() || completion.result < 0 || done()) return;
                ring->accept(token, listener.get());
            });
        };
        for (int i = 0; i < 3; ++i) clients.push_back(connect_to(listener));
        accept_until([&] { return error != 0; });
        CHECK(error == -ENFILE);
        CHECK(accepted.size() == 2);
        close_all(*ring, accepted);

        accepted.clear();
        clients.push_back(connect_to(listener));
        accept_until([&] { return accepted.size() == 1; });
        CHECK(ring->peer_address(accepted.front()) == local_address(clients.back().get()));
    });
}

TEST_CASE("connections come and go while the process can open no file") {
    on_each_accept([](const Options& options) {
        auto ring = make(options, 4);
        const Descriptor listener = listen_on_loopback();
        const Descriptor client = connect_to(listener);
        const NoFiles none;
        int fd = -1;
        ring->accept(token_of(listener.get()), listener.get());
        turn_until(
            *ring, [&] { return fd >= 0; },
            [&](const Completion& completion) { fd = completion.result; });
        ring->recv(token_of(fd), fd);
        ring->send_quiet(token_of(fd), fd, bytes_of("hello"));
        CHECK(ring->turn({.until = ring->now()}).empty());
        CHECK(read_some(client) == "hello");

        // What needs a descriptor of the process is not known, or not done.
        CHECK(ring->peer_address(fd).family == Address::Family::none);
        CHECK(ring->unacknowledged_bytes(fd) == 0);
        ring->shutdown(token_of(fd), fd, Shutdown::sending);
        CHECK(ring->turn({.until = ring->now()}).empty());
        bool ended = false;
        CHECK(read_some(client, &ended).empty());
        CHECK(!ended);

        // What brings a connection to its end does not.
        ring->shutdown(token_of(fd), fd, Shutdown::both);
        turn_until(
            *ring, [&] { return ended; },
            [&](const Completion& completion) {
                CHECK(completion.token.opcode == Opcode::recv);
                CHECK(completion.result == -ECANCELED);
                ended = !completion.has_more();
            });
        close_all(*ring, {fd});
        CHECK(read_some(client, &ended).empty());
        CHECK(ended);
    });
}

TEST_CASE("a shutdown in both directions ends a send that waits for room") {
    on_each_ring([](const Variant& variant) {
        auto ring = ring::make(variant);
        const Pair pair = connected_pair(*ring);
        const std::string large(more_than_a_socket_holds, 'x');
        ring->send(token_of(pair.server), pair.server, bytes_of(large));
        CHECK(ring->turn({.until = ring->now()}).empty());
        ring->shutdown(token_of(pair.server), pair.server, Shutdown::both);
        expect_short_send(*ring, large.size());
        close_all(*ring, {pair.server});
        check_idle(*ring);
    });
}

TEST_CASE("a closed direct descriptor is gone at once, whatever waits on older ones") {
    on_each_accept([](const Options& options) {
        auto ring = make(options, 4);
        const Pair older = connected_pair(*ring);
        ring->recv(token_of(older.server), older.server);
        const Pair pair = connected_pair(*ring);
        close_all(*ring, {pair.server});
        bool ended = false;
        (void)read_some(pair.client, &ended);
        CHECK(ended);
    });
}

TEST_CASE("closing a direct descriptor that is not open says so") {
    on_each_accept([](const Options& options) {
        auto ring = make(options, 4);
        std::vector<std::int32_t> results;
        for (const int fd : {direct_mark, direct_mark | 3, direct_mark | 4})
            ring->close(token_of(fd), fd);
        turn_until(
            *ring, [&] { return results.size() == 3; },
            [&](const Completion& completion) { results.push_back(completion.result); });
        CHECK(results == std::vector<std::int32_t>{-EBADF, -EBADF, -EINVAL});
        check_idle(*ring);
    });
}

TEST_CASE("a table that cannot be is refused in one sentence") {
    const auto error_of = [](Backend backend, std::uint32_t count) {
        const auto ring = make_ring(backend, {.direct_descriptors = count});
        return ring ? std::string{} : ring.error();
    };
    CHECK(error_of(Backend::epoll, 1) == "epoll has no direct descriptors");
    if (!probe_uring().direct_descriptors) return;
    CHECK(error_of(Backend::uring, direct_descriptors_max + 1) ==
          "io_uring direct descriptors: Too many open files");
}

}  // namespace
}  // namespace ringcast::ring

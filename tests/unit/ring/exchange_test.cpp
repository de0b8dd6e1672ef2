// Bytes through a ring: the same contract on every kind of ring, over real sockets.

#include <algorithm>

#include "unit/ring/ring_kit.hpp"

namespace ringcast::ring {
namespace {

/// A client that writes a pattern as fast as it may and compares what comes back, octet by octet.
class EchoClient {
public:
    EchoClient(Descriptor socket, std::uint32_t seed, std::uint64_t total)
        : socket_{std::move(socket)}, seed_{seed}, total_{total} {}

    /// `reads` false: the peer's output piles up.
    void step(bool reads) {
        while (written_ < total_) {
            const std::string text =
                pattern_text(seed_, written_, std::min<std::uint64_t>(total_ - written_, 10'000));
            const ssize_t count = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (count <= 0) break;
            written_ += static_cast<std::uint64_t>(count);
        }
        if (written_ == total_ && !half_closed_) {
            half_closed_ = true;
            REQUIRE(::shutdown(socket_.get(), SHUT_WR) == 0);
        }
        if (!reads) return;
        const std::string text = read_some(socket_, &ended_);
        if (text != pattern_text(seed_, read_, text.size())) FAIL("a byte was lost or changed");
        read_ += text.size();
    }

    [[nodiscard]] bool is_finished() const { return ended_; }
    [[nodiscard]] std::uint64_t written() const { return written_; }
    [[nodiscard]] bool is_complete() const { return read_ == total_; }

private:
    Descriptor socket_;
    std::uint32_t seed_;
    std::uint64_t total_;
    std::uint64_t written_ = 0;
    std::uint64_t read_ = 0;
    bool half_closed_ = false;
    bool ended_ = false;
};

struct EchoRun {
    std::size_t clients_count = 5;
    std::uint64_t bytes_per_client = 500'000;
    std::uint64_t held_back_turns = 0;  // Turns in which no client reads.
};

/// Echoes patterns over several connections until all have ended, and checks the end state. Returns
/// the shortfalls.
std::uint64_t run_echo(Ring& ring, const EchoRun& run, Descriptor listener) {
    EchoServer server{ring, listener.get()};
    std::vector<EchoClient> clients;
    for (std::uint32_t i = 0; i < run.clients_count; ++i)
        clients.emplace_back(connect_to(listener), i, run.bytes_per_client);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    const auto all_ended = [&] {
        return std::all_of(clients.begin(), clients.end(),
                           [](const EchoClient& client) { return client.is_finished(); });
    };
    std::uint64_t turns = 0;
    while (!all_ended() || server.connections_count() > 0) {
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, "no progress");
        server.turn();
        ++turns;
        for (EchoClient& client : clients)
            if (!client.is_finished()) client.step(turns > run.held_back_turns);
    }
    for (const EchoClient& client : clients) CHECK(client.is_complete());
    server.stop_accepting();
    while (!server.is_finished()) {
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, "accept was not cancelled");
        server.turn();
    }
    check_idle(ring);
    return server.shortfalls();
}

TEST_CASE("every byte of several connections is echoed, octet by octet") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        run_echo(*ring, {}, listen_on_loopback());
        CHECK(ring->counters().calls > 0);
    });
}

TEST_CASE("a ring with two tiny buffers runs out of them and loses no byte") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant, {.buffers_count = 2, .buffer_bytes = 256});
        // So many that epoll does not take them one a turn.
        run_echo(*ring, {.clients_count = 16, .bytes_per_client = 125'000}, listen_on_loopback());
        CHECK(ring->counters().buffers_exhausted > 0);
    });
}

TEST_CASE("buffers of an odd size lose no byte") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant, {.buffers_count = 4, .buffer_bytes = 1001});
        run_echo(*ring, {.clients_count = 3, .bytes_per_client = 300'000}, listen_on_loopback());
    });
}

TEST_CASE("a full submission array is handed over early and nothing is lost") {
    on_each_ring([](const Variant& variant) {
        for (const std::uint32_t submissions_max : {1u, 8u}) {
            CAPTURE(submissions_max);
            auto ring = make(variant, {.submissions_max = submissions_max, .completions_max = 16});
            run_echo(*ring, {.clients_count = 30, .bytes_per_client = 60'000},
                     listen_on_loopback());
        }
    });
}

TEST_CASE("a full completion queue keeps the order and loses nothing") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(
            variant,
            {.submissions_max = 2, .completions_max = 2, .buffers_count = 16, .buffer_bytes = 512});
        run_echo(*ring, {.clients_count = 20, .bytes_per_client = 60'000}, listen_on_loopback());
    });
}

TEST_CASE("peers that write much and read late get every byte") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant);
        const std::uint64_t shortfalls = run_echo(
            *ring, {.clients_count = 3, .bytes_per_client = 4u << 20, .held_back_turns = 50},
            listen_on_loopback());
        CHECK(ring->counters().quiet_shortfalls == shortfalls);
    });
}

TEST_CASE("bytes are echoed over a Unix socket") {
    on_each_ring([](const Variant& variant) {
        const std::string path = "/tmp/ringcast-ring-test-" + std::to_string(getpid()) + ".sock";
        auto listener = listen_on({.family = Address::Family::unix_path, .path = path}, {});
        REQUIRE(listener.has_value());
        auto ring = make(variant);
        run_echo(*ring, {.clients_count = 3}, std::move(*listener));
        CHECK(unlink(path.c_str()) == 0);
    });
}

/// A slice together with what it must hold.
struct Kept {
    std::string_view slice;
    std::string copy;
};

void check_kept(std::vector<Kept>& kept) {
    for (const Kept& one : kept)
        if (one.slice != one.copy) FAIL("a slice changed before the second following turn");
    kept.clear();
}

/// Ends the receives of `pairs`, all of them armed, whatever else they still bring; then closes.
void finish(Ring& ring, const std::vector<Pair>& pairs) {
    std::vector<int> descriptors;
    for (const Pair& pair : pairs) {
        descriptors.push_back(pair.server);
        ring.cancel(token_of(pair.server), pair.server);
    }
    std::size_t ended = 0;
    turn_until(
        ring, [&] { return ended == pairs.size(); },
        [&](const Completion& completion) { ended += completion.has_more() ? 0u : 1u; });
    close_all(ring, descriptors);
}

TEST_CASE("a slice keeps its bytes until the second following turn begins, also across flushes") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant, {.buffers_count = 4, .buffer_bytes = 256});
        std::vector<Pair> pairs;
        for (int i = 0; i < 3; ++i) pairs.push_back(connected_pair(*ring));
        std::map<int, std::pair<std::uint32_t, std::uint64_t>> streams;  // Seed, bytes received.
        for (std::uint32_t i = 0; i < 3; ++i) {
            streams[pairs[i].server] = {i, 0};
            ring->recv(token_of(pairs[i].server), pairs[i].server);
        }
        std::vector<std::uint64_t> written(3);
        std::vector<Kept> kept;
        std::uint64_t received = 0;
        for (std::uint64_t round = 0; received < 200'000; ++round) {
            for (std::uint32_t i = 0; i < 3; ++i) {
                const std::string text = pattern_text(i, written[i], 40 + 97 * ((round + i) % 5));
                const ssize_t count =
                    ::send(pairs[i].client.get(), text.data(), text.size(), MSG_NOSIGNAL);
                if (count > 0) written[i] += static_cast<std::uint64_t>(count);
            }
            if (round % 3 == 0) CHECK(ring->flush().empty());
            const auto completions = ring->turn(shortly(*ring));
            // The slices of the turn before: their second following turn has not begun.
            check_kept(kept);
            for (const Completion& completion : completions) {
                const int fd = static_cast<int>(completion.token.slot);
                if (!completion.has_more()) ring->recv(token_of(fd), fd);
                if (completion.result == -ENOBUFS) continue;
                auto& [seed, position] = streams.at(fd);
                const std::string_view text = text_of(completion);
                if (text != pattern_text(seed, position, text.size())) FAIL("wrong bytes");
                position += text.size();
                received += text.size();
                kept.push_back({text, std::string{text}});
            }
        }
        finish(*ring, pairs);
        check_idle(*ring);
    });
}

TEST_CASE("a slice may be written to, and sixty-four bytes behind each are readable") {
    on_each_ring([](const Variant& variant) {
        auto ring = make(variant, {.buffers_count = 1, .buffer_bytes = 128});
        Pair pair = connected_pair(*ring);
        std::size_t received = 0;
        unsigned sum = 0;
        ring->recv(token_of(pair.server), pair.server);
        write_all(pair.client, pattern_text(1, 0, 1000));
        turn_until(
            *ring, [&] { return received == 1000; },
            [&](const Completion& completion) {
                if (!completion.has_more()) ring->recv(token_of(pair.server), pair.server);
                if (completion.result <= 0) return;
                const auto size = static_cast<std::size_t>(completion.result);
                received += size;
                for (std::size_t i = 0; i < size; ++i) completion.bytes[i] ^= std::byte{1};
                for (std::size_t i = 0; i < 64; ++i)
                    sum += std::to_integer<unsigned>(completion.bytes[size + i]);
            });
        CHECK(sum < 1000 * 64 * 255);
    });
}

}  // namespace
}  // namespace ringcast::ring

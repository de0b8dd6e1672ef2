#pragma once
// What the ring tests share: the rings to test, connected sockets, and a small echo server written
// against the contract.

#include <cerrno>
#include <chrono>
#include <cstring>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <functional>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "ring/listen.hpp"
#include "ring/make_ring.hpp"

namespace ringcast::ring {

struct Variant {
    std::string name;
    Backend backend = Backend::epoll;
    Features features{};
    std::uint32_t direct_descriptors = 0;
};

/// Every kind of ring that this kernel can make.
inline const std::vector<Variant>& variants() {
    static const std::vector<Variant> all = [] {
        std::vector<Variant> list{{.name = "epoll"}};
        const Probe probe = probe_uring();
        if (!probe.usable) {
            MESSAGE("io_uring is not tested here: " << probe.reason);
            return list;
        }
        for (const std::string_view words :
             {"all", "6.1", "none", "-defer-taskrun", "-multishot-accept", "-multishot-recv",
              "-incremental", "-min-wait"}) {
            const Features features = parse_features(words).value();
            // Without the feature in the kernel the variant would be one that is there already.
            if (features.intersect(probe.features) != features) continue;
            list.push_back({"uring " + std::string{words}, Backend::uring, features});
        }
        if (probe.direct_descriptors)
            list.push_back({"uring direct", Backend::uring, Features::all(), 256});
        return list;
    }();
    return all;
}

inline std::unique_ptr<Ring> make(const Variant& variant, Options options = {}) {
    options.features = variant.features;
    options.direct_descriptors = variant.direct_descriptors;
    auto ring = make_ring(variant.backend, options);
    REQUIRE_MESSAGE(ring.has_value(), (ring.has_value() ? "" : ring.error()));
    return std::move(*ring);
}

/// Runs `test(variant)` on each kind of ring.
template <typename Test>
void on_each_ring(Test&& test) {
    for (const Variant& variant : variants()) {
        CAPTURE(variant.name);
        test(variant);
    }
}

inline Token token_of(int fd, std::uint16_t generation = 1) {
    return {.slot = static_cast<std::uint32_t>(fd), .generation = generation};
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text});
}

inline std::string_view text_of(const Completion& completion) {
    REQUIRE(completion.result >= 0);
    return {reinterpret_cast<const char*>(completion.bytes),
            static_cast<std::size_t>(completion.result)};
}

/// Bytes that differ by connection and by position, with no short period.
inline char pattern(std::uint32_t seed, std::uint64_t position) {
    std::uint64_t x = (position + 1) * 0x9e3779b97f4a7c15u + seed * 0xbf58476d1ce4e5b9u;
    x ^= x >> 29;
    return static_cast<char>(x * 0x94d049bb133111ebu >> 56);
}

inline std::string pattern_text(std::uint32_t seed, std::uint64_t from, std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = pattern(seed, from + i);
    return text;
}

inline void make_nonblocking(int fd) {
    REQUIRE(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
}

inline Address loopback(std::uint16_t port = 0) {
    Address address{.family = Address::Family::ipv4, .port = port};
    address.ip[0] = 127;
    address.ip[3] = 1;
    return address;
}

inline Descriptor listen_on_loopback() {
    auto listener = listen_on(loopback(), {});
    REQUIRE(listener.has_value());
    return std::move(*listener);
}

/// A connected client that does not block.
inline Descriptor connect_to(const Descriptor& listener) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* const address = reinterpret_cast<sockaddr*>(&storage);
    REQUIRE(getsockname(listener.get(), address, &size) == 0);
    Descriptor client{socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    REQUIRE(connect(client.get(), address, size) == 0);
    make_nonblocking(client.get());
    return client;
}

/// Two ends of one TCP connection: `server` for the ring, `client` for the test, both as they would
/// really be.
struct Pair {
    int server = -1;  // Closed by the ring, or by close_server().
    Descriptor client;

    /// When the ring has gone, and with it the direct descriptors.
    void close_server() { ::close(std::exchange(server, -1)); }
};

/// Writes all of `text`; the socket must have room.
inline void write_all(const Descriptor& client, std::string_view text) {
    REQUIRE(::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
}

/// What can be read now. `ended` tells about the end of the stream.
inline std::string read_some(const Descriptor& client, bool* ended = nullptr) {
    std::string all;
    thread_local std::string chunk(64u << 10, '\0');  // Once: this is asked often.
    while (true) {
        const ssize_t count = ::recv(client.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
        if (count <= 0) {
            if (ended != nullptr) *ended = count == 0 || errno != EAGAIN;
            return all;
        }
        all.append(chunk, 0, static_cast<std::size_t>(count));
    }
}

/// A wait that comes back soon, so that tests go on with their own end of the connection.
inline Wait shortly(const Ring& ring) {
    return {.until = ring.now() + std::chrono::milliseconds{2}};
}

/// Turns until `done()`, and gives every completion to `take`. Fails the test when nothing helps.
inline void turn_until(Ring& ring, const std::function<bool()>& done,
                       const std::function<void(const Completion&)>& take) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!done()) {
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, "no progress");
        for (const Completion& completion : ring.turn(shortly(ring))) take(completion);
    }
}

/// What both kernels take of a stream that nobody reads is less.
inline constexpr std::uint64_t more_than_a_socket_holds = 8u << 20;

/// Turns until the only operation, a send of `size` bytes, has ended without having sent them all.
inline void expect_short_send(Ring& ring, std::uint64_t size) {
    bool finished = false;
    turn_until(
        ring, [&] { return finished; },
        [&](const Completion& completion) {
            CHECK(completion.token.opcode == Opcode::send);
            CHECK(completion.result < static_cast<std::int64_t>(size));
            finished = true;
        });
}

/// The server's end is a descriptor that `ring` has accepted.
inline Pair connected_pair(Ring& ring) {
    // A ring would not know that another one has its number.
    static const Descriptor listener = listen_on_loopback();
    const Token token = token_of(listener.get());
    Pair pair;
    pair.client = connect_to(listener);
    bool armed = true;
    ring.accept(token, listener.get());
    const auto take = [&](const Completion& completion) {
        REQUIRE(completion.token.opcode == Opcode::accept);
        armed = completion.has_more();
        if (completion.result >= 0) pair.server = completion.result;
    };
    turn_until(ring, [&] { return pair.server >= 0; }, take);
    if (armed) ring.cancel(token, listener.get(), Opcode::accept);
    turn_until(ring, [&] { return !armed; }, take);
    // Fixed, or the kernel lets it grow until it takes more than the tests have to send.
    const int receive_bytes = 1 << 20;
    REQUIRE(setsockopt(pair.client.get(), SOL_SOCKET, SO_RCVBUF, &receive_bytes,
                       sizeof receive_bytes) == 0);
    return pair;
}

/// Everything comes home: no submission unanswered, no buffer lent out.
inline void check_idle(Ring& ring) {
    for (int i = 0; i < 3; ++i)
        for (const Completion& completion : ring.turn({.until = ring.now()}))
            FAIL("unexpected completion of opcode " << static_cast<int>(completion.token.opcode)
                                                    << ", result " << completion.result);
    CHECK(ring.idle());
}

/// Closes descriptors through the ring and waits for the answers.
inline void close_all(Ring& ring, const std::vector<int>& descriptors) {
    std::size_t closed = 0;
    for (const int fd : descriptors) ring.close(token_of(fd), fd);
    turn_until(
        ring, [&] { return closed == descriptors.size(); },
        [&](const Completion& completion) {
            REQUIRE(completion.token.opcode == Opcode::close);
            CHECK(completion.result == 0);
            ++closed;
        });
}

/// Echoes every byte, the way a shard would: a quiet send straight from the slice, an ordinary send
/// for what is left.
class EchoServer {
public:
    EchoServer(Ring& ring, int listener) : ring_{ring}, listener_{listener} {
        ring_.accept(token_of(listener_), listener_);
        accepting_ = true;
    }

    /// One turn of the loop.
    void turn() {
        submit();
        const auto completions = ring_.turn(shortly(ring_));
        bool shortfalls_are_first = true;
        for (const Completion& completion : completions) {
            if (completion.token.opcode != Opcode::send_quiet) {
                shortfalls_are_first = false;
                continue;
            }
            CHECK(shortfalls_are_first);
            keep_rest(completion);
        }
        for (const int fd : quiets_) connections_.at(fd).quiet = {};
        quiets_.clear();
        for (const Completion& completion : completions) take(completion);
    }

    void stop_accepting() {
        if (accepting_) ring_.cancel(token_of(listener_), listener_, Opcode::accept);
        stopping_ = true;
    }

    [[nodiscard]] bool is_finished() const { return !accepting_ && connections_.empty(); }
    [[nodiscard]] std::size_t connections_count() const { return connections_.size(); }
    [[nodiscard]] std::uint64_t shortfalls() const { return shortfalls_; }

private:
    struct Connection {
        bool recv_armed = false;
        bool ended = false;
        bool closing = false;
        std::string_view quiet;  // The slice in the quiet send that the next turn hands over.
        std::string backlog;
        std::string sending;  // In an ordinary send.
        bool send_armed = false;
    };

    void submit() {
        if (!accepting_ && !stopping_) {
            ring_.accept(token_of(listener_), listener_);
            accepting_ = true;
        }
        for (auto& [fd, connection] : connections_) {
            if (connection.closing) continue;
            if (!connection.recv_armed && !connection.ended) {
                ring_.recv(token_of(fd), fd);
                connection.recv_armed = true;
            }
            if (!connection.quiet.empty() || connection.send_armed) continue;
            if (!connection.backlog.empty()) {
                connection.sending = std::exchange(connection.backlog, {});
                ring_.send(token_of(fd), fd, bytes_of(connection.sending));
                connection.send_armed = true;
            } else if (connection.ended && !connection.recv_armed) {
                ring_.close(token_of(fd), fd);
                connection.closing = true;
            }
        }
    }

    void take(const Completion& completion) {
        const int fd = static_cast<int>(completion.token.slot);
        switch (completion.token.opcode) {
            case Opcode::accept:
                accepting_ = completion.has_more();
                if (completion.result >= 0)
                    connections_[completion.result];
                else
                    CHECK((stopping_ && completion.result == -ECANCELED));
                break;
            case Opcode::recv: received(fd, completion); break;
            case Opcode::send_quiet: break;  // Done already.
            case Opcode::send: {
                Connection& connection = connections_.at(fd);
                CHECK(completion.result == static_cast<std::int32_t>(connection.sending.size()));
                connection.send_armed = false;
                break;
            }
            case Opcode::close:
                CHECK(completion.result == 0);
                connections_.erase(fd);
                break;
            default: FAIL("unexpected opcode");
        }
    }

    void received(int fd, const Completion& completion) {
        Connection& connection = connections_.at(fd);
        connection.recv_armed = completion.has_more();
        if (completion.result == -ENOBUFS) {
            CHECK(!completion.has_more());
            return;
        }
        REQUIRE(completion.result >= 0);
        const std::string_view text = text_of(completion);
        if (text.empty()) {
            connection.ended = true;
        } else if (connection.quiet.empty() && connection.backlog.empty() &&
                   !connection.send_armed) {
            connection.quiet = text;
            ring_.send_quiet(token_of(fd), fd, bytes_of(text));
            quiets_.push_back(fd);
        } else {
            connection.backlog.append(text);
        }
    }

    void keep_rest(const Completion& completion) {
        ++shortfalls_;
        Connection& connection = connections_.at(static_cast<int>(completion.token.slot));
        REQUIRE(!connection.quiet.empty());
        std::size_t sent = 0;
        if (completion.result < 0)
            CHECK(completion.result == -EAGAIN);
        else
            sent = static_cast<std::size_t>(completion.result);
        REQUIRE(sent < connection.quiet.size());
        connection.backlog.insert(0, connection.quiet.substr(sent));
    }

    Ring& ring_;
    int listener_;
    bool accepting_ = false;
    bool stopping_ = false;
    std::map<int, Connection> connections_;
    std::vector<int> quiets_;  // Connections with such a slice.
    std::uint64_t shortfalls_ = 0;
};

}  // namespace ringcast::ring

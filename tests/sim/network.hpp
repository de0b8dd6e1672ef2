#pragma once
// A virtual network with a virtual clock: listeners, and TCP connections of two byte streams each,
// with bounded buffers and delay. Bytes of one stream stay in order, are split and coalesced at
// random; streams overtake each other. One side of a connection is a Peer, an actor that is run
// when something happened to it; the other is a descriptor, worked by SimRings.
//
//   Peer -- write --> [ in flight | arrived ] --> server_read    to_server
//   Peer <-- read --- [ arrived | in flight ] <-- server_write   to_client
//
// Everything happens in an order that depends on the seed alone: events sit in one heap, ordered by
// time and then by age.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/prng.hpp"
#include "base/time.hpp"
#include "ring/address.hpp"
#include "sim/descriptor_set.hpp"
#include "sim/faults.hpp"
#include "sim/stream.hpp"
#include "sim/tls_end.hpp"

namespace ringcast::sim {

class Network;

/// The client's end of a connection, as a client sees its socket. Copyable; valid as long as the
/// Network.
class Wire {
public:
    Wire(Network& network, std::uint32_t connection)
        : network_{&network}, connection_{connection} {}

    [[nodiscard]] bool is_connected() const;
    /// Takes a prefix, as much as there is room for; returns its size. 0 when the connection is
    /// broken or shut.
    std::size_t write(std::span<const std::byte> bytes);
    /// The bytes that have arrived; consume() takes a prefix away.
    [[nodiscard]] std::span<const std::byte> arrived() const;
    void consume(std::size_t size);
    /// Everything has been read and the server has finished sending.
    [[nodiscard]] bool at_end() const;
    /// The server has finished sending; there may be bytes to read before.
    [[nodiscard]] bool has_ended() const;
    [[nodiscard]] bool was_reset() const;
    /// The network (not the server, not this client) broke the connection.
    [[nodiscard]] bool was_severed() const;
    /// TLS alone: the end that has come is not one that the server has said (RFC 8446 section 6.1).
    [[nodiscard]] bool was_truncated() const;
    /// TLS alone: what the server did wrong; empty if nothing.
    [[nodiscard]] std::string tls_error() const;
    /// Octets on the wire, or about to be, of all that was written.
    [[nodiscard]] std::uint64_t octets_written() const;
    void shutdown();  ///< No more bytes from here; reading goes on.
    void close();     ///< What still arrives is answered with a reset.
    void reset();     ///< Throws everything away and tells the server so.
    /// The peer is run again at `at`, whatever else happens. Replaces what it asked for before.
    void call_at(Instant at);

private:
    friend class Network;
    /// TLS alone: what has arrived is decrypted, unless some of that is unread, and what waits is
    /// sent as far as there is room.
    void carry();
    std::size_t write_octets(std::span<const std::byte> bytes);
    void take_octets(std::size_t size);

    Network* network_;
    std::uint32_t connection_;
};

/// An actor at the client's end.
class Peer {
public:
    virtual ~Peer() = default;
    /// Something may have happened: connected, bytes, room, the end, a reset, or a time asked for.
    virtual void run(Wire wire, Instant now) = 0;
};

struct Link {
    Duration latency{};
    Duration jitter{};
    std::size_t buffer_bytes = 65536;  ///< Of each stream: bytes written and not yet read.
};

class Network {
public:
    Network(std::uint64_t seed, Faults& faults);

    // The world.

    [[nodiscard]] Instant now() const noexcept { return now_; }
    /// Runs the next event if it is due by `limit` and moves the clock to it; else moves the clock
    /// to `limit` (unless that is instant_never) and returns false.
    bool step(Instant limit);
    /// Time passes; what was due meanwhile is late. Does nothing soon after another jump: no
    /// timeout of the scenarios is skipped by a series of them.
    void jump(Duration duration);
    /// Makes step() stop at `at`.
    void tick(Instant at) { schedule(at, EventKind::tick, 0); }
    /// True once after anything that a descriptor could notice.
    [[nodiscard]] bool take_changed() noexcept { return std::exchange(changed_, false); }
    [[nodiscard]] bool has_events() const noexcept { return !events_.empty(); }

    /// Opens a connection to `listener` (a descriptor) at `at`. The peer must outlive the network's
    /// last step. What it writes and reads is plaintext where there is a `tls`.
    std::uint32_t connect(Peer& peer, int listener, Instant at, const Link& link,
                          std::unique_ptr<TlsEnd> tls = nullptr);

    /// The number of the connection, counted by connect(), whose client has `address`.
    [[nodiscard]] static std::uint32_t client_at(const ring::Address& address) noexcept;
    [[nodiscard]] ring::Address address_of(int fd) const noexcept;

    /// The server has no descriptor of it any more, and gets none.
    [[nodiscard]] bool is_over(std::uint32_t connection) const;

    // Descriptors: the smallest free number is used first, as POSIX wants.

    [[nodiscard]] int listen();
    void close_listener(int fd);
    [[nodiscard]] std::size_t descriptors_open() const noexcept;
    [[nodiscard]] bool is_open(int fd) const noexcept { return kind(fd) != DescriptorKind::free; }
    [[nodiscard]] bool is_listener(int fd) const noexcept {
        return kind(fd) == DescriptorKind::listener;
    }
    [[nodiscard]] bool is_connection(int fd) const noexcept {
        return kind(fd) == DescriptorKind::connection;
    }
    [[nodiscard]] std::uint32_t connection_of(int fd) const { return at(fd).connection; }

    // The kernel's side, for SimRing.

    /// From now on `changed`, which must outlive the descriptor, gets it whenever something has
    /// happened to it that nobody did through it.
    void watch(int fd, DescriptorSet& changed) { at(fd).changed = &changed; }
    [[nodiscard]] bool has_backlog(int listener) const { return !at(listener).backlog.empty(); }
    /// A descriptor for the oldest connection waiting there.
    [[nodiscard]] int accept(int listener);
    /// The oldest connection waiting there is lost.
    void abort_accept(int listener);
    [[nodiscard]] std::size_t readable(int fd) const { return conn(fd).to_server.readable(); }
    void read(int fd, std::span<std::byte> target);
    /// 0: bytes may follow; 1: the end of the stream; else -errno.
    [[nodiscard]] int receive_state(int fd) const;
    [[nodiscard]] bool is_receiving_shut(int fd) const;
    /// Room for that many bytes.
    [[nodiscard]] std::size_t writable(int fd) const { return conn(fd).to_client.room(); }
    /// Bytes written that have not arrived.
    [[nodiscard]] std::size_t under_way(int fd) const { return conn(fd).to_client.under_way(); }
    /// 0, or -errno: nothing can be sent any more.
    [[nodiscard]] int send_state(int fd) const;
    void write(int fd, std::span<const std::byte> bytes);
    void shut(int fd, bool receiving_too);
    /// Ends the server's side at once, with a reset if bytes were left unread. The number stays
    /// taken until release().
    void close(int fd);
    void release(int fd);
    /// The network breaks the connection: both sides see a reset.
    void sever(int fd);

private:
    friend class Wire;
    enum class EventKind : std::uint8_t {
        tick,
        arrive_at_listener,
        established,
        to_server,
        to_client,
        reset_server,
        reset_client,
        run_peer,
        timer
    };
    struct Event {
        Instant at;
        std::uint64_t order;
        EventKind kind;
        std::uint32_t connection;
    };
    struct Connection {
        Peer* peer = nullptr;
        int listener = -1;
        int fd = -1;  // Once it is accepted, and until release().
        Link link;
        Stream to_server, to_client;
        std::unique_ptr<TlsEnd> tls;
        std::uint64_t octets_written = 0;
        bool finishes = false;  // A FIN follows what TLS has to send.
        bool established = false, severed = false;
        bool client_reset = false,
             client_closed = false;  // client_reset: the client knows of a reset.
        bool server_reset = false, server_closed = false;
        bool server_shut_receiving = false;
        bool run_scheduled = false;
        Instant timer_at = instant_never;
    };
    enum class DescriptorKind : std::uint8_t { free, listener, connection };
    struct Descriptor {
        DescriptorKind kind = DescriptorKind::free;
        std::uint32_t connection = 0;
        std::deque<std::uint32_t> backlog;
        DescriptorSet* changed = nullptr;
    };

    [[nodiscard]] DescriptorKind kind(int fd) const noexcept;
    [[nodiscard]] const Descriptor& at(int fd) const {
        return descriptors_.at(static_cast<std::size_t>(fd));
    }
    [[nodiscard]] Descriptor& at(int fd) { return descriptors_.at(static_cast<std::size_t>(fd)); }
    [[nodiscard]] const Connection& conn(int fd) const { return *connections_[at(fd).connection]; }
    [[nodiscard]] Connection& conn(int fd) { return *connections_[at(fd).connection]; }
    [[nodiscard]] int take_descriptor();
    /// Something has happened to a descriptor.
    void touch(int fd);
    void schedule(Instant at, EventKind kind, std::uint32_t connection);
    void run_event(const Event& event);
    void run_peer_after(std::uint32_t connection, Duration delay);
    void transmit(Stream& stream, std::uint32_t connection, EventKind arrival,
                  std::span<const std::byte> bytes);
    void finish(Stream& stream, std::uint32_t connection, EventKind arrival);
    [[nodiscard]] Duration travel(const Link& link);

    Prng prng_;
    Faults* faults_;
    Instant now_{std::chrono::hours{1}};
    Instant no_jump_before_{};
    std::uint64_t order_ = 0;
    bool changed_ = false;
    std::vector<Event> events_;  // A heap; the next one first.
    std::vector<std::unique_ptr<Connection>> connections_;
    std::vector<Descriptor> descriptors_;
    std::size_t lowest_free_;  // No descriptor below is free.
};

}  // namespace ringcast::sim

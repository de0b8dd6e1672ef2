#pragma once
// The ledger: what everything costs, in bytes and in time. Sizes come from the code itself, so that
// they cannot be out of date; what only a measurement can say stands in one table in ledger.cpp,
// each entry with the command that measures it again.

#include <cstdint>
#include <string>
#include <string_view>

#include "ring/make_ring.hpp"
#include "ringcast/compression.hpp"
#include "server/limits.hpp"
#include "server/options.hpp"

namespace ringcast::advice {

/// Where a figure comes from.
struct Source {
    std::string_view mark;  ///< As it stands beside the figure: `code`, `idle`.
    std::string_view text;  ///< What that means: for measurements the command that repeats it.
};

/// Of figures that are not measured.
[[nodiscard]] const Source& code_source() noexcept;

/// Of one thing, whatever it is.
struct Cost {
    std::uint64_t bytes = 0;
    std::string parts;  ///< What it is made of.
    const Source* source = nullptr;
};

/// The machine of all that was measured.
inline constexpr std::string_view measured_on =
    "a virtual machine with two cores of a Xeon, Linux 6.18 with retpolines and without page table "
    "isolation, g++ 12, OpenSSL 3.0";

/// Whether one of its listeners does.
[[nodiscard]] bool serves_tls(const server::Options& options);

/// What a server is like, as far as its costs depend on that.
struct Setup {
    ring::Backend backend = ring::Backend::uring;
    bool tls = false;
    std::uint32_t shards = 1;
    const server::Options& options;
};

// Memory of the process.

/// Code, libraries and what the main thread has: once.
[[nodiscard]] Cost program_cost();
/// What each shard has for itself, used or not.
[[nodiscard]] Cost shard_cost(const Setup& setup);
/// A connection with an open session that says nothing, without what follows.
[[nodiscard]] Cost connection_cost(const Setup& setup);
/// What TLS adds to it.
[[nodiscard]] Cost tls_cost();
/// What compression adds to one that keeps its contexts, once it has used both.
[[nodiscard]] Cost contexts_cost();
/// And to every one with which it was agreed on.
[[nodiscard]] Cost compression_cost();
/// One session's subscription to one topic.
[[nodiscard]] Cost subscription_cost();
/// A topic on its home, and on each of `places` shards with subscribers.
[[nodiscard]] Cost topic_cost(std::uint64_t places);
/// All queues between shards when they are full.
[[nodiscard]] Cost mesh_cost(const Setup& setup);

// Memory of the kernel, which control groups charge to the process.

/// The server's end of an idle TCP connection.
[[nodiscard]] Cost socket_cost(const Setup& setup);
/// What a ring shares with the kernel; of epoll next to nothing.
[[nodiscard]] Cost ring_cost(const Setup& setup);

// Open files.

/// What plan_connections() wants to know, but for the limit.
[[nodiscard]] server::FileNeeds file_needs(const server::Options& options, std::uint32_t shards);

// CPU time.

enum class Work : std::uint8_t {
    echo,         ///< A message received, and one sent back.
    publication,  ///< A message received, published, and delivered to one subscriber.
    delivery,     ///< To each further one.
};
struct Time {
    double microseconds = 0;
    const Source* source = nullptr;
    /// At most, where there is little to do: then a message has a turn of the loop, and a system
    /// call, for itself. Nobody has to make room for that: with more to do it becomes less.
    double microseconds_alone = 0;
};
/// Where microseconds_alone comes from.
[[nodiscard]] const Source& alone_source() noexcept;
/// Of one core for one message with so many bytes of payload, on a server that is busy.
[[nodiscard]] Time time_of(Work work, const Setup& setup, std::uint64_t message_bytes);

// The network.

/// What a message with a payload of that size is on an Ethernet, sent by itself. `by_client`: it is
/// masked.
struct Wire {
    std::uint64_t bytes = 0;
    std::uint64_t packets = 0;
    const Source* source = nullptr;
};
[[nodiscard]] Wire wire_of(std::uint64_t payload_bytes, bool by_client, bool tls);

/// How large a message is once it is compressed.
[[nodiscard]] std::uint64_t compressed_bytes(std::uint64_t message_bytes);
[[nodiscard]] const Source& compression_source() noexcept;

/// The most of a core's time that a shard should be planned with: beyond, latencies grow without
/// anything being wrong.
inline constexpr double load_max = 0.6;

}  // namespace ringcast::advice

#pragma once
// Choosing and making a ring: io_uring where the kernel allows it, epoll everywhere else.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "ring/features.hpp"
#include "ring/ring.hpp"

namespace ringcast::ring {

enum class Backend : std::uint8_t { uring, epoll };

/// Of one ring, whatever the limit on open files (the kernel's IORING_MAX_FIXED_FILES).
inline constexpr std::uint32_t direct_descriptors_max = 1u << 20;
/// The first Linux that lets go of a closed one at once.
inline constexpr std::string_view direct_descriptors_since = "6.13";

/// Sizes of one ring. Zero means: chosen by what the kernel can do (see README, tuning).
struct Options {
    Features features = Features::all();
    std::uint32_t submissions_max =
        4096;  ///< Entries of the submission array and queue; a power of two.
    std::uint32_t completions_max =
        32768;                        ///< Entries of the kernel's completion queue; a power of two.
    std::uint32_t buffers_count = 0;  ///< Receive buffers; a power of two, at most 32768. 0: 2 for
                                      ///< epoll, 8 incremental, else 256.
    std::uint32_t buffer_bytes =
        0;  ///< Bytes of one receive buffer. 0: 128 KiB incremental or epoll, else 4 KiB.
    std::uint32_t direct_descriptors =
        0;  ///< Room for accepted sockets in a table of the ring's own, at most as many as the
            ///< process may open files: that is where they are then, and not among those. When it
            ///< is full, an accept ends with -ENFILE. 0: no such table. Not with epoll.
};

/// What a ring keeps of its own for each connection, in bytes.
[[nodiscard]] std::size_t bytes_per_connection(Backend backend) noexcept;

/// Of the queues that an io_uring with these options shares with the kernel, in bytes.
[[nodiscard]] std::uint64_t queue_bytes(const Options& options) noexcept;

/// Memory of the receive buffers of a ring with these options, whatever the kernel can do.
[[nodiscard]] std::uint64_t receive_bytes(const Options& options) noexcept;

/// What io_uring can do here and now.
struct Probe {
    bool usable = false;
    Features features{};              ///< What the kernel has, when usable.
    bool direct_descriptors = false;  ///< Options::direct_descriptors is possible.
    std::string reason;  ///< Why not, when not usable: one phrase (`io_uring_setup: Operation not
                         ///< permitted`).
    int error = 0;       ///< The errno of a refusal, or 0: usable, or too old.
};

/// Asks the kernel by making a small ring and throwing it away. Any thread.
[[nodiscard]] Probe probe_uring();

/// The kernel's release string, for example `6.1.0-18-amd64`.
[[nodiscard]] std::string kernel_release();

/// Makes a ring for the calling thread, which must be the only one that uses it. With
/// Backend::uring the features are those asked for that the kernel also has. The error is one
/// sentence.
[[nodiscard]] std::expected<std::unique_ptr<Ring>, std::string> make_ring(Backend backend,
                                                                          const Options& options);

}  // namespace ringcast::ring

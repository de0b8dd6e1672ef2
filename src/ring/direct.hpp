#pragma once
// Direct descriptors: files that are not in the process's table of open files but in one of the
// ring's own, which has a limit of its own of the same size. The ring marks their numbers, so that
// they and those of the process can be told apart wherever a submission names a file, and only the
// ring knows that there are two kinds:
//
//   process    0 n n n n ...     0 <= n <= 2^30 - 8: fs.nr_open cannot be set higher
//   direct     1 i i i i ...     index i of the table; the mark is bit 30
//
// System calls cannot name them: see UringRing::install().

#include "ring/uring_compat.hpp"

namespace ringcast::ring {

inline constexpr int direct_mark_shift = 30;
inline constexpr int direct_mark = 1 << direct_mark_shift;

/// False for a number below 0.
[[nodiscard]] constexpr bool is_direct(int fd) noexcept {
    return fd >= direct_mark;
}

[[nodiscard]] constexpr int direct_index(int fd) noexcept {
    return fd & (direct_mark - 1);
}

/// Lets `entry` name the file `fd` of either kind. After the prep function, which clears the flags.
inline void name_file(io_uring_sqe& entry, int fd) noexcept {
    static_assert(IOSQE_FIXED_FILE == 1);  // So that no branch is needed.
    const bool has_mark = is_direct(fd);
    entry.fd = has_mark ? direct_index(fd) : fd;
    entry.flags |= static_cast<std::uint8_t>(has_mark);
}

}  // namespace ringcast::ring

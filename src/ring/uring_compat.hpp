#pragma once
// What Debian 12's liburing 2.3 and its kernel headers (6.1) do not name yet. All of it is stable
// kernel ABI, asked for at run time before it is used. The structures are our own rather than
// liburing's, whose newer versions rename their fields.
//
// Deliberately absent: IORING_SETUP_NO_SQARRAY. liburing 2.3 writes the array all the same and
// silently corrupts the ring.

#include <cstdint>
#include <liburing.h>

namespace ringcast::ring::uring {

/// IORING_CQE_F_BUF_MORE (6.12): the buffer of this completion is not used up; more bytes will
/// follow in it.
inline constexpr std::uint32_t cqe_buffer_more = 1u << 4;
/// IOU_PBUF_RING_INC (6.12), a flag of the buffer ring's registration: buffers are filled piece by
/// piece.
inline constexpr std::uint16_t buffer_ring_incremental = 2;
/// IORING_FEAT_MIN_TIMEOUT (6.12): EnterArgument::min_wait_usec is honoured.
inline constexpr std::uint32_t feature_min_timeout = 1u << 15;

/// IORING_OP_FIXED_FD_INSTALL (6.8): makes a descriptor of the process for a direct one.
inline constexpr int op_fixed_fd_install = 54;

/// struct io_uring_getevents_arg, the last argument of io_uring_enter with IORING_ENTER_EXT_ARG.
struct EnterArgument {
    std::uint64_t signal_mask = 0;
    std::uint32_t signal_mask_size = 0;
    std::uint32_t min_wait_usec = 0;  ///< Called `pad` before 6.12.
    std::uint64_t timeout = 0;        ///< Address of a __kernel_timespec, or 0.
};
static_assert(sizeof(EnterArgument) == 24);

/// struct io_uring_buf_reg, the argument of IORING_REGISTER_PBUF_RING.
struct BufferRingRegistration {
    std::uint64_t ring_address = 0;
    std::uint32_t entries_count = 0;
    std::uint16_t group = 0;
    std::uint16_t flags = 0;  ///< Called `pad` before 6.4.
    std::uint64_t reserved[3] = {};
};
static_assert(sizeof(BufferRingRegistration) == sizeof(io_uring_buf_reg));

/// struct io_uring_buf, an entry of the buffer ring. The ring's tail is the last word of its first
/// entry.
struct BufferEntry {
    std::uint64_t address = 0;
    std::uint32_t size = 0;
    std::uint16_t index = 0;
    std::uint16_t tail = 0;  ///< Of entry 0 only; never touched in the others.
};
static_assert(sizeof(BufferEntry) == sizeof(io_uring_buf));

}  // namespace ringcast::ring::uring

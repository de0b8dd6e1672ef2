#pragma once
// Between the ring's values and the kernel's socket structures, and what a socket says of itself.

#include <cstddef>
#include <sys/socket.h>
#include <sys/uio.h>

#include "ring/address.hpp"
#include "ring/ring.hpp"

namespace ringcast::ring {

// An array of Parts is handed to the kernel as an array of iovecs.
static_assert(sizeof(Part) == sizeof(iovec) && alignof(Part) == alignof(iovec));
static_assert(offsetof(Part, data) == offsetof(iovec, iov_base));
static_assert(offsetof(Part, size) == offsetof(iovec, iov_len));

/// The message header of a gathered send; it points into the submission's parts.
[[nodiscard]] inline msghdr message_of(const Submission& submission) noexcept {
    msghdr message{};
    // The kernel does not write through it; msghdr has no const variant.
    message.msg_iov = static_cast<iovec*>(const_cast<void*>(submission.data));
    message.msg_iovlen = submission.parts_count;
    return message;
}

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_storage);

    [[nodiscard]] sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] const sockaddr* data() const noexcept {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
};

/// `address` must have a family, and a path that fits in a sockaddr_un.
[[nodiscard]] SocketAddress to_socket_address(const Address& address) noexcept;
/// An address of family `none` for what we do not know.
[[nodiscard]] Address from_socket_address(const SocketAddress& address);
/// getpeername; family `none` if that fails.
[[nodiscard]] Address peer_of(int fd);
/// SIOCOUTQ; 0 if that fails.
[[nodiscard]] std::uint64_t unacknowledged_bytes_of(int fd) noexcept;

}  // namespace ringcast::ring

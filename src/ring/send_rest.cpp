#include "ring/send_rest.hpp"

#include <array>
#include <cerrno>
#include <span>
#include <sys/socket.h>

#include "ring/sockaddr.hpp"

namespace ringcast::ring {
namespace {

constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
/// Parts that are handed on at once when a gathered send goes on in its middle.
constexpr std::size_t rest_parts_max = 64;

/// Copies what follows the first `sent` bytes of `parts` to the front of `rest`, as far as it fits.
/// Returns how many parts.
[[nodiscard]] std::size_t cut_rest(std::span<const iovec> parts, std::uint64_t sent,
                                   std::array<iovec, rest_parts_max>& rest) noexcept {
    std::size_t count = 0;
    for (const iovec& part : parts) {
        if (count == rest.size()) break;
        if (sent >= part.iov_len) {
            sent -= part.iov_len;
        } else {
            rest[count++] = {.iov_base = static_cast<std::byte*>(part.iov_base) + sent,
                             .iov_len = part.iov_len - sent};
            sent = 0;
        }
    }
    return count;
}

}  // namespace

ssize_t send_rest(const Submission& submission, std::uint64_t sent) noexcept {
    if (submission.parts_count == 0) {
        const auto* bytes = static_cast<const std::byte*>(submission.data) + sent;
        const ssize_t result = ::send(submission.fd, bytes, submission.size - sent, flags);
        return result < 0 ? -errno : result;
    }
    msghdr message = message_of(submission);
    std::array<iovec, rest_parts_max> rest;
    if (sent > 0) {
        message.msg_iovlen = cut_rest({message.msg_iov, message.msg_iovlen}, sent, rest);
        message.msg_iov = rest.data();
    }
    const ssize_t result = ::sendmsg(submission.fd, &message, flags);
    return result < 0 ? -errno : result;
}

}  // namespace ringcast::ring

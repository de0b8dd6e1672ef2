// What an io_uring does not do by itself, so that it takes system calls: shutdowns and questions.
// For a direct descriptor these need one of the process.

#include <algorithm>
#include <climits>
#include <sys/socket.h>

#include "base/assert.hpp"
#include "ring/direct.hpp"
#include "ring/sockaddr.hpp"
#include "ring/uring.hpp"

namespace ringcast::ring {
namespace {

constexpr int not_yet_installed = INT_MIN;  // Neither a descriptor nor an errno.

}  // namespace

/// Calls `call` with a descriptor of the process for `fd`, of either kind.
template <typename Call>
auto UringRing::with_descriptor(int fd, const Call& call) {
    ++counters_.calls;
    if (!is_direct(fd)) return call(fd);
    const Descriptor installed = install(fd);
    return call(installed.get());
}

Address UringRing::peer_address(int fd) noexcept {
    return with_descriptor(fd, &peer_of);
}

std::uint64_t UringRing::unacknowledged_bytes(int fd) noexcept {
    return with_descriptor(fd, &unacknowledged_bytes_of);
}

/// A direct descriptor is only closed after a shutdown in both directions, which is there to bring
/// its operations home; they come home by themselves when they are cancelled. That needs no
/// descriptor of the process, of which there may be none, nor a system call.
void UringRing::request_shutdown(const Submission& submission) {
    const auto how = static_cast<Shutdown>(submission.size);
    if (is_direct(submission.fd) && how == Shutdown::both) {
        prepare_cancel(submission.token, Opcode::recv);
        prepare_cancel(submission.token, Opcode::send);
    } else {
        shutdowns_.push_back(
            {.fd = submission.fd, .how = how == Shutdown::sending ? SHUT_WR : SHUT_RDWR});
    }
}

/// Not by IORING_OP_SHUTDOWN: a worker thread would do it some time, and would look up only then
/// which file has that index.
void UringRing::run_shutdowns() {
    for (const PendingShutdown& pending : shutdowns_) {
        // Fails if the peer was faster, or for want of a descriptor: then the peer learns of the
        // end when the socket is closed.
        (void)with_descriptor(pending.fd, [&](int fd) { return ::shutdown(fd, pending.how); });
    }
    shutdowns_.clear();
}

/// A descriptor of the process for the direct descriptor `fd`, or none if the process has too many.
/// Costs an io_uring_enter here and a close() when it goes.
Descriptor UringRing::install(int fd) {
    RC_ASSERT(queue_.unsubmitted() == 0);  // Only what translate() has begun is there for a while.
    io_uring_sqe& entry = next_entry(install_token);
    io_uring_prep_rw(uring::op_fixed_fd_install, &entry, -1, nullptr, 0, 0);
    name_file(entry, fd);
    installed_ = not_yet_installed;
    while (installed_ == not_yet_installed) {
        ++counters_.calls;
        (void)queue_.submit_and_wait({});
        collect();
    }
    ++counters_.calls;
    return Descriptor{std::max(installed_, -1)};
}

}  // namespace ringcast::ring

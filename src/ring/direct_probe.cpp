#include "ring/direct_probe.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "ring/direct.hpp"
#include "ring/listen.hpp"

namespace ringcast::ring {
namespace {

constexpr int reader_index = 0;
constexpr int writer_index = 1;

/// Both ends of a pipe, in that order, in the table and nowhere else. False: the kernel has no such
/// table.
[[nodiscard]] bool open_table_with_pipe(UringQueue& queue) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    const Descriptor reader{ends[reader_index]};
    const Descriptor writer{ends[writer_index]};
    return queue.open_direct_descriptors(ends.size()) == 0 &&
           queue.set_direct_descriptors(0, ends) == 0;
}

enum class Step : std::uint64_t { wait, install, close };

io_uring_sqe& next_entry(UringQueue& queue, Step step) {
    io_uring_sqe* const entry = queue.next_entry();
    RC_ASSERT(entry != nullptr);
    entry->user_data = static_cast<std::uint64_t>(step);
    return *entry;
}

}  // namespace

bool has_direct_descriptors(UringQueue& queue) {
    if (!open_table_with_pipe(queue)) return false;
    io_uring_sqe& wait = next_entry(queue, Step::wait);
    io_uring_prep_poll_add(&wait, -1, POLLIN);
    name_file(wait, direct_mark | reader_index);
    io_uring_sqe& install = next_entry(queue, Step::install);
    io_uring_prep_rw(uring::op_fixed_fd_install, &install, -1, nullptr, 0, 0);
    name_file(install, direct_mark | reader_index);
    io_uring_prep_close_direct(&next_entry(queue, Step::close), writer_index);

    bool is_installed = false;
    bool is_let_go = false;
    // The kernel lets go of the pipe's end, and then tells the other one, when a call returns.
    for (int i = 0; i < 3; ++i) {
        if (queue.submit_and_wait({}) != 0) return false;
        queue.drain([&](const io_uring_cqe& entry) {
            switch (static_cast<Step>(entry.user_data)) {
                case Step::wait: is_let_go = entry.res > 0 && (entry.res & POLLHUP) != 0; break;
                case Step::install:
                    is_installed = entry.res >= 0;
                    if (is_installed) ::close(entry.res);
                    break;
                case Step::close: break;
            }
        });
    }
    return is_installed && is_let_go;
}

}  // namespace ringcast::ring

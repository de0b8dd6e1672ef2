#include "uring_io.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/assert.hpp"

namespace ringcast::bench {

namespace {

constexpr unsigned submission_entries = 4096;
constexpr unsigned completion_entries = 32768;
constexpr unsigned short buffer_group = 0;

// Kernel interface that Debian's liburing 2.3 does not name yet (Linux 6.12).
constexpr unsigned cqe_buffer_has_more = 1U << 4U;  // IORING_CQE_F_BUF_MORE
constexpr unsigned short buffer_ring_incremental =
    1U << 1U;  // IOU_PBUF_RING_INC, in the word that 2.3 calls pad

constexpr std::uint64_t token_of(Operation operation, std::uint32_t index) {
    return static_cast<std::uint64_t>(operation) << 32U | index;
}

}  // namespace

Expected<std::unique_ptr<UringIo>> UringIo::create(std::uint32_t first_index,
                                                   std::uint32_t connections,
                                                   const IoOptions& options) {
    std::unique_ptr<UringIo> io(new UringIo(first_index, connections, options));
    if (auto started = io->start(); !started) return std::unexpected(started.error());
    return io;
}

UringIo::UringIo(std::uint32_t first_index, std::uint32_t connections, const IoOptions& options)
    : options_(options), first_index_(first_index), sockets_(connections) {}

Expected<void> UringIo::start() {
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL |
                       IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    parameters.cq_entries = completion_entries;
    if (const int result = io_uring_queue_init_params(submission_entries, &ring_, &parameters);
        result < 0) {
        return fail(
            "cannot create an io_uring ({}); Linux 6.1 or later is needed, and a container may "
            "forbid it",
            errno_text(-result));
    }
    ring_ready_ = true;
    io_uring_register_ring_fd(&ring_);  // Saves a little per call; the ring works without it.
    if (const int result =
            io_uring_register_files_sparse(&ring_, static_cast<unsigned>(sockets_.size()));
        result < 0) {
        return fail("cannot register a table of {} files: {}", sockets_.size(),
                    errno_text(-result));
    }
    if (const int result = register_buffers(); result < 0) {
        return fail("cannot register a ring of receive buffers: {}", errno_text(-result));
    }
    return {};
}

int UringIo::register_buffers() {
    void* memory = mmap(nullptr, options_.buffer_count * sizeof(io_uring_buf),
                        PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (memory == MAP_FAILED) return -errno;
    buffer_ring_ = static_cast<io_uring_buf_ring*>(memory);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
    registration.ring_entries = options_.buffer_count;
    registration.bgid = buffer_group;
    registration.pad = buffer_ring_incremental;
    int result = io_uring_register_buf_ring(&ring_, &registration, 0);
    if (result ==
        -EINVAL) {  // Before 6.12 the word must be zero, and a receive takes a whole buffer.
        registration.pad = 0;
        result = io_uring_register_buf_ring(&ring_, &registration, 0);
    }
    if (result < 0) return result;
    io_uring_buf_ring_init(buffer_ring_);
    buffers_.resize(std::size_t{options_.buffer_count} * options_.buffer_bytes);
    buffer_used_.resize(options_.buffer_count);
    for (unsigned buffer = 0; buffer < options_.buffer_count; ++buffer) {
        spent_buffers_.push_back(static_cast<std::uint16_t>(buffer));
    }
    recycle_buffers();
    return 0;
}

Expected<void> UringIo::signal_through(int descriptor) {
    const int result = io_uring_register_eventfd(&ring_, descriptor);
    if (result == 0) return {};
    return fail("cannot register an eventfd: {}", errno_text(-result));
}

UringIo::~UringIo() {
    if (ring_ready_) io_uring_queue_exit(&ring_);
    if (buffer_ring_ != nullptr) munmap(buffer_ring_, options_.buffer_count * sizeof(io_uring_buf));
}

// The prep functions of liburing 2.2 and later leave user_data alone, so it can be set first.
io_uring_sqe* UringIo::next_entry(Operation operation, std::uint32_t index) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) {
        io_uring_submit(&ring_);  // The array is full; with SUBMIT_ALL the kernel takes all of it.
        entry = io_uring_get_sqe(&ring_);
        RC_ASSERT(entry != nullptr);
    }
    entry->user_data = token_of(operation, index);
    return entry;
}

void UringIo::open(std::uint32_t index, int fd, const SocketAddress& address,
                   std::string_view request) {
    // The kernel does both while it takes them: the socket is in the table, and no longer among the
    // open files of the process, before it comes to the chain.
    const int slot = slot_of(index);
    int& socket = sockets_[static_cast<std::size_t>(slot)];
    socket = fd;
    io_uring_sqe* entry = next_entry(Operation::adopt, index);
    io_uring_prep_files_update(entry, &socket, 1, slot);
    entry->flags = IOSQE_CQE_SKIP_SUCCESS;
    entry = next_entry(Operation::close, index);
    io_uring_prep_close(entry, fd);
    entry->flags = IOSQE_CQE_SKIP_SUCCESS;

    // A chain must reach the kernel in one submission.
    if (io_uring_sq_space_left(&ring_) < 3) io_uring_submit(&ring_);
    entry = next_entry(Operation::connect, index);
    io_uring_prep_connect(entry, slot, address.get(), address.size());
    entry->flags = IOSQE_FIXED_FILE | IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;

    entry = next_entry(Operation::upgrade, index);
    io_uring_prep_send(entry, slot, request.data(), request.size(), MSG_NOSIGNAL | MSG_WAITALL);
    entry->flags = IOSQE_FIXED_FILE | IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;

    receive_once(index);
}

void UringIo::receive(std::uint32_t index, bool multishot) {
    io_uring_sqe* entry = next_entry(Operation::receive, index);
    if (multishot) {
        io_uring_prep_recv_multishot(entry, slot_of(index), nullptr, 0, 0);
    } else {
        io_uring_prep_recv(entry, slot_of(index), nullptr, 0, 0);
    }
    entry->flags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
    entry->buf_group = buffer_group;
}

void UringIo::receive_once(std::uint32_t index) {
    receive(index, false);
}

void UringIo::receive_many(std::uint32_t index) {
    receive(index, true);
}

void UringIo::send(std::uint32_t index, std::span<const std::byte> bytes) {
    io_uring_sqe* entry = next_entry(Operation::send, index);
    io_uring_prep_send(entry, slot_of(index), bytes.data(), bytes.size(),
                       MSG_NOSIGNAL | MSG_WAITALL);
    entry->flags = IOSQE_FIXED_FILE;
}

void UringIo::send_quiet(std::uint32_t index, std::span<const std::byte> bytes) {
    io_uring_sqe* entry = next_entry(Operation::send_quiet, index);
    io_uring_prep_send(entry, slot_of(index), bytes.data(), bytes.size(),
                       MSG_NOSIGNAL | MSG_WAITALL | MSG_DONTWAIT);
    entry->flags = IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
}

void UringIo::close(std::uint32_t index) {
    io_uring_sqe* entry = next_entry(Operation::close, index);
    io_uring_prep_close_direct(entry, static_cast<unsigned>(slot_of(index)));
    entry->flags = IOSQE_CQE_SKIP_SUCCESS;
}

Expected<std::span<const Event>> UringIo::turn(std::chrono::nanoseconds timeout) {
    recycle_buffers();
    events_.clear();
    constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;
    __kernel_timespec limit{.tv_sec = timeout.count() / nanoseconds_per_second,
                            .tv_nsec = timeout.count() % nanoseconds_per_second};
    io_uring_cqe* first = nullptr;
    const int result = io_uring_submit_and_wait_timeout(&ring_, &first, 1, &limit, nullptr);
    if (result < 0 && result != -ETIME && result != -EINTR)
        return fail("io_uring: {}", errno_text(-result));

    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) {
        collect(*completion);
        ++count;
    }
    io_uring_cq_advance(&ring_, count);
    return std::span<const Event>(events_);
}

void UringIo::collect(const io_uring_cqe& completion) {
    Event event{.operation = static_cast<Operation>(completion.user_data >> 32U),
                .more = (completion.flags & IORING_CQE_F_MORE) != 0,
                .index = static_cast<std::uint32_t>(completion.user_data),
                .result = completion.res,
                .bytes = {}};
    if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
        const auto buffer = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
        const auto received = static_cast<std::uint32_t>(completion.res > 0 ? completion.res : 0);
        const std::size_t start =
            std::size_t{buffer} * options_.buffer_bytes + buffer_used_[buffer];
        event.bytes = std::span<const std::byte>(buffers_).subspan(start, received);
        if ((completion.flags & cqe_buffer_has_more) != 0) {
            buffer_used_[buffer] += received;
        } else {
            buffer_used_[buffer] = 0;
            spent_buffers_.push_back(buffer);
        }
    }
    events_.push_back(event);
}

void UringIo::recycle_buffers() {
    if (spent_buffers_.empty()) return;
    const int mask = io_uring_buf_ring_mask(options_.buffer_count);
    int offset = 0;
    for (const std::uint16_t buffer : spent_buffers_) {
        std::byte* start = buffers_.data() + std::size_t{buffer} * options_.buffer_bytes;
        io_uring_buf_ring_add(buffer_ring_, start, options_.buffer_bytes, buffer, mask, offset++);
    }
    io_uring_buf_ring_advance(buffer_ring_, offset);
    spent_buffers_.clear();
}

}  // namespace ringcast::bench

#pragma once
// The ring is the interface between a shard and the kernel, shaped like io_uring itself:
// submissions as plain data in, completions as plain data out, one virtual call per loop turn for
// the whole batch. Three incarnations: UringRing hands the batch to io_uring, EpollRing emulates it
// on readiness, and the simulator draws the answers from a seed.
//
// The contract, which every incarnation keeps and the simulator checks:
//  1. Per connection at most one receive is armed and one send is in flight.
//  2. Memory named by a submission belongs to the ring until its completion. A quiet send returns
//     its memory when the turn() or flush() that submitted it returns.
//  3. accept and recv are multishot: `more` set = still armed; clear = finished, arm again.
//  4. Received bytes are a slice of a ring buffer, valid until the second following turn() begins.
//  5. Out of buffers (-ENOBUFS) is weather: the recv has finished, no byte was lost, arm again.
//  6. Short reads and short writes are always possible.
//  7. A reset right behind received bytes may stay unsaid while the receive is armed: Linux can
//     lose that wake-up of a multishot receive (axboe/liburing issue 1549; on Unix sockets the end
//     of the stream, too). A send, or a shutdown in both directions, brings it out; so no
//     connection may be without a deadline.
//  8. A descriptor that an accept gave is a number that this ring understands. It need not be one
//     of the process: no system call takes it.
//  9. turn() calls nobody. A ring is created and used on its shard's thread only; other threads
//  have a Waker.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.hpp"
#include "ring/address.hpp"

namespace ringcast::ring {

enum class Opcode : std::uint8_t {
    accept,  ///< Multishot. `result` is a descriptor (rule 8), or -errno.
    recv,    ///< Multishot. `result` > 0: that many bytes at `Completion::bytes`; 0: end of stream;
             ///< else -errno.
    cancel,  ///< Ends an armed recv or accept. Posts nothing itself: that operation's last
             ///< completion tells.
    send,    ///< Completes once, when all is sent or it failed. `result`: bytes sent, or -errno.
    send_quiet,  ///< Never waits. No completion when everything went at once; else `result` = bytes
                 ///< sent or -errno.
    shutdown,    ///< shutdown(2) in both directions or for sending only, after the sends before it.
                 ///< Posts nothing. Both: ends the receive and the send of the same slot,
                 ///< generation and tag, perhaps with -ECANCELED; a close shall follow.
    close,       ///< Closes the descriptor. Completes once.
    wake,        ///< Completion only: somebody used the Waker.
};

/// Names an operation of one incarnation of one slot. Never a pointer: a stale token is recognised,
/// not followed.
struct Token {
    std::uint32_t slot = 0;
    std::uint16_t generation = 0;
    Opcode opcode = Opcode::wake;
    std::uint8_t tag = 0;  ///< Free for the submitter, for example the kind of slot.

    friend bool operator==(const Token&, const Token&) = default;
};
static_assert(sizeof(Token) == 8);

/// One piece of a gathered send. Laid out like iovec, so that a ring can hand the array to the
/// kernel.
struct Part {
    const std::byte* data = nullptr;
    std::size_t size = 0;
};

/// What a shutdown ends.
enum class Shutdown : std::uint8_t { sending, both };

/// One operation, as plain data. `parts_count` == 0: `data` is the only part, of `size` bytes; else
/// `data` points to an array of `parts_count` Parts, which belongs to the ring as long as the bytes
/// do.
struct Submission {
    Token token;
    std::int32_t fd = -1;
    std::uint32_t parts_count = 0;
    const void* data = nullptr;
    std::uint64_t size =
        0;  ///< Bytes of a send; the `Shutdown` of a shutdown; what a cancel ends (`Opcode`).
};
static_assert(sizeof(Submission) == 32);

/// What one send can take, asserted: the kernel would silently cut the rest off (MAX_RW_COUNT,
/// UIO_MAXIOV).
inline constexpr std::uint64_t send_bytes_max = 0x7fff'f000;
inline constexpr std::uint32_t send_parts_max = 1024;

/// The answer to an operation.
struct Completion {
    static constexpr std::uint32_t more = 1;  ///< The multishot operation is still armed.

    Token token;
    std::byte* bytes =
        nullptr;  ///< recv only: `result` bytes, writable (unmasked in place), see rule 4.
    std::int32_t result = 0;
    std::uint32_t flags = 0;

    [[nodiscard]] bool has_more() const noexcept { return (flags & more) != 0; }
};
static_assert(sizeof(Completion) == 24);

/// How long a turn may wait.
struct Wait {
    Instant until =
        instant_never;  ///< Return by then, even with nothing. In the past: do not wait at all.
    std::uint32_t count = 1;  ///< Wait for so many completions ...
    Duration gather{0};       ///< ... but once this has passed, one is enough. Needs the min_wait
                              ///< feature, else count is 1.
};

/// Lets another thread end a ring's wait. Copyable; usable as long as the ring lives.
class Waker {
public:
    using Call = void (*)(void*) noexcept;
    Waker() = default;
    Waker(Call call, void* context) noexcept : call_{call}, context_{context} {}

    /// The ring's current or next turn returns with a `wake` completion. Several wakes may become
    /// one. Any thread.
    void wake() const noexcept {
        if (call_ != nullptr) call_(context_);
    }

private:
    Call call_ = nullptr;
    void* context_ = nullptr;
};

/// What a ring counted since it was made. Plain numbers of the shard's thread.
struct Counters {
    std::uint64_t turns = 0;
    std::uint64_t calls = 0;  ///< System calls made (io_uring_enter, epoll_wait, recv, send, ...).
    std::uint64_t completions = 0;
    std::uint64_t submissions = 0;
    std::uint64_t buffers_exhausted =
        0;  ///< Receives ended with -ENOBUFS (epoll: put off to the next turn).
    std::uint64_t quiet_shortfalls = 0;  ///< Quiet sends that could not finish at once.
    std::uint64_t early_flushes = 0;     ///< flush() calls and full submission arrays.
    /// Between the return of one turn and the begin of the next: what the shard itself took.
    Duration busy{0};
};

class Ring {
public:
    virtual ~Ring() = default;
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    // Submissions. None of them fails or waits: a full array is handed on at once, its completions
    // kept for turn().

    void accept(Token token, int listener) {
        append({.token = with(token, Opcode::accept), .fd = listener});
    }
    void recv(Token token, int fd) { append({.token = with(token, Opcode::recv), .fd = fd}); }
    /// Ends the armed recv (or accept) on `fd` that has the same slot, generation and tag; its last
    /// completion has the result -ECANCELED, or whatever came first. Does nothing if there is none
    /// any more.
    void cancel(Token token, int fd, Opcode target = Opcode::recv) {
        append({.token = with(token, Opcode::cancel),
                .fd = fd,
                .size = static_cast<std::uint64_t>(target)});
    }
    void send(Token token, int fd, std::span<const std::byte> bytes) {
        append({.token = with(token, Opcode::send),
                .fd = fd,
                .data = bytes.data(),
                .size = bytes.size()});
    }
    void send(Token token, int fd, std::span<const Part> parts, std::uint64_t size) {
        append({.token = with(token, Opcode::send),
                .fd = fd,
                .parts_count = static_cast<std::uint32_t>(parts.size()),
                .data = parts.data(),
                .size = size});
    }
    void send_quiet(Token token, int fd, std::span<const std::byte> bytes) {
        append({.token = with(token, Opcode::send_quiet),
                .fd = fd,
                .data = bytes.data(),
                .size = bytes.size()});
    }
    void send_quiet(Token token, int fd, std::span<const Part> parts, std::uint64_t size) {
        append({.token = with(token, Opcode::send_quiet),
                .fd = fd,
                .parts_count = static_cast<std::uint32_t>(parts.size()),
                .data = parts.data(),
                .size = size});
    }
    void shutdown(Token token, int fd, Shutdown how) {
        append({.token = with(token, Opcode::shutdown),
                .fd = fd,
                .size = static_cast<std::uint64_t>(how)});
    }
    void close(Token token, int fd) { append({.token = with(token, Opcode::close), .fd = fd}); }

    /// Hands over what was appended, waits as `wait` says, and returns everything that has
    /// completed since the last turn, the shortfalls of quiet sends first. The span lives until the
    /// next turn(): calls of flush() and appends in between leave it alone, since a shard flushes
    /// early while it still walks through its completions.
    [[nodiscard]] std::span<const Completion> turn(const Wait& wait) {
        ++counters_.turns;
        auto completions = exchange(submissions_, wait);
        submissions_.clear();
        counters_.completions += completions.size();
        return completions;
    }

    /// Hands over what was appended without waiting. Returns only the shortfalls of quiet sends, so
    /// that the memory of all other quiet sends is free again; everything else is kept for turn().
    /// The span lives until the next turn() or flush().
    [[nodiscard]] std::span<const Completion> flush() {
        ++counters_.early_flushes;
        auto shortfalls = submit(submissions_);
        submissions_.clear();
        return shortfalls;
    }

    /// The time at which the last turn() returned (at first: when the ring was made).
    [[nodiscard]] Instant now() const noexcept { return now_; }
    [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
    /// For other threads. Valid until the ring is destroyed.
    [[nodiscard]] virtual Waker waker() noexcept = 0;
    /// The other end of a connected descriptor (getpeername). Costs a system call: ask once and
    /// only when needed.
    [[nodiscard]] virtual Address peer_address(int fd) noexcept = 0;
    /// Bytes sent on a connected descriptor that the other end has not acknowledged (SIOCOUTQ): the
    /// kernel still has them. 0 if it does not say. Costs a system call.
    [[nodiscard]] virtual std::uint64_t unacknowledged_bytes(int fd) noexcept = 0;
    /// True if `Wait::count` and `Wait::gather` are honoured.
    [[nodiscard]] virtual bool gathers() const noexcept = 0;
    /// True if no buffer is lent out and no submission is unanswered, apart from the ring's own.
    /// For end-state checks.
    [[nodiscard]] virtual bool idle() const noexcept = 0;

protected:
    explicit Ring(std::size_t submissions_max) { submissions_.reserve(submissions_max); }

    /// The one indirect call of a loop turn.
    virtual std::span<const Completion> exchange(std::span<const Submission> submissions,
                                                 const Wait& wait) = 0;
    /// Hands over without waiting; returns the shortfalls of quiet sends not yet returned by any
    /// call.
    virtual std::span<const Completion> submit(std::span<const Submission> submissions) = 0;
    /// Hands over without waiting; shortfalls stay with the ring until the next exchange() or
    /// submit().
    virtual void spill(std::span<const Submission> submissions) = 0;

    /// Each exchange() says first what time it is: what has passed since now() was the shard's
    /// work.
    void end_work(Instant time) noexcept { counters_.busy += time - now_; }

    Instant now_;
    Counters counters_;

private:
    static Token with(Token token, Opcode opcode) noexcept {
        token.opcode = opcode;
        return token;
    }
    void append(const Submission& submission) {
        if (submissions_.size() == submissions_.capacity()) [[unlikely]] {
            ++counters_.early_flushes;
            spill(submissions_);
            submissions_.clear();
        }
        ++counters_.submissions;
        submissions_.push_back(submission);
    }

    std::vector<Submission> submissions_;  // Never grows: its capacity is the limit.
};

}  // namespace ringcast::ring

#pragma once
// A Ring driven by hand: it keeps what the shard submits, and the test says when and how each
// operation ends. Time stands still until advance(). For the paths of a shard that real sockets
// reach only by luck; the simulator explores the rest.
//
// Checks the shard's side of the contract (src/ring/ring.hpp) with assertions, and frees received
// slices as early as rule 4 allows, so that AddressSanitizer sees whoever keeps one.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "ring/ring.hpp"

namespace ringcast::test {

class FakeRing final : public ring::Ring {
public:
    static constexpr std::uint64_t unlimited = UINT64_MAX;

    /// A descriptor as the kernel would know it. Members up to the blank line are the test's to
    /// set.
    struct Socket {
        std::uint64_t room = unlimited;  ///< Bytes that sends may still take.
        int send_error = 0;              ///< What the next send fails with (errno).
        bool holds_cancel = false;    ///< A cancel has no effect until finish_recv() or deliver().
        bool holds_shutdown = false;  ///< A shutdown ends neither receive nor send by itself.
        std::optional<ring::Address> peer;  ///< Else 0.0.0.0 with the descriptor as its port.
        bool keeps_output = true;  ///< Keep a copy of what is sent, in `output` and `pieces`.

        std::string output;
        std::uint64_t output_bytes = 0;
        std::vector<ring::Part> pieces;          ///< Of the last quiet send: where its bytes lay.
        std::optional<ring::Token> recv;         ///< Armed.
        std::optional<ring::Submission> send;    ///< In flight ...
        std::uint64_t sent = 0;                  ///< ... and how much of it went.
        std::uint64_t unacknowledged_bytes = 0;  ///< What the kernel is said to have still.
        std::uint32_t quiet_sends = 0;
        bool cancelled = false;
        bool sending_shut = false;
        bool both_shut = false;
        bool closed = false;
    };

    FakeRing() : Ring{4096} { now_ = Instant{std::chrono::hours{1}}; }

    // The test's side.

    /// A descriptor that the shard gets to know by an accept; returns its number.
    int add_connection() {
        const int fd = next_fd_++;
        sockets_[fd];
        return fd;
    }
    [[nodiscard]] Socket& socket(int fd) { return sockets_.at(fd); }
    [[nodiscard]] bool is_listener_shut(int listener) const {
        return listeners_shut_.contains(listener);
    }
    [[nodiscard]] bool is_accepting(int listener) const { return accepts_.contains(listener); }

    /// The accept on `listener` brings `result`: a descriptor or -errno.
    void complete_accept(int listener, std::int32_t result, bool more = true) {
        const auto accept = accepts_.find(listener);
        RC_ASSERT(accept != accepts_.end());
        post({.token = accept->second, .result = result}, more);
        if (!more) accepts_.erase(accept);
    }
    /// Bytes arrive on `fd`, in memory of their own.
    void deliver(int fd, std::string_view bytes, bool more = true) {
        auto& slice = slices_.emplace_back();
        slice.memory = std::make_unique<std::byte[]>(bytes.size() + slack_bytes);
        slice.expires_at = counters_.turns + 3;
        std::memcpy(slice.memory.get(), bytes.data(), bytes.size());
        deliver_in(fd, {slice.memory.get(), bytes.size()}, more);
    }
    /// Bytes arrive on `fd` in the test's own memory, which has to stay for two more turns.
    void deliver_in(int fd, std::span<std::byte> bytes, bool more = true) {
        complete_recv(fd, static_cast<std::int32_t>(bytes.size()), bytes.data(), more);
    }
    /// The receive on `fd` ends: 0 is the end of the stream, else -errno.
    void finish_recv(int fd, std::int32_t result) {
        if (result == -ENOBUFS) ++counters_.buffers_exhausted;
        complete_recv(fd, result, nullptr, false);
    }
    /// Makes room for `bytes` more, which goes to the send in flight first.
    void give_room(int fd, std::uint64_t bytes) {
        Socket& target = socket(fd);
        target.room = bytes == unlimited ? unlimited : target.room + bytes;
        continue_send(target);
    }
    /// The send in flight on `fd` ends with -`error`.
    void fail_send(int fd, int error) {
        Socket& target = socket(fd);
        RC_ASSERT(target.send);
        post({.token = std::exchange(target.send, std::nullopt)->token, .result = -error}, false);
    }
    void advance(Duration duration) { now_ += duration; }
    [[nodiscard]] const ring::Wait& last_wait() const { return last_wait_; }
    [[nodiscard]] std::size_t open_sockets() const {
        return static_cast<std::size_t>(std::ranges::count_if(
            sockets_, [](const auto& entry) { return !entry.second.closed; }));
    }

    // The shard's side.

    [[nodiscard]] ring::Waker waker() noexcept override {
        return {[](void* ring) noexcept { static_cast<FakeRing*>(ring)->is_woken_ = true; }, this};
    }
    [[nodiscard]] ring::Address peer_address(int fd) noexcept override {
        return socket(fd).peer.value_or(ring::Address{.family = ring::Address::Family::ipv4,
                                                      .port = static_cast<std::uint16_t>(fd)});
    }
    [[nodiscard]] std::uint64_t unacknowledged_bytes(int fd) noexcept override {
        return socket(fd).unacknowledged_bytes;
    }
    [[nodiscard]] bool gathers() const noexcept override { return true; }
    [[nodiscard]] bool idle() const noexcept override {
        return accepts_.empty() && std::ranges::all_of(sockets_, [](const auto& entry) {
                   return !entry.second.recv && !entry.second.send;
               });
    }

protected:
    std::span<const ring::Completion> exchange(std::span<const ring::Submission> submissions,
                                               const ring::Wait& wait) override {
        last_wait_ = wait;
        std::erase_if(slices_,
                      [this](const Slice& slice) { return slice.expires_at <= counters_.turns; });
        for (const ring::Submission& submission : submissions) execute(submission);
        returned_.clear();
        std::swap(returned_, shortfalls_);
        returned_.insert(returned_.end(), ready_.begin(), ready_.end());
        ready_.clear();
        if (std::exchange(is_woken_, false)) returned_.push_back({});
        return returned_;
    }
    std::span<const ring::Completion> submit(
        std::span<const ring::Submission> submissions) override {
        for (const ring::Submission& submission : submissions) execute(submission);
        flushed_.clear();
        std::swap(flushed_, shortfalls_);
        return flushed_;
    }
    void spill(std::span<const ring::Submission> submissions) override {
        for (const ring::Submission& submission : submissions) execute(submission);
    }

private:
    static constexpr std::size_t slack_bytes = 64;

    struct Slice {
        std::unique_ptr<std::byte[]> memory;
        std::uint64_t expires_at = 0;  // When the turn of that number begins.
    };

    void post(ring::Completion completion, bool more) {
        completion.flags = more ? ring::Completion::more : 0;
        ready_.push_back(completion);
    }

    void complete_recv(int fd, std::int32_t result, std::byte* bytes, bool more) {
        Socket& target = socket(fd);
        RC_ASSERT(target.recv);
        post({.token = *target.recv, .bytes = bytes, .result = result}, more);
        if (!more) target.recv.reset();
    }

    void execute(const ring::Submission& submission) {
        switch (submission.token.opcode) {
            case ring::Opcode::accept: {
                listeners_.insert(submission.fd);
                const bool is_new = accepts_.emplace(submission.fd, submission.token).second;
                RC_ASSERT(is_new);
                return;
            }
            case ring::Opcode::cancel: return cancel(submission);
            case ring::Opcode::recv: {
                Socket& target = open_socket(submission.fd);
                RC_ASSERT(!target.recv);  // Rule 1.
                target.recv = submission.token;
                target.cancelled = false;
                return;
            }
            case ring::Opcode::send: return start_send(submission);
            case ring::Opcode::send_quiet: return send_quietly(submission);
            case ring::Opcode::shutdown: return shut_down(submission);
            case ring::Opcode::close: {
                Socket& target = open_socket(submission.fd);
                RC_ASSERT(!target.recv && !target.send);  // Close is a join.
                target.closed = true;
                return post({.token = submission.token}, false);
            }
            case ring::Opcode::wake: RC_ASSERT(false && "a wake is no submission");
        }
    }

    Socket& open_socket(int fd) {
        Socket& target = socket(fd);
        RC_ASSERT(!target.closed);
        return target;
    }

    void cancel(const ring::Submission& submission) {
        if (submission.size == static_cast<std::uint64_t>(ring::Opcode::accept)) {
            if (accepts_.contains(submission.fd)) complete_accept(submission.fd, -ECANCELED, false);
            return;
        }
        Socket& target = open_socket(submission.fd);
        target.cancelled = true;
        if (target.recv && !target.holds_cancel) finish_recv(submission.fd, -ECANCELED);
    }

    void shut_down(const ring::Submission& submission) {
        if (listeners_.contains(submission.fd)) {
            listeners_shut_.insert(submission.fd);
            return;
        }
        Socket& target = open_socket(submission.fd);
        target.sending_shut = true;
        if (submission.size == static_cast<std::uint64_t>(ring::Shutdown::sending)) return;
        target.both_shut = true;
        if (target.holds_shutdown) return;
        if (target.recv) finish_recv(submission.fd, 0);
        if (target.send) fail_send(submission.fd, EPIPE);
    }

    static std::span<const ring::Part> parts_of(const ring::Submission& submission,
                                                ring::Part& only) {
        if (submission.parts_count > 0) {
            RC_ASSERT(submission.parts_count <= ring::send_parts_max);
            return {static_cast<const ring::Part*>(submission.data), submission.parts_count};
        }
        only = {.data = static_cast<const std::byte*>(submission.data),
                .size = static_cast<std::size_t>(submission.size)};
        return {&only, 1};
    }

    /// Takes what there is room for of `submission`, from `position` on; returns how much.
    static std::uint64_t take(Socket& target, const ring::Submission& submission,
                              std::uint64_t position) {
        ring::Part only;
        std::uint64_t total = 0;
        std::uint64_t taken = 0;
        for (const ring::Part& part : parts_of(submission, only)) {
            total += part.size;
            const auto skipped = std::min<std::uint64_t>(position, part.size);
            position -= skipped;
            const auto size = std::min<std::uint64_t>(part.size - skipped, target.room);
            if (target.room != unlimited) target.room -= size;
            taken += size;
            if (target.keeps_output) {
                target.output.append(reinterpret_cast<const char*>(part.data) + skipped,
                                     static_cast<std::size_t>(size));
            }
        }
        RC_ASSERT(total == submission.size);
        target.output_bytes += taken;
        return taken;
    }

    void send_quietly(const ring::Submission& submission) {
        Socket& target = open_socket(submission.fd);
        RC_ASSERT(!target.send);  // Rule 1.
        ++target.quiet_sends;
        if (target.keeps_output) {
            ring::Part only;
            const auto parts = parts_of(submission, only);
            target.pieces.assign(parts.begin(), parts.end());
        }
        std::int32_t result;
        if (target.send_error != 0) {
            result = -std::exchange(target.send_error, 0);
        } else {
            const std::uint64_t taken = take(target, submission, 0);
            if (taken == submission.size) return;
            result = taken == 0 ? -EAGAIN : static_cast<std::int32_t>(taken);
        }
        ++counters_.quiet_shortfalls;
        shortfalls_.push_back({.token = submission.token, .result = result});
    }

    void start_send(const ring::Submission& submission) {
        Socket& target = open_socket(submission.fd);
        RC_ASSERT(!target.send);  // Rule 1.
        target.send = submission;
        target.sent = 0;
        if (target.send_error != 0)
            return fail_send(submission.fd, std::exchange(target.send_error, 0));
        continue_send(target);
    }

    void continue_send(Socket& target) {
        if (!target.send) return;
        target.sent += take(target, *target.send, target.sent);
        if (target.sent < target.send->size) return;
        post({.token = std::exchange(target.send, std::nullopt)->token,
              .result = static_cast<std::int32_t>(target.sent)},
             false);
    }

    int next_fd_ = 1000;
    std::map<int, Socket> sockets_;
    std::map<int, ring::Token> accepts_;
    std::set<int> listeners_;  // Whatever was accepted from.
    std::set<int> listeners_shut_;
    std::vector<Slice> slices_;
    std::vector<ring::Completion> shortfalls_, ready_, returned_, flushed_;
    ring::Wait last_wait_;
    bool is_woken_ = false;
};

}  // namespace ringcast::test

#pragma once
// One direction of a virtual TCP connection: bytes in order, of which a prefix has arrived and the
// rest is under way.

#include <cstddef>
#include <cstring>
#include <deque>
#include <span>
#include <vector>

#include "base/assert.hpp"
#include "base/time.hpp"

namespace ringcast::sim {

class Stream {
public:
    explicit Stream(std::size_t capacity = 65536) : capacity_{capacity} {}

    // The sender's end.

    /// Bytes that would be taken now; 0 once the stream is finished or broken.
    [[nodiscard]] std::size_t room() const noexcept {
        return finished_ || broken_ ? 0 : capacity_ - (bytes_.size() - head_);
    }
    [[nodiscard]] bool is_finished() const noexcept { return finished_; }
    [[nodiscard]] Instant last_arrival() const noexcept { return last_arrival_; }
    /// Sends `bytes` (at most room()) so that they arrive at `arrival`, not before those sent
    /// earlier.
    void send(std::span<const std::byte> bytes, Instant arrival) {
        RC_ASSERT(bytes.size() <= room());
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        segments_.push_back(bytes.size());
        last_arrival_ = arrival;
    }
    /// The sender is done. The end travels as a segment of no bytes.
    void finish(Instant arrival) {
        finished_ = true;
        segments_.push_back(0);
        last_arrival_ = arrival;
    }

    // On the way.

    [[nodiscard]] std::size_t under_way() const noexcept {
        return bytes_.size() - head_ - arrived_;
    }
    /// The oldest segment is there.
    void arrive() {
        if (broken_) return;
        RC_ASSERT(!segments_.empty());
        const std::size_t size = segments_.front();
        segments_.pop_front();
        arrived_ += size;
        if (size == 0) ended_ = true;
    }
    /// What is under way is lost and nothing follows.
    void cut() noexcept {
        broken_ = true;
        segments_.clear();
        bytes_.resize(head_ + arrived_);
    }

    // The receiver's end.

    [[nodiscard]] std::size_t readable() const noexcept { return arrived_; }
    [[nodiscard]] bool has_unread() const noexcept { return bytes_.size() != head_; }
    /// Nothing more will come, and all has been read.
    [[nodiscard]] bool at_end() const noexcept { return ended_ && arrived_ == 0; }
    [[nodiscard]] bool has_ended() const noexcept { return ended_; }
    [[nodiscard]] std::span<const std::byte> peek() const noexcept {
        return {bytes_.data() + head_, arrived_};
    }
    void consume(std::size_t size) {
        RC_ASSERT(size <= arrived_);
        head_ += size;
        arrived_ -= size;
        if (head_ == bytes_.size() || head_ > compact_bytes) {
            bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(head_));
            head_ = 0;
        }
    }
    /// What has arrived is thrown away too.
    void discard() noexcept {
        cut();
        arrived_ = 0;
        bytes_.clear();
        head_ = 0;
    }

private:
    static constexpr std::size_t compact_bytes = 16384;

    std::vector<std::byte> bytes_;
    std::deque<std::size_t> segments_;  // Sizes of what is under way; 0 is the end.
    std::size_t head_ = 0;              // Bytes of bytes_ that have been read.
    std::size_t arrived_ = 0;
    std::size_t capacity_;
    Instant last_arrival_{};
    bool finished_ = false, ended_ = false, broken_ = false;
};

}  // namespace ringcast::sim

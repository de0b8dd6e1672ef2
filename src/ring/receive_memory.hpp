#pragma once
// The memory that receives are made into: equal buffers side by side, with slack behind the last
// one, and the rule when a buffer may be used again. Shared by UringRing and EpollRing.

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.hpp"

namespace ringcast::ring {

/// Owns `count` buffers of `bytes` each:
///
///   [ buffer 0 | buffer 1 | ... | buffer count-1 | slack, at least 64 B, readable ]
///
/// Pages are taken from the system when they are first touched.
class ReceiveMemory {
public:
    static constexpr std::size_t slack_bytes = 64;

    /// The error is one sentence.
    [[nodiscard]] static std::expected<ReceiveMemory, std::string> map(std::uint32_t count,
                                                                       std::uint32_t bytes);
    ReceiveMemory() = default;
    ReceiveMemory(ReceiveMemory&& other) noexcept
        : data_{std::exchange(other.data_, nullptr)}, count_{other.count_}, bytes_{other.bytes_} {}
    ReceiveMemory& operator=(ReceiveMemory&&) = delete;
    ~ReceiveMemory();

    [[nodiscard]] std::byte* buffer(std::uint32_t index) const noexcept {
        RC_ASSERT(index < count_);
        return data_ + std::size_t{index} * bytes_;
    }
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
    [[nodiscard]] std::uint32_t bytes() const noexcept { return bytes_; }

private:
    [[nodiscard]] std::size_t mapped_bytes() const noexcept {
        return std::size_t{count_} * bytes_ + slack_bytes;
    }

    std::byte* data_ = nullptr;
    std::uint32_t count_ = 0;
    std::uint32_t bytes_ = 0;
};

/// Which buffers are out, and until when. A slice returned by turn k is valid until turn k+2
/// begins, so a buffer that was used up among the completions of turn k is free again at that
/// moment:
///
///   filled after turn k-1 or in turn k -> returned by turn k -> one turn later -> begin of turn
///   k+2: free
///        gathering_                          last_                 before_
class LentBuffers {
public:
    /// A slice that the next returning turn hands out.
    void lend_slice() noexcept { ++gathering_.slices_count; }
    /// A buffer that receives no more bytes; it is free once its last slice has expired.
    void finish(std::uint16_t index) { gathering_.finished.push_back(index); }

    /// Expires what was returned two turns ago and calls `release(index)` for each buffer that
    /// became free.
    template <typename Release>
    void begin_turn(Release&& release) {
        for (const std::uint16_t index : before_.finished) release(index);
        before_.clear();
        std::swap(before_, last_);
    }
    /// What has been gathered is now returned to the shard.
    void end_turn() noexcept { std::swap(last_, gathering_); }

    /// True if no slice is valid any more and every finished buffer is free again.
    [[nodiscard]] bool empty() const noexcept {
        return before_.empty() && last_.empty() && gathering_.empty();
    }

private:
    struct Generation {
        std::vector<std::uint16_t>
            finished;  // Keeps its capacity: no allocation in the steady state.
        std::uint64_t slices_count = 0;

        void clear() noexcept {
            finished.clear();
            slices_count = 0;
        }
        [[nodiscard]] bool empty() const noexcept { return finished.empty() && slices_count == 0; }
    };

    Generation gathering_;
    Generation last_;
    Generation before_;
};

}  // namespace ringcast::ring

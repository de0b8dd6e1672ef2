#pragma once
// What the octets of a client stand for that sends the same frames over and over: so whoever sees
// how many have come knows what work they are, although it looks at none.

#include <cstddef>
#include <cstdint>
#include <span>

namespace ringcast::sim {

/// Compressed messages, or parts of them.
struct InflationWork {
    std::uint64_t messages = 0, payload_bytes = 0, message_bytes = 0;

    /// What a shard is to take it for: nanoseconds, roughly.
    [[nodiscard]] std::uint64_t nanoseconds() const noexcept {
        return 1000 * messages + 16 * payload_bytes + message_bytes;
    }
};

/// All of it valid. Zero everywhere: there is none.
struct Flood {
    std::uint64_t head_bytes = 0;  ///< Of something else, before it begins.
    std::uint64_t body_bytes = 0;  ///< What is repeated ...
    std::uint64_t frames = 0;      ///< ... are so many frames, ...
    InflationWork inflation;       ///< ... and that, where compression was agreed on.

    /// Whole bodies among the first `octets`.
    [[nodiscard]] std::uint64_t bodies(std::uint64_t octets) const noexcept {
        return octets > head_bytes && body_bytes > 0 ? (octets - head_bytes) / body_bytes : 0;
    }
};

/// Counts the TLS records of a connection that hold next to nothing (RFC 8446 section 5.1).
class SmallRecords {
public:
    /// Of what came next on the wire: how many have ended in it.
    std::uint64_t take(std::span<const std::byte> bytes) noexcept {
        std::uint64_t count = 0;
        for (const std::byte octet : bytes) {
            if (position_ == 0) type_ = octet;
            if (position_ == 3 || position_ == 4)
                fragment_bytes_ = fragment_bytes_ << 8 | std::to_integer<std::size_t>(octet);
            if (++position_ < header_bytes + fragment_bytes_ || position_ < header_bytes) continue;
            if (type_ == application_data && fragment_bytes_ < small_bytes_max) ++count;
            position_ = fragment_bytes_ = 0;
        }
        return count;
    }

private:
    static constexpr std::size_t header_bytes = 5, small_bytes_max = 40;
    static constexpr std::byte application_data{23};

    std::size_t position_ = 0, fragment_bytes_ = 0;
    std::byte type_{};
};

}  // namespace ringcast::sim

#pragma once
// A publication on its way to the sessions of this shard: encoded once, and compressed once for
// each window that its subscribers have agreed on (RFC 7692), when the first of them is reached.
//
//   frame ----------------------> subscribers without permessage-deflate
//   compressed [9 bits] --------> those with a window of 512 octets or less
//   ...
//   compressed [15 bits] -------> those with one of 32 KiB, the usual ones

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/buffer_pool.hpp"
#include "shard/shared_frame.hpp"
#include "ws/deflate.hpp"

namespace ringcast::shard {

/// One item of the fan-out. Belongs to one shard and must die before its pool.
class EncodedPublication {
public:
    /// `frame` holds one whole frame, as a server writes it, with that many octets of payload.
    EncodedPublication(SharedFrame frame, std::size_t payload_bytes) noexcept
        : frame_{std::move(frame)}, payload_bytes_{payload_bytes} {}

    [[nodiscard]] const SharedFrame& frame() const noexcept { return frame_; }
    [[nodiscard]] std::size_t payload_bytes() const noexcept { return payload_bytes_; }

    /// What subscribers are sent that have agreed on a window of `window_bits`, without any earlier
    /// context: a compressed frame, or frame() itself where that is not smaller.
    [[nodiscard]] const SharedFrame& compressed(std::uint8_t window_bits, ws::Deflaters& deflaters,
                                                BufferPool& pool);

private:
    [[nodiscard]] SharedFrame compress(std::uint8_t window_bits, ws::Deflaters& deflaters,
                                       BufferPool& pool) const;

    SharedFrame frame_;
    std::size_t payload_bytes_;
    std::array<SharedFrame, ws::Deflaters::windows> compressed_;
    std::array<bool, ws::Deflaters::windows> is_tried_{};  // Then null means: not smaller.
};

}  // namespace ringcast::shard

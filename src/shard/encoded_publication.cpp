#include "shard/encoded_publication.hpp"

#include <cstring>
#include <utility>

#include "ws/frame.hpp"

namespace ringcast::shard {

const SharedFrame& EncodedPublication::compressed(std::uint8_t window_bits,
                                                  ws::Deflaters& deflaters, BufferPool& pool) {
    const std::uint8_t window = ws::Deflaters::window_class(window_bits, payload_bytes_);
    const auto index = static_cast<std::size_t>(window - ws::Deflaters::window_class_min);
    if (!std::exchange(is_tried_[index], true))
        compressed_[index] = compress(window, deflaters, pool);
    return compressed_[index] ? compressed_[index] : frame_;
}

/// Null if it does not get smaller.
SharedFrame EncodedPublication::compress(std::uint8_t window_bits, ws::Deflaters& deflaters,
                                         BufferPool& pool) const {
    const std::span<const std::byte> payload = frame_.bytes().last(payload_bytes_);
    const auto opcode = static_cast<ws::Opcode>(frame_.bytes()[0] & std::byte{0x0f});
    const Block block = pool.get(payload_bytes_);
    const std::size_t size =
        deflaters.deflate(payload, {block.data(), block.capacity()}, window_bits);
    if (size == 0) return {};
    SharedFrame frame{pool, ws::server_header_bytes(size) + size};
    std::byte* const target = frame.bytes().data() + ws::server_header_bytes(size);
    ws::write_header_before(target, opcode, size, ws::rsv1);
    std::memcpy(target, block.data(), size);
    return frame;
}

}  // namespace ringcast::shard

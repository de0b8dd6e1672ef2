#include "ws/frame.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"

namespace ringcast::ws {

namespace {

constexpr std::uint8_t mask_bit = 0x80;

/// FIN, RSV and opcode.
std::byte first_octet(const FrameHeader& header) noexcept {
    RC_ASSERT(header.reserved_bits < 8);
    return static_cast<std::byte>((header.fin ? 0x80 : 0) | header.reserved_bits << 4 |
                                  static_cast<int>(header.opcode));
}

/// Writes the mask bit and the shortest form of the length (RFC 6455 section 5.2); returns the
/// octet after them.
std::byte* write_length(std::byte* target, std::uint64_t payload_bytes,
                        std::uint8_t mask) noexcept {
    RC_ASSERT(payload_bytes >> 63 == 0);
    if (payload_bytes < 126) {
        *target++ = static_cast<std::byte>(mask | payload_bytes);
        return target;
    }
    const unsigned length_bytes = payload_bytes < 65536 ? 2 : 8;
    *target++ = static_cast<std::byte>(mask | (length_bytes == 2 ? 126 : 127));
    for (unsigned shift = length_bytes * 8; shift > 0;) {
        shift -= 8;
        *target++ = static_cast<std::byte>(payload_bytes >> shift & 0xff);
    }
    return target;
}

}  // namespace

std::byte* write_any_header_before(std::byte* payload, Opcode opcode, std::uint64_t payload_bytes,
                                   std::uint8_t reserved_bits) noexcept {
    std::byte* const start = payload - server_header_bytes(payload_bytes);
    *start = first_octet({.opcode = opcode, .reserved_bits = reserved_bits});
    std::byte* const end = write_length(start + 1, payload_bytes, 0);
    RC_ASSERT(end == payload);
    return start;
}

std::size_t write_header(std::byte* target, const FrameHeader& header,
                         const simd::MaskKey* key) noexcept {
    *target = first_octet(header);
    std::byte* end =
        write_length(target + 1, header.payload_bytes, key != nullptr ? mask_bit : std::uint8_t{0});
    if (key != nullptr) end = std::ranges::copy(*key, end).out;
    return static_cast<std::size_t>(end - target);
}

std::size_t write_close_payload(std::byte* target, CloseCode code,
                                std::string_view reason) noexcept {
    if (code == CloseCode::no_status) return 0;
    constexpr std::size_t code_bytes = 2;
    const auto number = static_cast<std::uint16_t>(code);
    RC_ASSERT(may_be_received(number));
    target[0] = static_cast<std::byte>(number >> 8);
    target[1] = static_cast<std::byte>(number & 0xff);
    std::size_t size = std::min(reason.size(), control_payload_bytes_max - code_bytes);
    // A cut before a continuation octet (10xxxxxx) would cut a character; go back to the
    // character's first octet.
    const auto is_continuation = [](char c) {
        return (static_cast<std::uint8_t>(c) & 0xc0) == 0x80;
    };
    while (size > 0 && size < reason.size() && is_continuation(reason[size])) --size;
    if (size > 0) std::memcpy(target + code_bytes, reason.data(), size);
    return code_bytes + size;
}

bool may_be_received(std::uint16_t code) noexcept {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

}  // namespace ringcast::ws

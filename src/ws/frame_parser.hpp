#pragma once
// Client frame headers, read and checked (RFC 6455 sections 5.1, 5.2, 5.4 and 5.5). Pure; the step
// of the path of a byte before ws/assembler. Inline because it runs once per message and returns in
// registers when it is.

#include <cstddef>
#include <cstdint>
#include <span>

#include "ws/frame.hpp"
#include "ws/reason.hpp"

namespace ringcast::ws {

/// What the first octets of a frame say.
struct ParsedHeader {
    FrameHeader header;
    std::uint8_t size = 0;  ///< Octets of the header; 0 while it is incomplete.
    Reason reason =
        Reason::none;  ///< Set as soon as one octet violates, even if the header is incomplete.
};

/// What has come before a frame.
struct FrameContext {
    /// A fragmented message is under way, so that a data frame must be a continuation.
    bool in_message = false;
    /// permessage-deflate was agreed on, so that the first frame of a message may have RSV1.
    bool compression = false;
};

/// The rules of the first octet.
[[nodiscard]] constexpr Reason check_first_octet(unsigned octet, FrameContext context) noexcept {
    const unsigned opcode = octet & 0x0f;
    if ((octet & 0x70) != 0) {
        // RFC 7692 section 6: neither on a continuation nor on a control frame.
        const bool starts_message = opcode == static_cast<unsigned>(Opcode::text) ||
                                    opcode == static_cast<unsigned>(Opcode::binary);
        const bool is_rsv1_alone = (octet >> 4 & 7) == rsv1;
        if (!context.compression || !starts_message || !is_rsv1_alone) return Reason::reserved_bits;
    }
    if ((opcode & 7) > 2) return Reason::reserved_opcode;
    if ((opcode & 8) != 0)
        return (octet & 0x80) != 0 ? Reason::none : Reason::control_frame_fragmented;
    const bool is_continuation = opcode == 0;
    if (is_continuation == context.in_message) return Reason::none;
    return context.in_message ? Reason::expected_continuation : Reason::unexpected_continuation;
}

/// The rules of the second octet, after a valid first one.
[[nodiscard]] constexpr Reason check_second_octet(unsigned first, unsigned second) noexcept {
    const unsigned length = second & 0x7f;
    if ((second & 0x80) == 0) return Reason::unmasked_frame;
    if ((first & 8) == 0) return Reason::none;
    if (length > control_payload_bytes_max) return Reason::control_frame_too_long;
    const bool is_close = (first & 0x0f) == static_cast<unsigned>(Opcode::close);
    return is_close && length == 1 ? Reason::close_payload_too_short : Reason::none;
}

/// Reads the header at the start of `bytes`, and no octet after it.
[[nodiscard]] inline ParsedHeader parse_header(std::span<const std::byte> bytes,
                                               FrameContext context) noexcept {
    ParsedHeader parsed;
    if (bytes.empty()) return parsed;
    const auto first = std::to_integer<unsigned>(bytes[0]);
    parsed.reason = check_first_octet(first, context);
    if (parsed.reason != Reason::none || bytes.size() < 2) return parsed;
    const auto second = std::to_integer<unsigned>(bytes[1]);
    parsed.reason = check_second_octet(first, second);
    if (parsed.reason != Reason::none) return parsed;

    std::uint64_t length = second & 0x7f;
    std::size_t key_at = 2;
    if (length >= 126) {
        const std::size_t length_bytes = length == 126 ? 2 : 8;
        key_at += length_bytes;
        if (length_bytes == 8 && bytes.size() > 2 && (bytes[2] & std::byte{0x80}) != std::byte{0}) {
            parsed.reason = Reason::length_top_bit;
            return parsed;
        }
        if (bytes.size() < key_at) return parsed;
        length = 0;
        for (std::size_t i = 2; i < key_at; ++i)
            length = length << 8 | std::to_integer<std::uint64_t>(bytes[i]);
        if (length < (length_bytes == 2 ? 126u : 65536u)) {
            parsed.reason = Reason::non_minimal_length;
            return parsed;
        }
    }
    if (bytes.size() < key_at + sizeof(simd::MaskKey)) return parsed;
    parsed.header.opcode = static_cast<Opcode>(first & 0x0f);
    parsed.header.fin = (first & 0x80) != 0;
    parsed.header.reserved_bits = static_cast<std::uint8_t>(first >> 4 & 7);
    parsed.header.payload_bytes = length;
    for (std::size_t i = 0; i < sizeof(simd::MaskKey); ++i)
        parsed.header.key[i] = bytes[key_at + i];
    parsed.size = static_cast<std::uint8_t>(key_at + sizeof(simd::MaskKey));
    return parsed;
}

}  // namespace ringcast::ws

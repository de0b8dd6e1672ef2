#pragma once
// The base framing protocol (RFC 6455 section 5.2): what a frame header says, and how to write one.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ringcast/close_code.hpp"
#include "simd/mask.hpp"

namespace ringcast::ws {

enum class Opcode : std::uint8_t {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10
};

[[nodiscard]] constexpr bool is_control(Opcode opcode) noexcept {
    return (static_cast<std::uint8_t>(opcode) & 8) != 0;
}

/// Of `reserved_bits`: this frame begins a compressed message (RFC 7692 section 6).
inline constexpr std::uint8_t rsv1 = 4;

inline constexpr std::size_t client_header_bytes_max = 14;  // 2 + 8 + mask key
inline constexpr std::size_t server_header_bytes_max = 10;  // 2 + 8
inline constexpr std::size_t control_payload_bytes_max = 125;

struct FrameHeader {
    Opcode opcode = Opcode::continuation;
    bool fin = true;
    std::uint8_t reserved_bits = 0;  ///< RSV1 is 4, RSV2 is 2, RSV3 is 1.
    std::uint64_t payload_bytes = 0;
    simd::MaskKey key{};
};

/// Bytes of an unmasked header for a payload of that size: 2, 4 or 10.
[[nodiscard]] constexpr std::size_t server_header_bytes(std::uint64_t payload_bytes) noexcept {
    return payload_bytes < 126 ? 2 : payload_bytes < 65536 ? 4 : 10;
}

/// write_header_before for any size of the payload.
std::byte* write_any_header_before(std::byte* payload, Opcode opcode, std::uint64_t payload_bytes,
                                   std::uint8_t reserved_bits) noexcept;

/// Writes an unmasked FIN header (a server's) so that it ends just before `payload`; returns its
/// first byte. There must be server_header_bytes(payload_bytes) writable bytes before `payload`.
/// `reserved_bits` as in FrameHeader.
inline std::byte* write_header_before(std::byte* payload, Opcode opcode,
                                      std::uint64_t payload_bytes,
                                      std::uint8_t reserved_bits = 0) noexcept {
    if (payload_bytes >= 126 || reserved_bits != 0)
        return write_any_header_before(payload, opcode, payload_bytes, reserved_bits);
    payload[-2] = static_cast<std::byte>(0x80 | static_cast<unsigned>(opcode));
    payload[-1] = static_cast<std::byte>(payload_bytes);
    return payload - 2;
}

/// Writes any header, masked when `key` is not null, to `target` (client_header_bytes_max bytes);
/// returns its size. For clients, tests and the load generator.
std::size_t write_header(std::byte* target, const FrameHeader& header,
                         const simd::MaskKey* key) noexcept;

/// Writes the payload of a Close frame (RFC 6455 section 5.5.1) to `target`
/// (control_payload_bytes_max bytes): nothing for no_status, else the code and as much of `reason`
/// as fits without cutting a character. Returns its size.
std::size_t write_close_payload(std::byte* target, CloseCode code,
                                std::string_view reason) noexcept;

/// True for codes that may appear in a Close frame: 1000-1003, 1007-1014, 3000-4999.
[[nodiscard]] bool may_be_received(std::uint16_t code) noexcept;

}  // namespace ringcast::ws

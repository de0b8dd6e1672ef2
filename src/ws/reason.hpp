#pragma once
// One name per violated rule of RFC 6455 or RFC 7692, so that tests and logs can tell them apart.

#include <cstdint>
#include <string_view>

#include "ringcast/close_code.hpp"

namespace ringcast::ws {

enum class Reason : std::uint8_t {
    none,
    reserved_bits,             // 5.2: RSV without a negotiated extension, or where it has none
    reserved_opcode,           // 5.2
    unmasked_frame,            // 5.1: clients must mask
    non_minimal_length,        // 5.2
    length_top_bit,            // 5.2
    control_frame_too_long,    // 5.5
    control_frame_fragmented,  // 5.5
    unexpected_continuation,   // 5.4
    expected_continuation,     // 5.4
    close_payload_too_short,   // 5.5.1: a payload of one octet
    close_code_invalid,        // 7.4
    close_reason_not_utf8,     // 5.5.1
    text_not_utf8,             // 8.1
    deflate_invalid,           // RFC 7692 section 7.2.2: no DEFLATE data
    deflate_cut_short,         // RFC 7692 section 7.2.1: it does not end as a message has to
    message_too_big,           // 10.4, --message-bytes-max
};

/// The close code that a peer's violation is answered with.
[[nodiscard]] CloseCode close_code(Reason reason) noexcept;
/// A phrase for logs and Close frames, at most 123 bytes. Static storage.
[[nodiscard]] std::string_view to_string(Reason reason) noexcept;

}  // namespace ringcast::ws

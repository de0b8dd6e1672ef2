#include "ws/reason.hpp"

namespace ringcast::ws {

CloseCode close_code(Reason reason) noexcept {
    switch (reason) {
        case Reason::none: return CloseCode::normal;
        case Reason::reserved_bits:
        case Reason::reserved_opcode:
        case Reason::unmasked_frame:
        case Reason::non_minimal_length:
        case Reason::length_top_bit:
        case Reason::control_frame_too_long:
        case Reason::control_frame_fragmented:
        case Reason::unexpected_continuation:
        case Reason::expected_continuation:
        case Reason::close_payload_too_short:
        case Reason::close_code_invalid: return CloseCode::protocol_error;
        case Reason::close_reason_not_utf8:
        case Reason::text_not_utf8:
        case Reason::deflate_invalid:
        case Reason::deflate_cut_short: return CloseCode::invalid_payload;
        case Reason::message_too_big: return CloseCode::message_too_big;
    }
    return CloseCode::protocol_error;
}

std::string_view to_string(Reason reason) noexcept {
    switch (reason) {
        case Reason::none: return "no error";
        case Reason::reserved_bits: return "reserved bits set";
        case Reason::reserved_opcode: return "reserved opcode";
        case Reason::unmasked_frame: return "frame not masked";
        case Reason::non_minimal_length: return "payload length not in its shortest form";
        case Reason::length_top_bit: return "top bit of the payload length set";
        case Reason::control_frame_too_long: return "control frame longer than 125 octets";
        case Reason::control_frame_fragmented: return "control frame fragmented";
        case Reason::unexpected_continuation: return "continuation without a message";
        case Reason::expected_continuation: return "new message inside a fragmented one";
        case Reason::close_payload_too_short: return "Close payload of one octet";
        case Reason::close_code_invalid: return "invalid close code";
        case Reason::close_reason_not_utf8: return "close reason is not UTF-8";
        case Reason::text_not_utf8: return "text is not UTF-8";
        case Reason::deflate_invalid: return "compressed data is invalid";
        case Reason::deflate_cut_short: return "compressed data is cut short";
        case Reason::message_too_big: return "message too big";
    }
    return "unknown";
}

}  // namespace ringcast::ws

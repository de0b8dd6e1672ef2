#include "ws/assembler.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "support/ws_client.hpp"
#include "support/ws_reference.hpp"

namespace ringcast::ws {

namespace {

using Kind = Event::Kind;
using test::assembler_events;
using test::binary_frame;
using test::ClientFrame;
using test::close_frame;
using test::continuation_frame;
using test::encode;
using test::ping_frame;
using test::pong_frame;
using test::SeenEvent;
using test::text_frame;

constexpr std::uint8_t defined_opcodes[] = {1, 2, 8, 9, 10};  // But continuation.
constexpr std::uint8_t control_opcodes[] = {8, 9, 10};
constexpr std::uint8_t reserved_opcodes[] = {3, 4, 5, 6, 7, 11, 12, 13, 14, 15};
constexpr std::uint16_t valid_codes[] = {1000, 1001, 1002, 1003, 1007, 1011, 1012,
                                         1013, 1014, 3000, 3999, 4000, 4999};
constexpr std::uint16_t invalid_codes[] = {0,    999,  1004, 1005, 1006, 1015,
                                           1016, 1100, 2000, 2999, 5000, 65535};
constexpr AssemblerLimits roomy{.message_bytes_max = 64u << 20};

SeenEvent text_message(std::string payload) {
    return {
        .kind = Kind::message, .payload = std::move(payload), .message_kind = MessageKind::text};
}
SeenEvent binary_message(std::string payload) {
    return {
        .kind = Kind::message, .payload = std::move(payload), .message_kind = MessageKind::binary};
}
SeenEvent ping(std::string payload = {}) {
    return {.kind = Kind::ping, .payload = std::move(payload)};
}
SeenEvent pong(std::string payload = {}) {
    return {.kind = Kind::pong, .payload = std::move(payload)};
}
SeenEvent failure(Reason reason) {
    return {.kind = Kind::failure, .reason = reason};
}
SeenEvent closed(CloseCode code, std::string reason = {}) {
    return {.kind = Kind::close, .payload = std::move(reason), .code = code};
}

std::vector<std::size_t> every_octet(std::size_t size) {
    std::vector<std::size_t> cuts;
    for (std::size_t i = 1; i <= size; ++i) cuts.push_back(i);
    return cuts;
}

/// The same events whole, octet by octet, and for every two-way split.
void check_events(const std::string& stream, const std::vector<SeenEvent>& expected) {
    CHECK(assembler_events(stream, {}, roomy) == expected);
    CHECK(assembler_events(stream, every_octet(stream.size()), roomy) == expected);
    for (std::size_t cut = 1; cut < stream.size(); ++cut) {
        if (assembler_events(stream, {cut}, roomy) != expected) FAIL_CHECK("split at " << cut);
    }
    CHECK(test::reference_events(stream, roomy.message_bytes_max) == expected);
}

ClientFrame raw(std::uint8_t opcode, std::string payload = {}) {
    return {.opcode = opcode, .payload = std::move(payload)};
}

std::string header_only(std::uint8_t opcode, std::uint64_t announced_bytes, bool fin = true) {
    return encode(ClientFrame{.opcode = opcode, .fin = fin, .announced_bytes = announced_bytes});
}

}  // namespace

TEST_CASE("messages of one frame keep their kind and octets (RFC 6455 section 5.6)") {
    check_events(text_frame(""), {text_message("")});
    check_events(binary_frame(""), {binary_message("")});
    check_events(text_frame("Hello") + binary_frame(std::string("\0\xff", 2)),
                 {text_message("Hello"), binary_message(std::string("\0\xff", 2))});
    check_events(text_frame("h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x98\x80"),
                 {text_message("h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x98\x80")});
    for (const std::size_t size : {124u, 125u, 126u, 127u, 128u, 300u}) {
        check_events(binary_frame(std::string(size, '\x80')),
                     {binary_message(std::string(size, '\x80'))});
    }
}

TEST_CASE("fragments become one message of the first one's kind (section 5.4)") {
    check_events(text_frame("frag", false) + continuation_frame("", false) +
                     continuation_frame("ment", true),
                 {text_message("fragment")});
    check_events(
        text_frame("", false) + continuation_frame("", false) + continuation_frame("", true),
        {text_message("")});
    check_events(
        text_frame("", false) + continuation_frame("full", false) + continuation_frame("", true),
        {text_message("full")});
    check_events(binary_frame("\xff", false) + continuation_frame("\xfe", true) + text_frame("x"),
                 {binary_message("\xff\xfe"), text_message("x")});
    // Cut inside characters.
    check_events(text_frame("\xf0\x9f", false) + continuation_frame("\x98", false) +
                     continuation_frame("\x80z", true),
                 {text_message("\xf0\x9f\x98\x80z")});
}

TEST_CASE("control frames between fragments are seen before the message (section 5.4)") {
    check_events(text_frame("a", false) + ping_frame("p1") + continuation_frame("b", false) +
                     pong_frame("p2") + ping_frame() + continuation_frame("c", true),
                 {ping("p1"), pong("p2"), ping(), text_message("abc")});
    check_events(text_frame("a", false) + close_frame(1001, "bye"),
                 {closed(CloseCode::going_away, "bye")});
}

TEST_CASE("pings and pongs carry up to 125 octets of anything (section 5.5)") {
    const std::string longest(125, '\xfe');
    check_events(ping_frame(longest) + pong_frame(longest) + ping_frame(),
                 {ping(longest), pong(longest), ping()});
}

TEST_CASE("a close frame ends the events, whatever follows (sections 1.4 and 5.5.1)") {
    check_events(test::close_frame_without_code() + ping_frame(), {closed(CloseCode::no_status)});
    check_events(text_frame("a") + close_frame(1000) + "garbage",
                 {text_message("a"), closed(CloseCode::normal)});
    const std::string longest_reason(123, 'r');
    check_events(close_frame(1000, longest_reason), {closed(CloseCode::normal, longest_reason)});
    for (const std::uint16_t code : valid_codes) {
        check_events(close_frame(code), {closed(static_cast<CloseCode>(code))});
    }
}

TEST_CASE("a malformed close payload fails (sections 5.5.1 and 7.4)") {
    check_events(encode(raw(8, "\x03")), {failure(Reason::close_payload_too_short)});
    for (const std::uint16_t code : invalid_codes) {
        check_events(close_frame(code), {failure(Reason::close_code_invalid)});
    }
    check_events(close_frame(1000, "\xc3\x28"), {failure(Reason::close_reason_not_utf8)});
    check_events(close_frame(1000, "cut \xe2\x82"), {failure(Reason::close_reason_not_utf8)});
}

TEST_CASE("reserved bits fail on every kind of frame (section 5.2)") {
    for (const std::uint8_t opcode : defined_opcodes) {
        for (std::uint8_t bits = 1; bits < 8; ++bits) {
            check_events(
                text_frame("a") + encode(ClientFrame{.opcode = opcode, .reserved_bits = bits}),
                {text_message("a"), failure(Reason::reserved_bits)});
        }
    }
}

TEST_CASE("reserved opcodes fail (section 5.2)") {
    for (const std::uint8_t opcode : reserved_opcodes) {
        check_events(text_frame("a") + encode(raw(opcode)) + ping_frame(),
                     {text_message("a"), failure(Reason::reserved_opcode)});
        check_events(encode(raw(opcode, "payload")), {failure(Reason::reserved_opcode)});
    }
}

TEST_CASE("frames that are not masked fail (section 5.1)") {
    for (const std::uint8_t opcode : defined_opcodes) {
        check_events(encode(ClientFrame{.opcode = opcode, .payload = "abc", .key = {}}),
                     {failure(Reason::unmasked_frame)});
    }
}

TEST_CASE("a length that is not in its shortest form fails (section 5.2)") {
    using Length = ClientFrame::Length;
    for (const std::size_t size : {0u, 1u, 125u}) {
        for (const Length length : {Length::two_octets, Length::eight_octets}) {
            check_events(encode(ClientFrame{.payload = std::string(size, 'a'), .length = length}),
                         {failure(Reason::non_minimal_length)});
        }
    }
    for (const std::uint64_t size : {126u, 65535u}) {
        check_events(encode(ClientFrame{.length = Length::eight_octets, .announced_bytes = size}),
                     {failure(Reason::non_minimal_length)});
    }
    check_events(header_only(2, std::uint64_t{1} << 63), {failure(Reason::length_top_bit)});
    check_events(header_only(2, ~std::uint64_t{0}), {failure(Reason::length_top_bit)});
}

TEST_CASE("control frames are neither long nor fragmented (section 5.5)") {
    for (const std::uint8_t opcode : control_opcodes) {
        check_events(encode(raw(opcode, std::string(126, 'a'))),
                     {failure(Reason::control_frame_too_long)});
        check_events(header_only(opcode, 65536), {failure(Reason::control_frame_too_long)});
        check_events(encode(ClientFrame{.opcode = opcode, .fin = false}),
                     {failure(Reason::control_frame_fragmented)});
    }
}

TEST_CASE("continuations stand where they belong and nowhere else (section 5.4)") {
    for (const bool fin : {false, true}) {
        check_events(continuation_frame("a", fin), {failure(Reason::unexpected_continuation)});
        check_events(text_frame("a") + continuation_frame("b", fin),
                     {text_message("a"), failure(Reason::unexpected_continuation)});
        check_events(text_frame("a", false) + text_frame("b", fin),
                     {failure(Reason::expected_continuation)});
        check_events(text_frame("a", false) + ping_frame() + binary_frame("b", fin),
                     {ping(), failure(Reason::expected_continuation)});
    }
}

TEST_CASE("text that is not UTF-8 fails at the octet where that is certain (section 8.1)") {
    check_events(text_frame("\xed\xa0\x80"), {failure(Reason::text_not_utf8)});
    check_events(text_frame("cut \xe2\x82"), {failure(Reason::text_not_utf8)});
    check_events(text_frame("\xe2\x82", false) + continuation_frame("", true),
                 {failure(Reason::text_not_utf8)});
    // Inside a frame of which most is still missing, and inside a message that has not ended.
    const std::string start =
        encode(ClientFrame{.payload = "ok \xf4\x90", .announced_bytes = 1000});
    check_events(start, {failure(Reason::text_not_utf8)});
    check_events(text_frame("\xf4", false) + continuation_frame("\x90", false),
                 {failure(Reason::text_not_utf8)});
    check_events(start.substr(0, start.size() - 1), {});
    check_events(binary_frame("\xed\xa0\x80"), {binary_message("\xed\xa0\x80")});
}

TEST_CASE("a violation fails at its octet, before the rest of the header is there") {
    struct Early {
        std::string octets;
        Reason reason;
    };
    const std::vector<Early> cases = {
        {"\xc1", Reason::reserved_bits},
        {"\x83", Reason::reserved_opcode},
        {"\x09", Reason::control_frame_fragmented},
        {"\x80", Reason::unexpected_continuation},
        {"\x81\x05", Reason::unmasked_frame},
        {"\x89\xfe", Reason::control_frame_too_long},
        {"\x88\x81", Reason::close_payload_too_short},
        {std::string("\x82\xfe\x00\x7d", 4), Reason::non_minimal_length},
        {"\x82\xff\x80", Reason::length_top_bit},
        {std::string("\x82\xff\0\0\0\0\0\0\xff\xff", 10), Reason::non_minimal_length},
    };
    for (const Early& early : cases) {
        check_events(early.octets, {failure(early.reason)});
        check_events(early.octets.substr(0, early.octets.size() - 1), {});
    }
}

TEST_CASE("the size limit is known from the header, summed over fragments") {
    const AssemblerLimits limits{.message_bytes_max = 1000};
    const auto events_of = [&limits](const std::string& stream) {
        const auto events = assembler_events(stream, {}, limits);
        CHECK(assembler_events(stream, every_octet(stream.size()), limits) == events);
        CHECK(test::reference_events(stream, limits.message_bytes_max) == events);
        return events;
    };
    const std::vector<SeenEvent> too_big = {failure(Reason::message_too_big)};
    CHECK(events_of(binary_frame(std::string(1000, 'a'))).at(0).kind == Kind::message);
    CHECK(events_of(header_only(2, 1001)) == too_big);
    CHECK(events_of(header_only(2, (std::uint64_t{1} << 63) - 1)) == too_big);
    CHECK(events_of(binary_frame(std::string(600, 'a'), false) + header_only(0, 401)) == too_big);
    CHECK(events_of(binary_frame(std::string(600, 'a'), false) +
                    continuation_frame(std::string(400, 'b'), true))
              .at(0)
              .payload.size() == 1000);
    // The limit is per message, and control frames do not count.
    CHECK(events_of(binary_frame(std::string(900, 'a')) + ping_frame(std::string(125, 'p')) +
                    binary_frame(std::string(900, 'b')))
              .size() == 3);
    CHECK(events_of(binary_frame(std::string(1000, 'a'), false) + ping_frame("p") +
                    continuation_frame("", true))
              .size() == 2);
}

TEST_CASE("reasons have their close codes and phrases that fit a Close frame") {
    CHECK(close_code(Reason::reserved_bits) == CloseCode::protocol_error);
    CHECK(close_code(Reason::text_not_utf8) == CloseCode::invalid_payload);
    CHECK(close_code(Reason::message_too_big) == CloseCode::message_too_big);
    for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(Reason::message_too_big); ++i) {
        const auto reason = static_cast<Reason>(i);
        CHECK(to_string(reason) != "unknown");
        CHECK(to_string(reason).size() <= 123);
        CHECK(may_be_received(static_cast<std::uint16_t>(close_code(reason))));
    }
}

}  // namespace ringcast::ws

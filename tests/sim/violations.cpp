#include "sim/violations.hpp"

#include <array>

#include "support/ws_client.hpp"

namespace ringcast::sim {

using test::ClientFrame;
using test::UpgradeRequest;

namespace {

constexpr std::uint8_t rsv1 = 4;

/// Of RFC 7692, once it was agreed on.
Violating draw_deflate_violation(Prng& prng, const std::string& some) {
    switch (prng.below(4)) {
        case 0:  // A block of no kind.
            return {encode(ClientFrame{.payload = "\xff" + some, .reserved_bits = rsv1}), 1007};
        case 1:  // A stored block that is cut short.
            return {encode(ClientFrame{.payload = std::string{"\0\x9\0\xf6\xff"
                                                              "abc",
                                                              8},
                                       .reserved_bits = rsv1}),
                    1007};
        case 2:
            return {encode(ClientFrame{.opcode = test::opcode_ping, .reserved_bits = rsv1}), 1002};
        default:
            return {test::text_frame(some, false) +
                        encode(ClientFrame{.opcode = test::opcode_continuation,
                                           .payload = some,
                                           .reserved_bits = rsv1}),
                    1002};
    }
}

}  // namespace

Violating draw_frame_violation(Prng& prng, const ServerLimits& limits, bool is_compressing) {
    constexpr std::array<std::uint16_t, 8> bad_codes{0, 999, 1004, 1005, 1006, 1015, 2999, 5000};
    constexpr std::array<std::uint8_t, 10> reserved_opcodes{3, 4, 5, 6, 7, 11, 12, 13, 14, 15};
    using Length = ClientFrame::Length;
    const std::string some(prng.below(100), 'x');
    if (is_compressing && prng.chance(1, 4)) return draw_deflate_violation(prng, some);
    switch (prng.below(17)) {
        case 0: {
            auto bits = static_cast<std::uint8_t>(1 + prng.below(7));
            if (is_compressing) bits |= 1;
            return {encode(ClientFrame{.payload = some, .reserved_bits = bits}), 1002};
        }
        case 1:
            return {
                encode(ClientFrame{.opcode = reserved_opcodes[prng.below(10)], .payload = some}),
                1002};
        case 2: return {encode(ClientFrame{.payload = some, .key = {}}), 1002};
        case 3: return {encode(ClientFrame{.payload = some, .length = Length::two_octets}), 1002};
        case 4: return {encode(ClientFrame{.payload = some, .length = Length::eight_octets}), 1002};
        case 5:
            return {
                encode(ClientFrame{.opcode = test::opcode_ping, .payload = std::string(126, 'p')}),
                1002};
        case 6:
            return {encode(ClientFrame{.opcode = test::opcode_ping, .payload = some, .fin = false}),
                    1002};
        case 7: return {test::continuation_frame(some, prng.chance(1, 2)), 1002};
        case 8: return {test::text_frame(some, false) + test::text_frame(some), 1002};
        case 9: return {encode(ClientFrame{.opcode = test::opcode_close, .payload = "x"}), 1002};
        case 10: return {test::close_frame(bad_codes[prng.below(bad_codes.size())]), 1002};
        case 11: return {test::close_frame(1000, "\xff"), 1007};
        case 12: return {test::text_frame(some + "\xc0\xaf"), 1007};
        case 13:  // Seen in the middle of a frame whose rest never comes.
            return {encode(ClientFrame{.payload = some + "\xed\xa0\x80",
                                       .announced_bytes = some.size() + 50}),
                    1007};
        case 14:
            return {
                test::text_frame(some + "\xe2\x82", false) + test::continuation_frame("x", true),
                1007};
        case 15:  // Known from the header.
            return {encode(ClientFrame{
                        .payload = some,
                        .announced_bytes = limits.message_bytes_max + 1 + prng.below(70'000)}),
                    1009};
        default:
            return {
                encode(ClientFrame{.payload = some,
                                   .announced_bytes = (std::uint64_t{1} << 63) + prng.below(100)}),
                1002};
    }
}

Refused draw_request_violation(Prng& prng, const ServerLimits& limits) {
    switch (prng.below(16)) {
        case 0: return {encode(UpgradeRequest{.version = "12"}), 426};
        case 1: return {encode(UpgradeRequest{.version = ""}), 400};
        case 2:
            return {encode(UpgradeRequest{.method = "POST", .fields = "Content-Length: 0\r\n"}),
                    405};
        case 3: return {encode(UpgradeRequest{.upgrade = "", .connection = ""}), 426};
        case 4: return {encode(UpgradeRequest{.connection = "keep-alive"}), 400};
        case 5: return {encode(UpgradeRequest{.key = ""}), 400};
        case 6: return {encode(UpgradeRequest{.key = "short"}), 400};
        case 7: return {encode(UpgradeRequest{.target = "/nothing-here"}), 404};
        case 8:
            return {
                encode(UpgradeRequest{.target = "/" + std::string(limits.target_bytes_max, 'x')}),
                414};
        case 9:
            return {encode(UpgradeRequest{
                        .fields = "X: " + std::string(limits.head_bytes_max, 'x') + "\r\n"}),
                    431};
        case 10: return {encode(UpgradeRequest{.host = ""}), 400};
        case 11: return {"GET /echo HTTP/1.1\nHost: x\n\n", 400};
        case 12: return {std::string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03", 10}, 400};
        case 13: return {encode(UpgradeRequest{.origin = "http://elsewhere.example"}), 403};
        case 14: return {encode(UpgradeRequest{.fields = "Bad Name: x\r\n"}), 400};
        default: return {encode(UpgradeRequest{.fields = "Content-Length: 3\r\n"}) + "abc", 400};
    }
}

}  // namespace ringcast::sim

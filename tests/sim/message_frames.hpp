#pragma once
// A client's message as frames, drawn: in one or several, with other frames before each.

#include <cstdint>
#include <string>

#include "base/prng.hpp"
#include "sim/script.hpp"
#include "support/ws_client.hpp"

namespace ringcast::sim {

[[nodiscard]] inline test::ClientKey draw_key(Prng& prng) {
    const std::uint64_t bits = prng.next();
    return {static_cast<std::uint8_t>(bits), static_cast<std::uint8_t>(bits >> 8),
            static_cast<std::uint8_t>(bits >> 16), static_cast<std::uint8_t>(bits >> 24)};
}

/// The octets of `message`. What `between()` returns goes before each of its frames.
/// `is_compressed`: its payload is that of a compressed message (RFC 7692 section 6.1).
template <class Between>
[[nodiscard]] std::string encode_message(Prng& prng, const Owed& message, bool is_fragmented,
                                         Between&& between, bool is_compressed = false) {
    constexpr std::uint8_t rsv1 = 4;
    std::string bytes;
    std::size_t sent = 0;
    bool first = true;
    bool fin = false;
    while (!fin) {
        const std::size_t rest = message.payload.size() - sent;
        const std::size_t size = is_fragmented && prng.chance(3, 4) ? prng.below(rest + 1) : rest;
        fin = sent + size == message.payload.size() && (!is_fragmented || prng.chance(1, 2));
        bytes += between();
        bytes += encode(
            test::ClientFrame{.opcode = first ? message.opcode : test::opcode_continuation,
                              .payload = message.payload.substr(sent, size),
                              .fin = fin,
                              .reserved_bits = first && is_compressed ? rsv1 : std::uint8_t{0},
                              .key = draw_key(prng)});
        sent += size;
        first = false;
    }
    return bytes;
}

}  // namespace ringcast::sim

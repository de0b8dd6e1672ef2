#pragma once
// Payloads of compressed messages (RFC 7692 section 7.2.1) that are much work and come to nothing:
// blocks (RFC 1951 section 3.2.3) with nothing in them, one behind the other.

#include <cstddef>
#include <cstdint>
#include <string>

namespace ringcast::sim {

/// Five octets each, which a decoder has to align itself to.
[[nodiscard]] inline std::string empty_stored_blocks(std::size_t count) {
    std::string payload;
    while (count-- > 0) payload.append("\0\0\0\xff\xff", 5);
    return payload + '\0';  // The head of one more; its lengths are what every sender leaves out.
}

/// Two octets each. They are final: each of them ends the stream, which then goes on.
[[nodiscard]] inline std::string empty_final_blocks(std::size_t count) {
    std::string payload;
    while (count-- > 0) payload.append("\x03\0", 2);
    return payload + '\0';
}

/// Eleven octets and a bit each, for which tables are built every time.
[[nodiscard]] inline std::string empty_dynamic_blocks(std::size_t count) {
    std::string payload;
    unsigned filled = 0;  // Bits of the last octet; the next is the least significant free one.
    const auto put = [&](unsigned value, unsigned bits) {
        for (; bits > 0; --bits, value >>= 1, filled = (filled + 1) % 8) {
            if (filled == 0) payload += '\0';
            payload.back() =
                static_cast<char>(payload.back() | static_cast<char>((value & 1) << filled));
        }
    };
    while (count-- > 0) {
        put(0b10 << 1, 3);  // Not final, dynamic codes:
        put(0, 5);          // 257 of literals and lengths,
        put(0, 5);          // 1 of distances,
        put(18 - 4, 4);     // 18 of code lengths, where the third is for 18, the last for 1.
        for (int i = 0; i < 18; ++i) put(i == 2 || i == 17 ? 1 : 0, 3);
        // So 1 is coded as 0, and 18, zeros in a row, as 1. No literal has a code,
        for (const unsigned zeros : {138u, 118u}) {
            put(1, 1);
            put(zeros - 11, 7);
        }
        put(0, 1);  // the end of a block has one of one bit,
        put(0, 1);  // and so has a distance.
        put(0, 1);  // There it is.
    }
    put(0, 3);
    return payload;
}

}  // namespace ringcast::sim

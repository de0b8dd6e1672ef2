#pragma once
// UTF-8 as a reader of RFC 3629 would decode it by hand; what the validators are measured against.

#include <cstddef>
#include <cstdint>
#include <span>

namespace ringcast::test {

enum class Utf8Verdict : std::uint8_t {
    complete,    // Valid text.
    incomplete,  // Not yet, but some continuation would make it valid.
    invalid,     // No continuation helps.
};

/// True if `octets`, 1 to 4 of them, are exactly one character.
inline bool is_utf8_character(std::span<const std::byte> octets) {
    const auto octet = [&](std::size_t i) { return std::to_integer<std::uint32_t>(octets[i]); };
    if (octets.size() == 1) return octet(0) < 0x80;
    std::uint32_t code_point = 0;
    if (octets.size() == 2 && octet(0) >> 5 == 0b110)
        code_point = octet(0) & 0x1f;
    else if (octets.size() == 3 && octet(0) >> 4 == 0b1110)
        code_point = octet(0) & 0x0f;
    else if (octets.size() == 4 && octet(0) >> 3 == 0b11110)
        code_point = octet(0) & 0x07;
    else
        return false;
    for (std::size_t i = 1; i < octets.size(); ++i) {
        if (octet(i) >> 6 != 0b10) return false;
        code_point = code_point << 6 | (octet(i) & 0x3f);
    }
    const std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code_point < smallest[octets.size()]) return false;          // Overlong.
    if (code_point >= 0xd800 && code_point <= 0xdfff) return false;  // A surrogate.
    return code_point <= 0x10ffff;
}

/// True if some octets behind `octets`, 0 to 3 of them, make a character of it.
inline bool can_become_utf8_character(std::span<const std::byte> octets) {
    if (octets.size() >= 4) return false;
    // Each range of second octets that the RFC distinguishes has an end among these.
    for (const unsigned next : {0x80u, 0x8fu, 0x90u, 0x9fu, 0xa0u, 0xbfu}) {
        std::byte extended[4];
        for (std::size_t i = 0; i < octets.size(); ++i) extended[i] = octets[i];
        extended[octets.size()] = static_cast<std::byte>(next);
        const std::span<const std::byte> longer{extended, octets.size() + 1};
        if (is_utf8_character(longer) || can_become_utf8_character(longer)) return true;
    }
    return false;
}

inline Utf8Verdict judge_utf8(std::span<const std::byte> text) {
    while (!text.empty()) {
        std::size_t length = 0;
        for (std::size_t tried = 1; tried <= 4 && tried <= text.size(); ++tried) {
            if (is_utf8_character(text.first(tried))) length = tried;
        }
        if (length == 0) {
            return can_become_utf8_character(text) ? Utf8Verdict::incomplete : Utf8Verdict::invalid;
        }
        text = text.subspan(length);
    }
    return Utf8Verdict::complete;
}

}  // namespace ringcast::test

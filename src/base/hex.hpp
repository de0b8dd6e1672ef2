#pragma once
// Hexadecimal digits.

#include <cstdint>

namespace ringcast {

/// Of the lowest four bits.
[[nodiscard]] constexpr char hex_digit(std::uint64_t number) noexcept {
    return "0123456789abcdef"[number & 0xf];
}

}  // namespace ringcast

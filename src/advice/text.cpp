#include "advice/text.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <fmt/core.h>
#include <iterator>

namespace ringcast::advice {

std::string grouped(std::uint64_t number) {
    const std::string digits = std::to_string(number);
    std::string result;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) result += ',';
        result += digits[i];
    }
    return result;
}

std::string rounded_bytes(double bytes) {
    constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    std::size_t unit = 0;
    // From 999.5 on three digits say 1000.
    while (bytes >= 999.5 && unit + 1 < units.size()) {
        bytes /= 1024;
        ++unit;
    }
    const int decimals = unit == 0 || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
    return fmt::format("{:.{}f} {}", bytes, decimals, units[unit]);
}

std::string json_text(std::string_view text) {
    std::string result = "\"";
    for (const char character : text) {
        if (character == '"' || character == '\\') {
            result += '\\';
            result += character;
        } else if (static_cast<unsigned char>(character) < 0x20) {
            fmt::format_to(std::back_inserter(result), "\\u{:04x}",
                           static_cast<unsigned char>(character));
        } else {
            result += character;
        }
    }
    return result + '"';
}

std::string rate_text(double per_second) {
    return per_second < 10 ? fmt::format("{:.3g}", per_second)
                           : grouped(static_cast<std::uint64_t>(std::llround(per_second)));
}

std::string counted(std::uint64_t number, std::string_view noun) {
    return fmt::format("{} {}{}", grouped(number), noun, number == 1 ? "" : "s");
}

}  // namespace ringcast::advice

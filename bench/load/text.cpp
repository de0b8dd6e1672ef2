#include "text.hpp"

#include <array>
#include <cmath>
#include <fmt/core.h>
#include <fstream>

namespace ringcast::bench {

std::string plural_of(std::string_view unit) {
    if (unit.ends_with('y')) return fmt::format("{}ies", unit.substr(0, unit.size() - 1));
    if (unit.ends_with("fe")) return fmt::format("{}ves", unit.substr(0, unit.size() - 2));
    return fmt::format("{}s", unit);
}

std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t end = text.size(); end > 3; end -= 3) text.insert(end - 3, ",");
    return text;
}

std::string count_text(double number) {
    const std::string text = grouped(static_cast<std::uint64_t>(std::llround(std::abs(number))));
    return number <= -0.5 ? '-' + text : text;
}

std::string counted(double number, std::string_view unit) {
    const std::string count = count_text(number);
    return count + ' ' + (count == "1" ? std::string(unit) : plural_of(unit));
}

std::string number_text(double number) {
    const double size = std::abs(number);
    if (size >= 99.95) return count_text(number);
    if (size == 0) return "0";
    // 0.001 needs five decimals for three digits, 99.9 one.
    const int decimals = 2 - static_cast<int>(std::floor(std::log10(size)));
    std::string text = fmt::format("{:.{}f}", number, std::min(decimals, 6));
    while (text.ends_with('0')) text.pop_back();
    if (text.ends_with('.')) text.pop_back();
    return text;
}

std::string rate_text(double per_second) {
    if (per_second >= 999.5e3) return number_text(per_second / 1e6) + "M";
    if (per_second >= 9999.5) return number_text(per_second / 1e3) + "k";
    return number_text(per_second);
}

std::string duration_text(double microseconds) {
    if (microseconds >= 999.5e3) return number_text(microseconds / 1e6) + " s";
    if (microseconds >= 999.5) return number_text(microseconds / 1e3) + " ms";
    return number_text(microseconds) + " µs";
}

std::string byte_text(double bytes) {
    constexpr std::array units{"B", "KiB", "MiB", "GiB"};
    std::size_t unit = 0;
    for (; unit + 1 < units.size() && std::abs(bytes) >= 1024; ++unit) bytes /= 1024;
    return number_text(bytes) + ' ' + units[unit];
}

std::string escaped(std::string_view text) {
    std::string safe;
    for (const char letter : text) {
        switch (letter) {
            case '&': safe += "&amp;"; break;
            case '<': safe += "&lt;"; break;
            case '>': safe += "&gt;"; break;
            case '"': safe += "&quot;"; break;
            default: safe += letter;
        }
    }
    return safe;
}

std::string printable(std::string_view text) {
    std::string printed(text);
    for (char& character : printed) {
        const auto octet = static_cast<unsigned char>(character);
        if (octet < 0x20 || octet == 0x7f) character = '?';
    }
    return printed;
}

Expected<std::string> read_file(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    std::string text;
    std::array<char, 65536> chunk;
    // Unlike the stream's iterators read() does not throw.
    while (stream.good()) {
        stream.read(chunk.data(), chunk.size());
        text.append(chunk.data(), static_cast<std::size_t>(stream.gcount()));
    }
    if (!stream.eof()) return fail("cannot read {}", path);
    return text;
}

}  // namespace ringcast::bench

#pragma once
// Messages of Protobuf put together by hand, field by field, as the encoding is described: what the
// codecs are measured against.

#include <cstdint>
#include <string>
#include <string_view>

namespace ringcast::test {

inline std::string varint(std::uint64_t number) {
    std::string text;
    while (number > 127) {
        text += static_cast<char>(number % 128 + 128);
        number /= 128;
    }
    return text + static_cast<char>(number);
}

/// A field of wire type 0.
inline std::string number_field(int field, std::uint64_t number) {
    return varint(static_cast<std::uint64_t>(field) * 8) + varint(number);
}

inline std::string delimited(std::string_view bytes) {
    return varint(bytes.size()) + std::string{bytes};
}

/// A field of wire type 2: text, bytes, a message.
inline std::string bytes_field(int field, std::string_view bytes) {
    return varint(static_cast<std::uint64_t>(field) * 8 + 2) + delimited(bytes);
}

/// A field of a map.
inline std::string entry_field(int field, std::string_view key, std::string_view value) {
    return bytes_field(field, bytes_field(1, key) + bytes_field(2, value));
}

/// The bytes that hexadecimal digits mean; blanks are left out.
inline std::string from_hex(std::string_view digits) {
    std::string bytes;
    std::string pair;
    for (const char c : digits) {
        if (c == ' ') continue;
        pair += c;
        if (pair.size() < 2) continue;
        bytes += static_cast<char>(std::stoi(pair, nullptr, 16));
        pair.clear();
    }
    return bytes;
}

}  // namespace ringcast::test

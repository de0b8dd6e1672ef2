#pragma once
// Where encoders put what they make. Each walks a message twice, first to count, then to write: so
// a publication gets memory of exactly its size, and no payload is copied twice.

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "base/hex.hpp"
#include "dialect/centrifuge/payload.hpp"
#include "dialect/json.hpp"

namespace ringcast::dialect::centrifuge {

/// Bytes of `bytes` octets in base64 (RFC 4648 section 4), with padding.
[[nodiscard]] constexpr std::size_t base64_bytes(std::size_t bytes) noexcept {
    return (bytes + 2) / 3 * 4;
}
/// Writes that; returns where it ends.
char* write_base64(char* target, std::string_view octets) noexcept;
/// Writes JSON text with each line end in it, which is white space there, as a blank; returns where
/// it ends. Line ends separate messages.
char* write_on_one_line(char* target, std::string_view json) noexcept;

/// Counts.
struct Measure {
    std::size_t bytes = 0;

    void put(char) noexcept { ++bytes; }
    void put(std::string_view text) noexcept { bytes += text.size(); }
    void put_json(std::string_view json) noexcept { bytes += json.size(); }
    void put_base64(std::string_view octets) noexcept { bytes += base64_bytes(octets.size()); }
};

/// Writes to memory that is large enough.
struct Write {
    char* at;

    void put(char c) noexcept { *at++ = c; }
    void put(std::string_view text) noexcept {
        if (!text.empty()) std::memcpy(at, text.data(), text.size());
        at += text.size();
    }
    void put_json(std::string_view json) noexcept { at = write_on_one_line(at, json); }
    void put_base64(std::string_view octets) noexcept { at = write_base64(at, octets); }
};

/// The sequence that stands for a character that no string of JSON has as it is.
inline void put_escape(auto& out, char c) noexcept {
    switch (c) {
        case '"': return out.put("\\\"");
        case '\\': return out.put("\\\\");
        case '\b': return out.put("\\b");
        case '\f': return out.put("\\f");
        case '\n': return out.put("\\n");
        case '\r': return out.put("\\r");
        case '\t': return out.put("\\t");
        default: break;
    }
    out.put("\\u00");
    out.put(hex_digit(static_cast<unsigned char>(c) >> 4));
    out.put(hex_digit(static_cast<unsigned char>(c)));
}

/// UTF-8 as a string of JSON.
inline void put_json_string(auto& out, std::string_view text) noexcept {
    out.put('"');
    const char* at = text.data();
    const char* const end = at + text.size();
    for (;;) {
        const char* const special = skip_json_plain(at, end);
        out.put(std::string_view{at, static_cast<std::size_t>(special - at)});
        if (special == end) break;
        put_escape(out, *special);
        at = special + 1;
    }
    out.put('"');
}

inline void put_decimal(auto& out, std::integral auto number) noexcept {
    char digits[20];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
    out.put(std::string_view{digits, static_cast<std::size_t>(end - digits)});
}

/// The value that `payload` is in JSON.
inline void put_json_payload(auto& out, const Payload& payload) noexcept {
    switch (payload.kind) {
        case PublicationKind::json: return out.put_json(payload.bytes);
        case PublicationKind::text: return put_json_string(out, payload.bytes);
        case PublicationKind::binary:
            out.put('"');
            out.put_base64(payload.bytes);
            out.put('"');
    }
}

inline void put_varint(auto& out, std::uint64_t number) noexcept {
    for (; number >= 0x80; number >>= 7) out.put(static_cast<char>(number | 0x80));
    out.put(static_cast<char>(number));
}

/// Appends what `put` puts.
void append_measured(std::string& target, auto&& put) {
    Measure measure;
    put(measure);
    const std::size_t before = target.size();
    const std::size_t after = before + measure.bytes;
    target.resize_and_overwrite(after, [&](char* memory, std::size_t) {
        Write write{memory + before};
        put(write);
        RC_ASSERT(write.at == memory + after);
        return after;
    });
}

}  // namespace ringcast::dialect::centrifuge

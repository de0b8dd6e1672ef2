#pragma once
// UTF-8 validation (RFC 3629) over text that arrives in pieces of any size. Fails at the first
// octet that no valid text can contain at that place, even inside a character that is still
// incomplete (RFC 6455 section 8.1, "fail fast").

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace ringcast::simd {

/// Carries the state of one text between pieces. One byte; copyable.
class Utf8Validator {
public:
    /// Takes the next piece. False: the text is not and cannot become valid UTF-8; the validator
    /// stays failed.
    [[nodiscard]] bool feed(std::span<const std::byte> piece) noexcept;
    /// True if the text seen so far ends at a character's end. Does not reset.
    [[nodiscard]] bool is_complete() const noexcept { return state_ == 0; }
    void reset() noexcept { state_ = 0; }

private:
    std::uint8_t state_ = 0;  // State of the reference automaton; 0: between characters.
};

namespace detail {
/// True if all of `bytes` are below 0x80. For short inputs.
[[nodiscard]] inline bool is_ascii(std::span<const std::byte> bytes) noexcept {
    const auto word_at = [&](std::size_t position) {
        std::uint64_t word;
        std::memcpy(&word, bytes.data() + position, sizeof word);
        return word;
    };
    std::uint64_t seen = 0;
    if (bytes.size() < sizeof seen) {
        for (const std::byte byte : bytes) seen |= static_cast<std::uint64_t>(byte);
    } else {
        // The last word overlaps the one before it, where the size is not a multiple of 8.
        const std::size_t last = bytes.size() - sizeof seen;
        for (std::size_t position = 0; position < last; position += sizeof seen) {
            seen |= word_at(position);
        }
        seen |= word_at(last);
    }
    return (seen & 0x8080'8080'8080'8080) == 0;
}
[[nodiscard]] bool is_utf8_general(std::span<const std::byte> text) noexcept;
/// Up to here plain words are quicker than the call of the vector code (about 15 ns).
inline constexpr std::size_t ascii_bytes_max = 128;
}  // namespace detail

/// True if `text` is valid UTF-8 as a whole. Short ASCII texts take a path without a call.
[[nodiscard]] inline bool is_utf8(std::span<const std::byte> text) noexcept {
    if (text.size() <= detail::ascii_bytes_max && detail::is_ascii(text)) return true;
    return detail::is_utf8_general(text);
}

}  // namespace ringcast::simd

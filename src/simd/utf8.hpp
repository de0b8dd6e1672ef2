#pragma once
// UTF-8 validation (RFC 3629) over text that arrives in pieces of any size. Fails at the first octet that no valid text can
// contain at that place, even inside a character that is still incomplete (RFC 6455 section 8.1, "fail fast").

#include <cstddef>
#include <cstdint>
#include <span>

namespace ringcast::simd {

/// Carries the state of one text between pieces. Two bytes or less; copyable.
class Utf8Validator {
public:
    /// Takes the next piece. False: the text is not and cannot become valid UTF-8; the validator stays failed.
    [[nodiscard]] bool feed(std::span<const std::byte> piece) noexcept;
    /// True if the text seen so far ends at a character's end. Does not reset.
    [[nodiscard]] bool is_complete() const noexcept { return state_ == 0; }
    void reset() noexcept { state_ = 0; }

private:
    std::uint8_t state_ = 0;  // State of the reference automaton; 0: between characters.
};

/// True if `text` is valid UTF-8 as a whole. Short texts take a path without a call.
[[nodiscard]] bool is_utf8(std::span<const std::byte> text) noexcept;

}  // namespace ringcast::simd

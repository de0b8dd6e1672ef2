#pragma once
// Sizes and durations as an operator writes them on a command line or in a settings file, and back.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace ringcast {

/// Parses a size in bytes: a whole number, then nothing (bytes), `KiB`, `MiB`, `GiB` or `TiB`.
/// `64KiB` is 65,536. The error is a sentence for the operator, without the option's name.
[[nodiscard]] std::expected<std::uint64_t, std::string> parse_bytes(std::string_view text);

/// Parses a duration: a whole number, then `ns`, `us`, `ms`, `s`, `m` or `h`. `500ms`, `25s`. A
/// bare number is refused, as nobody knows what it means; so are negative ones. The error is a
/// sentence for the operator.
[[nodiscard]] std::expected<Duration, std::string> parse_duration(std::string_view text);

/// The shortest exact form that parse_bytes takes: 65,536 gives `64KiB`, 1000 gives `1000`.
[[nodiscard]] std::string print_bytes(std::uint64_t bytes);

/// The shortest exact form that parse_duration takes: 90 seconds give `90s`, 120 give `2m`. Zero
/// gives `0s`; a negative duration is printed with a minus, which parse_duration refuses.
[[nodiscard]] std::string print_duration(Duration duration);

}  // namespace ringcast

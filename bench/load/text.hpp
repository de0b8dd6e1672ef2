#pragma once
// Numbers as people read them, and text as HTML wants it.

#include <cstdint>
#include <string>
#include <string_view>

#include "error.hpp"

namespace ringcast::bench {

/// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);
/// "message" as "messages", "delivery" as "deliveries".
[[nodiscard]] std::string plural_of(std::string_view unit);

/// "1 message", "18,000 messages".
[[nodiscard]] std::string counted(double number, std::string_view unit);
/// A whole number that counts something: "18,000".
[[nodiscard]] std::string count_text(double number);
/// Three significant digits: "0.0312", "2.87", "141".
[[nodiscard]] std::string number_text(double number);
/// "329k", "1.25M"
[[nodiscard]] std::string rate_text(double per_second);
/// "141 µs", "4.08 ms", "1.5 s"
[[nodiscard]] std::string duration_text(double microseconds);
/// "20 B", "16 KiB", "1.5 MiB"
[[nodiscard]] std::string byte_text(double bytes);
/// What may stand between tags and in quoted attributes.
[[nodiscard]] std::string escaped(std::string_view text);
/// All of a file. Fails if it cannot be read, as a directory cannot.
[[nodiscard]] Expected<std::string> read_file(const std::string& path);
/// Without control characters, which would tell a terminal more than a server should: '?' instead.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace ringcast::bench

#pragma once
// Numbers and words as the answers of this folder write them.

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace ringcast::advice {

/// `1,000,000`
[[nodiscard]] std::string grouped(std::uint64_t number);

/// To three digits: `512 B`, `1.43 GiB`.
[[nodiscard]] std::string rounded_bytes(double bytes);
template <std::integral Integer>
[[nodiscard]] std::string rounded_bytes(Integer bytes) {
    return rounded_bytes(static_cast<double>(bytes));
}

/// A JSON string with its quotes (RFC 8259 section 7). `text` is UTF-8.
[[nodiscard]] std::string json_text(std::string_view text);

/// `1,000,000`, and below ten `0.25`.
[[nodiscard]] std::string rate_text(double per_second);

/// `1 shard`, `2,000 shards`
[[nodiscard]] std::string counted(std::uint64_t number, std::string_view noun);

}  // namespace ringcast::advice

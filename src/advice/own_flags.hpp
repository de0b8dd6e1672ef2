#pragma once
// The flags that a sub-command has beside those of the server. They are taken out of the arguments;
// what is left goes the way of all flags, so that `ringcast doctor` and `ringcast` understand the
// same ones, and the environment and the file alike.

#include <cstdint>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringcast::advice {

struct OwnFlag {
    std::string_view name;
    std::string_view value_name;  ///< Empty: it takes none.
    std::string_view help;        ///< Part of a sentence, without a full stop.
    /// The error is one sentence that quotes the value.
    std::function<std::expected<void, std::string>(std::string_view value)> set;
};

/// Calls `set` for each of `flags` that is given, and returns the other arguments. `--name VALUE`
/// and `--name=VALUE` are the same; -h is --help. The error is one sentence; it is also given for
/// flags that nobody knows, for they may have been meant for `flags`.
[[nodiscard]] std::expected<std::vector<std::string>, std::string> take_flags(
    std::span<const std::string> arguments, std::span<const OwnFlag> flags);

/// A help text's rows for `flags`.
[[nodiscard]] std::string help_rows(std::span<const OwnFlag> flags);

// What `set` may be made of.

/// Sets `target` if the flag is there.
[[nodiscard]] OwnFlag toggle(std::string_view name, std::string_view help, bool& target);

/// Whole numbers in a range, for `set`.
[[nodiscard]] std::expected<std::uint64_t, std::string> parse_count(std::string_view text,
                                                                    std::uint64_t min,
                                                                    std::uint64_t max);

}  // namespace ringcast::advice

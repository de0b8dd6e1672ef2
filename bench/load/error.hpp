#pragma once
// How the load generator reports that something went wrong: one sentence for a person, carried as a
// value up to main().

#include <expected>
#include <fmt/core.h>
#include <string>
#include <system_error>
#include <utility>

namespace ringcast::bench {

/// Why a run could not start or had to stop; printed as `ringcast-bench: <message>`.
struct Error {
    std::string message;
};

template <typename Value>
using Expected = std::expected<Value, Error>;

/// An Error made from a format string.
template <typename... Arguments>
[[nodiscard]] std::unexpected<Error> fail(fmt::format_string<Arguments...> format,
                                          Arguments&&... arguments) {
    return std::unexpected(Error{fmt::format(format, std::forward<Arguments>(arguments)...)});
}

/// The text of a positive errno value.
[[nodiscard]] inline std::string errno_text(int code) {
    return std::generic_category().message(code);
}

}  // namespace ringcast::bench

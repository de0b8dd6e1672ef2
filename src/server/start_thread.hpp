#pragma once
// A thread, or why there is none: the machine's limits are the operator's, and no exception.

#include <expected>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace ringcast::server {

/// Calls `function` on a thread of its own. The error is one sentence.
template <class Function>
[[nodiscard]] std::expected<std::thread, std::string> start_thread(Function function) {
    try {
        return std::thread{std::move(function)};
    } catch (const std::system_error& error) {
        return std::unexpected{"cannot start a thread: " + error.code().message()};
    }
}

}  // namespace ringcast::server

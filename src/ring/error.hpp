#pragma once
// Words for what the kernel refused, and what is to be expected of it.

#include <string>
#include <string_view>

namespace ringcast::ring {

/// `socket: Too many open files` for (`socket`, EMFILE). `error` is a positive errno.
[[nodiscard]] std::string describe(std::string_view what, int error);

/// True for what a receive or a send says when the other end, or the way there, has gone.
[[nodiscard]] bool is_connection_lost(int error) noexcept;

}  // namespace ringcast::ring

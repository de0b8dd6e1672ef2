#pragma once
// Words for what the kernel refused.

#include <string>
#include <string_view>

namespace ringcast::ring {

/// `socket: Too many open files` for (`socket`, EMFILE). `error` is a positive errno.
[[nodiscard]] std::string describe(std::string_view what, int error);

}  // namespace ringcast::ring

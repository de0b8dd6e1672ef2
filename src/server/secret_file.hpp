#pragma once
// Files that hold what must not stay in memory.

#include <expected>
#include <string>

#include "base/secret.hpp"

namespace ringcast::server {

/// The error is one sentence that names the file.
[[nodiscard]] std::unexpected<std::string> cannot_read(const std::string& path, int error);

/// Without a copy of the text anywhere else. Of a regular file, 1 MiB at most; the error as above.
[[nodiscard]] std::expected<Secret, std::string> read_secret(const std::string& path);

}  // namespace ringcast::server

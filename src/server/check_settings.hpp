#pragma once
// What a program may ask of a Server. The command line checks its flags itself; this is for those
// who embed.

#include <expected>
#include <string>

#include "ringcast/settings.hpp"

namespace ringcast::server {

/// The error is one sentence that names the setting.
[[nodiscard]] std::expected<void, std::string> check_settings(const Settings& settings);

}  // namespace ringcast::server

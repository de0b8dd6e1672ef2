#pragma once
// The page that --dev serves at `/`: src/server/page.html, put into the program by
// scripts/embed-page.

#include <string_view>

#include "ringcast/page.hpp"

namespace ringcast::server {

/// Defined in the source that the build makes of the page.
extern const std::string_view dev_page_content;
/// The Content-Security-Policy that lets it do what it does, and nothing else.
extern const std::string_view dev_page_policy;

/// The page with the fields that keep it to itself.
[[nodiscard]] Page dev_page();

}  // namespace ringcast::server

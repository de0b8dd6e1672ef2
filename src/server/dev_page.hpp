#pragma once
// The pages that --dev and --demo serve, put into the program by scripts/embed-page: the inspector
// (src/server/inspector.html), which shows what passes through topics, and the demo
// (src/server/demo.html), a chat and a chart on npm's Centrifuge client.

#include <string_view>

#include "ringcast/page.hpp"

namespace ringcast::server {

/// A page as the build makes it.
struct EmbeddedPage {
    std::string_view content;
    /// The Content-Security-Policy that lets it do what it does, and nothing else.
    std::string_view policy;
};

extern const EmbeddedPage inspector_html;
extern const EmbeddedPage demo_html;

/// The page with the fields that keep it to itself.
[[nodiscard]] Page dev_page(const EmbeddedPage& page);

}  // namespace ringcast::server

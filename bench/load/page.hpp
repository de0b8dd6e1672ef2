#pragma once
// One page that shows results: self-contained, without scripts, so that it can be mailed, kept and
// opened anywhere.

#include <string>

#include "error.hpp"
#include "results.hpp"

namespace ringcast::bench {

/// The page as HTML. `made` says when.
[[nodiscard]] std::string page_of(const Results& results, std::string_view made);

/// Fails if write_page() would, for all that can be told; leaves no file where there was none.
[[nodiscard]] Expected<void> check_page_path(const std::string& path);

/// Writes it to a file.
[[nodiscard]] Expected<void> write_page(const std::string& path, const Results& results);

}  // namespace ringcast::bench

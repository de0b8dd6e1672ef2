#pragma once
// Cost over size: runs that differ in one number, as points of a curve. Whoever makes such runs
// (scripts/bench --curves) adds two things to their reports: `curve`, the name of the curve, and
// `curve_at`, the number.

#include <string>

#include "comparison.hpp"
#include "results.hpp"

namespace ringcast::bench {

/// A chart for each curve of `results`, with a line for each server; empty if there is none.
[[nodiscard]] std::string curve_section(const Results& results, const Comparison& comparison);

}  // namespace ringcast::bench

#pragma once
// The command line of ringcast-bench: sub-commands, their options, and what is wrong with them.

#include <expected>
#include <functional>
#include <optional>
#include <string>

#include "error.hpp"
#include "report.hpp"

namespace ringcast::bench {

/// What was asked for.
struct Invocation {
    /// No report if there was nothing to measure.
    std::function<Expected<std::optional<Report>>()> run;
    bool prints_json = false;
    std::string page_path;  ///< Where to show the report as a page; empty if nowhere.
};

/// Reads the command line. If nothing is to be run, because of --help or because of an error, says
/// so and returns the exit code.
[[nodiscard]] std::expected<Invocation, int> parse_command_line(int argument_count,
                                                                char** arguments);

}  // namespace ringcast::bench

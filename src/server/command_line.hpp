#pragma once
// The arguments of the edge binary, and the texts that explain them. Knows the syntax of flags;
// what their values mean is for options.cpp.

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "server/option_table.hpp"

namespace ringcast::server {

/// What the arguments asked for.
struct CommandLine {
    std::vector<Setting> settings;
    std::optional<std::string> config_path;
    bool help = false;
    bool version = false;
    bool check_config = false;
    bool print_config = false;
    bool print_flags_markdown = false;  ///< Hidden: writes the README's table.
};

/// Splits `arguments` (without the program's name) by the option table. The error is one sentence.
[[nodiscard]] std::expected<CommandLine, std::string> parse_command_line(
    std::vector<std::string> arguments);

/// The answer to --help.
[[nodiscard]] std::string help_text();

/// The README's section on flags: one Markdown table per section.
[[nodiscard]] std::string flags_markdown();

}  // namespace ringcast::server

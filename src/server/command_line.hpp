#pragma once
// The arguments of the edge binary, and the texts that explain them. Knows the syntax of flags;
// what their values mean is for options.cpp.

#include <array>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/option_table.hpp"

namespace ringcast::server {

/// What the program can do instead of serving, named by its first argument: src/advice.
struct Subcommand {
    std::string_view name;
    std::string_view help;
};
inline constexpr std::array subcommands{
    Subcommand{"doctor",
               "check this host for what a server with these flags would need, and print what to "
               "paste"},
    Subcommand{"capacity", "say what a load would take: memory, files, CPU, network"},
};

/// What the arguments asked for.
struct CommandLine {
    std::vector<Setting> settings;
    std::optional<std::string> config_path;
    bool help = false;
    bool version = false;
    bool check_config = false;
    bool print_config = false;
    bool print_flags_markdown = false;  ///< Hidden: writes flags.md's tables.
    bool print_metrics = false;         ///< Hidden: writes what metrics.md lists.
};

/// Splits `arguments` (without the program's name) by the option table. The error is one sentence.
[[nodiscard]] std::expected<CommandLine, std::string> parse_command_line(
    std::vector<std::string> arguments);

/// Whether there is a flag --`name`.
[[nodiscard]] bool is_flag(std::string_view name) noexcept;

/// `--name VALUE`, as the help and flags.md write it; `value_name` is empty for a toggle.
[[nodiscard]] std::string usage_of(std::string_view name, std::string_view value_name);

/// A row of a help text, of as many lines as it takes.
[[nodiscard]] std::string help_row(const std::string& usage, std::string_view help);

/// The answer to --help.
[[nodiscard]] std::string help_text();

/// What flags.md lists: one Markdown table per section.
[[nodiscard]] std::string flags_markdown();

}  // namespace ringcast::server

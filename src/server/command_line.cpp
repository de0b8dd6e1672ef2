#include "server/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <fmt/core.h>
#include <span>
#include <utility>

namespace ringcast::server {
namespace {

/// A flag that is no setting: it tells the program to do something else, or where settings are.
struct CommandRow {
    std::string_view name;
    std::string_view value_name;
    std::string_view help;
    bool CommandLine::* flag = nullptr;  ///< Null for --config, the one with a value.
};

constexpr std::string_view program_section = "Program";
constexpr std::array commands{
    CommandRow{"config", "FILE",
               "read settings from this TOML file; its keys are the names of the flags", nullptr},
    CommandRow{"check-config", "",
               "check all settings and the files they name, say what is wrong, and exit",
               &CommandLine::check_config},
    CommandRow{"print-config", "",
               "print the settings in effect as TOML, with where each comes from, and exit",
               &CommandLine::print_config},
    CommandRow{"version", "", "print the version and exit", &CommandLine::version},
    CommandRow{"help", "", "print this and exit; -h does, too", &CommandLine::help},
};
/// Not in the help.
constexpr std::array hidden_commands{
    CommandRow{"print-flags-markdown", "", "", &CommandLine::print_flags_markdown},
    CommandRow{"print-metrics", "", "", &CommandLine::print_metrics},
};

std::string flag_name(std::string_view name) {
    return fmt::format("--{}", name);
}

/// As CLI11 wants them. Everybody tries -h; nothing else has a short name.
std::string spellings_of(const CommandRow& row) {
    return (row.flag == &CommandLine::help ? "-h," : "") + flag_name(row.name);
}

/// The name of an argument that looks like a flag: `--name` of `--name=value`.
std::string without_value(const std::string& argument) {
    return argument.substr(0, argument.find('='));
}

std::string no_flag(const std::string& argument) {
    std::vector<std::string> names;
    for (const Subcommand& each : subcommands) names.emplace_back(each.name);
    if (std::ranges::find(names, argument) != names.end())
        return fmt::format("'{0}' comes before all flags: ringcast {0} ...", argument);
    const std::string near = suggestion(argument, names);
    return fmt::format("'{}' is not a flag{}", argument,
                       near.empty() ? "; flags start with --, see --help" : near);
}

std::string unknown_argument(const std::string& argument) {
    if (!argument.starts_with('-')) return no_flag(argument);
    std::vector<std::string> names;
    for (const OptionRow& row : option_table()) names.push_back(flag_name(row.name));
    for (const CommandRow& row : commands) names.push_back(flag_name(row.name));
    const std::string name = without_value(argument);
    const std::string near = suggestion(name, names);
    return fmt::format("unknown flag {}{}", name, near.empty() ? "; see --help" : near);
}

/// What the help calls the value of `flag`; empty if it takes none, or is not ours.
std::string_view value_name_of(std::string_view flag) {
    for (const OptionRow& row : option_table())
        if (flag == flag_name(row.name)) return row.value_name;
    for (const CommandRow& row : commands)
        if (flag == flag_name(row.name)) return row.value_name;
    return {};
}

/// The first flag without the value that it needs. What starts with -- is the next flag, never a
/// value, so that one forgotten word does not swallow another.
std::optional<std::string> flag_without_value(std::span<const std::string> arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string name = without_value(arguments[i]);
        const bool has_value =
            name != arguments[i] ? arguments[i].size() > name.size() + 1
                                 : i + 1 < arguments.size() && !arguments[i + 1].starts_with("--");
        const std::string_view value_name = value_name_of(name);
        if (!value_name.empty() && !has_value)
            return fmt::format("{0} needs a value: {0} {1}", name, value_name);
    }
    return std::nullopt;
}

/// The value of a toggle given as CLI11 hands it over: `true` for the bare flag, else what stood
/// behind the `=`.
std::string toggle_value(const std::string& value) {
    return value == "true" ? "on" : value;
}

std::string default_of(const OptionRow& row) {
    if (row.form != OptionRow::Form::value) return {};
    return row.get(Options{}).front();
}

/// `text` in lines of at most `width`, each but the first behind `indent` blanks.
std::string wrap(std::string_view text, std::size_t width, std::size_t indent) {
    std::string result;
    std::size_t column = 0;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (column > 0 && column + 1 + word.size() > width) {
            result.append("\n").append(indent, ' ');
            column = 0;
        } else if (column > 0) {
            result += ' ';
            ++column;
        }
        result += word;
        column += word.size();
    }
    return result;
}

/// A cell of a Markdown table: a bar would end it.
std::string cell(std::string_view text) {
    std::string result;
    for (const char character : text) {
        if (character == '|') result += '\\';
        result += character;
    }
    return result;
}

}  // namespace

bool is_flag(std::string_view name) noexcept {
    const auto has_it = [name](const auto& rows) {
        return std::ranges::find(rows, name, &CommandRow::name) != rows.end();
    };
    return find_option(name) != nullptr || has_it(commands) || has_it(hidden_commands);
}

std::string usage_of(std::string_view name, std::string_view value_name) {
    return value_name.empty() ? flag_name(name) : fmt::format("--{} {}", name, value_name);
}

std::string help_row(const std::string& usage, std::string_view help) {
    constexpr std::size_t help_column = 38;
    constexpr std::size_t help_width = 100 - help_column;
    return fmt::format("  {:<{}}{}\n", usage, help_column - 2, wrap(help, help_width, help_column));
}

std::expected<CommandLine, std::string> parse_command_line(std::vector<std::string> arguments) {
    if (auto missing = flag_without_value(arguments)) return std::unexpected{*std::move(missing)};
    CLI::App app;
    app.set_help_flag();  // Ours is made from the table.
    app.allow_extras();   // Named by us, with a suggestion.

    // Repetition is allowed here and judged below, so that the message is ours.
    std::vector<std::pair<const OptionRow*, CLI::Option*>> options;
    for (const OptionRow& row : option_table()) {
        CLI::Option* option = row.form == OptionRow::Form::toggle
                                  ? app.add_flag(flag_name(row.name))
                                  : app.add_option(flag_name(row.name));
        if (row.form != OptionRow::Form::toggle) option->allow_extra_args(false);
        option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        options.emplace_back(&row, option);
    }
    std::vector<std::pair<const CommandRow*, CLI::Option*>> flags;
    for (const CommandRow& row : commands) {
        if (row.flag != nullptr) flags.emplace_back(&row, app.add_flag(spellings_of(row)));
    }
    for (const CommandRow& row : hidden_commands)
        flags.emplace_back(&row, app.add_flag(flag_name(row.name)));
    CLI::Option* const config = app.add_option("--config")->allow_extra_args(false);
    config->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);

    try {
        std::ranges::reverse(arguments);  // CLI11 takes them from the back.
        app.parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
        return std::unexpected{std::string{error.what()}};
    }
    if (const auto extras = app.remaining(); !extras.empty()) {
        return std::unexpected{unknown_argument(extras.front())};
    }

    CommandLine result;
    for (const auto& [row, option] : options) {
        if (option->count() == 0) continue;
        std::vector<std::string> values = option->results();
        if (row->form != OptionRow::Form::list && values.size() > 1) {
            return std::unexpected{fmt::format("--{} is given {} times", row->name, values.size())};
        }
        if (row->form == OptionRow::Form::toggle) values[0] = toggle_value(values[0]);
        result.settings.push_back({row, std::move(values), std::string{command_line_source}});
    }
    for (const auto& [row, option] : flags) {
        if (option->count() > 0) result.*(row->flag) = true;
    }
    if (config->count() > 1) return std::unexpected{"--config is given more than once"};
    if (config->count() == 1) result.config_path = config->results().front();
    return result;
}

std::string help_text() {
    std::string text =
        "ringcast: a WebSocket edge server\n\n"
        "Usage: ringcast [flags]\n"
        "       ringcast COMMAND [flags], which --help behind it explains\n\n"
        "Commands:\n";
    for (const Subcommand& each : subcommands) text += help_row(std::string{each.name}, each.help);
    text +=
        "\n"
        "Every flag is also an environment variable (--idle-timeout is RINGCAST_IDLE_TIMEOUT) and "
        "a key of\n"
        "the --config file (idle-timeout). A flag wins over the environment, that over the file; "
        "an empty\n"
        "variable counts as none.\n";
    std::string_view section;
    for (const OptionRow& row : option_table()) {
        if (row.section != section) text += fmt::format("\n{}:\n", section = row.section);
        const std::string value = default_of(row);
        text += help_row(
            usage_of(row.name, row.value_name),
            value.empty() ? std::string{row.help} : fmt::format("{} [{}]", row.help, value));
    }
    text += fmt::format("\n{}:\n", program_section);
    for (const CommandRow& row : commands)
        text += help_row(usage_of(row.name, row.value_name), row.help);
    return text;
}

std::string flags_markdown() {
    constexpr std::string_view head = "\n**{}**\n\n| flag | default | meaning |\n|---|---|---|\n";
    std::string text =
        "Every flag is also an environment variable (`--idle-timeout` is `RINGCAST_IDLE_TIMEOUT`) "
        "and a key of "
        "the `--config` file (`idle-timeout`).\nA flag wins over the environment, the environment "
        "over the "
        "file; an empty variable counts as none. Sizes are written `64KiB`, durations `25s`. A "
        "flag that has no effect without another is refused; in the environment or the file it is "
        "warned of.\n";
    std::string_view section;
    for (const OptionRow& row : option_table()) {
        if (row.section != section) text += fmt::format(head, section = row.section);
        const std::string value = default_of(row);
        text += fmt::format("| `{}` | {} | {} |\n", cell(usage_of(row.name, row.value_name)),
                            value.empty() ? value : fmt::format("`{}`", value), cell(row.help));
    }
    text += fmt::format(head, program_section);
    for (const CommandRow& row : commands) {
        text += fmt::format("| `{}` | | {} |\n", usage_of(row.name, row.value_name), row.help);
    }
    return text;
}

}  // namespace ringcast::server

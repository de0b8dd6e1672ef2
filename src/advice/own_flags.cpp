#include "advice/own_flags.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/core.h>
#include <set>
#include <system_error>

#include "server/command_line.hpp"
#include "server/option_table.hpp"

namespace ringcast::advice {
namespace {

const OwnFlag* find(std::span<const OwnFlag> flags, std::string_view name) {
    const auto found = std::ranges::find(flags, name, &OwnFlag::name);
    return found == flags.end() ? nullptr : &*found;
}

std::string unknown_flag(std::string_view name, std::span<const OwnFlag> flags) {
    std::vector<std::string> names;
    for (const OwnFlag& flag : flags) names.push_back(fmt::format("--{}", flag.name));
    for (const server::OptionRow& row : server::option_table())
        names.push_back(fmt::format("--{}", row.name));
    const std::string flag = fmt::format("--{}", name);
    const std::string near = server::suggestion(flag, names);
    return fmt::format("unknown flag {}{}", flag, near.empty() ? "; see --help" : near);
}

}  // namespace

std::expected<std::vector<std::string>, std::string> take_flags(
    std::span<const std::string> arguments, std::span<const OwnFlag> flags) {
    std::vector<std::string> others;
    std::set<std::string_view> given;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        std::string_view argument = arguments[i];
        if (argument == "-h") argument = "--help";
        const std::size_t equals = argument.find('=');
        const bool has_value = equals != std::string_view::npos;
        const std::string_view name =
            argument.starts_with("--") ? argument.substr(2, has_value ? equals - 2 : equals) : "";
        const OwnFlag* const flag = find(flags, name);
        if (flag == nullptr) {
            if (!name.empty() && !server::is_flag(name))
                return std::unexpected{unknown_flag(name, flags)};
            others.push_back(arguments[i]);
            continue;
        }
        if (!given.insert(flag->name).second)
            return std::unexpected{fmt::format("--{} is given twice", name)};
        std::string_view value;
        if (has_value) {
            value = argument.substr(equals + 1);
        } else if (!flag->value_name.empty() && i + 1 < arguments.size() &&
                   !arguments[i + 1].starts_with("--")) {
            value = arguments[++i];
        }
        if (value.empty() != flag->value_name.empty()) {
            return std::unexpected{
                flag->value_name.empty()
                    ? fmt::format("--{} takes no value", name)
                    : fmt::format("--{0} needs a value: --{0} {1}", name, flag->value_name)};
        }
        if (auto set = flag->set(value); !set)
            return std::unexpected{fmt::format("--{}: {}", name, set.error())};
    }
    return others;
}

std::string help_rows(std::span<const OwnFlag> flags) {
    std::string text;
    for (const OwnFlag& flag : flags)
        text += server::help_row(server::usage_of(flag.name, flag.value_name), flag.help);
    return text;
}

OwnFlag toggle(std::string_view name, std::string_view help, bool& target) {
    return {.name = name,
            .value_name = {},
            .help = help,
            .set = [&target](std::string_view) -> std::expected<void, std::string> {
                target = true;
                return {};
            }};
}

std::expected<std::uint64_t, std::string> parse_count(std::string_view text, std::uint64_t min,
                                                      std::uint64_t max) {
    std::uint64_t count = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, status] = std::from_chars(text.data(), end, count);
    if (status == std::errc{} && rest == end && count >= min && count <= max) return count;
    return std::unexpected{
        fmt::format("'{}' is not possible here; expected {} to {}", text, min, max)};
}

}  // namespace ringcast::advice

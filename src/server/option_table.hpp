#pragma once
// The one table of options. Flags, environment variables, configuration keys, help, flags.md and
// --print-config are all derived from it. To add an option: a member in Options, a row in
// option_table.cpp.

#include <array>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "server/options.hpp"

namespace ringcast::server {

/// Something that has to be set for an option to have an effect.
struct OptionNeed {
    std::string_view flag;  ///< As whoever reads of it would give it: `--compression dedicated`.
    bool (*is_met)(const Options& options) = nullptr;
};

/// One option: `--name`, `RINGCAST_NAME` (upper case, underscores), and the key `name` in the file.
struct OptionRow {
    enum class Form : std::uint8_t {
        value,   ///< `--name VALUE`, once.
        toggle,  ///< `--name`, or `--name=on|off`, once.
        list,    ///< `--name VALUE`, any number of times; separated by commas or blanks in the
                 ///< environment.
    };

    std::string_view section;
    std::string_view name;
    std::string_view
        value_name;         ///< What the help calls the value: SIZE, DURATION, auto|on|off ...
    std::string_view help;  ///< Part of a sentence, without a full stop.
    Form form = Form::value;
    /// Stores one value; a list grows by it. The error is one sentence that quotes `text`.
    std::expected<void, std::string> (*set)(Options& options, std::string_view text) = nullptr;
    /// The values as text that `set` reads back: exactly one, except for a list.
    std::vector<std::string> (*get)(const Options& options) = nullptr;
    void (*clear)(Options& options) = nullptr;  ///< Lists only.
    /// All of these; see unmet_need().
    std::array<const OptionNeed*, 2> needs{};
};

inline constexpr std::string_view command_line_source = "command line";

/// What one source said about one option, not yet looked at.
struct Setting {
    const OptionRow* option = nullptr;
    std::vector<std::string> values;  ///< One, except for a list.
    std::string source;               ///< command_line_source, `ringcast.toml:3` ...
};

[[nodiscard]] std::span<const OptionRow> option_table() noexcept;

/// The row called `name`, or null.
[[nodiscard]] const OptionRow* find_option(std::string_view name) noexcept;

/// What `row` lacks to have an effect, or null.
[[nodiscard]] const OptionNeed* unmet_need(const OptionRow& row, const Options& options) noexcept;

/// `RINGCAST_MESSAGE_BYTES_MAX` for `message-bytes-max`.
[[nodiscard]] std::string environment_name(std::string_view name);

/// The name most like `unknown` among `names`, as `; did you mean X?`, or nothing when none is
/// near.
[[nodiscard]] std::string suggestion(std::string_view unknown, std::span<const std::string> names);

}  // namespace ringcast::server

#include "server/defence_options.hpp"

#include <array>

#include "server/option_values.hpp"
#include "shard/origin.hpp"

namespace ringcast::server {
namespace {

using namespace option_values;

Result add_origin(Options& options, std::string_view text) {
    if (const auto pattern = shard::OriginPattern::parse(text); !pattern)
        return std::unexpected{pattern.error()};
    options.allow_origin.emplace_back(text);
    return {};
}

constexpr std::string_view defences = "Defences";

constexpr std::array table{
    OptionRow{
        .section = defences,
        .name = "allow-origin",
        .value_name = "PATTERN",
        .help = "pages that may connect besides those from the host and port that they connect to: "
                "https://example.org, https://*.example.org:* (a * is any port, or at least one "
                "letter, digit, - or _ of a label of the host, never a dot), null, or * for all; "
                "others are answered with status 403; may be repeated",
        .form = OptionRow::Form::list,
        .set = add_origin,
        .get = [](const Options& options) { return options.allow_origin; },
        .clear = [](Options& options) { options.allow_origin.clear(); }},
};

}  // namespace

std::span<const OptionRow> defence_options() noexcept {
    return table;
}

}  // namespace ringcast::server

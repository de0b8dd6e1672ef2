#pragma once
// `ringcast capacity` as a command: from its flags to a text.

#include <string>

#include "advice/capacity.hpp"
#include "server/options.hpp"

namespace ringcast::advice {

/// For people: a line for each figure, with where it comes from.
[[nodiscard]] std::string to_text(const Capacity& capacity);
/// For machines: one object in one line.
[[nodiscard]] std::string to_json(const Capacity& capacity);

/// `sources` without the name of the command.
[[nodiscard]] server::Exit answer_capacity(const server::OptionSources& sources);

}  // namespace ringcast::advice

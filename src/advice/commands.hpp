#pragma once
// The sub-commands of the edge binary: what it tells an operator instead of serving. Nothing here
// is part of the library, and nothing of a running server depends on it.

#include <optional>

#include "server/options.hpp"

namespace ringcast::advice {

/// The answer of the sub-command that the first argument names; nothing if it names none.
[[nodiscard]] std::optional<server::Exit> answer_command(const server::OptionSources& sources);

}  // namespace ringcast::advice

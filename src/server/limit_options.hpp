#pragma once
// The rows of the option table for how much of everything there may be: sizes, memory, time. Only
// for option_table.cpp.

#include <span>

#include "server/option_table.hpp"

namespace ringcast::server {

[[nodiscard]] std::span<const OptionRow> limit_options() noexcept;

}  // namespace ringcast::server

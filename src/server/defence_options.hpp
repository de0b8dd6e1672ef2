#pragma once
// The rows of the option table for what keeps guests from harming the house: who may come, from
// where, and how much of it. Only for option_table.cpp.

#include <span>

#include "server/option_table.hpp"

namespace ringcast::server {

[[nodiscard]] std::span<const OptionRow> defence_options() noexcept;

}  // namespace ringcast::server

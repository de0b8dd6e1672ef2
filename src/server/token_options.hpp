#pragma once
// The rows of the option table for clients' tokens. Only for option_table.cpp.

#include <span>

#include "server/option_table.hpp"

namespace ringcast::server {

[[nodiscard]] std::span<const OptionRow> token_options() noexcept;

}  // namespace ringcast::server

#pragma once
// The rows of the option table for topics. Only for option_table.cpp.

#include <span>

#include "server/option_table.hpp"

namespace ringcast::server {

[[nodiscard]] std::span<const OptionRow> topic_options() noexcept;

}  // namespace ringcast::server

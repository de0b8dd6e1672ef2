#pragma once
// The checks of `ringcast doctor`. Each looks at one thing of the host and says what it means for a
// server with these needs. None fails: what cannot be read is `unknown`.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "advice/finding.hpp"
#include "advice/host.hpp"
#include "advice/needs.hpp"

namespace ringcast::advice {

using Check = Finding (*)(const Host& host, const Needs& needs);

/// Files, CPUs, memory, threads.
[[nodiscard]] std::span<const Check> resource_checks() noexcept;
/// Queues, buffers, ports.
[[nodiscard]] std::span<const Check> network_checks() noexcept;
/// io_uring, and how the machine is set up.
[[nodiscard]] std::span<const Check> kernel_checks() noexcept;

/// Where the setting `net.core.somaxconn` is read.
[[nodiscard]] std::string path_of_setting(std::string_view name);

/// Says that `source` cannot be read.
[[nodiscard]] Finding unknown(std::string_view name, std::string_view source, std::string why);

}  // namespace ringcast::advice

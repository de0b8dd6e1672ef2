#pragma once
// What a program may ask of a Server. The command line checks its flags itself; this is for those
// who embed.

#include <cstdint>
#include <expected>
#include <string>

#include "ringcast/settings.hpp"

namespace ringcast::server {

/// So many of the longest messages fit into the memory for messages: with less, one client after
/// the other would be turned away for what each of them may send.
inline constexpr std::uint64_t longest_messages_min = 4;

/// So many times the receive buffers of a shard fit into that memory. Half of it is for input, and
/// what one client had sent when its input was suspended may fill all of them.
inline constexpr std::uint64_t receive_buffers_min = 2;

/// Of the receive buffers of one shard together: what one of the two settings can reach while the
/// other is left to the kernel's features.
inline constexpr std::uint64_t receive_bytes_max = std::uint64_t{2} << 30;

/// The error is one sentence that names the setting.
[[nodiscard]] std::expected<void, std::string> check_settings(const Settings& settings);

}  // namespace ringcast::server

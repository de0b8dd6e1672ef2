#pragma once
// The tokens with which clients of the Centrifuge protocol come to the simulated server, as its
// application makes them, and the clock of the wall by which they end: that of the network, from
// some date on.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "http/date.hpp"
#include "shard/tokens.hpp"

namespace ringcast::sim {

struct TopicScenario;

struct CentrifugeToken {
    std::uint32_t user = 0;             ///< 0: nobody in particular.
    std::optional<std::uint32_t> ttl;   ///< In seconds, since it was made.
    std::vector<std::uint32_t> topics;  ///< That its client is subscribed to with it.
};

/// Empty: nobody in particular.
[[nodiscard]] std::string name_of_user(std::uint32_t user);
/// As it is made at that time.
[[nodiscard]] std::string text_of(const CentrifugeToken& token, const TopicScenario& scenario,
                                  Instant now);
/// With which the server checks them.
[[nodiscard]] shard::TokenMaterial token_material();

[[nodiscard]] http::UnixSeconds wall_time(Instant now) noexcept;
/// Of the world of this thread, which says what time it is.
[[nodiscard]] http::UnixSeconds wall_clock() noexcept;
void set_wall_clock(Instant now) noexcept;
/// By a break: what it says is so much late.
void delay_wall_clock(Duration lateness) noexcept;

}  // namespace ringcast::sim

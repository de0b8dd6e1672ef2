#pragma once
// Where clients' tokens are checked: what verify.hpp says, with the shard's keys and clock, counted
// and logged. What clients are told is up to who asks; nothing of a token is ever logged.

#include <chrono>
#include <expected>
#include <optional>
#include <string_view>

#include "auth/key_set.hpp"
#include "auth/verify.hpp"
#include "http/credentials.hpp"
#include "http/date.hpp"
#include "http/request.hpp"
#include "shard/log.hpp"
#include "shard/log_limiters.hpp"
#include "shard/metrics.hpp"

namespace ringcast::shard {

/// What tokens are checked with, and where they are looked for.
struct TokenMaterial {
    auth::KeySet keys;
    auth::Rules rules;
    http::TokenPlaces places;
};

/// One shard's; the keys are its own copy.
class Tokens {
public:
    using WallClock = http::UnixSeconds (*)() noexcept;

    Tokens(TokenMaterial material, WallClock clock, Metrics& metrics, LogQueue& log,
           LogLimiters& limiters)
        : material_{std::move(material)},
          clock_{clock},
          metrics_{metrics},
          log_{log},
          limiters_{limiters} {}

    void replace(TokenMaterial material) { material_ = std::move(material); }
    [[nodiscard]] const http::TokenPlaces& places() const noexcept { return material_.places; }

    [[nodiscard]] std::optional<http::FoundToken> find(const http::Request& request) const {
        return http::find_token(request, material_.places);
    }
    [[nodiscard]] std::expected<auth::ConnectionClaims, auth::Reason> verify_connection(
        std::string_view token);
    [[nodiscard]] std::expected<auth::SubscriptionClaims, auth::Reason> verify_subscription(
        std::string_view token, const auth::SubscriptionWish& wish);

    /// When what expires at `time` is over, on the clock that says `now` now: not before the
    /// leeway has passed. A step of the system's clock later on is not seen.
    [[nodiscard]] Instant end_of(std::chrono::sys_seconds time, Instant now) const noexcept;

private:
    [[nodiscard]] std::chrono::sys_seconds wall_now() const noexcept {
        return std::chrono::sys_seconds{std::chrono::seconds{clock_()}};
    }
    void count(std::optional<auth::Reason> refused);

    TokenMaterial material_;
    const WallClock clock_;
    Metrics& metrics_;
    LogQueue& log_;
    LogLimiters& limiters_;
};

}  // namespace ringcast::shard

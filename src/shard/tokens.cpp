#include "shard/tokens.hpp"

#include <algorithm>
#include <utility>

namespace ringcast::shard {

namespace {

template <class Claims>
std::optional<auth::Reason> refusal_of(const std::expected<Claims, auth::Reason>& verified) {
    if (verified) return std::nullopt;
    return verified.error();
}

}  // namespace

std::expected<auth::ConnectionClaims, auth::Reason> Tokens::verify_connection(
    std::string_view token) {
    auto verified = auth::verify_connection(token, material_.keys, material_.rules, wall_now());
    count(refusal_of(verified));
    return verified;
}

std::expected<auth::SubscriptionClaims, auth::Reason> Tokens::verify_subscription(
    std::string_view token, const auth::SubscriptionWish& wish) {
    auto verified =
        auth::verify_subscription(token, wish, material_.keys, material_.rules, wall_now());
    count(refusal_of(verified));
    return verified;
}

Instant Tokens::end_of(std::chrono::sys_seconds time, Instant now) const noexcept {
    // Longer than anything lasts, short enough to be added to any time.
    constexpr std::chrono::seconds longest = std::chrono::years{10};
    const auto left = time - wall_now();
    // In this order, because a token may say any second that there is.
    if (left >= longest) return now + longest;
    return now + std::max(left + material_.rules.leeway, std::chrono::seconds{0});
}

void Tokens::count(std::optional<auth::Reason> refused) {
    if (!refused) {
        ++metrics_.tokens_accepted;
        return;
    }
    ++metrics_.tokens_refused[static_cast<std::size_t>(*refused)];
    log_.limited(limiters_.token).field("reason", to_string(*refused));
}

}  // namespace ringcast::shard

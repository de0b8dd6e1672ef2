#include "auth/verify.hpp"

#include <type_traits>

#include "auth/claim_reader.hpp"
#include "auth/json.hpp"
#include "auth/jws.hpp"

namespace ringcast::auth {

namespace {

using std::chrono::sys_seconds;

std::string string_of(std::optional<std::string_view> text) {
    return std::string{text.value_or(std::string_view{})};
}

/// What both kinds of tokens have in common: when, from whom and for whom they are.
class Checker {
public:
    Checker(ClaimReader& claims, const Rules& rules, sys_seconds now)
        : claims_{claims}, rules_{rules}, now_{now} {}

    /// All claims here, so that a bad one is told as such even if another one is against the rules.
    std::expected<void, Reason> check() {
        const auto expiry = claims_.date("exp");
        const auto begin = claims_.date("nbf");
        (void)claims_.date("iat");
        const auto issuer = claims_.text("iss", token_bytes_max);
        const bool is_for_us = claims_.names("aud", rules_.audience);
        const auto end = claims_.date("expire_at");
        id_ = string_of(claims_.text("jti", name_bytes_max));
        if (const auto fault = claims_.fault()) return std::unexpected{*fault};

        expires_at_ = end ? end : expiry;
        if (end == sys_seconds{}) expires_at_.reset();  // It never does.
        if (has_passed(expiry) || has_passed(expires_at_)) return std::unexpected{Reason::expired};
        if (begin && now_ + rules_.leeway < *begin) return std::unexpected{Reason::not_yet_valid};
        if (!rules_.issuer.empty() && issuer != rules_.issuer)
            return std::unexpected{Reason::wrong_issuer};
        if (!rules_.audience.empty() && !is_for_us) return std::unexpected{Reason::wrong_audience};
        return {};
    }

    [[nodiscard]] std::string take_id() noexcept { return std::move(id_); }
    [[nodiscard]] std::optional<sys_seconds> expires_at() const noexcept { return expires_at_; }

private:
    [[nodiscard]] bool has_passed(std::optional<sys_seconds> date) const noexcept {
        return date && now_ - rules_.leeway >= *date;
    }

    ClaimReader& claims_;
    const Rules& rules_;
    sys_seconds now_;
    std::string id_;
    std::optional<sys_seconds> expires_at_;
};

/// What holds for every token, then what `read(claims, checker)` finds in this one.
template <class Read>
std::invoke_result_t<Read, ClaimReader&, Checker&> verify(std::string_view token,
                                                          const KeySet& keys, const Rules& rules,
                                                          sys_seconds now, Read&& read) {
    const auto payload = open_jws(token, keys, now);
    if (!payload) return std::unexpected{payload.error()};
    JsonTree tree;
    const auto object = tree.parse_object(*payload);
    if (!object) return std::unexpected{Reason::malformed_claims};
    ClaimReader claims{*object};
    Checker checker{claims, rules, now};
    if (auto checked = checker.check(); !checked) return std::unexpected{checked.error()};
    return read(claims, checker);
}

std::expected<ConnectionClaims, Reason> read_connection(ClaimReader& claims, Checker& checker) {
    if (claims.has("channel")) return std::unexpected{Reason::wrong_kind};
    ConnectionClaims result{.user = string_of(claims.text("sub", name_bytes_max)),
                            .id = checker.take_id(),
                            .info = claims.payload("info", "b64info", info_bytes_max),
                            .meta = claims.object_text("meta", info_bytes_max),
                            .grants = claims.grants(),
                            .expires_at = checker.expires_at()};
    if (const auto fault = claims.fault()) return std::unexpected{*fault};
    return result;
}

std::expected<SubscriptionClaims, Reason> read_subscription(ClaimReader& claims, Checker& checker,
                                                            const SubscriptionWish& wish) {
    const auto channel = claims.text("channel", name_bytes_max);
    const auto user = claims.text("sub", name_bytes_max);
    const auto client = claims.text("client", name_bytes_max);
    SubscriptionClaims result{.id = checker.take_id(),
                              .options = claims.subscription_options(),
                              .expires_at = checker.expires_at()};
    if (const auto fault = claims.fault()) return std::unexpected{*fault};
    if (!channel) return std::unexpected{Reason::wrong_kind};
    if (*channel != wish.channel) return std::unexpected{Reason::wrong_channel};
    const bool names_client = client && !client->empty();
    if (names_client && *client != wish.client) return std::unexpected{Reason::wrong_client};
    // Old tokens name the connection instead of the user.
    const bool is_old = names_client && !user;
    if (!is_old && user.value_or("") != wish.user) return std::unexpected{Reason::wrong_user};
    return result;
}

}  // namespace

std::expected<ConnectionClaims, Reason> verify_connection(std::string_view token,
                                                          const KeySet& keys, const Rules& rules,
                                                          sys_seconds now) {
    return verify(token, keys, rules, now, read_connection);
}

std::expected<SubscriptionClaims, Reason> verify_subscription(std::string_view token,
                                                              const SubscriptionWish& wish,
                                                              const KeySet& keys,
                                                              const Rules& rules, sys_seconds now) {
    const auto read = [&wish](ClaimReader& claims, Checker& checker) {
        return read_subscription(claims, checker, wish);
    };
    return verify(token, keys, rules, now, read);
}

}  // namespace ringcast::auth

#include "api/authentication.hpp"

#include <string_view>
#include <utility>

#include "api/packed_info.hpp"
#include "auth/verify.hpp"
#include "base/client_info.hpp"
#include "base/publication_info.hpp"
#include "http/credentials.hpp"
#include "shard/session.hpp"
#include "shard/shard.hpp"
#include "ws/handshake.hpp"

namespace ringcast::api {

namespace {

/// RFC 6750 section 3.1.
shard::Verdict refusal_for(auth::Reason reason) {
    shard::Verdict verdict;
    verdict.kind = shard::Verdict::Kind::refuse;
    verdict.status = 401;
    verdict.fields = "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n";
    verdict.body = answer_to(reason) == auth::Answer::token_expired ? "the token has expired\n"
                                                                    : "the token is not valid\n";
    return verdict;
}

User user_of(auth::ConnectionClaims claims) {
    User user{.name = std::move(claims.user),
              .token_id = std::move(claims.id),
              .info = claims.info ? std::move(claims.info->bytes) : std::string{},
              .meta = std::move(claims.meta).value_or(std::string{}),
              .expires_at = claims.expires_at};
    for (auth::Grant& grant : claims.grants) user.topics.push_back(std::move(grant.channel));
    return user;
}

/// The first that is no token, so that it need not be sent back; else that one.
std::string subprotocol_beside(const http::Request& request, std::string_view prefix) {
    std::string chosen;
    ws::for_each_subprotocol(request, [&](std::string_view offered) {
        const bool is_token = offered.starts_with(prefix);
        if (chosen.empty() || !is_token) chosen = offered;
        return is_token;
    });
    return chosen;
}

}  // namespace

std::expected<std::optional<ShownToken>, shard::Verdict> shown_token(
    const shard::Upgrade& upgrade) {
    shard::Shard& shard = upgrade.session.shard();
    shard::Tokens* const tokens = shard.tokens();
    if (tokens == nullptr) return std::nullopt;
    const auto found = tokens->find(upgrade.request);
    if (!found) return std::nullopt;
    auto claims = tokens->verify_connection(found->text);
    if (!claims) return std::unexpected{refusal_for(claims.error())};
    ShownToken shown{.claims = *std::move(claims)};
    if (const auto end = shown.claims.expires_at) shown.ends_at = tokens->end_of(*end, shard.now());
    if (found->place == http::TokenPlace::subprotocol) {
        shown.subprotocol =
            subprotocol_beside(upgrade.request, tokens->places().subprotocol_prefix);
    }
    return shown;
}

std::expected<std::optional<Authenticated>, shard::Verdict> authenticate(
    const shard::Upgrade& upgrade) {
    auto shown = shown_token(upgrade);
    if (!shown) return std::unexpected{std::move(shown.error())};
    if (!*shown) return std::nullopt;
    auth::ConnectionClaims& claims = (*shown)->claims;
    Authenticated result{
        .user = {}, .subprotocol = std::move((*shown)->subprotocol), .ends_at = (*shown)->ends_at};
    if (!claims.user.empty()) {
        const std::string info = packed(claims.info);
        result.publisher =
            std::string{untagged} +
            pack(ClientInfo{.id = {}, .user = claims.user, .connection = info, .channel = {}});
    }
    result.user = user_of(std::move(claims));
    return result;
}

}  // namespace ringcast::api

// Any octets as a token, as what a token's header and claims say, as a set of keys, and as a key.
// Input: a line with the header, then the claims, which are signed with a secret that is known.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "auth/base64.hpp"
#include "auth/jwks.hpp"
#include "auth/key_set.hpp"
#include "auth/pem.hpp"
#include "auth/verify.hpp"
#include "base/assert.hpp"
#include "support/token_signer.hpp"

namespace {

using namespace ringcast;

constexpr std::chrono::sys_seconds now{std::chrono::seconds{1'700'000'000}};

const std::string secret(64, 's');

const auth::KeySet& keys() {
    static const auth::KeySet loaded = [] {
        auth::KeySources sources;
        sources.current.secrets.push_back({"secret", Secret{std::string_view{secret}}});
        auto result = auth::KeySet::load(sources);
        RC_ASSERT(result.has_value());
        return std::move(result->keys);
    }();
    return loaded;
}

void check_payload(const std::optional<auth::Payload>& payload, std::size_t bytes_max) {
    if (!payload) return;
    RC_ASSERT(payload->bytes.size() <= bytes_max && !payload->bytes.empty());
    // It goes as it is into messages that end with a line.
    if (payload->kind == PublicationKind::json)
        RC_ASSERT(payload->bytes.find_first_of("\r\n") == std::string::npos);
}

void check_options(const auth::SubscriptionOptions& options) {
    check_payload(options.info, auth::info_bytes_max);
    check_payload(options.data, auth::data_bytes_max);
}

void check_claims(std::string_view token) {
    const auth::Rules rules{.issuer = "us", .audience = "here", .leeway = std::chrono::seconds{5}};
    const auth::SubscriptionWish wish{.user = "42", .channel = "$a", .client = "c"};
    const auto strict = auth::verify_connection(token, keys(), rules, now);
    const auto claims = auth::verify_connection(token, keys(), {}, now);
    if (strict) RC_ASSERT(claims.has_value() || claims.error() == auth::Reason::expired);
    if (claims) {
        RC_ASSERT(claims->user.size() <= auth::name_bytes_max);
        check_payload(claims->info, auth::info_bytes_max);
        for (const auth::Grant& grant : claims->grants) {
            RC_ASSERT(!grant.channel.empty() && grant.channel.size() <= auth::name_bytes_max);
            RC_ASSERT(&grant == claims->grants.data() || (&grant)[-1].channel < grant.channel);
            check_options(grant.options);
        }
        if (claims->expires_at) RC_ASSERT(*claims->expires_at > now);
    }
    const auto subscription = auth::verify_subscription(token, wish, keys(), {}, now);
    if (subscription) {
        check_options(subscription->options);
        RC_ASSERT(!claims && claims.error() == auth::Reason::wrong_kind);
    }
}

void check_base64(std::string_view text) {
    const auto octets = auth::decode_base64(text, auth::Base64::url);
    if (octets) RC_ASSERT(test::base64url(*octets) == text);
    (void)auth::decode_base64(text, auth::Base64::standard);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input{reinterpret_cast<const char*>(data), size};
    check_base64(input);
    check_claims(input);
    const std::size_t line = std::min(input.find('\n'), input.size());
    const std::string_view header = input.substr(0, line);
    const std::string_view claims = input.substr(std::min(line + 1, input.size()));
    const test::TokenSigner signer{auth::Algorithm::hs256, secret};
    check_claims(signer.sign(header, claims));
    check_claims(signer.sign(claims));
    if (const auto set = auth::parse_jwks(input))
        RC_ASSERT(set->keys.size() + set->skipped.size() <= auth::jwks_keys_max);
    (void)auth::keys_in_pem(input);
    (void)auth::Key::from_secret(input);
    return 0;
}

#include "auth/jwks.hpp"

#include <algorithm>
#include <openssl/core_names.h>
#include <utility>

#include "auth/base64.hpp"
#include "auth/json.hpp"
#include "auth/key_set.hpp"
#include "auth/openssl.hpp"

namespace ringcast::auth {

namespace {

using simdjson::dom::object;
using Phrase = std::unexpected<std::string>;
using PublicKey = std::expected<KeyPointer, std::string>;

/// The octets of a member in base64url, at least one.
std::expected<std::string, std::string> octets(const object& key, std::string_view name) {
    const auto element = member(key, name);
    const auto text = element ? text_of(*element) : std::nullopt;
    auto decoded = text ? decode_base64(*text, Base64::url) : std::nullopt;
    if (!decoded || decoded->empty())
        return Phrase{"its '" + std::string{name} + "' is not in base64url"};
    return *std::move(decoded);
}

PublicKey rsa_key(const object& key) {
    const auto modulus = octets(key, "n"), exponent = octets(key, "e");
    if (!modulus) return Phrase{modulus.error()};
    if (!exponent) return Phrase{exponent.error()};
    const auto number = [](const std::string& text) {
        return NumberPointer{BN_bin2bn(octets_of(text), static_cast<int>(text.size()), nullptr)};
    };
    const NumberPointer n = number(*modulus), e = number(*exponent);
    const ParametersBuilderPointer builder{OSSL_PARAM_BLD_new()};
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
    const ParametersPointer parameters{OSSL_PARAM_BLD_to_param(builder.get())};
    const KeyContextPointer context{EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr)};
    EVP_PKEY* made = nullptr;
    EVP_PKEY_fromdata_init(context.get());
    EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get());
    if (made == nullptr) return Phrase{"it is no RSA key"};
    return KeyPointer{made};
}

PublicKey ec_key(const object& key, std::string_view curve) {
    std::size_t size = 0;
    if (curve == "P-256") size = 32;
    if (curve == "P-384") size = 48;
    if (curve == "P-521") size = 66;
    if (size == 0) return Phrase{"it is on a curve other than P-256, P-384, P-521"};
    const auto x = octets(key, "x"), y = octets(key, "y");
    if (!x) return Phrase{x.error()};
    if (!y) return Phrase{y.error()};
    if (x->size() != size || y->size() != size)
        return Phrase{"its 'x' or 'y' is not as long as its curve has it"};
    std::string group{curve}, point = "\x04" + *x + *y;  // Not compressed (SEC 1 section 2.3.3).
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
        OSSL_PARAM_construct_end()};
    const KeyContextPointer context{EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)};
    EVP_PKEY* made = nullptr;
    EVP_PKEY_fromdata_init(context.get());
    EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters);
    if (made == nullptr) return Phrase{"it is no point of its curve"};
    return KeyPointer{made};
}

PublicKey octet_key(const object& key, std::string_view curve) {
    if (curve != "Ed25519") return Phrase{"it is on a curve other than Ed25519"};
    const auto x = octets(key, "x");
    if (!x) return Phrase{x.error()};
    KeyPointer made{
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets_of(*x), x->size())};
    if (!made) return Phrase{"its 'x' is not 32 octets long"};
    return made;
}

/// A member that is absent, or a text. No value: it is neither.
std::optional<std::string_view> optional_text(const object& key, std::string_view name) {
    const auto element = member(key, name);
    return element ? text_of(*element) : std::string_view{};
}

/// Whether signatures may be checked with it (RFC 7517 sections 4.2 and 4.3).
bool is_for_signatures(const object& key) {
    if (const auto use = member(key, "use"); use && text_of(*use) != "sig") return false;
    const auto operations = member(key, "key_ops");
    if (!operations) return true;
    simdjson::dom::array array;
    if (operations->get(array) != simdjson::SUCCESS) return false;
    return std::ranges::any_of(array, [](const simdjson::dom::element& operation) {
        return text_of(operation) == "verify";
    });
}

/// The error says why it is skipped.
std::expected<Jwk, std::string> parse_key(const object& key) {
    const auto type = optional_text(key, "kty"), curve = optional_text(key, "crv"),
               name = optional_text(key, "alg"), id = optional_text(key, "kid");
    if (!has_unique_names(key)) return Phrase{"it has a name twice"};
    if (!type || !curve || !name || !id)
        return Phrase{"its 'kty', 'crv', 'alg' or 'kid' is not a string"};
    if (*type == "oct") return Phrase{"it is a secret; secrets have a file of their own"};
    if (member(key, "d")) return Phrase{"it is a private key; only the public one belongs here"};
    if (!is_for_signatures(key)) return Phrase{"it is not for signatures"};
    const auto algorithm = find_algorithm(*name);
    if (!name->empty() && !algorithm) return Phrase{"its 'alg' is not known"};
    PublicKey public_key = Phrase{"its 'kty' is none of RSA, EC, OKP"};
    if (*type == "RSA") public_key = rsa_key(key);
    if (*type == "EC") public_key = ec_key(key, *curve);
    if (*type == "OKP") public_key = octet_key(key, *curve);
    if (!public_key) return Phrase{std::move(public_key.error())};
    auto made = Key::from_public_key(public_key->get());
    if (!made) return Phrase{"it is " + made.error()};
    if (algorithm && !made->restrict_to(*algorithm)) return Phrase{"its 'alg' is not for its type"};
    Jwk jwk{std::move(*made), std::nullopt};
    if (member(key, "kid")) jwk.id = *id;
    return jwk;
}

}  // namespace

std::expected<Jwks, std::string> parse_jwks(std::string_view text) {
    const ErrorQueueGuard guard;
    JsonTree tree;
    const auto set = tree.parse_object(text);
    if (!set) return Phrase{"it is no JSON object"};
    simdjson::dom::array keys;
    if (const auto found = member(*set, "keys"); !found || found->get(keys) != simdjson::SUCCESS)
        return Phrase{"it has no array 'keys'"};
    if (keys.size() > jwks_keys_max)
        return Phrase{"it has more than " + std::to_string(jwks_keys_max) + " keys"};
    Jwks result;
    std::size_t number = 0;
    std::size_t unnamed = 0;
    for (const simdjson::dom::element element : keys) {
        ++number;
        object members;
        std::expected<Jwk, std::string> key = Phrase{"it is no object"};
        if (element.get(members) == simdjson::SUCCESS) key = parse_key(members);
        if (key && !key->id && ++unnamed > unnamed_keys_max) key = Phrase{"too many have no 'kid'"};
        if (key) {
            result.keys.push_back(std::move(*key));
        } else {
            result.skipped.push_back("key " + std::to_string(number) +
                                     " is skipped: " + key.error());
        }
    }
    return result;
}

}  // namespace ringcast::auth

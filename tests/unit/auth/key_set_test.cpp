// Keys from files: which are taken, for what, and what the operator is told about the others.

#include "auth/key_set.hpp"

#include <initializer_list>
#include <utility>

#include "auth_kit.hpp"

namespace ringcast::auth {

namespace {

using enum Algorithm;
using test::TokenSigner;

std::string error_of(const KeySources& sources) {
    const auto loaded = KeySet::load(sources);
    return loaded ? "" : loaded.error();
}

std::string secret_error(std::string_view secret) {
    KeySources sources;
    sources.current.secrets.push_back(file("secret", secret));
    return error_of(sources);
}

std::string pem_error(std::string_view pem) {
    KeySources sources;
    sources.current.public_keys.push_back(file("key.pem", pem));
    return error_of(sources);
}

std::string jwks_error(std::string_view text) {
    KeySources sources;
    sources.jwks = file("jwks.json", text);
    return error_of(sources);
}

bool says(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

std::string set_of(std::initializer_list<std::string> keys) {
    std::string text = R"({"keys":[)";
    for (const std::string& key : keys) text += (text.ends_with('[') ? "" : ",") + key;
    return text + "]}";
}

/// The warnings of a set that has a usable key besides these.
std::string skipped(const std::string& key) {
    static const TokenSigner good{es256};
    KeySources sources;
    sources.jwks = file("jwks.json", set_of({good.jwk(), key}));
    const auto loaded = KeySet::load(sources);
    REQUIRE(loaded);
    return loaded->warnings.empty() ? "" : loaded->warnings.front();
}

}  // namespace

TEST_CASE("each algorithm verifies with its key, as PEM and as JWK, and with no other") {
    for (const Algorithm algorithm :
         {rs256, rs384, rs512, ps256, ps384, ps512, es256, es384, es512, eddsa}) {
        CAPTURE(to_string(algorithm));
        const TokenSigner signer = signer_for(algorithm), other = signer_for(algorithm, 1);
        const std::string token = signer.sign("{}");
        CHECK(fate_of(token, public_keys(signer.public_pem())) == "accepted");
        CHECK(fate_of(token, public_keys(other.public_pem() + signer.public_pem())) == "accepted");
        CHECK(fate_of(token, public_keys(other.public_pem())) == fate(Reason::bad_signature));
        CHECK(fate_of(token, jwks(set_of({signer.jwk()}))) == "accepted");
        CHECK(fate_of(token, jwks(set_of({other.jwk()}))) == fate(Reason::bad_signature));
        const KeySet keys = public_keys(signer.public_pem());
        const KeySet copy = keys;
        CHECK(fate_of(token, copy) == "accepted");
        CHECK(fate_of(token, keys) == "accepted");
    }
    for (const Algorithm algorithm : {hs256, hs384, hs512}) {
        const TokenSigner signer{algorithm};
        CHECK(fate_of(signer.sign("{}"), secret_keys(signer.secret())) == "accepted");
        CHECK(fate_of(signer.sign("{}"), secret_keys(signer.secret() + "\n")) == "accepted");
        CHECK(fate_of(signer.sign("{}"), secret_keys(signer.secret() + "\r\n")) == "accepted");
        CHECK(fate_of(signer.sign("{}"), secret_keys(signer.secret() + "\n\n")) ==
              fate(Reason::bad_signature));
    }
}

TEST_CASE("a secret is as long as the digest at least (RFC 7518 section 3.2)") {
    CHECK(secret_error("secret") == "secret: 6 bytes are too few for a secret; 32 are needed");
    CHECK(secret_error("").starts_with("secret: 0 bytes"));
    CHECK(secret_error(std::string(31, 'x') + "\n").starts_with("secret: 31 bytes"));
    const std::string secret(47, 'x');
    const KeySet keys = secret_keys(secret);
    CHECK(fate_of(TokenSigner{hs256, secret}.sign("{}"), keys) == "accepted");
    CHECK(fate_of(TokenSigner{hs384, secret}.sign("{}"), keys) == fate(Reason::no_key));
    CHECK(fate_of(TokenSigner{hs512, secret}.sign("{}"), keys) == fate(Reason::no_key));
}

TEST_CASE("a public key is no secret, whatever its form") {
    for (const Algorithm algorithm : {rs256, es256, eddsa}) {
        const TokenSigner signer = signer_for(algorithm);
        for (const std::string& text :
             {signer.public_pem(), signer.public_der(), signer.jwk(), set_of({signer.jwk()}),
              "\n" + signer.public_pem(), signer.private_pem()})
            CHECK(secret_error(text) == "secret: it is a key of another kind, not a secret");
    }
    // Of 256 binary keys one ends with an octet that is a line end.
    std::string with_line_end;
    for (int i = 0; i < 10'000 && !with_line_end.ends_with('\n'); ++i)
        with_line_end = signer_for(eddsa).public_der();
    REQUIRE(with_line_end.ends_with('\n'));
    CHECK(says(secret_error(with_line_end), "another kind"));
    CHECK(says(secret_error(with_line_end + "\n"), "another kind"));
    CHECK(says(secret_error("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@example"), "another kind"));
}

TEST_CASE("RSA keys have 2048 bits at least, and an exponent that means something") {
    const TokenSigner weak{rs256, 1024U};
    CHECK(pem_error(weak.public_pem()) ==
          "key.pem: an RSA key of 1024 bits; at least 2048 are needed");
    CHECK(skipped(weak.jwk()) ==
          "jwks.json: key 2 is skipped: it is an RSA key of 1024 bits; at least 2048 are needed");
    const std::string strong = rsa_signer().jwk();
    const std::size_t exponent = strong.find(R"("e":")");
    for (const auto* e : {"AQ", "AQAA"})  // 1 and 65536.
        CHECK(says(skipped(strong.substr(0, exponent) + R"("e":")" + e + R"("})"), "exponent"));
}

TEST_CASE("what is no public key in PEM is refused by name") {
    const TokenSigner signer{es256};
    CHECK(pem_error("") == "key.pem: there is no public key in it");
    CHECK(pem_error("text") == "key.pem: there is no public key in it");
    CHECK(pem_error(signer.private_pem()) ==
          "key.pem: it holds a private key; only the public one belongs here");
    CHECK(says(pem_error(signer.public_pem() + signer.private_pem()), "private key"));
    CHECK(says(pem_error("-----BEGIN X-----\nAAAA\n-----END X-----\n"), "it holds a X"));
    CHECK(says(pem_error("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
               "cannot be read"));
    std::string cut = signer.public_pem();
    cut.resize(cut.size() - 10);
    CHECK(says(pem_error(cut), "cannot be read"));
    CHECK(says(pem_error(TokenSigner{es256}.public_pem() + cut), "cannot be read"));
}

TEST_CASE("a JWKS has to be one, with a usable key") {
    for (const auto* text : {"", "[]", "x", "{}", R"({"keys":1})", R"({"keys":[],"keys":[]})"})
        CHECK(jwks_error(text).starts_with("jwks.json: it "));
    CHECK(says(jwks_error(R"({"keys":[]})"), "no key in it"));
    CHECK(says(jwks_error(R"({"keys":[{"kty":"oct","k":"AAAA"}]})"), "no key in it"));
    std::string many = TokenSigner{es256}.jwk();
    for (int i = 0; i < 64; ++i) many += ",{}";
    CHECK(says(jwks_error(set_of({many})), "more than 64"));
}

TEST_CASE("keys of a JWKS that cannot be used are skipped and told of") {
    const TokenSigner ec{es256}, rsa = rsa_signer(), ed{eddsa};
    const std::pair<std::string, std::string_view> keys[] = {
        {"1", "no object"},
        {"{}", "none of RSA, EC, OKP"},
        {R"({"kty":"XYZ"})", "none of RSA, EC, OKP"},
        {R"({"kty":1})", "not a string"},
        {ec.jwk(R"(,"kid":1)"), "not a string"},
        {R"({"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"})", "it is a secret"},
        {ec.jwk(R"(,"d":"AA")"), "private key"},
        {ec.jwk(R"(,"use":"enc")"), "not for signatures"},
        {ec.jwk(R"(,"key_ops":["sign"])"), "not for signatures"},
        {ec.jwk(R"(,"key_ops":"verify")"), "not for signatures"},
        {ec.jwk(R"(,"alg":"XS256")"), "'alg' is not known"},
        {ec.jwk(R"(,"alg":"none")"), "'alg' is not known"},
        {ec.jwk(R"(,"alg":"RS256")"), "not for its type"},
        {ec.jwk(R"(,"alg":"HS256")"), "not for its type"},
        {rsa.jwk(R"(,"alg":"HS256")"), "not for its type"},
        {ec.jwk(R"(,"kty":"EC")"), "a name twice"},
        {R"({"kty":"EC","crv":"secp256k1"})", "on a curve"},
        {R"({"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"})", "as long as"},
        {R"({"kty":"EC","crv":"P-256","x":"AAAA"})", "'y' is not in base64url"},
        {R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
         R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4"})",
         "no point of its curve"},
        {R"({"kty":"OKP","crv":"X25519","x":"AAAA"})", "on a curve"},
        {R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})", "32 octets"},
        {R"({"kty":"RSA","n":"AA==","e":"AQAB"})", "'n' is not in base64url"},
    };
    for (const auto& [key, reason] : keys) {
        const std::string warning = skipped(key);
        CHECK_MESSAGE(says(warning, reason), key, ": ", warning);
        CHECK(warning.starts_with("jwks.json: key 2 is skipped: "));
    }
    CHECK(skipped(ec.jwk(R"(,"use":"sig","key_ops":["verify"],"alg":"ES256","x5c":["AA"])")) == "");
    CHECK(skipped(ed.jwk(R"(,"alg":"EdDSA")")) == "");
}

TEST_CASE("the algorithm that a JWK names is the only one for it") {
    const TokenSigner signer = rsa_signer();
    const KeySet keys = jwks(set_of({signer.jwk(R"(,"alg":"PS512")")}));
    CHECK(fate_of(signer.with(ps512).sign("{}"), keys) == "accepted");
    CHECK(fate_of(signer.with(ps256).sign("{}"), keys) == fate(Reason::no_key));
    CHECK(fate_of(signer.sign("{}"), keys) == fate(Reason::no_key));
}

TEST_CASE("a kid leads to the key of that name, and to those without one") {
    const TokenSigner a{es256}, b{es256}, c{es256}, r = rsa_signer();
    const KeySet keys =
        jwks(set_of({a.jwk(R"(,"kid":"a")"), b.jwk(R"(,"kid":"b")"), r.jwk(R"(,"kid":"a")")}));
    const auto header = [](std::string_view id) {
        return R"({"alg":"ES256","kid":")" + std::string{id} + R"("})";
    };
    CHECK(fate_of(a.sign(header("a"), "{}"), keys) == "accepted");
    CHECK(fate_of(b.sign(header("b"), "{}"), keys) == "accepted");
    CHECK(fate_of(a.sign(header("b"), "{}"), keys) == fate(Reason::bad_signature));
    CHECK(fate_of(a.sign(header("c"), "{}"), keys) == fate(Reason::no_key));
    CHECK(fate_of(a.sign(header(""), "{}"), keys) == fate(Reason::no_key));
    // Two could be meant; for RS256 there is but one.
    CHECK(fate_of(a.sign("{}"), keys) == fate(Reason::no_key));
    CHECK(fate_of(r.sign("{}"), keys) == "accepted");
    CHECK(fate_of(c.sign(header("z"), "{}"), public_keys(c.public_pem())) == "accepted");
    KeySources twice;
    twice.jwks = file("jwks.json", set_of({a.jwk(R"(,"kid":"a")"), b.jwk(R"(,"kid":"a")")}));
    const auto loaded = KeySet::load(twice);
    REQUIRE(loaded);
    CHECK(loaded->keys.size() == 1);
    CHECK(says(loaded->warnings.front(), "'a' is skipped"));
}

TEST_CASE("previous keys are accepted until their time is over") {
    const TokenSigner before{es256}, after{es256};
    const std::string old_secret(32, 'o'), new_secret(32, 'n');
    KeySources sources;
    sources.current.secrets.push_back(file("new", new_secret));
    sources.current.public_keys.push_back(file("new.pem", after.public_pem()));
    sources.previous.secrets.push_back(file("old", old_secret));
    sources.previous.public_keys.push_back(file("old.pem", before.public_pem()));
    sources.previous_until = now;
    const KeySet keys = load(sources);
    const auto just_before = now - std::chrono::seconds{1};
    for (const std::string& token :
         {before.sign("{}"), TokenSigner{hs256, old_secret}.sign("{}")}) {
        CHECK(fate_of(token, keys, {}, just_before) == "accepted");
        CHECK(fate_of(token, keys, {}, now) == fate(Reason::bad_signature));
    }
    for (const std::string& token : {after.sign("{}"), TokenSigner{hs256, new_secret}.sign("{}")}) {
        CHECK(fate_of(token, keys, {}, just_before) == "accepted");
        CHECK(fate_of(token, keys, {}, now) == "accepted");
    }
}

TEST_CASE("a token is tried with a few keys at most") {
    KeySources sources;
    std::string pem;
    for (int i = 0; i < 8; ++i) pem += TokenSigner{eddsa}.public_pem();
    sources.current.public_keys.push_back(file("key.pem", pem));
    CHECK(error_of(sources) == "");
    sources.previous.public_keys.push_back(file("old.pem", TokenSigner{eddsa}.public_pem()));
    CHECK(says(error_of(sources), "more than 8 keys"));
    CHECK(fate_of(TokenSigner{eddsa}.sign("{}"), load({})) == fate(Reason::no_key));
}

}  // namespace ringcast::auth

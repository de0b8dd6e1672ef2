// Tokens that somebody without a key has made up, or whose text is not the one form that there is.
// Most of them are in RFC 8725, the rest in the lists of what libraries have fallen for.

#include <string>
#include <utility>

#include "auth_kit.hpp"

namespace ringcast::auth {

namespace {

using enum Algorithm;
using test::base64url;
using test::TokenSigner;

const std::string secret(64, 'k');

std::string with_header(std::string_view header) {
    return TokenSigner{hs256, secret}.sign(header, R"({"sub":"42"})");
}

std::string with_claims(std::string_view claims) {
    return TokenSigner{hs256, secret}.sign(claims);
}

}  // namespace

TEST_CASE("no form of none is a signature") {
    const KeySet keys = secret_keys(secret);
    const std::string claims = base64url(R"({"sub":"42"})");
    for (const auto* name : {"none", "None", "NONE", "nOnE"}) {
        const std::string header = R"({"alg":")" + std::string{name} + R"("})";
        CHECK(fate_of(base64url(header) + "." + claims + ".", keys) == fate(Reason::unsecured));
        CHECK(fate_of(with_header(header), keys) == fate(Reason::unsecured));
    }
    const std::string header = base64url(R"({"alg":"HS256"})");
    CHECK(fate_of(header + "." + claims + ".", keys) == fate(Reason::bad_signature));
    CHECK(fate_of(header + "." + claims, keys) == fate(Reason::malformed));
    for (const auto* name : {"", "HS1", "hs256", "HS256 ", "HS256\\u0000", "RSA-OAEP", "ES256K"})
        CHECK(fate_of(with_header(R"({"alg":")" + std::string{name} + R"("})"), keys) ==
              fate(Reason::unsupported_algorithm));
}

TEST_CASE("a public key never does as the secret of an HMAC") {
    for (const Algorithm algorithm : {rs256, ps256, es256, eddsa}) {
        const TokenSigner signer = signer_for(algorithm);
        const KeySet keys = public_keys(signer.public_pem());
        const std::string jwk = signer.jwk();
        for (const std::string& text :
             {signer.public_pem(), signer.public_der(), jwk, R"({"keys":[)" + jwk + "]}"}) {
            for (const Algorithm hmac : {hs256, hs384, hs512})
                CHECK(fate_of(TokenSigner{hmac, text}.sign("{}"), keys) == fate(Reason::no_key));
        }
    }
}

TEST_CASE("a key is for its own algorithms only") {
    const TokenSigner rsa = rsa_signer(), ec{es256}, big_ec{es384};
    CHECK(fate_of(ec.sign("{}"), public_keys(rsa.public_pem())) == fate(Reason::no_key));
    CHECK(fate_of(ec.sign("{}"), public_keys(big_ec.public_pem())) == fate(Reason::no_key));
    // The same octets, under the name of another algorithm of the key.
    const auto header = [](std::string_view name) {
        return R"({"alg":")" + std::string{name} + R"("})";
    };
    const KeySet keys = public_keys(rsa.public_pem());
    CHECK(fate_of(rsa.sign(header("PS256"), "{}"), keys) == fate(Reason::bad_signature));
    CHECK(fate_of(rsa.sign(header("RS384"), "{}"), keys) == fate(Reason::bad_signature));
    CHECK(fate_of(rsa.with(ps256).sign(header("RS256"), "{}"), keys) ==
          fate(Reason::bad_signature));
}

TEST_CASE("signatures have the one length that they have") {
    const TokenSigner ec{es256};
    const KeySet keys = public_keys(ec.public_pem());
    const std::string input = base64url(R"({"alg":"ES256"})") + "." + base64url("{}") + ".";
    CHECK(fate_of(input, keys) == fate(Reason::bad_signature));
    for (const std::size_t size : {1U, 63U, 64U, 65U, 128U}) {  // 64: r = s = 0, CVE-2022-21449.
        CHECK(fate_of(input + base64url(std::string(size, '\0')), keys) ==
              fate(Reason::bad_signature));
    }
    CHECK(fate_of(input + base64url(std::string(64, '\xff')), keys) == fate(Reason::bad_signature));
    const KeySet secrets = secret_keys(secret);
    const std::string token = with_claims("{}");
    CHECK(fate_of(token, secrets) == "accepted");
    CHECK(fate_of(token.substr(0, token.size() - 4), secrets) != "accepted");
    CHECK(fate_of(token + "AAAA", secrets) != "accepted");
}

TEST_CASE("keys that a token brings along, or says where to find, are not looked at") {
    const TokenSigner attacker = rsa_signer(1), ours = rsa_signer();
    const KeySet keys = public_keys(ours.public_pem());
    const std::string jwk = attacker.jwk();
    for (const std::string& more :
         {R"("jwk":)" + jwk, std::string{R"("jku":"https://attacker.example/keys")"},
          std::string{R"("x5u":"https://attacker.example/chain")"},
          std::string{R"("x5c":["MIIB"])"}, std::string{R"("x5t":"AAAA")"},
          R"("jwks":{"keys":[)" + jwk + "]}"}) {
        const std::string header = R"({"alg":"RS256",)" + more + "}";
        CHECK(fate_of(attacker.sign(header, "{}"), keys) == fate(Reason::bad_signature));
        CHECK(fate_of(ours.sign(header, "{}"), keys) == "accepted");
    }
}

TEST_CASE("a kid is a name, whatever it looks like") {
    const KeySet keys = secret_keys(secret);
    const TokenSigner ec{es256};
    const KeySet named = jwks(R"({"keys":[)" + ec.jwk(R"(,"kid":"1")") + "]}");
    for (const auto* id : {"../../../../dev/null", "/etc/passwd", "' OR 1=1 --", "1\\u0000", "|ls",
                           "http://attacker.example/key", "%s%n", "1 "}) {
        const std::string header = R"({"alg":"ES256","kid":")" + std::string{id} + R"("})";
        CHECK(fate_of(ec.sign(header, "{}"), named) == fate(Reason::no_key));
        const std::string empty_secret = R"({"alg":"HS256","kid":")" + std::string{id} + R"("})";
        CHECK(fate_of(TokenSigner{hs256, std::string{}}.sign(empty_secret, "{}"), keys) ==
              fate(Reason::bad_signature));
    }
    CHECK(fate_of(with_header(R"({"alg":"HS256","kid":7})"), keys) ==
          fate(Reason::malformed_header));
}

TEST_CASE("a header is one object with an algorithm, and no extension that has to be understood") {
    const KeySet keys = secret_keys(secret);
    CHECK(fate_of(with_header(R"( {"alg" : "HS256"} )"), keys) == "accepted");
    CHECK(fate_of(with_header(R"({"\u0061lg":"HS\u0032\u0035\u0036"})"), keys) == "accepted");
    CHECK(fate_of(with_header(R"({"alg":"HS256","b64":false})"), keys) == "accepted");
    const std::string deep = std::string(40, '[') + std::string(40, ']');
    for (const std::string& header :
         {std::string{}, std::string{"{}"}, std::string{"[]"}, std::string{R"("HS256")"},
          std::string{R"({"alg":256})"}, std::string{R"({"alg":["HS256"]})"},
          std::string{R"({"alg":null})"}, std::string{R"({"alg":"HS256"} x)"},
          std::string{R"({"alg":"HS256"}{})"}, std::string{R"({"alg":"HS256",})"},
          std::string{R"({"alg":"none","alg":"HS256"})"},
          std::string{R"({"alg":"HS256","\u0061lg":"none"})"},
          std::string{R"({"alg":"HS256","a":1,"a":1})"},
          std::string{"{\"alg\":\"HS256\",\"\xff\":1}"}, R"({"alg":"HS256","a":)" + deep + "}"})
        CHECK_MESSAGE(fate_of(with_header(header), keys) == fate(Reason::malformed_header), header);
    for (const auto* crit : {R"(["exp"])", R"(["b64"])", "[]", "null"})
        CHECK(fate_of(with_header(R"({"alg":"HS256","crit":)" + std::string{crit} + "}"), keys) ==
              fate(Reason::critical_extension));
}

TEST_CASE("a token has three parts in base64url, and not one character besides") {
    const KeySet keys = secret_keys(secret);
    const std::string token = with_claims(R"({"sub":"42"})");
    CHECK(fate_of(token, keys) == "accepted");
    const std::size_t first = token.find('.'), second = token.rfind('.');
    for (const std::string& text : {std::string{},
                                    std::string{"."},
                                    std::string{"a.b"},
                                    std::string{"...."},
                                    token.substr(0, second),
                                    token + ".",
                                    token + ".a",
                                    "." + token,
                                    token + "=",
                                    token + "==",
                                    token + " ",
                                    " " + token,
                                    token + "\n",
                                    token + std::string(1, '\0'),
                                    token.substr(0, first) + "=" + token.substr(first),
                                    token.substr(0, second) + "==" + token.substr(second),
                                    token.substr(0, second) + ".." + token.substr(second + 1),
                                    "Bearer " + token,
                                    token.substr(0, first) + "+" + token.substr(first + 1),
                                    token + "/",
                                    token.substr(0, first + 5) + " " + token.substr(first + 5),
                                    token + "é"})
        CHECK_MESSAGE(fate_of(text, keys) == fate(Reason::malformed), text);
    // The last digit of 43 has two bits that stand for nothing.
    std::string loose = token;
    REQUIRE(token.size() - second - 1 == 43);
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    loose.back() = digits[digits.find(loose.back()) | 1];
    CHECK(fate_of(loose, keys) == fate(Reason::malformed));
    CHECK(fate_of(std::string(token_bytes_max, 'a'), keys) == fate(Reason::malformed));
    CHECK(fate_of(std::string(token_bytes_max + 1, 'a'), keys) == fate(Reason::too_long));
    // A token in a token is no claims.
    CHECK(fate_of(with_claims(token), keys) == fate(Reason::malformed_claims));
}

TEST_CASE("claims are one object, without a name twice, not too deep, in UTF-8") {
    const KeySet keys = secret_keys(secret);
    const auto nested = [](std::size_t depth) {
        return R"({"info":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
    };
    CHECK(fate_of(with_claims(nested(30)), keys) == "accepted");
    for (const std::string& claims : {std::string{},
                                      std::string{"null"},
                                      std::string{"[]"},
                                      std::string{R"("sub")"},
                                      std::string{"{"},
                                      std::string{"{} {}"},
                                      std::string{"{}x"},
                                      std::string{R"({"sub":42,})"},
                                      std::string{R"({"sub":"a","sub":"b"})"},
                                      std::string{R"({"sub":"a","\u0073ub":"b"})"},
                                      std::string{R"({"exp":1,"exp":9999999999})"},
                                      std::string{"{\"sub\":\"\xff\"}"},
                                      std::string{R"({"sub":"\ud800"})"},
                                      std::string{R"({"sub":"\udc00\ud800"})"},
                                      std::string{"{\"sub\":\"a\nb\"}"},
                                      std::string{"\xef\xbb\xbf{}"},
                                      std::string{R"({"exp":1e999})"},
                                      std::string{R"({"exp":01})"},
                                      std::string{R"({"exp":NaN})"},
                                      std::string{R"({"exp":0x7fffffff})"},
                                      std::string{R"({"exp":123456789012345678901234567890})"},
                                      std::string{"{\"a\":1}"} + '\0',
                                      nested(40),
                                      nested(4000)})
        CHECK_MESSAGE(fate_of(with_claims(claims), keys) == fate(Reason::malformed_claims), claims);
}

TEST_CASE("claims of another type or out of range are refused") {
    const KeySet keys = secret_keys(secret);
    for (const std::string& claim :
         {std::string{R"("exp":"9999999999")"},
          std::string{R"("exp":-1)"},
          std::string{R"("exp":-0.5)"},
          std::string{R"("exp":1e300)"},
          std::string{R"("exp":null)"},
          std::string{R"("exp":1700000000000)"},
          std::string{R"("exp":9223372036854775807)"},
          std::string{R"("exp":18446744073709551615)"},
          std::string{R"("exp":[1800000000])"},
          std::string{R"("exp":true)"},
          std::string{R"("nbf":"0")"},
          std::string{R"("nbf":-1)"},
          std::string{R"("iat":"yesterday")"},
          std::string{R"("expire_at":"0")"},
          std::string{R"("expire_at":-1)"},
          std::string{R"("sub":42)"},
          std::string{R"("sub":null)"},
          std::string{R"("sub":["a"])"},
          std::string{R"("sub":"a\u0000b")"},
          std::string{R"("sub":"a\nb")"},
          std::string{R"("jti":1)"},
          std::string{R"("iss":1)"},
          std::string{R"("aud":1)"},
          std::string{R"("aud":{})"},
          std::string{R"("aud":["a",1])"},
          std::string{R"("aud":null)"},
          std::string{R"("b64info":"*")"},
          std::string{R"("b64info":"Zg")"},
          std::string{R"("b64info":1)"},
          std::string{R"("meta":[])"},
          std::string{R"("meta":"x")"},
          std::string{R"("meta":{"a":1,"a":2})"},
          std::string{R"("channels":"a")"},
          std::string{R"("channels":{})"},
          std::string{R"("channels":[1])"},
          std::string{R"("channels":[""])"},
          std::string{R"("channels":["a\u0001"])"},
          std::string{R"("subs":[])"},
          std::string{R"("subs":{"":{}})"},
          std::string{R"("subs":{"a":null})"},
          std::string{R"("subs":{"a":{},"a":{}})"},
          std::string{R"("subs":{"a":{"info":1,"info":2}})"},
          std::string{R"("subs":{"a":{"override":1}})"},
          std::string{R"("subs":{"a":{"override":{"presence":true}}})"},
          std::string{R"("subs":{"a":{"override":{"presence":{"value":1}}}})"}})
        CHECK_MESSAGE(fate_of(with_claims("{" + claim + "}"), keys) == fate(Reason::bad_claim),
                      claim);
}

TEST_CASE("claims that are too long are refused as that") {
    const KeySet keys = secret_keys(secret);
    const auto fate_with = [&](std::string_view begin, std::size_t bytes, std::string_view end) {
        const std::string text(bytes, 'x');
        return fate_of(
            with_claims("{" + std::string{begin} + '"' + text + '"' + std::string{end} + "}"),
            keys);
    };
    struct Row {
        std::string_view begin;
        std::string_view end;
        std::size_t bytes_max;
    };
    // `info`, `meta` and `data` are JSON, quotes and all.
    for (const Row& row :
         {Row{R"("sub":)", "", 255}, Row{R"("jti":)", "", 255}, Row{R"("channels":[)", "]", 255},
          Row{R"("subs":{)", ":{}}", 255}, Row{R"("info":)", "", 4096 - 2},
          Row{R"("meta":{"a":)", "}", 4096 - 8}, Row{R"("subs":{"a":{"info":)", "}}", 4096 - 2},
          Row{R"("subs":{"a":{"data":)", "}}", 8192 - 2}}) {
        CAPTURE(row.begin);
        CHECK(fate_with(row.begin, row.bytes_max, row.end) == "accepted");
        CHECK(fate_with(row.begin, row.bytes_max + 1, row.end) == fate(Reason::long_claim));
    }
}

TEST_CASE("a changed token has no second chance: any octet of it, by any other") {
    const KeySet keys = secret_keys(secret);
    const std::string token = with_claims(R"({"sub":"42","exp":1800000000})");
    for (std::size_t i = 0; i < token.size(); ++i) {
        for (int octet = 0; octet < 256; ++octet) {
            std::string changed = token;
            changed[i] = static_cast<char>(octet);
            if (changed == token) continue;
            if (fate_of(changed, keys) == "accepted") FAIL_CHECK(changed);
        }
    }
}

}  // namespace ringcast::auth

// The examples of the RFCs, whose keys and signatures somebody else has made.

#include "auth/base64.hpp"
#include "auth/jws.hpp"
#include "auth_kit.hpp"

namespace ringcast::auth {

namespace {

constexpr std::string_view joe_claims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".";
constexpr std::string_view frodo_text =
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250by"
    "B0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUg"
    "eW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4.";

std::string joined(std::string_view header, std::string_view payload, std::string_view signature) {
    return std::string{header} + "." + std::string{payload} + std::string{signature};
}

/// Signed by the key; and no longer, when any part is changed.
void check_vector(const std::string& token, const KeySet& keys) {
    CHECK(open_jws(token, keys, now).has_value());
    const std::size_t payload = token.find('.') + 3, signature = token.rfind('.') + 3;
    for (const std::size_t place : {payload, signature}) {
        std::string changed = token;
        changed[place] = changed[place] == 'A' ? 'B' : 'A';
        const auto opened = open_jws(changed, keys, now);
        CHECK_FALSE(opened.has_value());
        if (!opened) CHECK(opened.error() == Reason::bad_signature);
    }
}

}  // namespace

TEST_CASE("RFC 7515 A.1: HS256") {
    const auto secret = decode_base64(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        Base64::url);
    REQUIRE(secret);
    const KeySet keys = secret_keys(*secret);
    const std::string token = joined("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", joe_claims,
                                     "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    check_vector(token, keys);
    const std::chrono::sys_seconds expiry{std::chrono::seconds{1'300'819'380}};
    CHECK(fate_of(token, keys, {.issuer = "joe"}, expiry - std::chrono::seconds{1}) == "accepted");
    CHECK(fate_of(token, keys, {}, expiry) == fate(Reason::expired));
    CHECK(fate_of(token, keys, {.issuer = "jim"}, expiry - std::chrono::seconds{1}) ==
          fate(Reason::wrong_issuer));
}

TEST_CASE("RFC 7515 A.2: RS256") {
    const KeySet keys = jwks(
        R"({"keys":[{"kty":"RSA","e":"AQAB","n":")"
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0B"
        "m4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5"
        "z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7"
        "aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
        R"("}]})");
    check_vector(
        joined(
            "eyJhbGciOiJSUzI1NiJ9", joe_claims,
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt"
            "_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArL"
            "IARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7no"
            "OPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQ"
            "Ge77Rw"),
        keys);
}

TEST_CASE("RFC 7515 A.3: ES256") {
    const KeySet keys = jwks(
        R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
        R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})");
    check_vector(
        joined("eyJhbGciOiJFUzI1NiJ9", joe_claims,
               "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP"
               "3-Kg6NU1Q"),
        keys);
}

TEST_CASE("RFC 7520 section 4.2: PS384") {
    const KeySet keys = jwks(
        R"({"keys":[{"kty":"RSA","kid":"bilbo.baggins@hobbiton.example","use":"sig","e":"AQAB",)"
        R"("n":")"
        "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJ"
        "mSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tp"
        "e-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vn"
        "iUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw"
        R"("}]})");
    check_vector(
        joined(
            "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9", frodo_text,
            "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqH"
            "CdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn"
            "442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0"
            "n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-"
            "X72Eaw"),
        keys);
}

TEST_CASE("RFC 7520 section 4.3: ES512") {
    const KeySet keys = jwks(
        R"({"keys":[{"kty":"EC","kid":"bilbo.baggins@hobbiton.example","use":"sig","crv":"P-521",)"
        R"("x":"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYg)"
        R"(CF5cj0Kt","y":"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQr)"
        R"(JmbnX9cwlGfP-HqHZR1"}]})");
    check_vector(
        joined(
            "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9", frodo_text,
            "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cm"
            "L1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRu"
            "Bomu9xQ2"),
        keys);
}

TEST_CASE("RFC 8037 A.4: EdDSA with Ed25519") {
    const KeySet keys = jwks(R"({"keys":[{"kty":"OKP","crv":"Ed25519",)"
                             R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})");
    check_vector(
        joined("eyJhbGciOiJFZERTQSJ9", "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.",
               "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpA"
               "r_MuM0KAg"),
        keys);
}

}  // namespace ringcast::auth

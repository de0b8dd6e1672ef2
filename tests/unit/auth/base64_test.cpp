#include "auth/base64.hpp"

#include <doctest/doctest.h>

#include "support/token_signer.hpp"

namespace ringcast::auth {

TEST_CASE("base64 is read as RFC 4648 section 10 has it") {
    CHECK(decode_base64("", Base64::url) == "");
    CHECK(decode_base64("Zg", Base64::url) == "f");
    CHECK(decode_base64("Zm8", Base64::url) == "fo");
    CHECK(decode_base64("Zm9vYmFy", Base64::url) == "foobar");
    CHECK(decode_base64("-_-_", Base64::url) == "\xfb\xff\xbf");
    CHECK(decode_base64("", Base64::standard) == "");
    CHECK(decode_base64("Zg==", Base64::standard) == "f");
    CHECK(decode_base64("Zm8=", Base64::standard) == "fo");
    CHECK(decode_base64("+/+/", Base64::standard) == "\xfb\xff\xbf");
}

TEST_CASE("base64 in any other form than the one is refused") {
    for (const auto* text : {"Z", "Zm9vY", "Zg==", "Zm8=", "Zg=", "Zh", "Zm9", "Zm 9", "Zm8\n",
                             " Zm8", "+/+/", "Zm8.", "Zm8\x80"})
        CHECK_MESSAGE(!decode_base64(text, Base64::url), text);
    for (const auto* text :
         {"Zg", "Zg=", "Zg===", "=Zg=", "====", "Zh==", "Zm9=", "-_-_", "Zg==\n", "Zg==Zg=="})
        CHECK_MESSAGE(!decode_base64(text, Base64::standard), text);
}

TEST_CASE("of all texts of three digits, one in 16 stands for octets, and is written like that") {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    int count = 0;
    for (const char a : digits) {
        for (const char b : digits) {
            for (const char c : digits) {
                const std::string text{a, b, c};
                const auto octets = decode_base64(text, Base64::url);
                if (!octets) continue;
                ++count;
                if (test::base64url(*octets) != text) FAIL_CHECK(text);
            }
        }
    }
    CHECK(count == 1 << 16);
}

}  // namespace ringcast::auth

#include "server/api_keys.hpp"

#include <doctest/doctest.h>
#include <string>

using namespace ringcast;
using namespace ringcast::server;

TEST_CASE("each line of a key file is a key, but for remarks and empty lines") {
    const auto keys = ApiKeys::parse(
        "# of the shop\n0123456789abcdef\r\n\n  fedcba9876543210  \nlast-line-has-no-end", "f");
    REQUIRE(keys);
    for (const char* const key : {"0123456789abcdef", "fedcba9876543210", "last-line-has-no-end"})
        CHECK(keys->has(key));
    for (const char* const key : {"", "0123456789abcde", "0123456789abcdeg", "0123456789abcdef0",
                                  "0123456789ABCDEF", "# of the shop"})
        CHECK(!keys->has(key));
}

TEST_CASE("a key file that would let anybody in, or nobody, is refused without telling a key") {
    const auto error = [](const std::string& text) {
        const auto keys = ApiKeys::parse(text, "/f");
        REQUIRE(!keys);
        return keys.error();
    };
    CHECK(error("") == "/f has no key");
    CHECK(error("\n# none\n\n") == "/f has no key");
    const std::string what = ": a key is 16 to 512 visible characters of ASCII";
    CHECK(error("0123456789abcdef\nshort") == "/f line 2" + what);
    CHECK(error("two words in a line, too") == "/f line 1" + what);
    CHECK(error("\n0123456789abcde\xc3\xa4") == "/f line 2" + what);
    CHECK(error(std::string(513, 'a')) == "/f line 1" + what);
    std::string many;
    for (int i = 0; i < 65; ++i) many += "0123456789abcdef\n";
    CHECK(error(many) == "/f has more than 64 keys");
    CHECK(ApiKeys::load("/there/is/no/such/file").error() ==
          "cannot read /there/is/no/such/file: No such file or directory");
}

TEST_CASE("a request brings its key in one of two fields") {
    const auto key_of = [](std::vector<http::Field> fields) {
        http::Request request;
        request.fields = fields;
        return std::string{api_key_of(request).value_or("none")};
    };
    CHECK(key_of({}) == "none");
    CHECK(key_of({{"x-api-key", "k"}}) == "k");
    CHECK(key_of({{"X-API-Key", ""}}) == "");
    CHECK(key_of({{"X-API-Key", "k"}, {"Authorization", "apikey other"}}) == "k");
    CHECK(key_of({{"X-API-Key", "k"}, {"X-API-Key", "k"}}) == "none");
    CHECK(key_of({{"Authorization", "apikey k"}}) == "k");
    CHECK(key_of({{"authorization", "APIKEY  k"}}) == "k");
    CHECK(key_of({{"Authorization", "Bearer k"}}) == "none");
    CHECK(key_of({{"Authorization", "apikeyk"}}) == "none");
    CHECK(key_of({{"Authorization", "apikey"}}) == "none");
    CHECK(key_of({{"Authorization", "apikey k"}, {"Authorization", "apikey k"}}) == "none");
}

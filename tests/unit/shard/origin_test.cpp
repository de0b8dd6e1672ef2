#include "shard/origin.hpp"

#include <doctest/doctest.h>
#include <vector>

using namespace ringcast;

TEST_CASE("an origin is the same if its host and port are those that the request asks for") {
    struct {
        const char *origin, *host;
        bool is_same;
    } const cases[] = {
        {"http://example.com", "example.com", true},
        {"https://example.com", "example.com", true},
        {"http://example.com:80", "example.com", true},
        {"http://example.com", "example.com:80", true},
        {"https://example.com:443", "example.com", true},
        {"https://example.com", "example.com:443", true},
        {"http://EXAMPLE.com", "example.COM", true},
        {"http://localhost:8080", "localhost:8080", true},
        {"http://[::1]:8080", "[::1]:8080", true},
        {"http://[::1]", "[::1]", true},
        {"http://[::1]:80", "[::1]", true},
        {"http://example.com:8080", "example.com", false},
        {"http://example.com", "example.com:8080", false},
        {"http://example.com", "example.com:443", false},
        {"https://example.com", "example.com:80", false},
        {"http://example.com:8080", "example.com:80", false},
        {"http://evil.com", "example.com", false},
        {"http://example.com.evil.com", "example.com", false},
        {"http://evilexample.com", "example.com", false},
        {"http://example.com@evil.com", "example.com", false},
        {"http://127.0.0.1:1", "localhost:1", false},
        {"http://[::2]:8080", "[::1]:8080", false},
        {"http://", "example.com", false},
        {"", "example.com", false},
        {"null", "example.com", false},
        {"file://", "example.com", false},
        {"chrome-extension://example.com", "example.com", false},
        {"example.com", "example.com", false},
    };
    for (const auto& [origin, host, is_same] : cases) {
        CAPTURE(origin);
        CAPTURE(host);
        const std::vector<http::Field> fields{{"origin", origin}};
        http::Request request;
        request.authority = host;
        request.fields = fields;
        CHECK(shard::is_same_origin(request) == is_same);
    }
}

TEST_CASE("a request without an Origin is no browser's, and one with two is nobody's") {
    std::vector<http::Field> fields;
    http::Request request;
    request.authority = "example.com";
    CHECK(shard::is_same_origin(request));
    fields.push_back({"Origin", "http://example.com"});
    request.fields = fields;
    CHECK(shard::is_same_origin(request));
    fields.push_back({"ORIGIN", "http://example.com"});
    request.fields = fields;
    CHECK_FALSE(shard::is_same_origin(request));
}

TEST_CASE(
    "a pattern of origins is a serialised origin with stars for parts of labels and the port") {
    struct {
        const char *pattern, *origin;
        bool matches;
    } const cases[] = {
        {"https://example.org", "https://example.org", true},
        {"https://Example.org", "HTTPS://EXAMPLE.ORG", true},
        {"https://example.org", "https://example.org:443", true},
        {"https://example.org:443", "https://example.org", true},
        {"http://example.org:80", "http://example.org", true},
        {"http://localhost:5173", "http://localhost:5173", true},
        {"capacitor://localhost", "capacitor://localhost", true},
        {"chrome-extension://abcdefgh", "chrome-extension://abcdefgh", true},
        {"http://[::1]:8080", "http://[::1]:8080", true},
        {"http://[fe80::1]", "http://[FE80::1]", true},
        {"http://192.168.1.*", "http://192.168.1.77", true},
        {"null", "null", true},
        {"https://example.org", "http://example.org", false},
        {"https://example.org", "https://example.org:8443", false},
        {"https://example.org", "https://www.example.org", false},
        {"https://example.org", "https://example.org.evil.net", false},
        {"https://example.org", "https://example.orgevil", false},
        {"https://example.org", "https://example.org/", false},
        {"https://example.org", "https://example.org.", false},
        {"https://example.org", "https://user@example.org", false},
        {"https://example.org", "https://example.org https://evil.net", false},
        {"https://example.org", "null", false},
        {"https://example.org", "", false},
        {"https://example.org", "example.org", false},
        {"null", "https://null", false},
        // A star in a label.
        {"https://*.example.org", "https://a.example.org", true},
        {"https://*.example.org", "https://xn--bcher-kva.example.org", true},
        {"https://*.example.org", "https://example.org", false},
        {"https://*.example.org", "https://.example.org", false},
        {"https://*.example.org", "https://a.b.example.org", false},
        {"https://*.example.org", "https://evil.net/.example.org", false},
        {"https://*.example.org", "https://evil.net#.example.org", false},
        {"https://*.example.org", "https://user@example.org", false},
        {"https://*.example.org", "https://a@.example.org", false},
        {"https://*.example.org", "https://a%2e.example.org", false},
        {"https://*.example.org", "https://aexample.org", false},
        {"https://*.example.org", "https://a.example.org.evil.net", false},
        {"https://*.*.example.org", "https://a.b.example.org", true},
        {"https://*.*.example.org", "https://a.example.org", false},
        {"https://pr-*.example.org", "https://pr-17.example.org", true},
        {"https://pr-*.example.org", "https://pr-.example.org", false},
        {"https://pr-*.example.org", "https://PR-1.example.org", true},
        {"https://pr-*-app.example.org", "https://pr-1-app.example.org", true},
        {"https://pr-*-app.example.org", "https://pr-app.example.org", false},
        {"https://*a.example.org", "https://aa.example.org", true},
        {"https://*a.example.org", "https://a.example.org", false},
        {"https://*", "https://localhost", true},
        {"https://*", "https://example.org", false},
        // A star for the port.
        {"http://localhost:*", "http://localhost", true},
        {"http://localhost:*", "http://localhost:5173", true},
        {"http://localhost:*", "https://localhost:5173", false},
        {"http://localhost:*", "http://localhost:x@evil.net", false},
        {"http://localhost:*", "http://localhost:1/", false},
        {"http://localhost:*", "http://localhost:70000", false},
        {"http://[::1]:*", "http://[::1]:9", true},
        // All.
        {"*", "https://example.org", true},
        {"*", "null", true},
        {"*", "anything", true},
    };
    for (const auto& [pattern, origin, matches] : cases) {
        CAPTURE(pattern);
        CAPTURE(origin);
        const auto parsed = shard::OriginPattern::parse(pattern);
        REQUIRE(parsed);
        CHECK(parsed->matches(origin) == matches);
    }
}

TEST_CASE("what no origin can be is no pattern either, and the text is quoted") {
    for (const char* const pattern : {"",
                                      "example.org",
                                      "*.example.org",
                                      "https://",
                                      "https:///",
                                      "https://example.org/",
                                      "https://example.org/path",
                                      "https://user@example.org",
                                      "https://**.example.org",
                                      "https://*a*.example.org",
                                      "https://.example.org",
                                      "https://example..org",
                                      "https://example.org.",
                                      "https://example.org:",
                                      "https://example.org:0",
                                      "https://example.org:x",
                                      "https://example.org:65536",
                                      "https://example.org:080",
                                      "https://example.org:+80",
                                      "https://[::1",
                                      "https://[*]",
                                      "https://[]",
                                      "*://example.org",
                                      "://example.org",
                                      "h_p://example.org",
                                      "https://b\xc3\xbc"
                                      "cher.example",
                                      "Null",
                                      "**"}) {
        CAPTURE(pattern);
        const auto parsed = shard::OriginPattern::parse(pattern);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().starts_with("'" + std::string{pattern} + "': "));
    }
}

TEST_CASE(
    "a pattern lets other pages in beside those of the same origin, and none with two origins") {
    const std::vector patterns{shard::OriginPattern::parse("https://app.example.org").value(),
                               shard::OriginPattern::parse("http://localhost:*").value()};
    http::Request request;
    request.authority = "edge.example.org";
    const auto is_allowed = [&](const char* origin) {
        const std::vector<http::Field> fields{{"Origin", origin}};
        request.fields = fields;
        const bool result = shard::is_origin_allowed(request, patterns);
        request.fields = {};
        return result;
    };
    CHECK(shard::is_origin_allowed(request, patterns));
    CHECK(is_allowed("https://app.example.org"));
    CHECK(is_allowed("http://localhost:3000"));
    CHECK(is_allowed("https://edge.example.org"));
    CHECK_FALSE(is_allowed("https://other.example.org"));
    const std::vector<http::Field> two{{"Origin", "https://app.example.org"},
                                       {"Origin", "https://app.example.org"}};
    request.fields = two;
    CHECK_FALSE(shard::is_origin_allowed(request, patterns));
}

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

#include "http/response.hpp"

#include <doctest/doctest.h>

namespace ringcast::http {

TEST_CASE("a response has its length and closes the connection") {
    std::string out = "before";
    write_response(out, {.status = 404, .fields = "X: y\r\n", .body = "no such path\n"});
    CHECK(out ==
          "beforeHTTP/1.1 404 Not Found\r\nContent-Type: text/plain; "
          "charset=utf-8\r\nContent-Length: 13\r\n"
          "Connection: close\r\nX: y\r\n\r\nno such path\n");
}

TEST_CASE("a response says when it was made, if anybody knows") {
    std::string out;
    write_response(out, {.status = 204, .date = "Sun, 06 Nov 1994 08:49:37 GMT"});
    CHECK(out ==
          "HTTP/1.1 204 No Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
          "Connection: close\r\n\r\n");
}

TEST_CASE("the answer to HEAD says how long the body would be and leaves it out") {
    std::string out;
    write_response(out, {.body = "ok"}, {.is_to_head = true});
    CHECK(out.find("Content-Length: 2\r\n") != std::string::npos);
    CHECK(out.ends_with("\r\n\r\n"));
}

TEST_CASE("204 has neither content nor a length") {
    std::string out;
    write_response(out, {.status = 204, .body = "ignored"});
    CHECK(out == "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

TEST_CASE("content of unknown length comes in chunks, or to HTTP/1.0 until the connection ends") {
    const auto written = [](const Response& response, const ResponseRules& rules) {
        std::string out;
        write_stream_head(out, response, rules);
        return out;
    };
    const Response events{.fields = "X: y\r\n", .content_type = "text/event-stream"};
    const std::string_view chunked =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
        "X: y\r\n\r\n";
    CHECK(written(events, {.persistence = Persistence::persist}) == chunked);
    CHECK(written(events, {.persistence = Persistence::persist, .is_to_head = true}) == chunked);
    CHECK(written(events, {.takes_chunks = false}) ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
          "X: y\r\n\r\n");
    CHECK(written({.status = 204}, {}) == "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

TEST_CASE("a connection that stays is told of in HTTP/1.0 alone") {
    const auto written = [](Persistence persistence) {
        std::string out;
        write_response(out, {.body = "ok"}, {.persistence = persistence});
        return out;
    };
    CHECK(written(Persistence::persist).find("Connection") == std::string::npos);
    CHECK(written(Persistence::keep_alive).find("\r\nConnection: keep-alive\r\n") !=
          std::string::npos);
}

TEST_CASE("percent escapes are decoded exactly once") {
    CHECK(percent_decode("a%2Fb%2fc").text == "a/b/c");
    CHECK(percent_decode("%2541").text == "%41");
    CHECK(percent_decode("+").text == "+");
    CHECK(percent_decode("%c3%A9").text == "\xc3\xa9");
    CHECK(percent_decode("").ok);
}

TEST_CASE("malformed escapes and octet 0 are refused") {
    for (const std::string_view text : {"%", "a%4", "%4g", "%g4", "%%41", "%00", "a%0"}) {
        CAPTURE(text);
        const Decoded decoded = percent_decode(text);
        CHECK_FALSE(decoded.ok);
        CHECK(decoded.text.empty());
    }
    CHECK_FALSE(percent_decode(std::string_view{"a\0b", 3}).ok);
}

TEST_CASE("a query parameter is found by its decoded name, the first of several") {
    constexpr std::string_view query = "a=1&b=x+y%26z&&a=2&c&d=&%65=5&f=%zz";
    CHECK(query_parameter(query, "a") == "1");
    CHECK(query_parameter(query, "b") == "x y&z");
    CHECK(query_parameter(query, "c") == "");
    CHECK(query_parameter(query, "d") == "");
    CHECK(query_parameter(query, "e") == "5");
    CHECK(query_parameter(query, "f") == std::nullopt);
    CHECK(query_parameter(query, "g") == std::nullopt);
    CHECK(query_parameter("", "a") == std::nullopt);
}

}  // namespace ringcast::http

#include "http/body.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "support/http_body_driver.hpp"

namespace ringcast::http {

namespace {

using Outcome = test::SeenBody::Outcome;
using test::read_body;

constexpr BodyLimits limits{.body_bytes_max = 1000};

/// A POST with the given further lines and content.
std::string post(std::string_view lines, std::string_view content = {}) {
    return "POST /publish/a HTTP/1.1\r\nHost: a\r\n" + std::string{lines} + "\r\n" +
           std::string{content};
}

std::string post_content(const std::string& content) {
    return post("Content-Length: " + std::to_string(content.size()) + "\r\n", content);
}

}  // namespace

TEST_CASE("the head alone says which bodies are not taken") {
    struct {
        std::string stream;
        BodyReason reason;
    } const cases[] = {
        // RFC 9110 section 8.6
        {post(""), BodyReason::missing_length},
        {"PUT / HTTP/1.1\r\nHost: a\r\n\r\n", BodyReason::missing_length},
        {"PATCH / HTTP/1.0\r\n\r\n", BodyReason::missing_length},
        // section 15.5.14
        {post("Content-Length: 1001\r\n"), BodyReason::too_large},
        {post("Content-Length: 18446744073709551615\r\n"), BodyReason::too_large},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", BodyReason::too_large},
        {post("Content-Length: 1001\r\nExpect: 100-continue\r\n"), BodyReason::too_large},
        // section 10.1.1
        {post("Content-Length: 1\r\nExpect: tea\r\n"), BodyReason::unknown_expectation},
        {post("Content-Length: 1\r\nExpect: 100-continue, tea\r\n"),
         BodyReason::unknown_expectation},
        {post("Content-Length: 1\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n"),
         BodyReason::unknown_expectation},
    };
    for (const auto& [stream, reason] : cases) {
        CAPTURE(stream);
        const auto seen = read_body(stream, {}, limits);
        CHECK(seen.outcome == Outcome::bad_body);
        CHECK(seen.reason == reason);
    }
}

TEST_CASE("each reason has its status and a phrase") {
    CHECK(check_body({.method = Method::post}, limits)->status == Status::length_required);
    CHECK(check_body({.content_length = 1001}, limits)->status == Status::content_too_large);
    const Field expect[] = {{.name = "expect", .value = "x"}};
    CHECK(check_body({.fields = expect}, limits)->status == Status::expectation_failed);
    CHECK(to_string(BodyReason::out_of_memory) == "no memory for more request bodies");
}

TEST_CASE("a request without content needs no length unless it is about its content") {
    for (const char* const request :
         {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n",
          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"}) {
        const auto seen = read_body(request, {}, {});
        CHECK(seen.outcome == Outcome::request);
        CHECK(seen.body.empty());
    }
}

TEST_CASE("an expectation counts in HTTP/1.1, whatever its case") {
    const auto expects = [](std::string_view lines, std::uint8_t minor) {
        const Field field[] = {{.name = "EXPECT", .value = lines}};
        return expects_continue({.version_minor = minor, .fields = field});
    };
    CHECK(expects("100-continue", 1));
    CHECK(expects("100-Continue", 1));
    CHECK_FALSE(expects("100-continue", 0));
    CHECK_FALSE(expects("", 1));
    CHECK_FALSE(expects_continue({}));
    const Field unknown[] = {{.name = "Expect", .value = "tea"}};
    CHECK_FALSE(check_body({.version_minor = 0, .fields = unknown}, limits).has_value());
}

TEST_CASE("a body is the same however it was cut, and what follows is left alone") {
    std::string content;
    for (int i = 0; i < 300; ++i) content.push_back(static_cast<char>(i));
    const std::string request = post_content(content);
    const std::string stream = request + "GET /next HTTP/1.1\r\n";
    const auto whole = read_body(stream, {}, limits);
    CHECK(whole.outcome == Outcome::request);
    CHECK(whole.body == content);
    CHECK(whole.consumed == request.size());
    CHECK(whole.request.path == "/publish/a");
    CHECK(whole.request.fields.size() == 2);
    for (std::size_t cut = 1; cut < stream.size(); ++cut) {
        CAPTURE(cut);
        CHECK(read_body(stream, {cut}, limits) == whole);
    }
    std::vector<std::size_t> everywhere;
    for (std::size_t i = 1; i < stream.size(); ++i) everywhere.push_back(i);
    CHECK(read_body(stream, everywhere, limits) == whole);
}

TEST_CASE("a body in chunks is the same however it was cut, and what follows is left alone") {
    const std::string request = post("Transfer-Encoding: chunked\r\n",
                                     "5\r\nhello\r\n1;a=b\r\n \r\n00005\r\nworld\r\n"
                                     "0\r\nX: y\r\n\r\n");
    const std::string stream = request + "GET /next HTTP/1.1\r\n";
    const auto whole = read_body(stream, {}, limits);
    CHECK(whole.outcome == Outcome::request);
    CHECK(whole.body == "hello world");
    CHECK(whole.consumed == request.size());
    for (std::size_t cut = 1; cut < stream.size(); ++cut) {
        CAPTURE(cut);
        CHECK(read_body(stream, {cut}, limits) == whole);
    }
    for (std::size_t size = 0; size < request.size(); ++size)
        CHECK(read_body(stream.substr(0, size), {}, limits).outcome == Outcome::need_more);
}

TEST_CASE("chunks together may be as long as the limit, and are refused once they announce more") {
    const std::string head = post("Transfer-Encoding: chunked\r\n");
    const std::string chunk = "1f4\r\n" + std::string(500, 'x') + "\r\n";
    const std::string end{last_chunk};
    CHECK(read_body(head + chunk + chunk + end, {}, limits).body.size() == 1000);
    CHECK(read_body(head + chunk + chunk + "1\r\n", {}, limits).reason == BodyReason::too_large);
    CHECK(read_body(head + "3e9\r\n", {}, limits).reason == BodyReason::too_large);
    CHECK(read_body(head + "FFFFFFFFFFFFFFFF\r\n", {}, limits).reason == BodyReason::too_large);
    CHECK(read_body(head + "10000000000000001\r\n", {}, limits).reason ==
          BodyReason::malformed_chunk);
    constexpr BodyLimits small{.body_bytes_max = 1000, .pool_bytes_max = 600};
    CHECK(read_body(head + chunk + chunk, {}, small).reason == BodyReason::out_of_memory);
}

TEST_CASE("trailer fields have the room that the head has left") {
    const std::string head = post("Transfer-Encoding: chunked\r\n");
    const BodyLimits tight{.body_bytes_max = 1000, .head_bytes_max = head.size() + 6};
    const std::string last = "0\r\n", end = "\r\n";
    CHECK(read_body(head + last + end, {}, tight).outcome == Outcome::request);
    CHECK(read_body(head + last + "A: b\r\n" + end, {}, tight).outcome == Outcome::request);
    CHECK(read_body(head + last + "A: bc\r\n" + end, {}, tight).reason ==
          BodyReason::trailers_too_large);
    const BodyLimits none{.body_bytes_max = 1000, .head_bytes_max = head.size()};
    CHECK(read_body(head + last + end, {}, none).outcome == Outcome::request);
    CHECK(read_body(head + last + "A", {}, none).reason == BodyReason::trailers_too_large);
}

TEST_CASE("a body that has not all come is no request yet") {
    const std::string stream = post_content("hello");
    const std::string_view but_one = std::string_view{stream}.substr(0, stream.size() - 1);
    CHECK(read_body(but_one, {}, limits).outcome == Outcome::need_more);
    CHECK(read_body(but_one, {stream.size() - 3}, limits).outcome == Outcome::need_more);
}

TEST_CASE("a body may be as long as its limit") {
    CHECK(read_body(post_content(std::string(1000, 'x')), {200}, limits).body.size() == 1000);
}

TEST_CASE("memory is taken as the body comes, and refused at the pool's ceiling") {
    const std::string head = post("Content-Length: 100000\r\n");
    constexpr BodyLimits large{.body_bytes_max = 100'000, .pool_bytes_max = 10'000};
    SUBCASE("a long announcement alone costs nothing") {
        CHECK(read_body(head + "x", {}, large).outcome == Outcome::need_more);
    }
    SUBCASE("what comes beyond the ceiling is refused") {
        const auto seen = read_body(head + std::string(20'000, 'x'), {head.size() + 10}, large);
        CHECK(seen.outcome == Outcome::bad_body);
        CHECK(seen.reason == BodyReason::out_of_memory);
    }
    SUBCASE("without room for its head nothing begins") {
        constexpr BodyLimits full{.body_bytes_max = 100'000, .pool_bytes_max = 10};
        CHECK(read_body(head + "x", {}, full).reason == BodyReason::out_of_memory);
    }
    SUBCASE("a body that comes with its head needs none") {
        constexpr BodyLimits full{.body_bytes_max = 100'000, .pool_bytes_max = 0};
        CHECK(read_body(post_content("hello"), {}, full).body == "hello");
    }
}

}  // namespace ringcast::http

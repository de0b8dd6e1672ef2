#include "http/request_parser.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "support/http_reference.hpp"

namespace ringcast::http {

namespace {

using Found = RequestParser::Found;
using test::parse_in_pieces;
using test::SeenRequest;

/// A GET with Host and the given further lines.
std::string get(std::string_view lines) {
    return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string{lines} + "\r\n";
}
/// A head without fields but Host.
std::string with_request_line(std::string_view line) {
    return std::string{line} + "\r\nHost: a\r\n\r\n";
}

std::vector<std::size_t> every_octet(std::size_t size) {
    std::vector<std::size_t> cuts;
    for (std::size_t i = 1; i <= size; ++i) cuts.push_back(i);
    return cuts;
}

struct BadHead {
    std::string head;
    int status;
    Reason reason;
};

const std::string nul(1, '\0');

const std::vector<BadHead>& bad_heads() {
    static const std::vector<BadHead> heads = {
        // RFC 9112 section 2.2: line ends, and what may come before the request line
        {"\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, Reason::malformed_request_line},
        {"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, Reason::bare_line_break},
        {"GET / HTTP/1.1\nHost: a\r\n\r\n", 400, Reason::bare_line_break},
        {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400, Reason::bare_line_break},
        {"GET / HTTP/1.1\r\nHost: a\r\n\n", 400, Reason::bare_line_break},
        {"GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n", 400, Reason::bare_line_break},
        {"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400, Reason::bare_line_break},
        {"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400, Reason::bare_line_break},
        {"GET /\rHTTP/1.1\r\nHost: a\r\n\r\n", 400, Reason::bare_line_break},
        {"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, Reason::bare_line_break},
        // section 3: the request line
        {"\x16\x03\x01\x02", 400, Reason::not_http},
        {nul, 400, Reason::not_http},
        {" GET / HTTP/1.1\r\n", 400, Reason::not_http},
        {"\r\n\x80", 400, Reason::not_http},
        {with_request_line("GET  / HTTP/1.1"), 400, Reason::malformed_request_line},
        {with_request_line("GET /  HTTP/1.1"), 400, Reason::malformed_request_line},
        {with_request_line("GET / HTTP/1.1 "), 400, Reason::malformed_request_line},
        {with_request_line("GET\t/\tHTTP/1.1"), 400, Reason::malformed_method},
        {with_request_line("GET /"), 400, Reason::malformed_request_line},
        {with_request_line("GET"), 400, Reason::malformed_request_line},
        {with_request_line("GET / b HTTP/1.1"), 400, Reason::malformed_request_line},
        {with_request_line("GET HTTP/1.1"), 400, Reason::malformed_request_line},
        {with_request_line("G@T / HTTP/1.1"), 400, Reason::malformed_method},
        {with_request_line("GE\x80 / HTTP/1.1"), 400, Reason::malformed_method},
        {std::string(33, 'A'), 501, Reason::malformed_method},
        {std::string(32, 'A') + "@", 400, Reason::malformed_method},
        // section 3.2: the target
        {with_request_line("GET a HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("GET * HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("GET /# HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("GET /\x7f HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("GET /\xc3\xa9 HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("GET /" + nul + " HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("GET /\t HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("GET /% HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("GET /%4 HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("GET /%4g HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("GET /?q=%zz HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("GET ftp://a/ HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("GET http:/// HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("GET http:// HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("GET http://user@a/ HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("GET http://a:b/ HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("GET a:80 HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("CONNECT / HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("CONNECT a HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("CONNECT a: HTTP/1.1"), 400, Reason::malformed_target},
        {with_request_line("CONNECT 1.2.3.4 HTTP/1.1"), 400, Reason::malformed_target},
        // section 2.3: the version
        {with_request_line("GET / HTTP/2.0"), 505, Reason::unsupported_version},
        {with_request_line("GET / HTTP/9.9"), 505, Reason::unsupported_version},
        {with_request_line("GET / HTTP/0.9"), 505, Reason::unsupported_version},
        {with_request_line("GET / HTTP/1.2"), 505, Reason::unsupported_version},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, Reason::unsupported_version},
        {with_request_line("GET / http/1.1"), 400, Reason::malformed_request_line},
        {with_request_line("GET / HTTP/1"), 400, Reason::malformed_request_line},
        {with_request_line("GET / HTTP/1.10"), 400, Reason::malformed_request_line},
        {with_request_line("GET / HTTP/01.1"), 400, Reason::malformed_request_line},
        {with_request_line("GET / HTTP/1,1"), 400, Reason::malformed_request_line},
        {with_request_line("GET / HTTPS/1.1"), 400, Reason::malformed_request_line},
        {with_request_line("GET / "), 400, Reason::malformed_request_line},
        // section 5: fields
        {get("A : b\r\n"), 400, Reason::malformed_field_name},
        {get("A\t: b\r\n"), 400, Reason::malformed_field_name},
        {get("A b: c\r\n"), 400, Reason::malformed_field_name},
        {get(": b\r\n"), 400, Reason::malformed_field_name},
        {get("A\r\n"), 400, Reason::malformed_field_name},
        {get("A(: b\r\n"), 400, Reason::malformed_field_name},
        {get("\xc3\xa9: b\r\n"), 400, Reason::malformed_field_name},
        {get("A" + nul + ": b\r\n"), 400, Reason::malformed_field_name},
        {get("A: b" + nul + "\r\n"), 400, Reason::malformed_field_value},
        {get("A: \x01"
             "b\r\n"),
         400, Reason::malformed_field_value},
        {get("A: b\x7f\r\n"), 400, Reason::malformed_field_value},
        {get("A: \x0b"
             "b\r\n"),
         400, Reason::malformed_field_value},
        {get("A: b\r\n c\r\n"), 400, Reason::obsolete_folding},
        {get("A: b\r\n\tc\r\n"), 400, Reason::obsolete_folding},
        {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, Reason::obsolete_folding},
        {get(" \r\n"), 400, Reason::obsolete_folding},
        // section 3.2: Host
        {"GET / HTTP/1.1\r\n\r\n", 400, Reason::missing_host},
        {"GET http://a/ HTTP/1.1\r\n\r\n", 400, Reason::missing_host},
        {get("host: a\r\n"), 400, Reason::repeated_host},
        {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, Reason::repeated_host},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, Reason::malformed_host},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, Reason::malformed_host},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, Reason::malformed_host},
        {"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", 400, Reason::malformed_host},
        {"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400, Reason::malformed_host},
        {"GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 400, Reason::malformed_host},
        {"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400, Reason::malformed_host},
        {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, Reason::malformed_host},
        {"GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400, Reason::malformed_host},
        {"GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400, Reason::malformed_host},
        {"GET / HTTP/1.1\r\nHost: a%2\r\n\r\n", 400, Reason::malformed_host},
        // section 6: framing
        {get("Content-Length: -1\r\n"), 400, Reason::malformed_content_length},
        {get("Content-Length: +1\r\n"), 400, Reason::malformed_content_length},
        {get("Content-Length:\r\n"), 400, Reason::malformed_content_length},
        {get("Content-Length: 0x1\r\n"), 400, Reason::malformed_content_length},
        {get("Content-Length: 1 1\r\n"), 400, Reason::malformed_content_length},
        {get("Content-Length: 5, 5\r\n"), 400, Reason::malformed_content_length},
        {get("Content-Length: 5\r\nContent-Length: 5\r\n"), 400, Reason::malformed_content_length},
        {get("Content-Length: 5\r\ncontent-length: 6\r\n"), 400, Reason::malformed_content_length},
        {get("Content-Length: 18446744073709551616\r\n"), 400, Reason::malformed_content_length},
        {get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400,
         Reason::conflicting_framing},
        {get("tRANSFER-eNCODING: chunked\r\ncONTENT-lENGTH: 5\r\n"), 400,
         Reason::conflicting_framing},
        {get("Transfer-Encoding: chunked, chunked\r\n"), 400, Reason::conflicting_framing},
        {get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400,
         Reason::conflicting_framing},
        {get("Transfer-Encoding:\r\n"), 400, Reason::conflicting_framing},
        {get("Transfer-Encoding: ,,,,,,,\r\n"), 400, Reason::conflicting_framing},
        {get("Transfer-Encoding: chunked,\r\n"), 400, Reason::conflicting_framing},
        {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, Reason::conflicting_framing},
        {get("Transfer-Encoding: gzip, chunked\r\n"), 501, Reason::unsupported_transfer_encoding},
        {get("Transfer-Encoding: identity\r\n"), 501, Reason::unsupported_transfer_encoding},
        {get("Transfer-Encoding: xchunked\r\n"), 501, Reason::unsupported_transfer_encoding},
        {get("Transfer-Encoding: chunked;a=b\r\n"), 501, Reason::unsupported_transfer_encoding},
    };
    return heads;
}

const std::vector<std::string>& good_heads() {
    static const std::vector<std::string> heads = {
        get(""),
        "\r\n" + get(""),
        "\r\n\r\n" + get(""),
        "GET / HTTP/1.0\r\n\r\n",
        get("Empty:\r\nTabs:\t a \t\r\nObs: \x80\xff\r\nColons: a:b: c\r\n"),
        get("Content-Length: 0\r\n"),
        get("Content-Length: 18446744073709551615\r\n"),
        get("Transfer-Encoding: Chunked\r\n"),
        with_request_line("GET /a%2Fb/c?d=%20&e=/?:@!$'()*+,;={}|^`\"<>[]\\~ HTTP/1.1"),
        with_request_line("GET http://example.com:8080/x?y HTTP/1.1"),
        with_request_line("GET HTTPS://[::1]:443 HTTP/1.1"),
        with_request_line("GET wss://a?b/c HTTP/1.1"),
        with_request_line("OPTIONS * HTTP/1.1"),
        with_request_line("CONNECT example.com:443 HTTP/1.1"),
        with_request_line("CONNECT [::1]:443 HTTP/1.1"),
        with_request_line("BREW / HTTP/1.1"),
        with_request_line(std::string(32, 'A') + " / HTTP/1.1"),
        "GET / HTTP/1.1\r\nHost: xn--a.example:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [2001:db8::1]:65535\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a%41b\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    };
    return heads;
}

}  // namespace

TEST_CASE(
    "a malformed head fails with the status and the reason of the rule it violates, however it is "
    "cut") {
    for (const BadHead& bad : bad_heads()) {
        CAPTURE(bad.head);
        const SeenRequest whole = parse_in_pieces(bad.head, {});
        CHECK(whole.found == Found::failure);
        CHECK(whole.status == bad.status);
        CHECK(to_string(whole.reason) == to_string(bad.reason));
        CHECK(parse_in_pieces(bad.head, every_octet(bad.head.size())) == whole);
        for (std::size_t cut = 1; cut < bad.head.size(); ++cut)
            CHECK(parse_in_pieces(bad.head, {cut}) == whole);
        const std::size_t head_end = bad.head.find("\r\n\r\n");
        if (!bad.head.starts_with('\r') && head_end != std::string::npos) {
            const std::string head = bad.head.substr(0, head_end + 4);
            if (bad.reason != Reason::bare_line_break)
                CHECK_FALSE(test::reference_accepts_head(head));
        }
    }
}

TEST_CASE("a well-formed head is a request, the same however it is cut") {
    for (const std::string& head : good_heads()) {
        CAPTURE(head);
        const SeenRequest whole = parse_in_pieces(head, {});
        CHECK(whole.found == Found::request);
        CHECK(parse_in_pieces(head, every_octet(head.size())) == whole);
        for (std::size_t cut = 1; cut < head.size(); ++cut)
            CHECK(parse_in_pieces(head, {cut}) == whole);
        for (std::size_t size = 0; size < whole.head_bytes; ++size) {
            CHECK(parse_in_pieces(std::string_view{head}.substr(0, size), {}).found ==
                  Found::need_more);
        }
    }
}

TEST_CASE("the parts of a request are views of what was sent") {
    const SeenRequest request = parse_in_pieces(
        "GET /chat/a%20b?x=1&y=%2F HTTP/1.1\r\nHost: example.com:81\r\nA:  b c\t\r\nEmpty:\r\n\r\n",
        {});
    REQUIRE(request.found == Found::request);
    CHECK(request.method == Method::get);
    CHECK(request.method_text == "GET");
    CHECK(request.target == "/chat/a%20b?x=1&y=%2F");
    CHECK(request.path == "/chat/a%20b");
    CHECK(request.query == "x=1&y=%2F");
    CHECK(request.authority == "example.com:81");
    CHECK(request.version_minor == 1);
    const std::vector<std::pair<std::string, std::string>> fields = {
        {"Host", "example.com:81"}, {"A", "b c"}, {"Empty", ""}};
    CHECK(request.fields == fields);
}

TEST_CASE("each form of a target yields its path, query and authority") {
    struct Form {
        std::string_view line, path, query, authority;
    };
    for (const Form& form :
         {Form{"GET /a?b?c HTTP/1.1", "/a", "b?c", "a"}, Form{"GET /? HTTP/1.1", "/", "", "a"},
          Form{"GET http://b:1/c?d HTTP/1.1", "/c", "d", "b:1"},
          Form{"GET ws://b HTTP/1.1", "/", "", "b"}, Form{"GET http://b?d HTTP/1.1", "/", "d", "b"},
          Form{"OPTIONS * HTTP/1.1", "*", "", "a"}, Form{"CONNECT b:1 HTTP/1.1", "", "", "b:1"}}) {
        CAPTURE(form.line);
        const SeenRequest request = parse_in_pieces(with_request_line(form.line), {});
        REQUIRE(request.found == Found::request);
        CHECK(request.path == form.path);
        CHECK(request.query == form.query);
        CHECK(request.authority == form.authority);
    }
}

TEST_CASE("every registered method has its name, others are kept as text") {
    const std::pair<std::string_view, Method> methods[] = {
        {"GET", Method::get},        {"HEAD", Method::head},      {"POST", Method::post},
        {"PUT", Method::put},        {"DELETE", Method::delete_}, {"OPTIONS", Method::options},
        {"PATCH", Method::patch},    {"TRACE", Method::trace},    {"get", Method::other},
        {"PROPFIND", Method::other},
    };
    for (const auto& [name, method] : methods) {
        const SeenRequest request =
            parse_in_pieces(with_request_line(std::string{name} + " / HTTP/1.1"), {});
        REQUIRE(request.found == Found::request);
        CHECK(request.method == method);
        CHECK(request.method_text == name);
    }
}

TEST_CASE("the body's framing is known from the head") {
    CHECK(parse_in_pieces(get("Content-Length: 007\r\n"), {}).content_length == 7);
    CHECK(parse_in_pieces(get("Transfer-Encoding: chunked\r\n"), {}).is_chunked);
    CHECK_FALSE(parse_in_pieces(get(""), {}).is_chunked);
}

TEST_CASE("what follows the head is left in the input") {
    const std::string head = get("");
    for (const std::size_t cut : {std::size_t{0}, std::size_t{5}, head.size() - 1, head.size()}) {
        const SeenRequest request = parse_in_pieces(head + "more", {cut});
        CHECK(request.found == Found::request);
        CHECK(request.head_bytes == head.size());
    }
}

TEST_CASE("a target is refused at the octet that makes it too long") {
    const HeadLimits limits{.head_bytes_max = 1000, .target_bytes_max = 20};
    const std::string longest = "GET /" + std::string(19, 'a');
    CHECK(parse_in_pieces(longest + " HTTP/1.1\r\nHost: a\r\n\r\n", {}, limits).found ==
          Found::request);
    CHECK(parse_in_pieces(longest, {}, limits).found == Found::need_more);
    for (const bool bytewise : {false, true}) {
        const std::string stream = longest + "a";
        const SeenRequest seen = parse_in_pieces(
            stream, bytewise ? every_octet(stream.size()) : std::vector<std::size_t>{}, limits);
        CHECK(seen.found == Found::failure);
        CHECK(seen.status == 414);
        CHECK(seen.reason == Reason::target_too_long);
    }
    const SeenRequest trailing =
        parse_in_pieces("GET / HTTP/1.1" + std::string(20, 'x'), {}, limits);
    CHECK(trailing.reason == Reason::malformed_request_line);
}

TEST_CASE("a head is refused at the octet that makes it too large") {
    const std::string head = get("A: " + std::string(100, 'b') + "\r\n");
    HeadLimits limits{.head_bytes_max = static_cast<std::uint32_t>(head.size())};
    CHECK(parse_in_pieces(head, {}, limits).found == Found::request);
    CHECK(parse_in_pieces(head, every_octet(head.size()), limits).found == Found::request);
    CHECK(parse_in_pieces(head + "rest", {}, limits).found == Found::request);
    --limits.head_bytes_max;
    for (std::size_t cut = 1; cut <= head.size(); ++cut) {
        const SeenRequest seen = parse_in_pieces(head, {cut}, limits);
        CHECK(seen.found == Found::failure);
        CHECK(seen.status == 431);
        CHECK(seen.reason == Reason::head_too_large);
    }
    CHECK(parse_in_pieces(std::string_view{head}.substr(0, head.size() - 1), {}, limits).found ==
          Found::need_more);
}

TEST_CASE("as many fields as the limit are taken, and not one more") {
    for (const std::uint32_t fields_max : {8u, 100u, 256u}) {
        const HeadLimits limits{.fields_max = fields_max};
        std::string lines;
        for (std::uint32_t i = 1; i < fields_max; ++i) lines += "A: b\r\n";
        CHECK(parse_in_pieces(get(lines), {}, limits).fields.size() == fields_max);
        const SeenRequest seen = parse_in_pieces(get(lines + "A: b\r\n"), {}, limits);
        CHECK(seen.status == 431);
        CHECK(seen.reason == Reason::too_many_fields);
    }
}

TEST_CASE(
    "a head in one piece takes no block, one in pieces gives its block back with the next call") {
    BufferPool pool;
    RequestParser parser;
    RequestStorage storage;
    const HeadLimits limits;
    std::string text = get("") + get("");
    std::span<std::byte> input = std::as_writable_bytes(std::span{text});
    CHECK(parser.next(input, storage, pool, limits).found == Found::request);
    CHECK(pool.allocations() == 0);
    std::span<std::byte> first_part = input.first(10), second_part = input.subspan(10);
    CHECK(parser.next(first_part, storage, pool, limits).found == Found::need_more);
    CHECK(parser.is_partial());
    CHECK(pool.blocks_in_use() == 1);
    CHECK(parser.next(second_part, storage, pool, limits).found == Found::request);
    CHECK(storage.request.path == "/");
    CHECK_FALSE(parser.is_partial());
    std::span<std::byte> nothing;
    CHECK(parser.next(nothing, storage, pool, limits).found == Found::need_more);
    CHECK(pool.blocks_in_use() == 0);
}

TEST_CASE("accepted heads, written anew from their parts, are the same request") {
    for (const std::string& head : good_heads()) {
        const SeenRequest request = parse_in_pieces(head, {});
        std::string again = request.method_text + " " + request.target + " HTTP/1." +
                            std::to_string(request.version_minor) + "\r\n";
        for (const auto& [name, value] : request.fields) again += name + ": " + value + "\r\n";
        SeenRequest parsed = parse_in_pieces(again + "\r\n", {});
        parsed.head_bytes = request.head_bytes;
        CHECK(parsed == request);
    }
}

TEST_CASE("every mutation of one octet is judged as the reference judges it") {
    const std::vector<std::string> seeds = {
        "GET /a?b=%41 HTTP/1.1\r\nHost: a:80\r\nTransfer-Encoding: chunked\r\n\r\n",
        "CONNECT [::1]:443 HTTP/1.0\r\nContent-Length: 10\r\nX: y\r\n\r\n",
        "GET http://[::1]:1/a HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    for (const std::string& seed : seeds) {
        for (std::size_t at = 0; at < seed.size(); ++at) {
            for (int octet = 0; octet < 256; ++octet) {
                if (octet == '\r' || octet == '\n' || seed[at] == '\r' || seed[at] == '\n')
                    continue;
                std::string head = seed;
                head[at] = static_cast<char>(octet);
                const bool is_accepted = parse_in_pieces(head, {}).found == Found::request;
                if (is_accepted != test::reference_accepts_head(head))
                    FAIL_CHECK("differs: " << head);
            }
        }
    }
}

}  // namespace ringcast::http

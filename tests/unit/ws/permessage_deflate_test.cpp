#include "ws/permessage_deflate.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

namespace ringcast::ws {

namespace {

constexpr DeflatePolicy dedicated{.compression = Compression::dedicated};
constexpr DeflatePolicy shared{.compression = Compression::shared};

/// What the server answers to these Sec-WebSocket-Extensions lines: the response's parameters,
/// `declined`, or `malformed`.
std::string answer_to_lines(const std::vector<std::string_view>& lines,
                            const DeflatePolicy& policy = dedicated) {
    std::vector<http::Field> fields{{.name = "Host", .value = "localhost"}};
    for (const std::string_view line : lines)
        fields.push_back({.name = "sec-webSocket-extensions", .value = line});
    http::Request request;
    request.fields = fields;
    const auto agreed = negotiate_deflate(request, policy);
    if (!agreed) {
        CHECK(agreed.error().reason == HandshakeReason::malformed_extensions);
        CHECK(agreed.error().status == http::Status::bad_request);
        return "malformed";
    }
    if (!*agreed) return "declined";
    const std::string line = response_field(**agreed);
    constexpr std::string_view start = "Sec-WebSocket-Extensions: permessage-deflate";
    REQUIRE(line.starts_with(start));
    REQUIRE(line.ends_with("\r\n"));
    return line.substr(start.size(), line.size() - start.size() - 2);
}

std::string answer(std::string_view line, const DeflatePolicy& policy = dedicated) {
    return answer_to_lines({line}, policy);
}

std::string offer(std::string_view parameters) {
    return "permessage-deflate; " + std::string{parameters};
}

}  // namespace

TEST_CASE("the offers that public suites make get what RFC 7692 section 7.1 asks for") {
    const std::string common =
        "permessage-deflate; client_no_context_takeover; "
        "client_max_window_bits";
    const std::string reset = "; server_no_context_takeover";
    CHECK(answer(common) == "; client_no_context_takeover");
    CHECK(answer(common + reset) == "; server_no_context_takeover; client_no_context_takeover");
    CHECK(answer(common + "; server_max_window_bits=9") ==
          "; client_no_context_takeover; server_max_window_bits=9");
    CHECK(answer(common + "; server_max_window_bits=15") ==
          "; client_no_context_takeover; server_max_window_bits=15");
    for (const std::string_view bits : {"9", "15"}) {
        CHECK(answer(common + reset + "; server_max_window_bits=" + std::string{bits}) ==
              "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=" +
                  std::string{bits});
    }
    CHECK(
        answer(common + reset + "; server_max_window_bits=9, " + common + reset + ", " + common) ==
        "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9");
}

TEST_CASE("no offer, no answer") {
    CHECK(answer_to_lines({}) == "declined");
    CHECK(answer("x-webkit-deflate-frame, permessage-bzip2; a=1") == "declined");
    CHECK(answer("permessage-deflate", {}) == "declined");
}

TEST_CASE("each parameter is answered by itself") {
    CHECK(answer("permessage-deflate") == "");
    CHECK(answer(offer("server_no_context_takeover")) == "; server_no_context_takeover");
    CHECK(answer(offer("client_no_context_takeover")) == "; client_no_context_takeover");
    CHECK(answer(offer("client_max_window_bits")) == "");
    for (int bits = 8; bits <= 15; ++bits) {
        const std::string value = "=" + std::to_string(bits);
        CHECK(answer(offer("server_max_window_bits" + value)) ==
              "; server_max_window_bits" + value);
        CHECK(answer(offer("client_max_window_bits" + value)) ==
              "; client_max_window_bits" + value);
    }
}

TEST_CASE("names ignore case, values may be quoted and escaped, white space does not matter") {
    CHECK(answer("PerMessage-DEFLATE; Server_Max_Window_Bits=10") == "; server_max_window_bits=10");
    CHECK(answer(offer("server_max_window_bits=\"10\"")) == "; server_max_window_bits=10");
    CHECK(answer(offer("client_max_window_bits=\"1\\1\"")) == "; client_max_window_bits=11");
    CHECK(answer(" permessage-deflate\t;server_max_window_bits = 10 ") ==
          "; server_max_window_bits=10");
    CHECK(answer(", ,permessage-deflate,") == "");
}

TEST_CASE("an invalid offer is declined, and the next one accepted (section 7.1)") {
    const std::vector<std::string> invalid = {
        "foo",
        "foo=1",
        "permessage-deflate",
        "server_no_context_takeover=1",
        "client_no_context_takeover=\"true\"",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; x; client_no_context_takeover",
        "server_max_window_bits",
        "server_max_window_bits=10; server_max_window_bits=10",
        "server_max_window_bits=10; Server_max_window_bits=11",
        "client_max_window_bits; client_max_window_bits",
        "client_max_window_bits=9; client_max_window_bits",
        "client_max_window_bits; client_max_window_bits=9",
    };
    std::vector<std::string> all = invalid;
    for (const std::string_view value :
         {"7", "16", "0", "1", "08", "010", "\"08\"", "\"\\08\"", "8.0", "+8", "-8", "0x8", "100",
          "256", "264", "4294967304", "18446744073709551624", "ten"}) {
        all.push_back("server_max_window_bits=" + std::string{value});
        all.push_back("client_max_window_bits=" + std::string{value});
    }
    for (const std::string& parameters : all) {
        CAPTURE(parameters);
        CHECK(answer(offer(parameters)) == "declined");
        CHECK(answer(offer(parameters) + ", permessage-deflate; server_max_window_bits=9") ==
              "; server_max_window_bits=9");
        CHECK(answer_to_lines({offer(parameters), "permessage-deflate"}) == "");
        CHECK(answer(offer("server_no_context_takeover") + ", " + offer(parameters)) ==
              "; server_no_context_takeover");
        CHECK(answer(offer("client_max_window_bits; ") + parameters) == "declined");
    }
}

TEST_CASE("other extensions do not get in the way, and their parameters are not ours") {
    CHECK(answer("foo; server_max_window_bits=99, permessage-deflate") == "");
    CHECK(answer("permessage-deflate, foo; bar; bar") == "");
    CHECK(
        answer_to_lines({"foo", "bar; a=\"b\"", "permessage-deflate; server_max_window_bits=8"}) ==
        "; server_max_window_bits=8");
}

TEST_CASE("a malformed header fails the handshake, wherever it is and whatever is allowed") {
    for (const std::string_view line :
         {"", ",", "permessage-deflate;", "permessage-deflate; =", "permessage-deflate foo",
          "permessage-deflate, foo;", "permessage-deflate; server_max_window_bits=",
          "permessage-deflate; server_max_window_bits=\"\"",
          "permessage-deflate; server_max_window_bits=\"10",
          "permessage-deflate; server_max_window_bits=\"1 0\"", "\"permessage-deflate\""}) {
        CAPTURE(line);
        CHECK(answer(line) == "malformed");
        CHECK(answer(line, {}) == "malformed");
    }
    CHECK(answer_to_lines({"permessage-deflate", "foo;"}) == "malformed");
    // One line without an element is none if another has one.
    CHECK(answer_to_lines({"", "permessage-deflate"}) == "");
}

TEST_CASE("shared contexts: no side takes over any, asked or not (sections 7.1.1.1 and 7.1.1.2)") {
    const std::string both = "; server_no_context_takeover; client_no_context_takeover";
    CHECK(answer("permessage-deflate", shared) == both);
    CHECK(answer(offer("client_no_context_takeover; client_max_window_bits"), shared) == both);
    CHECK(answer(offer("server_max_window_bits=9; client_max_window_bits=10"), shared) ==
          both + "; server_max_window_bits=9; client_max_window_bits=10");
}

TEST_CASE("a smaller window of ours is named, asked or not (section 7.1.2.1)") {
    const DeflatePolicy policy{.compression = Compression::dedicated, .server_window_bits_max = 12};
    CHECK(answer("permessage-deflate", policy) == "; server_max_window_bits=12");
    CHECK(answer(offer("server_max_window_bits=15"), policy) == "; server_max_window_bits=12");
    CHECK(answer(offer("server_max_window_bits=9"), policy) == "; server_max_window_bits=9");
}

TEST_CASE("a smaller window of the client's is named only if it knows the parameter (7.1.2.2)") {
    const DeflatePolicy policy{.compression = Compression::dedicated, .client_window_bits_max = 10};
    CHECK(answer(offer("client_max_window_bits"), policy) == "; client_max_window_bits=10");
    CHECK(answer(offer("client_max_window_bits=15"), policy) == "; client_max_window_bits=10");
    CHECK(answer(offer("client_max_window_bits=9"), policy) == "; client_max_window_bits=9");
    // Else nothing of it is kept.
    CHECK(answer("permessage-deflate", policy) == "; client_no_context_takeover");
}

TEST_CASE("windows that nobody names are the largest") {
    const DeflateParameters parameters{.server_max_window_bits = 9};
    CHECK(parameters.server_window_bits() == 9);
    CHECK(parameters.client_window_bits() == 15);
}

}  // namespace ringcast::ws

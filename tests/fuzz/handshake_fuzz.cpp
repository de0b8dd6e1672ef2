// Any octets as an upgrade request: a handshake is accepted only if it has what RFC 6455
// section 4.2.1 asks for, looked up here with plain string searches, and the 101 that answers it is
// one response and nothing more.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "http/request_parser.hpp"
#include "http/response.hpp"
#include "support/http_reference.hpp"
#include "support/ws_client.hpp"
#include "ws/handshake.hpp"

namespace {

using namespace ringcast;

std::vector<std::string> values_of(const http::Request& request, std::string_view name) {
    std::vector<std::string> values;
    for (const http::Field& field : request.fields) {
        if (test::detail::lower(field.name) == name) values.emplace_back(field.value);
    }
    return values;
}

bool has_element(const std::vector<std::string>& values, const std::string& element) {
    for (const std::string& value : values) {
        std::string list = ",";
        for (const char c : test::detail::lower(value)) {
            if (c != ' ' && c != '\t') list.push_back(c);
        }
        if ((list + ",").find("," + element + ",") != std::string::npos) return true;
    }
    return false;
}

/// A necessary condition, from the RFC's list.
void check_accepted(const http::Request& request, std::string_view key) {
    RC_ASSERT(request.method_text == "GET");
    RC_ASSERT(request.version_minor == 1);
    RC_ASSERT(values_of(request, "host").size() == 1);
    RC_ASSERT(has_element(values_of(request, "upgrade"), "websocket"));
    RC_ASSERT(has_element(values_of(request, "connection"), "upgrade"));
    RC_ASSERT(values_of(request, "sec-websocket-version") == std::vector<std::string>{"13"});
    RC_ASSERT(values_of(request, "sec-websocket-key") ==
              std::vector<std::string>{std::string{key}});
    RC_ASSERT(key.size() == 24 && key.ends_with("=="));
    RC_ASSERT(!request.has_body());
}

void check_answer(const http::Request& request, std::string_view key) {
    std::string subprotocol;
    ws::for_each_subprotocol(request, [&subprotocol](std::string_view offered) {
        subprotocol = offered;
        return false;
    });
    std::string out;
    ws::write_switching_protocols(out, key, subprotocol);
    test::ServerReader reader;
    reader.feed(out);
    const auto response = reader.next_response();
    RC_ASSERT(response && reader.unread().empty() && reader.error().empty());
    RC_ASSERT(response->status == 101);
    RC_ASSERT(response->field("sec-websocket-protocol").value_or("") == subprotocol);
}

void check_refusal(const ws::HandshakeFailure& failure) {
    std::string out;
    http::write_response(out, {.status = static_cast<std::uint16_t>(failure.status),
                               .fields = ws::response_fields(failure.reason),
                               .body = ws::to_string(failure.reason)});
    test::ServerReader reader;
    reader.feed(out);
    const auto response = reader.next_response();
    RC_ASSERT(response && reader.unread().empty() && reader.error().empty());
    RC_ASSERT(response->status >= 400 && response->status < 500);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::byte> octets(size);
    if (size != 0) std::memcpy(octets.data(), data, size);
    std::span<std::byte> input{octets};
    BufferPool pool;
    http::RequestParser parser;
    const auto storage = std::make_unique<http::RequestStorage>();
    if (parser.next(input, *storage, pool, {}).found != http::RequestParser::Found::request)
        return 0;
    const http::Request& request = storage->request;
    const auto handshake = ws::read_handshake(request);
    if (handshake) {
        check_accepted(request, handshake->key);
        check_answer(request, handshake->key);
    } else {
        check_refusal(handshake.error());
    }
    const http::Decoded path = http::percent_decode(request.path);
    if (path.ok) RC_ASSERT(path.text.size() <= request.path.size());
    (void)http::query_parameter(request.query, "token");
    return 0;
}

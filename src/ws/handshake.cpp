#include "ws/handshake.hpp"

#include <openssl/evp.h>

#include "base/assert.hpp"

namespace ringcast::ws {

namespace {

using http::Status;

constexpr std::size_t key_characters = 24;  // 16 octets in base64

constexpr bool is_base64_character(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || http::is_digit(c) || c == '+' ||
           c == '/';
}

/// Base64 of 16 octets: 21 full characters, one whose last four bits are unused and thus zero, and
/// `==`.
bool is_key(std::string_view key) noexcept {
    if (key.size() != key_characters || !key.ends_with("==")) return false;
    for (const char c : key.substr(0, 22)) {
        if (!is_base64_character(c)) return false;
    }
    return std::string_view{"AQgw"}.find(key[21]) != std::string_view::npos;
}

bool has_valid_subprotocols(const http::Request& request) noexcept {
    std::array<std::string_view, subprotocols_max> seen;
    std::size_t count = 0;
    bool is_valid = true;
    for_each_subprotocol(request, [&](std::string_view subprotocol) {
        is_valid = count < seen.size() && http::is_token(subprotocol);
        for (std::size_t i = 0; is_valid && i < count; ++i) is_valid = seen[i] != subprotocol;
        if (is_valid) seen[count++] = subprotocol;
        return is_valid;
    });
    return is_valid && (count > 0 || request.field_count("Sec-WebSocket-Protocol") == 0);
}

/// SHA-1 looked up once: OpenSSL 3 searches its providers for every digest made from a name.
const EVP_MD* sha1() noexcept {
    static const EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA1", nullptr);
    RC_ASSERT(digest != nullptr);
    return digest;
}

}  // namespace

std::string_view to_string(HandshakeReason reason) noexcept {
    switch (reason) {
        case HandshakeReason::not_an_upgrade: return "WebSocket upgrade required";
        case HandshakeReason::method_not_get: return "method must be GET";
        case HandshakeReason::version_too_low: return "WebSocket needs HTTP/1.1";
        case HandshakeReason::connection_lacks_upgrade: return "Connection lacks upgrade";
        case HandshakeReason::missing_key: return "missing Sec-WebSocket-Key";
        case HandshakeReason::repeated_key: return "repeated Sec-WebSocket-Key";
        case HandshakeReason::malformed_key: return "malformed Sec-WebSocket-Key";
        case HandshakeReason::missing_version: return "missing Sec-WebSocket-Version";
        case HandshakeReason::repeated_version: return "repeated Sec-WebSocket-Version";
        case HandshakeReason::unsupported_version: return "Sec-WebSocket-Version must be 13";
        case HandshakeReason::has_body: return "an opening handshake has no body";
        case HandshakeReason::malformed_subprotocol: return "malformed Sec-WebSocket-Protocol";
        case HandshakeReason::malformed_extensions: return "malformed Sec-WebSocket-Extensions";
    }
    return "unknown";
}

std::string_view response_fields(HandshakeReason reason) noexcept {
    switch (reason) {
        case HandshakeReason::not_an_upgrade:
        case HandshakeReason::version_too_low:
            // RFC 9110 section 7.8: who sends Upgrade says so in Connection.
            return "Upgrade: websocket\r\nConnection: Upgrade\r\n";
        case HandshakeReason::method_not_get: return "Allow: GET, HEAD, OPTIONS\r\n";
        case HandshakeReason::unsupported_version:
            return "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
        case HandshakeReason::connection_lacks_upgrade:
        case HandshakeReason::missing_key:
        case HandshakeReason::repeated_key:
        case HandshakeReason::malformed_key:
        case HandshakeReason::missing_version:
        case HandshakeReason::repeated_version:
        case HandshakeReason::has_body:
        case HandshakeReason::malformed_subprotocol:
        case HandshakeReason::malformed_extensions: return {};
    }
    return {};
}

std::expected<Handshake, HandshakeFailure> read_handshake(const http::Request& request) {
    const auto refuse = [](HandshakeReason reason, Status status = Status::bad_request) {
        return std::unexpected{HandshakeFailure{status, reason}};
    };
    const bool is_upgrade = request.field_has_token("Upgrade", "websocket");
    // HEAD is answered as GET would be, and opens nothing.
    const bool is_question = request.method == http::Method::head && !is_upgrade;
    if (request.method != http::Method::get && !is_question)
        return refuse(HandshakeReason::method_not_get, Status::method_not_allowed);
    if (!is_upgrade) return refuse(HandshakeReason::not_an_upgrade, Status::upgrade_required);
    if (request.version_minor < 1)
        return refuse(HandshakeReason::version_too_low, Status::upgrade_required);
    if (!request.field_has_token("Connection", "upgrade"))
        return refuse(HandshakeReason::connection_lacks_upgrade);

    const std::size_t version_count = request.field_count("Sec-WebSocket-Version");
    if (version_count == 0) return refuse(HandshakeReason::missing_version);
    if (version_count > 1) return refuse(HandshakeReason::repeated_version);
    if (request.field("Sec-WebSocket-Version") != "13") {
        return refuse(HandshakeReason::unsupported_version, Status::upgrade_required);
    }

    const std::size_t key_count = request.field_count("Sec-WebSocket-Key");
    if (key_count == 0) return refuse(HandshakeReason::missing_key);
    if (key_count > 1) return refuse(HandshakeReason::repeated_key);
    const std::string_view key = request.field("Sec-WebSocket-Key").value_or("");
    if (!is_key(key)) return refuse(HandshakeReason::malformed_key);

    if (request.has_body()) return refuse(HandshakeReason::has_body);
    if (!has_valid_subprotocols(request)) return refuse(HandshakeReason::malformed_subprotocol);
    return Handshake{.key = key};
}

std::array<char, 28> accept_value(std::string_view key) noexcept {
    constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    RC_ASSERT(key.size() == key_characters);
    std::array<char, key_characters + guid.size()> text;
    key.copy(text.data(), key.size());
    guid.copy(text.data() + key.size(), guid.size());

    std::array<unsigned char, 20> digest;
    const int digested =
        EVP_Digest(text.data(), text.size(), digest.data(), nullptr, sha1(), nullptr);
    RC_ASSERT(digested == 1);

    std::array<char, 28> value;
    std::array<unsigned char, value.size() + 1> encoded;  // OpenSSL ends it with an octet 0.
    const int characters = EVP_EncodeBlock(encoded.data(), digest.data(), digest.size());
    RC_ASSERT(characters == static_cast<int>(value.size()));
    for (std::size_t i = 0; i < value.size(); ++i) value[i] = static_cast<char>(encoded[i]);
    return value;
}

void write_switching_protocols(std::string& out, std::string_view key, std::string_view subprotocol,
                               std::string_view fields) {
    // A line left open, or a line break in the subprotocol, would forge header lines.
    RC_ASSERT(fields.empty() || fields.ends_with("\r\n"));
    RC_ASSERT(subprotocol.empty() || http::is_token(subprotocol));
    const std::array<char, 28> accept = accept_value(key);
    out +=
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\nSec-WebSocket-Accept: ";
    out.append(accept.data(), accept.size());
    out += "\r\n";
    if (!subprotocol.empty()) {
        out += "Sec-WebSocket-Protocol: ";
        out += subprotocol;
        out += "\r\n";
    }
    out += fields;
    out += "\r\n";
}

}  // namespace ringcast::ws

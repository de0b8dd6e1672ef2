#pragma once
// The client's side of the WebSocket protocol for tests, without I/O: it builds upgrade requests
// and masked frames, legal or broken on purpose, and reads what a server sends. Written from RFC
// 6455 alone, byte by byte, and without anything of src/ws, so that a mistake there is not repeated
// here.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringcast::test {

// Section 5.2.
inline constexpr std::uint8_t opcode_continuation = 0, opcode_text = 1, opcode_binary = 2,
                              opcode_close = 8, opcode_ping = 9, opcode_pong = 10;

using ClientKey = std::array<std::uint8_t, 4>;

/// Any frame a client might send. The defaults make a legal text frame.
struct ClientFrame {
    std::uint8_t opcode = opcode_text;
    std::string payload = {};
    bool fin = true;
    std::uint8_t reserved_bits = 0;  ///< RSV1 is 4.
    std::optional<ClientKey> key =
        ClientKey{0x37, 0xfa, 0x21, 0x3d};  ///< None: not masked, a violation.
    enum class Length : std::uint8_t {
        shortest,
        two_octets,
        eight_octets
    } length = Length::shortest;
    std::optional<std::uint64_t> announced_bytes =
        {};  ///< The length to write instead of the payload's.
};

/// The octets of `frame` on the wire.
[[nodiscard]] inline std::string encode(const ClientFrame& frame) {
    std::string out;
    const auto put = [&out](std::uint64_t octet) {
        out.push_back(static_cast<char>(octet & 0xff));
    };
    put((frame.fin ? 0x80u : 0u) | static_cast<unsigned>(frame.reserved_bits << 4) | frame.opcode);
    const std::uint64_t size = frame.announced_bytes.value_or(frame.payload.size());
    const std::uint64_t mask_bit = frame.key ? 0x80 : 0;
    using Length = ClientFrame::Length;
    if (frame.length == Length::eight_octets ||
        (frame.length == Length::shortest && size > 0xffff)) {
        put(mask_bit | 127);
        for (int shift = 56; shift >= 0; shift -= 8) put(size >> shift);
    } else if (frame.length == Length::two_octets || size > 125) {
        put(mask_bit | 126);
        put(size >> 8);
        put(size);
    } else {
        put(mask_bit | size);
    }
    if (frame.key) {
        for (const std::uint8_t octet : *frame.key) put(octet);
    }
    for (std::size_t i = 0; i < frame.payload.size(); ++i) {
        const auto octet = static_cast<std::uint8_t>(frame.payload[i]);
        put(frame.key ? octet ^ (*frame.key)[i % 4] : octet);
    }
    return out;
}

[[nodiscard]] inline std::string text_frame(std::string_view payload, bool fin = true) {
    return encode({.opcode = opcode_text, .payload = std::string{payload}, .fin = fin});
}
[[nodiscard]] inline std::string binary_frame(std::string_view payload, bool fin = true) {
    return encode({.opcode = opcode_binary, .payload = std::string{payload}, .fin = fin});
}
[[nodiscard]] inline std::string continuation_frame(std::string_view payload, bool fin) {
    return encode({.opcode = opcode_continuation, .payload = std::string{payload}, .fin = fin});
}
[[nodiscard]] inline std::string ping_frame(std::string_view payload = {}) {
    return encode({.opcode = opcode_ping, .payload = std::string{payload}});
}
[[nodiscard]] inline std::string pong_frame(std::string_view payload = {}) {
    return encode({.opcode = opcode_pong, .payload = std::string{payload}});
}
/// The payload of a Close frame (section 5.5.1).
[[nodiscard]] inline std::string close_payload(std::uint16_t code, std::string_view reason = {}) {
    std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    payload += reason;
    return payload;
}
[[nodiscard]] inline std::string close_frame(std::uint16_t code, std::string_view reason = {}) {
    return encode({.opcode = opcode_close, .payload = close_payload(code, reason)});
}
[[nodiscard]] inline std::string close_frame_without_code() {
    return encode({.opcode = opcode_close});
}

// The pair of section 1.3.
inline constexpr std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr std::string_view sample_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// An opening handshake (section 4.1). A field left empty is not sent.
struct UpgradeRequest {
    std::string target = "/echo";
    std::string method = "GET";
    std::string http_version = "HTTP/1.1";
    std::string host = "localhost";
    std::string upgrade = "websocket";
    std::string connection = "Upgrade";
    std::string key = std::string{sample_key};
    std::string version = "13";
    std::string origin = {};
    std::string subprotocols = {};
    std::string fields = {};  ///< Further lines, each ended by CRLF.
};

[[nodiscard]] inline std::string encode(const UpgradeRequest& request) {
    std::string out = request.method + " " + request.target + " " + request.http_version + "\r\n";
    const auto put = [&out](std::string_view name, const std::string& value) {
        if (!value.empty()) out.append(name).append(": ").append(value).append("\r\n");
    };
    put("Host", request.host);
    put("Upgrade", request.upgrade);
    put("Connection", request.connection);
    put("Sec-WebSocket-Key", request.key);
    put("Sec-WebSocket-Version", request.version);
    put("Origin", request.origin);
    put("Sec-WebSocket-Protocol", request.subprotocols);
    return out + request.fields + "\r\n";
}

struct ServerResponse {
    int status = 0;
    std::string status_line;
    std::vector<std::pair<std::string, std::string>> fields;  ///< Names in lower case.
    std::string body;  ///< By Content-Length; empty with 101.

    /// The value of the first field called `name` (in lower case).
    [[nodiscard]] std::optional<std::string> field(std::string_view name) const {
        for (const auto& [field_name, value] : fields) {
            if (field_name == name) return value;
        }
        return std::nullopt;
    }
};

struct ServerFrame {
    std::uint8_t opcode = 0;
    bool fin = true;
    std::string payload;
    bool is_compressed = false;  ///< RSV1 (RFC 7692); the payload is as it came.

    /// The code of a Close frame; none if it carries none.
    [[nodiscard]] std::optional<std::uint16_t> close_code() const {
        if (opcode != opcode_close || payload.size() < 2) return std::nullopt;
        return static_cast<std::uint16_t>(static_cast<std::uint8_t>(payload[0]) << 8 |
                                          static_cast<std::uint8_t>(payload[1]));
    }
    friend bool operator==(const ServerFrame&, const ServerFrame&) = default;
};

/// Reads a server's byte stream: first responses, then, after a 101, frames. Says what the server
/// did wrong in error(); from then on it returns nothing.
class ServerReader {
public:
    void feed(std::string_view bytes) {
        if (position_ > 1 << 16) {
            bytes_.erase(0, position_);
            position_ = 0;
        }
        bytes_ += bytes;
    }

    /// The next response, once it is complete. `is_head_answer`: of a HEAD request, thus without a
    /// body.
    [[nodiscard]] std::optional<ServerResponse> next_response(bool is_head_answer = false) {
        if (!error_.empty()) return std::nullopt;
        const std::string_view rest = unread();
        const std::size_t head_end = rest.find("\r\n\r\n");
        if (head_end == std::string_view::npos) return std::nullopt;
        ServerResponse response;
        std::string_view head = rest.substr(0, head_end + 2);
        response.status_line = take_line(head);
        if (!read_status_line(response)) return std::nullopt;
        while (!head.empty()) {
            if (!read_field(take_line(head), response)) return std::nullopt;
        }
        std::size_t size = head_end + 4;
        if (!is_head_answer && response.status != 101) {
            const std::size_t body_bytes =
                std::stoul(response.field("content-length").value_or("0"));
            if (rest.size() - size < body_bytes) return std::nullopt;
            response.body = rest.substr(size, body_bytes);
            size += body_bytes;
        }
        if (response.status == 101) {
            const auto agreed = response.field("sec-websocket-extensions");
            has_compression_ = agreed && agreed->starts_with("permessage-deflate");
        }
        position_ += size;
        return response;
    }

    /// The next frame, once it is complete.
    [[nodiscard]] std::optional<ServerFrame> next_frame() {
        const std::string_view rest = unread();
        if (!error_.empty() || rest.size() < 2) return std::nullopt;
        const auto octet = [rest](std::size_t i) { return static_cast<std::uint8_t>(rest[i]); };
        ServerFrame frame{.opcode = static_cast<std::uint8_t>(octet(0) & 15),
                          .fin = (octet(0) & 128) != 0,
                          .payload = {}};
        frame.is_compressed = (octet(0) & 0x40) != 0;
        const bool may_be_compressed = has_compression_ && (frame.opcode == 1 || frame.opcode == 2);
        if ((octet(0) & 0x30) != 0 || (frame.is_compressed && !may_be_compressed))
            return fail("reserved bits set");
        if (frame.opcode > 10 || (frame.opcode > 2 && frame.opcode < 8))
            return fail("reserved opcode");
        if ((octet(1) & 128) != 0) return fail("masked server frame");
        std::uint64_t size = octet(1) & 127;
        std::size_t header_bytes = 2;
        if (size >= 126) {
            header_bytes = size == 126 ? 4 : 10;
            const std::uint64_t size_min = size == 126 ? 126 : 65536;
            if (rest.size() < header_bytes) return std::nullopt;
            size = 0;
            for (std::size_t i = 2; i < header_bytes; ++i) size = size * 256 + octet(i);
            if (size < size_min) return fail("length not in its shortest form");
        }
        if (frame.opcode >= 8 && (!frame.fin || size > 125))
            return fail("fragmented or long control frame");
        if (rest.size() - header_bytes < size) return std::nullopt;
        frame.payload = rest.substr(header_bytes, size);
        position_ += header_bytes + size;
        return frame;
    }

    /// Bytes fed and not yet returned as a response or frame.
    [[nodiscard]] std::string_view unread() const {
        return std::string_view{bytes_}.substr(position_);
    }
    /// What the server did wrong, empty if nothing.
    [[nodiscard]] const std::string& error() const { return error_; }

private:
    static std::string take_line(std::string_view& head) {
        const std::size_t end = head.find("\r\n");
        std::string line{head.substr(0, end)};
        head.remove_prefix(end + 2);
        return line;
    }

    bool read_status_line(ServerResponse& response) {
        const std::string& line = response.status_line;
        const auto is_digit = [&line](std::size_t i) { return line[i] >= '0' && line[i] <= '9'; };
        if (line.size() < 13 || !line.starts_with("HTTP/1.1 ") || !is_digit(9) || !is_digit(10) ||
            !is_digit(11) || line[12] != ' ') {
            error_ = "malformed status line: " + line;
            return false;
        }
        response.status = std::stoi(line.substr(9, 3));
        return true;
    }

    bool read_field(const std::string& line, ServerResponse& response) {
        const std::size_t colon = line.find(": ");
        if (colon == 0 || colon == std::string::npos ||
            line.find_first_of("\r\n") != std::string::npos) {
            error_ = "malformed field: " + line;
            return false;
        }
        std::string name = line.substr(0, colon);
        for (char& c : name) {
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
        }
        response.fields.emplace_back(std::move(name), line.substr(colon + 2));
        return true;
    }

    std::nullopt_t fail(std::string_view what) {
        error_ = what;
        return std::nullopt;
    }

    std::string bytes_;
    std::size_t position_ = 0;
    bool has_compression_ = false;  // It was agreed on.
    std::string error_;
};

}  // namespace ringcast::test

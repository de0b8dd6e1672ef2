#pragma once
// What a client for tests needs besides ws_client.hpp to speak permessage-deflate: zlib, nothing of
// ours.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "support/deflate_data.hpp"
#include "support/ws_client.hpp"

namespace ringcast::test {

inline constexpr std::string_view plain_offer = "permessage-deflate; client_max_window_bits";

/// The line of a request that offers it.
[[nodiscard]] inline std::string offer_line(std::string_view offer = plain_offer) {
    return "Sec-WebSocket-Extensions: " + std::string{offer} + "\r\n";
}

/// Knows what was agreed, and keeps both contexts as the response says.
class DeflateClient {
public:
    explicit DeflateClient(const ServerResponse& response)
        : agreed_{response.field("sec-websocket-extensions").value_or("")},
          sender_{bits("client_max_window_bits")},
          receiver_{bits("server_max_window_bits")} {
        RC_ASSERT(agreed_.starts_with("permessage-deflate"));
    }

    [[nodiscard]] const std::string& agreed() const { return agreed_; }
    [[nodiscard]] bool has(std::string_view parameter) const { return agreed_.contains(parameter); }

    /// A compressed message in one frame.
    [[nodiscard]] std::string frame(std::string_view message, std::uint8_t opcode = opcode_text) {
        return encode(
            ClientFrame{.opcode = opcode, .payload = payload(message), .reserved_bits = 4});
    }
    [[nodiscard]] std::string payload(std::string_view message) {
        if (has("client_no_context_takeover")) sender_.reset();
        return sender_.payload(message);
    }
    /// What the server has sent; nothing if that is no message, or goes beyond the window.
    [[nodiscard]] std::optional<std::string> message(const ServerFrame& frame) {
        if (!frame.is_compressed) return frame.payload;
        if (has("server_no_context_takeover")) receiver_.reset();
        return receiver_.message(frame.payload);
    }

private:
    /// zlib's deflate knows no window of 8 bits, and its inflate takes more than it needs.
    [[nodiscard]] int bits(std::string_view parameter) const {
        const std::size_t at = agreed_.find(parameter);
        if (at == std::string::npos) return 15;
        return std::max(9, std::stoi(agreed_.substr(at + parameter.size() + 1)));
    }

    std::string agreed_;
    ZlibSender sender_;
    ZlibReceiver receiver_;
};

}  // namespace ringcast::test

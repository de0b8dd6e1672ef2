#pragma once
// A client that speaks permessage-deflate (RFC 7692), with zlib, as it was agreed; and breaks it as
// it is told.

#include <algorithm>
#include <doctest/doctest.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <zlib.h>

#include "conformance/conformance_kit.hpp"
#include "support/deflate_data.hpp"

namespace ringcast::conformance {

inline const std::string plain_offer = "permessage-deflate";

inline constexpr Compression modes[] = {Compression::shared, Compression::dedicated};

/// `size` octets that compress to little more than half, but not further by what is the same in
/// them.
inline std::string hexadecimal(std::size_t size, std::uint32_t seed) {
    std::string out = binary_payload(size, seed);
    for (char& octet : out) octet = "0123456789abcdef"[static_cast<unsigned char>(octet) % 16];
    return out;
}

/// A server that compresses every message, however short.
inline Settings compressing(Compression compression, std::uint64_t message_bytes_max = 1_MiB) {
    Settings with = sockets::settings();
    with.compression = compression;
    with.compression_threshold = 1;
    with.message_bytes_max = message_bytes_max;
    return with;
}

/// What a negotiation response says: its parameters, sorted.
inline std::vector<std::string> parameters_of(std::string_view extension) {
    std::vector<std::string> parameters;
    while (!extension.empty()) {
        const std::size_t end = std::min(extension.find(';'), extension.size());
        std::string_view part = extension.substr(0, end);
        extension.remove_prefix(std::min(end + 1, extension.size()));
        while (part.starts_with(' ')) part.remove_prefix(1);
        parameters.emplace_back(part);
    }
    REQUIRE(!parameters.empty());
    CHECK(parameters.front() == "permessage-deflate");
    parameters.erase(parameters.begin());
    std::ranges::sort(parameters);
    return parameters;
}

/// Reads compressed messages with a window of as many bits as were agreed on, and no more.
class WindowReceiver {
public:
    explicit WindowReceiver(int window_bits) {
        REQUIRE(inflateInit2(&zlib_, -window_bits) == Z_OK);
    }
    ~WindowReceiver() { inflateEnd(&zlib_); }
    WindowReceiver(const WindowReceiver&) = delete;
    WindowReceiver& operator=(const WindowReceiver&) = delete;

    std::string message(const std::string& payload) {
        const std::string input = payload + std::string{"\0\0\xff\xff", 4};
        zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
        zlib_.avail_in = static_cast<uInt>(input.size());
        std::string out;
        int result = Z_OK;
        do {
            // Little at a time: what has left zlib it finds in its window only.
            char piece[256];
            zlib_.next_out = reinterpret_cast<Bytef*>(piece);
            zlib_.avail_out = sizeof piece;
            result = inflate(&zlib_, Z_SYNC_FLUSH);
            out.append(piece, sizeof piece - zlib_.avail_out);
            if (result == Z_STREAM_END) inflateReset(&zlib_);  // A final block (section 7.2.3.4).
        } while ((result == Z_OK || result == Z_STREAM_END) &&
                 (zlib_.avail_in > 0 || zlib_.avail_out == 0));
        CHECK((result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR));
        CHECK(zlib_.avail_in == 0);
        return out;
    }
    void reset() { inflateReset(&zlib_); }

private:
    z_stream zlib_{};
};

class DeflateClient {
public:
    /// Opens a session with these offers, of which one has to be accepted.
    DeflateClient(const EchoServer& server, const std::string& offers) : client{connect(server)} {
        const auto answer = client.open({.fields = "Sec-WebSocket-Extensions: " + offers + "\r\n"});
        REQUIRE(answer.field("sec-websocket-extensions").has_value());
        agreed = parameters_of(*answer.field("sec-websocket-extensions"));
        // zlib writes no windows of 8 bits, and short messages need none.
        sender_.emplace(std::max(9, bits("client_max_window_bits")));
        receiver_.emplace(bits("server_max_window_bits"));
    }

    [[nodiscard]] bool has(std::string_view parameter) const {
        return std::ranges::find(agreed, parameter) != agreed.end();
    }

    /// The payload of a compressed message that says `message`, with or without context as agreed.
    std::string compressed(std::string_view message) {
        std::string result = sender_->payload(message);
        if (has("client_no_context_takeover")) sender_->reset();
        return result;
    }
    /// Sends a message, in fragments if `fragment_bytes` is no 0.
    void send(std::uint8_t opcode, std::string_view message, std::size_t fragment_bytes = 0) {
        client.write(frames_of(opcode, compressed(message), fragment_bytes));
    }
    /// Any payload as if it were a compressed message's.
    static std::string frames_of(std::uint8_t opcode, const std::string& octets,
                                 std::size_t fragment_bytes = 0) {
        const std::size_t step = fragment_bytes == 0 ? octets.size() + 1 : fragment_bytes;
        std::string wire;
        for (std::size_t at = 0; at == 0 || at < octets.size(); at += step) {
            wire +=
                encode(ClientFrame{.opcode = at == 0 ? opcode : test::opcode_continuation,
                                   .payload = octets.substr(at, step),
                                   .fin = at + step >= octets.size(),
                                   .reserved_bits = static_cast<std::uint8_t>(at == 0 ? 4 : 0)});
        }
        return wire;
    }

    /// The next message, which has to be of `opcode`. Compressed or not: a server leaves as it is
    /// what would not shrink.
    std::string message(std::uint8_t opcode) {
        ServerFrame frame = client.frame();
        REQUIRE_MESSAGE(int{frame.opcode} == int{opcode},
                        "instead came " << frame.payload.substr(0, 80));
        CHECK(frame.fin);
        was_compressed = frame.is_compressed;
        payload = std::move(frame.payload);
        if (!was_compressed) return payload;
        std::string result = receiver_->message(payload);
        if (has("server_no_context_takeover")) receiver_->reset();
        return result;
    }
    void expect_echo(std::uint8_t opcode, const std::string& message,
                     std::size_t fragment_bytes = 0) {
        send(opcode, message, fragment_bytes);
        check_same(this->message(opcode), message);
    }
    /// The next message refers to nothing before it.
    void forget() { sender_->reset(); }

    Client client;
    std::vector<std::string> agreed;
    // Of the message read last:
    std::string payload;
    bool was_compressed = false;

private:
    [[nodiscard]] int bits(const std::string& parameter) const {
        for (const std::string& each : agreed) {
            if (each.starts_with(parameter + "="))
                return std::stoi(each.substr(parameter.size() + 1));
        }
        return 15;
    }

    std::optional<test::ZlibSender> sender_;
    std::optional<WindowReceiver> receiver_;
};

}  // namespace ringcast::conformance

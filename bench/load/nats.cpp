// The client protocol of NATS: lines, some with a payload behind them, in one stream of bytes that
// is cut into messages anywhere.
//
//   INFO {...}          CONNECT {...}, SUB topic 1, PING          PONG
//   PUB topic 5, hello                                            MSG topic 1 5, hello

#include <fmt/core.h>

#include "subprotocol.hpp"

namespace ringcast::bench {

namespace {

class Nats final : public Subprotocol {
public:
    ws::Opcode opcode() const noexcept override { return ws::Opcode::binary; }
    std::string_view packet_end() const noexcept override { return "\r\n"; }
    std::optional<PacketKind> kind_of(std::string_view packet) const override {
        if (packet.starts_with("INFO {")) return PacketKind::greeting;
        if (packet == "PONG\r\n") return PacketKind::welcome;
        if (packet == "PING\r\n") return PacketKind::ping;
        return std::nullopt;
    }
    /// The server takes one line after the other, so that its PONG says that SUB is done.
    std::string join(std::string_view topic) const override {
        return fmt::format(
            "CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\nSUB {} 1\r\nPING\r\n", topic);
    }
    std::string pong() const override { return "PONG\r\n"; }
    Envelope publication(std::string_view topic, std::uint64_t payload_bytes) const override {
        return {.before = fmt::format("PUB {} {}\r\n", topic, payload_bytes), .after = "\r\n"};
    }
    Envelope delivery(std::string_view topic, std::uint64_t payload_bytes) const override {
        return {.before = fmt::format("MSG {} 1 {}\r\n", topic, payload_bytes), .after = "\r\n"};
    }
};

}  // namespace

const Subprotocol& nats() {
    static const Nats protocol;
    return protocol;
}

}  // namespace ringcast::bench

// Socket.IO over Engine.IO: each packet is a text message, its first digit what it is to Engine.IO
// (0 open, 2 ping, 3 pong, 4 message), the second what that message is to Socket.IO (0 connect, 2
// event).
//
//   0{"sid":...}          40{"topic":"..."}          40{"sid":...}
//   42["message","hello"]                            42["message","hello"]

#include <fmt/core.h>

#include "subprotocol.hpp"

namespace ringcast::bench {

namespace {

class Socketio final : public Subprotocol {
public:
    ws::Opcode opcode() const noexcept override { return ws::Opcode::text; }
    std::string_view packet_end() const noexcept override { return {}; }
    std::optional<PacketKind> kind_of(std::string_view packet) const override {
        if (packet.starts_with("0{")) return PacketKind::greeting;
        if (packet.starts_with("40{")) return PacketKind::welcome;
        if (packet == "2") return PacketKind::ping;
        return std::nullopt;
    }
    std::string join(std::string_view topic) const override {
        return fmt::format(R"(40{{"topic":"{}"}})", topic);
    }
    std::string pong() const override { return "3"; }
    Envelope publication(std::string_view, std::uint64_t) const override { return message; }
    Envelope delivery(std::string_view, std::uint64_t) const override { return message; }

private:
    const Envelope message{.before = R"(42["message",")", .after = R"("])"};
};

}  // namespace

const Subprotocol& socketio() {
    static const Socketio protocol;
    return protocol;
}

}  // namespace ringcast::bench

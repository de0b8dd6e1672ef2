// The client protocol of Centrifuge, version 2, in JSON: each reply is a message of its own, as
// servers send them that do not gather several.
//
//   {"connect":{},"id":1}                {"id":1,"connect":{...}}
//   {"subscribe":{"channel":"..."},"id":2}   {"id":2,"subscribe":{...}}
//   {"publish":{"channel":"...","data":"hello"},"id":3}
//                                        {"id":3,"publish":{}}
//          {"push":{"channel":"...","pub":{"data":"hello","info":{"client":"..."}}}}
//
// Where the topic has a history, its offset is behind the info.

#include <fmt/core.h>

#include "subprotocol.hpp"

namespace ringcast::bench {

namespace {

class Centrifuge final : public Subprotocol {
public:
    ws::Opcode opcode() const noexcept override { return ws::Opcode::text; }
    std::string_view packet_end() const noexcept override { return {}; }
    std::optional<PacketKind> kind_of(std::string_view packet) const override {
        if (packet.starts_with(R"({"id":1,"connect":{)")) return PacketKind::greeting;
        if (packet.starts_with(R"({"id":2,"subscribe":{)")) return PacketKind::welcome;
        if (packet == R"({"id":3,"publish":{}})") return PacketKind::receipt;
        if (packet == "{}") return PacketKind::ping;
        return std::nullopt;
    }
    std::string hello() const override { return R"({"connect":{},"id":1})"; }
    std::string join(std::string_view topic) const override {
        return fmt::format(R"({{"subscribe":{{"channel":"{}"}},"id":2}})", topic);
    }
    std::string pong() const override { return "{}"; }
    Envelope publication(std::string_view topic, std::uint64_t) const override {
        return {.before = fmt::format(R"({{"publish":{{"channel":"{}","data":")", topic),
                .after = R"("},"id":3})"};
    }
    Envelope delivery(std::string_view topic, std::uint64_t) const override {
        return {.before = fmt::format(R"({{"push":{{"channel":"{}","pub":{{"data":")", topic),
                .after = R"(","info":{"client":")" + uuid + R"("})" + offset + "}}}"};
    }

private:
    /// Of whoever has published it.
    const std::string uuid = std::string(36, Envelope::any);
    const std::string offset = fmt::format(R"({},"offset":{}{})", Envelope::optional,
                                           Envelope::digits, Envelope::optional_end);
};

}  // namespace

const Subprotocol& centrifuge() {
    static const Centrifuge protocol;
    return protocol;
}

}  // namespace ringcast::bench

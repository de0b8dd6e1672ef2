// The client protocol of Centrifuge, version 2, in Protobuf: as in centrifuge.cpp each reply is a
// message of its own. In front of each command and reply is its length.
//
//   1: id, 4: {}                             1: id, 5: {...}
//   1: id, 5: {1: channel}                   1: id, 6: {...}
//   1: id, 7: {1: channel, 2: data}          1: id, 8: {}
//                                            4: {2: channel, 4: {4: data, 5: {2: client}}}

#include <algorithm>
#include <string>
#include <string_view>

#include "subprotocol.hpp"

namespace ringcast::bench {

namespace {

std::string varint(std::uint64_t number) {
    std::string bytes;
    for (; number > 0x7f; number >>= 7U) bytes += static_cast<char>((number & 0x7fU) | 0x80U);
    return bytes + static_cast<char>(number);
}

/// What stands in front of a field of so many bytes.
std::string field_head(unsigned number, std::uint64_t bytes) {
    constexpr unsigned length_delimited = 2;
    return varint(number << 3U | length_delimited) + varint(bytes);
}

std::string field(unsigned number, std::string_view value) {
    return field_head(number, value.size()) + std::string(value);
}

std::string delimited(const std::string& message) {
    return varint(message.size()) + message;
}

std::string id_field(char id) {
    return std::string{"\x08"} + id;
}

class CentrifugeProtobuf final : public Subprotocol {
public:
    ws::Opcode opcode() const noexcept override { return ws::Opcode::binary; }
    std::string_view packet_end() const noexcept override { return {}; }
    std::string name() const override { return "centrifuge-protobuf"; }
    std::optional<PacketKind> kind_of(std::string_view packet) const override {
        if (packet == ping_) return PacketKind::ping;
        // Replies without a publication have less than 2^14 bytes.
        constexpr unsigned char more = 0x80;
        const bool is_long =
            !packet.empty() && (static_cast<unsigned char>(packet.front()) & more) != 0;
        packet.remove_prefix(std::min<std::size_t>(packet.size(), is_long ? 2 : 1));
        if (packet.starts_with("\x08\x01\x2a")) return PacketKind::greeting;
        if (packet.starts_with("\x08\x02\x32")) return PacketKind::welcome;
        if (packet == std::string_view{"\x08\x03\x42\x00", 4}) return PacketKind::receipt;
        return std::nullopt;
    }
    std::string hello() const override { return delimited(id_field(1) + field(4, "")); }
    std::string join(std::string_view topic) const override {
        return delimited(id_field(2) + field(5, field(1, topic)));
    }
    std::string pong() const override { return std::string{ping_}; }
    Envelope publication(std::string_view topic, std::uint64_t payload_bytes) const override {
        const std::string begin = field(1, topic) + field_head(2, payload_bytes);
        const std::string publish = id_field(3) + field_head(7, begin.size() + payload_bytes);
        const std::string before = publish + begin;
        return {.before = varint(before.size() + payload_bytes) + before, .after = {}};
    }
    Envelope delivery(std::string_view topic, std::uint64_t payload_bytes) const override {
        constexpr std::size_t uuid_bytes = 36;  // Of whoever has published it.
        const std::string after = field(5, field(2, std::string(uuid_bytes, Envelope::any)));
        std::string before = field_head(4, payload_bytes);
        const auto wrap = [&](const std::string& front, unsigned number) {
            before =
                front + field_head(number, before.size() + payload_bytes + after.size()) + before;
        };
        wrap(field(2, topic), 4);
        wrap({}, 4);
        const std::size_t bytes = before.size() + payload_bytes + after.size();
        return {.before = varint(bytes) + before, .after = after};
    }

private:
    static constexpr std::string_view ping_{"\0", 1};
};

}  // namespace

const Subprotocol& centrifuge_protobuf() {
    static const CentrifugeProtobuf protocol;
    return protocol;
}

}  // namespace ringcast::bench

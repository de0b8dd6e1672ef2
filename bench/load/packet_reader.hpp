#pragma once
// Takes what one subscriber receives apart, into the payloads of publications, for somebody else to
// compare. Without a protocol on top of WebSocket that is the MessageReader's work; else each
// message, or the stream of them, is taken apart once more, into packets (subprotocol.hpp).

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "error.hpp"
#include "message_reader.hpp"
#include "subprotocol.hpp"
#include "topic_order.hpp"

namespace ringcast::bench {

/// Where one connection is in its stream of packets.
struct PacketState : StreamState {
    bool is_greeted = false;
    bool is_welcome = false;
    bool in_delivery = false;           ///< What stands before the payload is complete.
    std::uint64_t delivery_offset = 0;  ///< Bytes of a delivery seen, from its payload on.
    std::string packet;                 ///< What has come of one that is no delivery so far.

    /// True where a new delivery could begin.
    [[nodiscard]] bool is_between_deliveries() const noexcept {
        return is_between_messages() && !in_delivery && packet.empty();
    }
};

class PacketReader {
public:
    /// `subprotocol` may be nullptr; it must outlive the reader.
    PacketReader(const MessageShape& shape, const Subprotocol* subprotocol);

    /// Consumes some of `bytes`, which come on `topic`, and moves that span on; call it until the
    /// span is empty. The offset of a piece counts from the start of its publication. What must be
    /// answered is, in `replies`, as masked frames. Fails with what is wrong and where.
    [[nodiscard]] Expected<Piece> next(PacketState& state, const TopicOrder& topic,
                                       std::span<const std::byte>& bytes,
                                       std::vector<std::byte>& replies) const {
        if (subprotocol_ == nullptr) return messages_.next(state, bytes, replies);
        return next_of_packet(state, topic, bytes, replies);
    }

private:
    using Bytes = std::span<const std::byte>;

    [[nodiscard]] Expected<Piece> next_of_packet(PacketState& state, const TopicOrder& topic,
                                                 Bytes& bytes,
                                                 std::vector<std::byte>& replies) const;
    [[nodiscard]] Expected<void> read_packet(PacketState& state, const TopicOrder& topic,
                                             Bytes& rest, std::vector<std::byte>& replies) const;
    [[nodiscard]] Expected<Piece> read_delivery(PacketState& state, const TopicOrder& topic,
                                                Bytes& rest) const;
    [[nodiscard]] Expected<void> end_message(PacketState& state, const TopicOrder& topic,
                                             std::vector<std::byte>& replies) const;
    [[nodiscard]] Expected<void> end_packet(PacketState& state, const TopicOrder& topic,
                                            std::vector<std::byte>& replies) const;

    const Subprotocol* subprotocol_;
    std::uint64_t payload_bytes_;
    MessageReader messages_;
};

}  // namespace ringcast::bench

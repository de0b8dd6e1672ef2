#pragma once
// Checks what a subscriber receives: each publication of its topic exactly once, in the one order
// that all subscribers of the topic see, byte for byte. The usual case, whole frames that are
// already known, is one memcmp for all of them; the first subscriber to receive a publication
// decides its position and pays for working out its bytes.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "error.hpp"
#include "packet_reader.hpp"
#include "publication.hpp"
#include "topic_order.hpp"

namespace ringcast::bench {

/// Where one subscriber is. It has subscribed before anything was published, so the number of
/// messages is its position in the topic's order.
struct DeliveryState : PacketState {
    std::uint32_t topic = 0;
    std::array<std::byte, publication_id_bytes> id{};  ///< Of the message under way, as it comes.
};

class DeliveryChecker {
public:
    /// Both are indexed by number and must outlive the checker; it moves `ordered` of publishers
    /// and appends to topics. `subprotocol` may be nullptr.
    DeliveryChecker(const MessageShape& shape, std::span<TopicOrder> topics,
                    std::span<Publisher> publishers, const Subprotocol* subprotocol = nullptr)
        : reader_(shape, subprotocol), topics_(topics), publishers_(publishers) {}

    /// Consumes all of `bytes` and returns how many deliveries they completed: those at the
    /// positions just below `state.messages`. The caller counts them in the topic. Answers to pings
    /// are appended to `pongs` as masked frames. Fails with what is wrong and where.
    [[nodiscard]] Expected<std::size_t> consume(DeliveryState& state,
                                                std::span<const std::byte> bytes,
                                                std::vector<std::byte>& pongs);

private:
    [[nodiscard]] std::size_t count_known_frames(const DeliveryState& state,
                                                 std::span<const std::byte> bytes) const;
    [[nodiscard]] Expected<void> check_payload(DeliveryState& state, const Piece& piece);
    [[nodiscard]] Expected<void> check_id(DeliveryState& state);
    [[nodiscard]] Expected<void> decide(const DeliveryState& state);
    [[nodiscard]] std::unexpected<Error> explain(const DeliveryState& state) const;

    PacketReader reader_;
    std::span<TopicOrder> topics_;
    std::span<Publisher> publishers_;
};

}  // namespace ringcast::bench

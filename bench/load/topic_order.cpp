#include "topic_order.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.hpp"
#include "ws/frame.hpp"

namespace ringcast::bench {

namespace {

/// Enough to explain a delivery that comes again or too early.
constexpr std::size_t entries_min = 16;

}  // namespace

TopicOrder::TopicOrder(std::string name, const MessageShape& shape, std::uint32_t subscriber_count,
                       std::size_t outstanding_max, Envelope delivery)
    : name_(std::move(name)),
      delivery_(std::move(delivery)),
      header_bytes_(ws::server_header_bytes(shape.payload_bytes + delivery_.bytes())),
      frame_bytes_(header_bytes_ + shape.payload_bytes + delivery_.bytes()),
      opcode_(shape.opcode),
      subscriber_count_(subscriber_count),
      entries_(std::bit_ceil(std::max(outstanding_max, entries_min))),
      frames_(entries_.size() * frame_bytes_) {}

void TopicOrder::append(PublicationId id, Clock::time_point published_at) {
    RC_ASSERT(end_ - completed_ < entries_.size());
    const std::size_t slot = end_++ % entries_.size();
    entries_[slot] = {
        .id = id, .published_at = published_at, .subscribers_left = subscriber_count_};
    const std::span message =
        std::span(frames_).subspan(slot * frame_bytes_, frame_bytes_).subspan(header_bytes_);
    write_message(id, delivery_, message);
    ws::write_header_before(message.data(), opcode_, message.size());
}

std::optional<std::uint64_t> TopicOrder::position_of(PublicationId id) const noexcept {
    const std::uint64_t kept = std::min<std::uint64_t>(end_, entries_.size());
    for (std::uint64_t position = end_ - kept; position < end_; ++position) {
        if (entry(position).id == id) return position;
    }
    return std::nullopt;
}

}  // namespace ringcast::bench

#pragma once
// The one order of a topic, as its subscribers find it out: whoever is the first to receive the
// publication at some position decides which one that is, and everybody else must get the same one
// there. Kept as the frames that must arrive, one behind the other, so that a subscriber is checked
// by comparing bytes:
//
//   frames:  | 8 | 9 | 10 | 3 | 4 | 5 | 6 | 7 |     positions, used in a circle of `capacity`
//                          ^ the oldest kept, and the first that somebody may still wait for comes
//                            after it

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io.hpp"
#include "message_reader.hpp"
#include "publication.hpp"

namespace ringcast::bench {

class TopicOrder {
public:
    struct Entry {
        PublicationId id;
        Clock::time_point published_at;
        std::uint32_t subscribers_left = 0;  ///< Who have not received it.
    };

    /// `outstanding_max` is how many publications may be under way at once, between being published
    /// and having reached all `subscriber_count` subscribers. `delivery` is around each of them.
    TopicOrder(std::string name, const MessageShape& shape, std::uint32_t subscriber_count,
               std::size_t outstanding_max, Envelope delivery = {});

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const Envelope& delivery() const noexcept { return delivery_; }
    [[nodiscard]] std::uint32_t subscriber_count() const noexcept { return subscriber_count_; }
    /// Positions that are decided: 0 to `end() - 1`.
    [[nodiscard]] std::uint64_t end() const noexcept { return end_; }
    /// Positions that all subscribers have received.
    [[nodiscard]] std::uint64_t completed() const noexcept { return completed_; }

    /// Puts `id` at position end().
    void append(PublicationId id, Clock::time_point published_at);

    /// The frames from `position` on, as many as lie in one piece; empty at end().
    [[nodiscard]] std::span<const std::byte> frames_from(std::uint64_t position) const noexcept {
        if (position == end_) return {};
        const std::size_t slot = position % entries_.size();
        const std::size_t count = std::min<std::size_t>(end_ - position, entries_.size() - slot);
        return std::span(frames_).subspan(slot * frame_bytes_, count * frame_bytes_);
    }
    [[nodiscard]] std::size_t frame_bytes() const noexcept { return frame_bytes_; }
    /// The payload from byte `offset` on of what is at `position`, which is decided.
    [[nodiscard]] std::span<const std::byte> payload_from(std::uint64_t position,
                                                          std::uint64_t offset) const noexcept {
        return frames_from(position)
            .first(frame_bytes_ - delivery_.after.size())
            .subspan(header_bytes_ + delivery_.before.size() + offset);
    }
    /// What is at `position`, which is decided and not completed().
    [[nodiscard]] const Entry& entry(std::uint64_t position) const noexcept {
        return entries_[position % entries_.size()];
    }
    /// Where `id` is, if it is there and still kept. Slow: to explain a failure.
    [[nodiscard]] std::optional<std::uint64_t> position_of(PublicationId id) const noexcept;

    /// One more subscriber has received what is at `position`; true if that was the last one.
    bool count_delivery(std::uint64_t position) noexcept {
        if (--entries_[position % entries_.size()].subscribers_left > 0) return false;
        ++completed_;
        return true;
    }

private:
    std::string name_;
    Envelope delivery_;
    std::size_t header_bytes_;
    std::size_t frame_bytes_;
    ws::Opcode opcode_;
    std::uint32_t subscriber_count_;
    std::uint64_t end_ = 0;
    std::uint64_t completed_ = 0;
    std::vector<Entry> entries_;  ///< A power of two.
    std::vector<std::byte> frames_;
};

/// What one publisher has sent, and what became of it.
struct Publisher {
    Publisher(std::uint32_t its_topic, std::size_t outstanding_max)
        : topic(its_topic), published_at(outstanding_max) {}

    [[nodiscard]] std::uint64_t outstanding() const noexcept { return published - completed; }
    [[nodiscard]] bool may_publish() const noexcept {
        return owed > 0 && outstanding() < published_at.size();
    }
    void publish(Clock::time_point time) noexcept {
        published_at[published++ % published_at.size()] = time;
    }
    /// When publication `sequence`, which is outstanding, was published.
    [[nodiscard]] Clock::time_point time_of(std::uint64_t sequence) const noexcept {
        return published_at[sequence % published_at.size()];
    }

    std::uint32_t topic;
    std::uint64_t owed = 0;       ///< Publications to be sent.
    std::uint64_t published = 0;  ///< Those handed to the kernel.
    std::uint64_t ordered = 0;    ///< Those whose position in the topic's order is known.
    std::uint64_t completed = 0;  ///< Those that all subscribers have received.
    std::vector<Clock::time_point> published_at;  ///< Used in a circle.
};

}  // namespace ringcast::bench

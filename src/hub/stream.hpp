#pragma once
// The newest publications of a topic, kept at its home for those who come later, and their budget.
//
//   Stream of a topic:   top 107, epoch k3VxQ_9a
//       kept:  [ 103 ][ 104 ][ 105 ][ 106 ][ 107 ]      references to immutable blocks
//                 ^ falls out: by count, by age, by bytes of the shard
//
// What is kept is always the end of the stream, without a gap: so a number says whether it is
// there. Numbers go on over an emptied stream.
//
//   History of a shard:  published to longest ago -> ... -> just now     (streams that keep some)
//
// Where the budget is exceeded, the stream that was published to longest ago is emptied; the one
// that was published to just now loses its oldest ones only when no other is left. By age streams
// are looked at when their oldest publication is due, so a tick costs what it takes away.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/publication.hpp"
#include "base/shared_payload.hpp"
#include "base/time.hpp"
#include "base/timer_wheel.hpp"
#include "hub/position.hpp"

namespace ringcast::hub {

/// What a topic keeps.
struct StreamLimits {
    std::uint32_t count_max = 0;  ///< Publications; 0: none.
    Duration age_max = std::chrono::minutes{5};
    /// The newest one says all: whoever comes back gets that, however much it has missed.
    bool is_newest_enough = false;
};

/// A publication that is kept. A view: whoever holds it for longer than the stream may takes a
/// reference to its payload.
struct StoredPublication {
    SharedPayload* payload = nullptr;
    Instant stored_at{};
    PublicationKind kind = PublicationKind::text;
};

/// What a publisher says of how new a publication is: for topics whose publications say all, and
/// may come late and out of order. A view.
struct PublicationVersion {
    static constexpr std::size_t epoch_bytes_max = 64;

    std::uint64_t number = 0;  ///< 0: it says nothing.
    /// Versions of different epochs cannot be compared: then the publication counts as newer.
    /// Empty: compared with the one before, whatever epoch that was of.
    std::string_view epoch;
};

/// A topic's numbers, and what it keeps. Lives in the topic, for the home's thread; changed by
/// History only. 24 bytes, and nothing else where nothing is kept.
class Stream {
public:
    Stream(Epoch epoch, const StreamLimits& limits);
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream();

    [[nodiscard]] Position position() const noexcept { return {.offset = top_, .epoch = epoch_}; }
    [[nodiscard]] const Epoch& epoch() const noexcept { return epoch_; }
    /// The number of the newest publication; the first one is 1.
    [[nodiscard]] std::uint64_t top() const noexcept { return top_; }
    /// Whether publications are kept at all.
    [[nodiscard]] bool keeps() const noexcept { return kept_ != nullptr; }
    /// As of StreamLimits::is_newest_enough.
    [[nodiscard]] bool is_newest_enough() const noexcept;
    [[nodiscard]] std::uint32_t count() const noexcept;
    /// The number of the oldest one that is kept; top() + 1 if none is.
    [[nodiscard]] std::uint64_t first() const noexcept { return top_ + 1 - count(); }
    /// Whether all publications behind that number are kept; there may be none.
    [[nodiscard]] bool reaches_back_to(std::uint64_t offset) const noexcept {
        return offset <= top_ && offset + 1 >= first();
    }
    /// Whether the newest publication that had a version was as new as this, or newer. Never where
    /// nothing is kept.
    [[nodiscard]] bool has_seen(const PublicationVersion& version) const noexcept;
    /// The publication of that number, from first() to top().
    [[nodiscard]] const StoredPublication& at(std::uint64_t offset) const noexcept;

private:
    friend class History;
    struct Kept;

    const Epoch epoch_;
    std::uint64_t top_ = 0;
    std::unique_ptr<Kept> kept_;
};
static_assert(sizeof(Stream) == 24);

/// The streams of one shard that keep something. For that shard's thread; destroyed after them.
class History {
public:
    explicit History(std::uint64_t bytes_max) : bytes_max_{bytes_max} {}
    History(const History&) = delete;
    History& operator=(const History&) = delete;

    /// Numbers a publication that is not kept.
    static std::uint64_t number(Stream& stream) noexcept { return ++stream.top_; }
    /// Numbers and keeps one, whose reference is the stream's from now on.
    std::uint64_t append(Stream& stream, SharedPayload& payload, PublicationKind kind, Instant now);
    /// What was published last to a stream that keeps publications has that version, if it says
    /// anything.
    static void note(Stream& stream, const PublicationVersion& version);
    /// Empties the stream; its numbers go on, and its version stays.
    void clear(Stream& stream) noexcept;
    /// Likewise, for want of room.
    void evict(Stream& stream) noexcept {
        evictions_ += stream.count();
        clear(stream);
    }
    /// Takes away what is too old, of `count_max` streams at most.
    void expire(Instant now, std::size_t count_max) noexcept;

    /// Publications that are kept, and what they take.
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    /// Publications that were taken away for want of room.
    [[nodiscard]] std::uint64_t evictions() const noexcept { return evictions_; }

private:
    using Kept = Stream::Kept;

    void drop_oldest(Kept& kept) noexcept;
    void drop_all(Kept& kept) noexcept;
    void fit() noexcept;
    void link(Kept& kept) noexcept;
    void unlink(Kept& kept) noexcept;

    const std::uint64_t bytes_max_;
    std::uint64_t count_ = 0, bytes_ = 0, evictions_ = 0;
    Kept* longest_ago_ = nullptr;
    Kept* just_now_ = nullptr;
    // A tick of it may be coarse: ages are seconds.
    TimerWheel due_{std::chrono::milliseconds{256}};
};

}  // namespace ringcast::hub

#pragma once
// The lane of a thread that is no shard: a queue of publications into one shard, its carrier, which
// passes them on to their topics' homes. So publications of one thread keep their order, and the
// thread never waits: a full lane is an answer.

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/spsc_bytes.hpp"
#include "ringcast/topic.hpp"
#include "shard/inbox.hpp"
#include "shard/mesh_record.hpp"

namespace ringcast::shard {

/// Shared by the publishing thread and the carrier; counted, because either may end first.
class PublisherLane {
public:
    /// Owned by one reference. `capacity` as of SpscBytes; `inbox` is the carrier's, `source` its
    /// bit.
    [[nodiscard]] static PublisherLane* make(std::size_t capacity, Inbox& inbox,
                                             std::uint64_t source) {
        return new PublisherLane{capacity, inbox, source};
    }
    void acquire() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        // Acquire and release: whoever frees sees all that the other did with it.
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    // The publishing thread.

    /// `topic` is valid.
    [[nodiscard]] PublishStatus publish(std::string_view topic, PublicationKind kind,
                                        std::span<const std::byte> payload) noexcept {
        const Record record{.kind = RecordKind::publish,
                            .publication_kind = kind,
                            .topic = topic,
                            .payload = payload};
        const std::size_t size = record_bytes(record);
        if (size > queue_.record_bytes_max()) return PublishStatus::too_large;
        if (is_closed_.load(std::memory_order_acquire)) return PublishStatus::closed;
        std::byte* const place = queue_.reserve(size);
        if (place == nullptr) return PublishStatus::full;
        write_record(place, record);
        queue_.commit();
        queue_.publish();
        inbox_.announce(source_);
        return PublishStatus::accepted;
    }

    /// Nothing follows: the carrier lets go of the lane once it is empty.
    void abandon() noexcept {
        // Release, partner of the acquire in is_abandoned(): what was published before is seen.
        is_abandoned_.store(true, std::memory_order_release);
    }

    // The carrier.

    [[nodiscard]] bool is_abandoned() const noexcept {
        return is_abandoned_.load(std::memory_order_acquire);
    }
    [[nodiscard]] SpscBytes& queue() noexcept { return queue_; }
    /// Nothing is taken from it any more.
    void close() noexcept {
        // Release, partner of the acquire in publish(): a hint; what is published in this very
        // moment may still be accepted and lost, as if it had come a moment before the end.
        is_closed_.store(true, std::memory_order_release);
    }

private:
    PublisherLane(std::size_t capacity, Inbox& inbox, std::uint64_t source)
        : queue_{capacity}, inbox_{inbox}, source_{source} {
        inbox_.acquire();
    }
    ~PublisherLane() { inbox_.release(); }

    SpscBytes queue_;
    Inbox& inbox_;
    const std::uint64_t source_;
    std::atomic<bool> is_closed_{false};
    std::atomic<bool> is_abandoned_{false};
    std::atomic<std::uint32_t> references_{1};
};

/// Destroys notes that nobody will read, with the lanes that they bring.
inline void drop_notes(Note* next) noexcept {
    while (next != nullptr) {
        const std::unique_ptr<Note> note{next};
        next = note->next;
        if (note->publisher == nullptr) continue;
        note->publisher->close();
        note->publisher->release();
    }
}

}  // namespace ringcast::shard

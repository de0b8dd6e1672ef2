#pragma once
// The way into a shard for other threads: late admissions, shutdown. A lock-free stack of notes
// that the shard takes as a whole (Treiber 1986); rare traffic, so each note is an allocation. With
// the mesh the only place where a shard meets another thread.

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/slab.hpp"
#include "ring/ring.hpp"
#include "ringcast/close_code.hpp"
#include "shard/endpoint.hpp"

namespace ringcast::shard {

/// Something another thread wants of a shard.
struct Note {
    enum class Kind : std::uint8_t {
        verdict,    ///< A pending admission is decided.
        shutdown,   ///< Close everything with `code`.
        terminate,  ///< Cut what is still open.
    };
    Kind kind = Kind::verdict;
    CloseCode code = CloseCode::going_away;
    SlotId session;
    Verdict verdict;
    Note* next = nullptr;
};

/// Shared by a shard and whoever may write to it; counted, because a late admission may outlive its
/// shard. Posting never blocks. close() waits for posts under way, at most the time of one wake-up
/// each.
class Inbox {
public:
    /// Owned by one reference, the caller's.
    [[nodiscard]] static Inbox* make(ring::Waker waker) { return new Inbox{waker}; }
    void acquire() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        // acq_rel: whoever frees sees all that others did with the inbox.
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    /// Any thread. False, and the note is destroyed here, if the shard has closed its inbox.
    bool post(std::unique_ptr<Note> note) noexcept {
        posting_.fetch_add(1, std::memory_order_seq_cst);  // Pairs with close().
        Note* head = head_.load(std::memory_order_relaxed);
        do {
            if (head == closed()) {
                posting_.fetch_sub(1, std::memory_order_release);
                return false;
            }
            note->next = head;
            // release: the shard's acquire in take() sees the note's content.
        } while (!head_.compare_exchange_weak(head, note.get(), std::memory_order_release,
                                              std::memory_order_relaxed));
        note.release();
        waker_.wake();
        posting_.fetch_sub(1, std::memory_order_release);  // Pairs with the acquire in close().
        return true;
    }

    /// The shard: all notes, oldest first, linked by `next`; the caller owns them. Null if there
    /// are none.
    [[nodiscard]] Note* take() noexcept {
        if (head_.load(std::memory_order_relaxed) == nullptr) return nullptr;
        return reversed(head_.exchange(nullptr, std::memory_order_acquire));
    }

    /// The shard, at its end: no note is taken any more, and the waker is not used after this
    /// returns. Returns what was left.
    [[nodiscard]] Note* close() noexcept {
        Note* const last = head_.exchange(closed(), std::memory_order_seq_cst);
        while (posting_.load(std::memory_order_acquire) != 0) {
        }
        return reversed(last);
    }

private:
    explicit Inbox(ring::Waker waker) noexcept : waker_{waker} {}
    ~Inbox() = default;

    Note* closed() noexcept { return &closed_; }
    static Note* reversed(Note* note) noexcept {
        Note* result = nullptr;
        while (note != nullptr) {
            Note* const next = note->next;
            note->next = result;
            result = note;
            note = next;
        }
        return result;
    }

    Note closed_;  // Its address says: closed.
    std::atomic<Note*> head_{nullptr};
    std::atomic<std::uint32_t> posting_{0};
    std::atomic<std::uint32_t> references_{1};
    ring::Waker waker_;
};

}  // namespace ringcast::shard

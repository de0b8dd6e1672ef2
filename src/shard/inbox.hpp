#pragma once
// The way into a shard for other threads. Rare news (late admissions, shutdown) come as notes: a
// lock-free stack that the shard takes as a whole (Treiber 1986), each note an allocation. What
// comes often lies in queues of its own; for them there is a doorbell, which wakes only a shard
// that sleeps. With the mesh the only place where a shard meets another thread.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/doorbell.hpp"
#include "base/slab.hpp"
#include "ring/ring.hpp"
#include "ringcast/close_code.hpp"
#include "shard/endpoint.hpp"
#include "shard/secure.hpp"
#include "shard/tokens.hpp"

namespace ringcast::shard {

class PublisherLane;

/// What one shard has another one do, on that one's thread.
using Task = std::function<void(Shard&)>;

/// Something another thread wants of a shard.
struct Note {
    enum class Kind : std::uint8_t {
        verdict,    ///< A pending admission is decided.
        shutdown,   ///< Close everything with `code`.
        end_admin,  ///< During a shutdown: admin listeners end, too.
        terminate,  ///< Cut what is still open.
        publisher,  ///< Another thread has a lane into the shard, which it brings.
        tls,        ///< New certificates or ticket keys, which it brings.
        task,       ///< Another shard wants something rare to be done.
        tokens,     ///< New keys for tokens, which it brings.
    };
    Kind kind = Kind::verdict;
    CloseCode code = CloseCode::going_away;
    SlotId session;
    Verdict verdict;
    PublisherLane* publisher =
        nullptr;  ///< With a reference; taken over by whoever reads the note.
    std::unique_ptr<TlsMaterial> tls;
    Task task;
    std::unique_ptr<TokenMaterial> tokens;
    Note* next = nullptr;
};

/// Shared by a shard and whoever may write to it; counted, because a late admission may outlive its
/// shard. Made before the shard; what is posted until it opens is read in its first turn. Posting
/// never blocks. close() waits for posts under way, at most the time of one wake-up each.
class Inbox {
public:
    /// Owned by one reference, the caller's.
    [[nodiscard]] static Inbox* make() { return new Inbox; }
    /// The shard, before its first turn, which must not wait: from now on posts wake it.
    void open(ring::Waker waker) noexcept {
        waker_ = waker;
        // Sequentially consistent, partner of the load in wake(): who does not see it has written
        // before the shard looks. Its release publishes the waker.
        is_open_.store(true, std::memory_order_seq_cst);
    }
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
            // Its release: the shard's acquire in take() sees the note's content. Sequentially
            // consistent for the sake of is_open_: see open().
        } while (!head_.compare_exchange_weak(head, note.get(), std::memory_order_seq_cst,
                                              std::memory_order_relaxed));
        note.release();
        if (is_open_.load(std::memory_order_seq_cst)) waker_.wake();
        posting_.fetch_sub(1, std::memory_order_release);  // Pairs with the acquire in close().
        return true;
    }

    /// Any thread, after making something visible in a queue of its own: the shard looks into the
    /// queues of these `sources`, and is woken if it sleeps.
    void announce(std::uint64_t sources) noexcept {
        if (!doorbell_.ring(sources)) return;
        posting_.fetch_add(1, std::memory_order_seq_cst);  // Pairs with close().
        // Who finds the inbox closed finds nobody asleep behind it. A shard that sleeps is open.
        if (head_.load(std::memory_order_seq_cst) != closed()) waker_.wake();
        posting_.fetch_sub(1, std::memory_order_release);  // Pairs with the acquire in close().
    }
    /// The shard's side of it.
    [[nodiscard]] Doorbell& doorbell() noexcept { return doorbell_; }

    /// The shard: all notes, oldest first, linked by `next`; the caller owns them. Null if there
    /// are none.
    [[nodiscard]] Note* take() noexcept {
        if (head_.load(std::memory_order_relaxed) == nullptr) return nullptr;
        return reversed(head_.exchange(nullptr, std::memory_order_acquire));
    }

    /// The shard, at its end: no note is taken any more, and the waker is not used after this
    /// returns. Returns what was left. Again, by whoever owns the inbox: for a shard that never
    /// began.
    [[nodiscard]] Note* close() noexcept {
        Note* const last = head_.exchange(closed(), std::memory_order_seq_cst);
        while (posting_.load(std::memory_order_acquire) != 0) {
        }
        return last == closed() ? nullptr : reversed(last);
    }

private:
    Inbox() = default;
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
    std::atomic<bool> is_open_{false};
    ring::Waker waker_;  // Written once, before is_open_.
    Doorbell doorbell_;
};

}  // namespace ringcast::shard

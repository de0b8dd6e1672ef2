#pragma once
// Input that connections have begun and not finished: request heads and messages that came in part,
// and what was received of suspended connections. Says how much of the shard's memory it takes, and
// which connection has held its part for longest.
//
//   oldest <-> ... <-> newest     a connection goes to the end when it begins to hold memory, and
//                                 again with every `progress_bytes` of the same message
//
// So whoever finishes what it begins is never oldest for long, and whoever only holds memory soon
// is. Taking from the oldest when memory is used up (Shard::give_up_oldest) bounds what clients
// that do not finish can take from those that do, however many they are: they would have to fill
// the whole share again in the time that an honest message takes.
//
// Few connections are in the middle of something at a time: what is known of their inputs lies in a
// slab of its own, and costs the others a pointer.

#include <cstdint>

#include "base/slab.hpp"
#include "base/time.hpp"

namespace ringcast::shard {

/// A list and a sum; owns nothing, knows nothing of connections. One per shard. Constant time.
class UnfinishedInputs {
public:
    class Entry;

private:
    struct Input {
        explicit Input(SlotId id) noexcept : slot{id.slot} {}

        Entry* owner = nullptr;
        Input* older = nullptr;
        Input* newer = nullptr;  // Null: not listed.
        Instant since{};
        std::uint64_t memory_bytes = 0;
        std::uint64_t mark = 0;  // Bytes of the message at `since`.
        const std::uint32_t slot;
    };

public:
    /// A connection's part: a base of it, of one pointer. Must be removed before it dies.
    class Entry {
    public:
        Entry() = default;
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;

        [[nodiscard]] bool is_unfinished() const noexcept { return input_ != nullptr; }
        /// Of the unfinished input's begin, or its last progress.
        [[nodiscard]] Instant unfinished_since() const noexcept {
            return input_ == nullptr ? instant_never : input_->since;
        }
        /// What the unfinished input takes.
        [[nodiscard]] std::uint64_t unfinished_bytes() const noexcept {
            return input_ == nullptr ? 0 : input_->memory_bytes;
        }

    private:
        friend class UnfinishedInputs;
        Input* input_ = nullptr;
    };

    /// Bytes of one message that count as progress.
    static constexpr std::uint64_t progress_bytes = 64 << 10;

    UnfinishedInputs() : inputs_{inputs_max} { ends_.older = ends_.newer = &ends_; }
    ~UnfinishedInputs();
    UnfinishedInputs(const UnfinishedInputs&) = delete;
    UnfinishedInputs& operator=(const UnfinishedInputs&) = delete;

    /// The connection's input is not finished: so far `message_bytes` of it came, and it takes
    /// `memory_bytes`.
    void note(Entry& entry, std::uint64_t message_bytes, std::uint64_t memory_bytes, Instant now);
    /// It is finished, or dropped. Nothing happens if there is none.
    void remove(Entry& entry) noexcept {
        if (entry.is_unfinished()) drop(entry);
    }
    /// Its client could not go on before: it has all its time again.
    void restart(Entry& entry, Instant now) noexcept;

    /// Of those that take memory; null if there are none.
    [[nodiscard]] Entry* oldest() noexcept {
        return ends_.newer == &ends_ ? nullptr : ends_.newer->owner;
    }
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return memory_bytes_; }

private:
    static constexpr std::uint32_t inputs_max = UINT32_MAX - 1;

    void drop(Entry& entry) noexcept;
    void link(Input& input) noexcept;
    static void unlink(Input& input) noexcept;

    Slab<Input> inputs_;
    Input ends_{SlotId{}};  // Of a circular list: its `newer` is the oldest.
    std::uint64_t memory_bytes_ = 0;
};

}  // namespace ringcast::shard

#include "shard/unfinished.hpp"

#include "base/assert.hpp"

namespace ringcast::shard {

UnfinishedInputs::~UnfinishedInputs() {
    RC_ASSERT(oldest() == nullptr);
    RC_ASSERT(memory_bytes_ == 0);
}

void UnfinishedInputs::note(Entry& entry, std::uint64_t message_bytes, std::uint64_t memory_bytes,
                            Instant now) noexcept {
    memory_bytes_ += memory_bytes - entry.memory_bytes;
    entry.memory_bytes = memory_bytes;
    if (!entry.is_unfinished()) {
        entry.since = now;
        entry.mark = message_bytes;
    } else if (message_bytes >= entry.mark + progress_bytes) {
        entry.mark = message_bytes;
        restart(entry, now);
    }
    if (memory_bytes > 0 && entry.newer == nullptr) link(entry);
}

void UnfinishedInputs::restart(Entry& entry, Instant now) noexcept {
    if (!entry.is_unfinished()) return;
    entry.since = now;
    if (entry.newer == nullptr) return;
    unlink(entry);
    link(entry);
}

void UnfinishedInputs::drop(Entry& entry) noexcept {
    RC_ASSERT(memory_bytes_ >= entry.memory_bytes);
    memory_bytes_ -= entry.memory_bytes;
    entry.memory_bytes = 0;
    entry.since = instant_never;
    if (entry.newer != nullptr) unlink(entry);
}

void UnfinishedInputs::link(Entry& entry) noexcept {
    entry.older = ends_.older;
    entry.newer = &ends_;
    entry.older->newer = &entry;
    ends_.older = &entry;
}

void UnfinishedInputs::unlink(Entry& entry) noexcept {
    entry.older->newer = entry.newer;
    entry.newer->older = entry.older;
    entry.older = entry.newer = nullptr;
}

}  // namespace ringcast::shard

#include "shard/unfinished.hpp"

#include <utility>

#include "base/assert.hpp"

namespace ringcast::shard {

UnfinishedInputs::~UnfinishedInputs() {
    RC_ASSERT(oldest() == nullptr);
    RC_ASSERT(memory_bytes_ == 0);
}

void UnfinishedInputs::note(Entry& entry, std::uint64_t message_bytes, std::uint64_t memory_bytes,
                            Instant now) {
    if (!entry.is_unfinished()) {
        entry.input_ = inputs_.insert();
        RC_ASSERT(entry.input_ != nullptr);
        entry.input_->owner = &entry;
        entry.input_->since = now;
        entry.input_->mark = message_bytes;
    }
    Input& input = *entry.input_;
    memory_bytes_ += memory_bytes - input.memory_bytes;
    input.memory_bytes = memory_bytes;
    if (message_bytes >= input.mark + progress_bytes) {
        input.mark = message_bytes;
        restart(entry, now);
    }
    if (memory_bytes > 0 && input.newer == nullptr) link(input);
}

void UnfinishedInputs::restart(Entry& entry, Instant now) noexcept {
    if (!entry.is_unfinished()) return;
    entry.input_->since = now;
    if (entry.input_->newer == nullptr) return;
    unlink(*entry.input_);
    link(*entry.input_);
}

void UnfinishedInputs::drop(Entry& entry) noexcept {
    Input& input = *std::exchange(entry.input_, nullptr);
    RC_ASSERT(memory_bytes_ >= input.memory_bytes);
    memory_bytes_ -= input.memory_bytes;
    if (input.newer != nullptr) unlink(input);
    inputs_.erase(input.slot);
}

void UnfinishedInputs::link(Input& input) noexcept {
    input.older = ends_.older;
    input.newer = &ends_;
    input.older->newer = &input;
    ends_.older = &input;
}

void UnfinishedInputs::unlink(Input& input) noexcept {
    input.older->newer = input.newer;
    input.newer->older = input.older;
    input.older = input.newer = nullptr;
}

}  // namespace ringcast::shard

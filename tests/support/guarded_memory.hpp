#pragma once
// Memory that ends, or begins, at a page that may not be touched: one octet too far is a crash.

#include <cstddef>
#include <span>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.hpp"

namespace ringcast::test {

/// Readable and writable octets between two forbidden pages.
class GuardedMemory {
public:
    /// At least `bytes` of them.
    explicit GuardedMemory(std::size_t bytes)
        : page_bytes_{static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))},
          inner_bytes_{(bytes + page_bytes_ - 1) / page_bytes_ * page_bytes_} {
        void* memory = ::mmap(nullptr, inner_bytes_ + 2 * page_bytes_, PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        RC_ASSERT(memory != MAP_FAILED);
        outer_ = static_cast<std::byte*>(memory);
        RC_ASSERT(::mprotect(outer_ + page_bytes_, inner_bytes_, PROT_READ | PROT_WRITE) == 0);
    }
    ~GuardedMemory() { ::munmap(outer_, inner_bytes_ + 2 * page_bytes_); }
    GuardedMemory(const GuardedMemory&) = delete;
    GuardedMemory& operator=(const GuardedMemory&) = delete;

    /// `bytes` octets with the forbidden page right before them.
    [[nodiscard]] std::span<std::byte> at_front(std::size_t bytes) const {
        RC_ASSERT(bytes <= inner_bytes_);
        return {outer_ + page_bytes_, bytes};
    }
    /// `bytes` octets with the forbidden page right behind them.
    [[nodiscard]] std::span<std::byte> at_back(std::size_t bytes) const {
        RC_ASSERT(bytes <= inner_bytes_);
        return {outer_ + page_bytes_ + inner_bytes_ - bytes, bytes};
    }

private:
    std::size_t page_bytes_, inner_bytes_;
    std::byte* outer_;
};

}  // namespace ringcast::test

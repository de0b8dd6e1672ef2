#pragma once
// Memory that zlib asks for, counted. zlib frees by address alone, so that the size stands before
// each piece.

#include <cstddef>
#include <new>

#include "base/assert.hpp"

namespace ringcast::ws {

/// What one zlib stream holds, and a sum over several. Owned by the stream's owner; must not move
/// while the stream lives.
class ZlibMemory {
public:
    explicit ZlibMemory(std::size_t& total_bytes) noexcept : total_bytes_{total_bytes} {}
    ZlibMemory(const ZlibMemory&) = delete;
    ZlibMemory& operator=(const ZlibMemory&) = delete;
    ~ZlibMemory() { RC_ASSERT(bytes_ == 0); }

    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

    /// zalloc and zfree of a z_stream whose opaque points to a ZlibMemory. bad_alloc ends the
    /// process, as everywhere.
    static void* allocate(void* self, unsigned count, unsigned item_bytes) noexcept {
        const std::size_t bytes = front_bytes + std::size_t{count} * item_bytes;
        auto* const memory = static_cast<std::byte*>(::operator new(bytes));
        ::new (memory) std::size_t{bytes};
        static_cast<ZlibMemory*>(self)->add(bytes);
        return memory + front_bytes;
    }
    static void release(void* self, void* memory) noexcept {
        std::byte* const front = static_cast<std::byte*>(memory) - front_bytes;
        static_cast<ZlibMemory*>(self)->subtract(
            *std::launder(reinterpret_cast<std::size_t*>(front)));
        ::operator delete(front);
    }

private:
    static constexpr std::size_t front_bytes = 16;  // Keeps what follows aligned for any type.
    static_assert(front_bytes >= sizeof(std::size_t));
    static_assert(front_bytes % alignof(std::max_align_t) == 0);

    void add(std::size_t bytes) noexcept {
        bytes_ += bytes;
        total_bytes_ += bytes;
    }
    void subtract(std::size_t bytes) noexcept {
        RC_ASSERT(bytes <= bytes_);
        bytes_ -= bytes;
        total_bytes_ -= bytes;
    }

    std::size_t bytes_ = 0;
    std::size_t& total_bytes_;
};

}  // namespace ringcast::ws

#pragma once
// Objects with stable addresses and generation-checked handles: connections, sessions. One slab per
// shard and type.
//
// Memory grows one chunk at a time and is kept until the slab dies. A freed slot is the next one to
// be used again, while it is still in cache.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/assert.hpp"

namespace ringcast {

/// Names one object for as long as it lives, and nothing afterwards. Generations start at 1 and
/// wrap to 1, so that a SlotId of zeros never names anything; a handle that is kept over 65,535
/// reuses of its slot may name a stranger.
struct SlotId {
    std::uint32_t slot = 0;
    std::uint16_t generation = 0;

    friend bool operator==(const SlotId&, const SlotId&) = default;
};

/// Owns up to `capacity_max` objects of type T, constructed and destroyed in place. Belongs to one
/// shard; not thread-safe. Pointers stay valid until the object is erased.
template <class T>
class Slab {
public:
    static constexpr std::uint32_t chunk_count_default = 256;

    /// `chunk_count`: objects per chunk, a power of two.
    explicit Slab(std::uint32_t capacity_max, std::uint32_t chunk_count = chunk_count_default)
        : capacity_max_{capacity_max},
          chunk_shift_{static_cast<std::uint32_t>(std::countr_zero(chunk_count))},
          chunk_mask_{chunk_count - 1} {
        RC_ASSERT(std::has_single_bit(chunk_count));
        RC_ASSERT(capacity_max < no_slot);
    }
    ~Slab() {
        for_each([](T& object) { std::destroy_at(&object); });
    }
    Slab(const Slab&) = delete;
    Slab& operator=(const Slab&) = delete;

    /// Constructs T(id, arguments...) if T can be made that way, else T(arguments...). Null if the
    /// slab is full.
    template <class... Arguments>
    [[nodiscard]] T* insert(Arguments&&... arguments) {
        if (first_free_ == no_slot && !add_chunk()) return nullptr;
        const std::uint32_t slot = first_free_;
        Cell& cell = cell_of(slot);
        RC_ASSERT(!cell.live);
        const SlotId id{.slot = slot, .generation = cell.generation};
        T* object;
        if constexpr (std::is_constructible_v<T, SlotId, Arguments...>) {
            object = new (memory_of(slot)) T(id, std::forward<Arguments>(arguments)...);
        } else {
            object = new (memory_of(slot)) T(std::forward<Arguments>(arguments)...);
        }
        first_free_ = cell.next_free;
        cell.live = true;
        ++size_;
        return object;
    }

    /// The object that `id` was given for, or null if it is gone.
    [[nodiscard]] T* find(SlotId id) noexcept {
        if (id.slot >= slot_count_) return nullptr;
        const Cell& cell = cell_of(id.slot);
        return cell.live && cell.generation == id.generation ? object_of(id.slot) : nullptr;
    }
    [[nodiscard]] const T* find(SlotId id) const noexcept {
        return const_cast<Slab*>(this)->find(id);
    }

    /// The object in `slot`, which must be live.
    [[nodiscard]] T& at(std::uint32_t slot) noexcept {
        RC_ASSERT(is_live(slot));
        return *object_of(slot);
    }
    [[nodiscard]] const T& at(std::uint32_t slot) const noexcept {
        return const_cast<Slab*>(this)->at(slot);
    }

    /// True if `slot` holds an object now.
    [[nodiscard]] bool is_live(std::uint32_t slot) const noexcept {
        return slot < slot_count_ && cell_of(slot).live;
    }

    /// The current handle of the object in `slot`, which must be live.
    [[nodiscard]] SlotId id_of(std::uint32_t slot) const noexcept {
        RC_ASSERT(is_live(slot));
        return {.slot = slot, .generation = cell_of(slot).generation};
    }

    /// Destroys the object in `slot`, which must be live. Its handles name nothing from now on,
    /// already while its destructor runs.
    void erase(std::uint32_t slot) noexcept {
        RC_ASSERT(is_live(slot));
        Cell& cell = cell_of(slot);
        cell.live = false;
        cell.generation = next_generation(cell.generation);
        std::destroy_at(object_of(slot));
        cell.next_free = std::exchange(first_free_, slot);
        --size_;
    }

    /// Calls `visit(T&)` for each live object in slot order. The visitor may erase any object and
    /// insert new ones; whether it meets those is unspecified.
    template <class Visit>
    void for_each(Visit&& visit) {
        for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
            if (cell_of(slot).live) visit(*object_of(slot));
        }
    }

    /// Live objects.
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    [[nodiscard]] std::uint32_t capacity_max() const noexcept { return capacity_max_; }
    /// Slots that have memory; every slot number ever handed out is below this.
    [[nodiscard]] std::uint32_t slot_count() const noexcept { return slot_count_; }

private:
    static constexpr std::uint32_t no_slot = UINT32_MAX;

    /// What the slab knows about a slot. Apart from the objects, so that it does not pad a
    /// cache-aligned T.
    struct Cell {
        std::uint32_t next_free = no_slot;
        std::uint16_t generation = 1;
        bool live = false;
    };
    static_assert(sizeof(Cell) == 8);
    struct alignas(T) Storage {
        std::byte bytes[sizeof(T)];
    };
    struct Chunk {
        std::unique_ptr<Cell[]> cells;
        std::unique_ptr<Storage[]> objects;
    };

    static std::uint16_t next_generation(std::uint16_t generation) noexcept {
        return generation == UINT16_MAX ? std::uint16_t{1}
                                        : static_cast<std::uint16_t>(generation + 1);
    }

    Cell& cell_of(std::uint32_t slot) const noexcept {
        return chunks_[slot >> chunk_shift_].cells[slot & chunk_mask_];
    }
    void* memory_of(std::uint32_t slot) const noexcept {
        return chunks_[slot >> chunk_shift_].objects[slot & chunk_mask_].bytes;
    }
    T* object_of(std::uint32_t slot) const noexcept {
        return std::launder(static_cast<T*>(memory_of(slot)));
    }

    /// Gives memory to the next slots, the last chunk being cut at capacity_max. False if all slots
    /// have theirs.
    bool add_chunk() {
        RC_ASSERT(first_free_ == no_slot);
        const std::uint32_t count = std::min(chunk_mask_ + 1, capacity_max_ - slot_count_);
        if (count == 0) return false;
        Chunk& chunk = chunks_.emplace_back();
        chunk.cells = std::make_unique<Cell[]>(count);
        chunk.objects = std::make_unique_for_overwrite<Storage[]>(count);
        first_free_ = slot_count_;
        slot_count_ += count;
        for (std::uint32_t slot = first_free_; slot + 1 < slot_count_; ++slot) {
            cell_of(slot).next_free = slot + 1;
        }
        return true;
    }

public:
    /// What one slot takes, used or not.
    static constexpr std::size_t bytes_per_slot = sizeof(Storage) + sizeof(Cell);

private:
    std::vector<Chunk> chunks_;
    std::uint32_t capacity_max_;
    std::uint32_t chunk_shift_, chunk_mask_;
    std::uint32_t first_free_ = no_slot;
    std::uint32_t slot_count_ = 0;
    std::uint32_t size_ = 0;
};

}  // namespace ringcast

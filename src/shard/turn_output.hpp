#pragma once
// Everything that connections send in one turn, collected so that each of them costs one send.
// Small frames are written side by side into an arena; large ones stay where they are: in a pooled
// block, in a frame that many connections share, in the receive buffer that they were unmasked in.
//
//   connection A: chain -> piece [arena 0..22) -> piece [block of 64 KiB)
//   connection B: chain -> piece [arena 22..66)          consecutive frames of one connection are
//   one piece arena:  | A A | B B B B |  free ...
//
// The bytes go out as quiet sends and are free again when turn() or flush() has returned; what the
// kernel did not take is moved to the connection's backlog first.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/buffer_pool.hpp"
#include "base/shared_frame.hpp"
#include "ring/ring.hpp"
#include "shard/backlog.hpp"

namespace ringcast::shard {

/// One per shard. Holds no more than one turn's output; reset() makes it empty. Allocates nothing
/// once its lists have grown to what the traffic needs.
class TurnOutput {
public:
    /// A connection's output of this turn: a list of pieces. Lives in the connection.
    struct Chain {
        static constexpr std::uint32_t none = UINT32_MAX;
        std::uint32_t first = none;
        std::uint32_t last = none;
        std::uint32_t pieces = 0;
        std::uint64_t bytes = 0;

        [[nodiscard]] bool empty() const noexcept { return pieces == 0; }
    };

    /// More pieces than this are not for one send (the kernel's limit is 1024): the caller moves
    /// them to the backlog.
    static constexpr std::uint32_t pieces_max = 256;
    /// Frames up to this size are written into the arena.
    static constexpr std::size_t arena_frame_bytes_max = 16 << 10;

    /// An arena for a turn whose output is flushed early beyond `flush_bytes`.
    [[nodiscard]] static constexpr std::size_t arena_bytes_for(std::size_t flush_bytes) noexcept {
        return flush_bytes + 4 * arena_frame_bytes_max;
    }

    explicit TurnOutput(std::size_t arena_bytes)
        : arena_{std::make_unique<std::byte[]>(arena_bytes)}, arena_bytes_{arena_bytes} {}

    /// `size` writable bytes at the end of `chain`, or null if the arena has no room left, or the
    /// chain none for another piece.
    [[nodiscard]] std::byte* reserve(Chain& chain, std::size_t size);
    /// Appends bytes in a block, which is kept until the bytes are sent.
    void append(Chain& chain, Block block, const std::byte* data, std::size_t size);
    /// Appends all of a frame that others send, too.
    void append(Chain& chain, const SharedFrame& frame);
    /// Appends bytes in the receive buffer of this turn.
    void append_slice(Chain& chain, const std::byte* data, std::size_t size);

    /// Appends one quiet send with all of `chain` to the ring's submissions. Between the first
    /// submit() and reset() nothing may be added.
    void submit(ring::Ring& ring, ring::Token token, int fd, const Chain& chain);
    /// Moves what follows the first `sent` bytes of `chain` to `backlog`: blocks as they are, other
    /// bytes by a copy.
    void move_rest(const Chain& chain, std::uint64_t sent, Backlog& backlog, BufferPool& pool);

    /// Calls `take` with the bytes of each piece, in order. It may not add to this.
    template <class Take>
    void for_each_piece(const Chain& chain, Take take) const {
        for (std::uint32_t i = chain.first; i != Chain::none; i = pieces_[i].next)
            take(std::span{pieces_[i].data, pieces_[i].size});
    }

    /// Forgets all chains and gives their blocks back. Only when the ring holds none of the bytes.
    void reset() noexcept;

    /// Bytes collected since the last reset, those of shared frames not counted: however many send
    /// one, it is one piece of memory.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    struct Piece {
        Block block;
        SharedFrame frame;
        const std::byte* data;
        std::size_t size;
        std::uint32_t next = Chain::none;
    };

    void link(Chain& chain, Piece piece);

    std::unique_ptr<std::byte[]> arena_;
    std::size_t arena_bytes_;
    std::size_t arena_used_ = 0;
    std::uint64_t bytes_ = 0;
    std::vector<Piece> pieces_;
    std::vector<ring::Part>
        parts_;  // Of chains with several pieces; reserved once, so that the arrays stay put.
};

inline std::byte* TurnOutput::reserve(Chain& chain, std::size_t size) {
    if (size > arena_bytes_ - arena_used_) return nullptr;
    std::byte* const data = arena_.get() + arena_used_;
    if (chain.empty() || pieces_[chain.last].data + pieces_[chain.last].size != data) {
        if (chain.pieces == pieces_max) return nullptr;
        link(chain, {.block = {}, .frame = {}, .data = data, .size = size});
        bytes_ += size;
    } else {
        pieces_[chain.last].size += size;
        chain.bytes += size;
        bytes_ += size;
    }
    arena_used_ += size;
    return data;
}

}  // namespace ringcast::shard

#include "shard/turn_output.hpp"

#include <utility>

namespace ringcast::shard {

void TurnOutput::append(Chain& chain, Block block, const std::byte* data, std::size_t size) {
    link(chain, {.block = std::move(block), .frame = {}, .data = data, .size = size});
    bytes_ += size;
}

void TurnOutput::append(Chain& chain, const SharedFrame& frame) {
    link(chain, {.block = {}, .frame = frame, .data = frame.bytes().data(), .size = frame.size()});
}

void TurnOutput::append_slice(Chain& chain, const std::byte* data, std::size_t size) {
    link(chain, {.block = {}, .frame = {}, .data = data, .size = size});
    bytes_ += size;
}

void TurnOutput::link(Chain& chain, Piece piece) {
    RC_ASSERT(parts_.empty());
    RC_ASSERT(chain.pieces < pieces_max);
    const auto index = static_cast<std::uint32_t>(pieces_.size());
    chain.bytes += piece.size;
    pieces_.push_back(std::move(piece));
    if (chain.empty()) {
        chain.first = index;
    } else {
        pieces_[chain.last].next = index;
    }
    chain.last = index;
    ++chain.pieces;
}

void TurnOutput::submit(ring::Ring& ring, ring::Token token, int fd, const Chain& chain) {
    RC_ASSERT(!chain.empty());
    if (chain.pieces == 1) {
        const Piece& piece = pieces_[chain.first];
        ring.send_quiet(token, fd, std::span{piece.data, piece.size});
        return;
    }
    if (parts_.empty()) parts_.reserve(pieces_.size());
    const std::size_t begin = parts_.size();
    for (std::uint32_t i = chain.first; i != Chain::none; i = pieces_[i].next) {
        parts_.push_back({.data = pieces_[i].data, .size = pieces_[i].size});
    }
    ring.send_quiet(token, fd, std::span{parts_}.subspan(begin), chain.bytes);
}

void TurnOutput::move_rest(const Chain& chain, std::uint64_t sent, Backlog& backlog,
                           BufferPool& pool) {
    RC_ASSERT(sent <= chain.bytes);
    for (std::uint32_t i = chain.first; i != Chain::none; i = pieces_[i].next) {
        Piece& piece = pieces_[i];
        if (sent >= piece.size) {
            sent -= piece.size;
            continue;
        }
        const std::byte* const data = piece.data + sent;
        const std::size_t size = piece.size - static_cast<std::size_t>(sent);
        sent = 0;
        if (piece.block) {
            backlog.append(std::move(piece.block), data, size);
        } else if (piece.frame) {
            backlog.append(std::move(piece.frame), data, size);
        } else {
            backlog.append(std::span{data, size}, pool);
        }
    }
}

void TurnOutput::reset() noexcept {
    // Backwards, so that the pool hands the block that was filled first, and is coldest, out last.
    while (!pieces_.empty()) pieces_.pop_back();
    parts_.clear();
    arena_used_ = 0;
    bytes_ = 0;
}

}  // namespace ringcast::shard

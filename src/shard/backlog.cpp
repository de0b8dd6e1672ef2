#include "shard/backlog.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace ringcast::shard {

void Backlog::append(std::span<const std::byte> bytes, BufferPool& pool) {
    if (bytes.empty()) return;
    bytes_ += bytes.size();
    if (!chunks_.empty() && chunks_.back().room > 0) {
        Chunk& last = chunks_.back();
        const std::size_t size = std::min(last.room, bytes.size());
        std::memcpy(const_cast<std::byte*>(last.data) + last.size, bytes.data(), size);
        last.size += size;
        last.room -= size;
        bytes = bytes.subspan(size);
    }
    if (bytes.empty()) return;
    Block block = pool.get(std::max(bytes.size(), block_bytes_min));
    std::memcpy(block.data(), bytes.data(), bytes.size());
    const std::byte* data = block.data();
    const std::size_t room = block.capacity() - bytes.size();
    chunks_.push_back(
        {.block = std::move(block), .frame = {}, .data = data, .size = bytes.size(), .room = room});
}

void Backlog::append(Block block, const std::byte* data, std::size_t size) {
    RC_ASSERT(size > 0);
    bytes_ += size;
    chunks_.push_back({.block = std::move(block), .frame = {}, .data = data, .size = size});
}

void Backlog::append(SharedFrame frame, const std::byte* data, std::size_t size) {
    RC_ASSERT(size > 0);
    bytes_ += size;
    chunks_.push_back({.block = {}, .frame = std::move(frame), .data = data, .size = size});
}

std::span<const ring::Part> Backlog::gather(std::uint64_t bytes_max) noexcept {
    RC_ASSERT(gathered_bytes_ == 0);
    std::size_t count = 0;
    for (const Chunk& chunk : chunks_) {
        if (count == parts_max || gathered_bytes_ == bytes_max) break;
        const auto room = static_cast<std::size_t>(bytes_max - gathered_bytes_);
        parts_[count] = {.data = chunk.data, .size = std::min(chunk.size, room)};
        gathered_bytes_ += parts_[count].size;
        ++count;
    }
    return {parts_.data(), count};
}

void Backlog::consume(std::uint64_t bytes) noexcept {
    RC_ASSERT(bytes <= gathered_bytes_);
    gathered_bytes_ = 0;
    bytes_ -= bytes;
    while (bytes > 0) {
        Chunk& first = chunks_.front();
        const auto size = std::min<std::uint64_t>(bytes, first.size);
        first.data += size;
        first.size -= size;
        bytes -= size;
        if (first.size > 0) continue;
        chunks_.pop_front();
    }
}

}  // namespace ringcast::shard

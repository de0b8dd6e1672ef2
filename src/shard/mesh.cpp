#include "shard/mesh.hpp"

#include <algorithm>
#include <bit>

#include "base/assert.hpp"
#include "shard/publisher_lane.hpp"

namespace ringcast::shard {

namespace {

constexpr std::uint64_t queue_bytes_min = 4 << 10;
constexpr std::uint64_t queue_bytes_max = 1 << 20;
/// A copy of a payload up to here costs less than the counting of a block.
constexpr std::size_t inline_bytes_ceiling = 4 << 10;
/// Free memory for large payloads that a shard keeps for reuse.
constexpr std::uint64_t payload_retain_bytes_max = 1 << 20;

std::size_t queue_bytes(std::uint32_t shards, std::uint64_t bytes) noexcept {
    const std::uint64_t share = bytes / (2u * shards * shards);
    return static_cast<std::size_t>(
        std::bit_floor(std::clamp(share, queue_bytes_min, queue_bytes_max)));
}

/// Calls `visit(shard)` for each shard in `set`.
template <class Visit>
void for_each(hub::ShardSet set, Visit&& visit) {
    for (; set != 0; set &= set - 1) visit(static_cast<std::uint32_t>(std::countr_zero(set)));
}

/// What nobody will read any more.
void drop_all(SpscBytes& queue) noexcept {
    queue.publish();  // What was appended after the last turn.
    for (auto bytes = queue.front(); bytes.data() != nullptr; bytes = queue.front()) {
        if (SharedPayload* const block = read_record(bytes).block) block->release();
        queue.pop();
    }
}

}  // namespace

Mesh::Mesh(std::uint32_t shards, std::uint64_t bytes) : shards_{shards} {
    RC_ASSERT(shards >= 1 && shards <= hub::shards_max);
    for (std::uint32_t i = 0; i < shards; ++i) {
        inboxes_.push_back(Inbox::make());
        birthplaces_.emplace_back(std::min(bytes / shards, payload_retain_bytes_max));
    }
    for (std::uint32_t i = 0; i < shards * shards; ++i)
        lanes_.push_back(std::make_unique<Lane>(queue_bytes(shards, bytes)));
}

std::uint64_t Mesh::queues_bytes_max(std::uint32_t shards, std::uint64_t bytes) noexcept {
    return std::uint64_t{2} * shards * shards * queue_bytes(shards, bytes);
}

Mesh::~Mesh() {
    for (const auto& lane : lanes_) {
        drop_all(lane->requests);
        drop_all(lane->deliveries);
    }
    for (Birthplace& birthplace : birthplaces_) birthplace.returned.free_all();
    for (Inbox* const inbox : inboxes_) {
        drop_notes(inbox->close());
        inbox->release();
    }
}

MeshPort::MeshPort(Mesh& mesh, std::uint32_t shard)
    : mesh_{mesh},
      birthplace_{mesh.birthplaces_[shard]},
      shard_{shard},
      record_bytes_max_{to(shard).requests.record_bytes_max()},
      inline_bytes_max_{
          std::min(inline_bytes_ceiling, record_bytes_max_ - shard::record_bytes_max(0))} {}

/// What `record` takes of its queue: one with a block as much as if the payload lay there, or all
/// that a record may.
std::size_t MeshPort::room_for(const Record& record) const noexcept {
    if (record.block == nullptr) return record_bytes(record);
    return std::min(record_bytes(record) + record.payload.size() + record.info.size(),
                    record_bytes_max_);
}

bool MeshPort::has_request_room(std::uint32_t home) noexcept {
    return to(home).requests.has_room(record_bytes_max_);
}

bool MeshPort::await_request_room(std::uint32_t home) noexcept {
    make_visible();  // Or nobody would ever make room.
    return to(home).requests.await_room(record_bytes_max_);
}

bool MeshPort::request(std::uint32_t home, const Record& record) {
    SpscBytes& requests = to(home).requests;
    if (record.block == nullptr && needs_block(record)) {
        if (!has_request_room(home)) return false;
        append(requests, home, with_block(record));
    } else {
        if (!requests.has_room(room_for(record))) return false;
        append(requests, home, record);
    }
    return true;
}

Record MeshPort::with_block(Record record) {
    record.block = &make_payload(record.payload, record.info);
    record.payload = record.block->bytes();
    record.info = record.block->info();
    return record;
}

bool MeshPort::publish(std::uint32_t home, std::string_view topic, PublicationKind kind,
                       std::span<const std::byte> payload, SlotId publisher,
                       std::span<const std::byte> info) {
    return request(home, {.kind = RecordKind::publish,
                          .publication_kind = kind,
                          .publisher = publisher,
                          .topic = topic,
                          .payload = payload,
                          .info = info});
}

bool MeshPort::has_delivery_room(std::uint32_t target) noexcept {
    return to(target).deliveries.has_room(record_bytes_max_);
}

bool MeshPort::await_delivery_room(std::uint32_t target) noexcept {
    make_visible();
    return to(target).deliveries.await_room(record_bytes_max_);
}

void MeshPort::deliver(std::uint32_t target, const Record& record) {
    append(to(target).deliveries, target,
           record.block == nullptr && needs_block(record) ? with_block(record) : record);
}

void MeshPort::append(SpscBytes& queue, std::uint32_t target, const Record& record) noexcept {
    std::byte* const place = queue.reserve(room_for(record));
    RC_ASSERT(place != nullptr);
    write_record(place, record);
    queue.commit();
    appended_ |= hub::set_of(target);
}

bool MeshPort::front_request(std::uint32_t source, Record& record) noexcept {
    const auto bytes = from(source).requests.front();
    if (bytes.data() == nullptr) return false;
    record = read_record(bytes);
    return true;
}

void MeshPort::pop_request(std::uint32_t source) noexcept {
    from(source).requests.pop();
    popped_ |= hub::set_of(source);
}

bool MeshPort::front_delivery(std::uint32_t source, Record& record) noexcept {
    const auto bytes = from(source).deliveries.front();
    if (bytes.data() == nullptr) return false;
    record = read_record(bytes);
    return true;
}

void MeshPort::pop_delivery(std::uint32_t source) noexcept {
    from(source).deliveries.pop();
    popped_ |= hub::set_of(source);
}

hub::ShardSet MeshPort::take() noexcept {
    birthplace_.returned.free_all();
    return inbox().doorbell().take();
}

void MeshPort::make_visible() noexcept {
    for_each(appended_, [this](std::uint32_t shard) {
        to(shard).requests.publish();
        to(shard).deliveries.publish();
    });
    visible_ |= appended_;
    appended_ = 0;
}

void MeshPort::give_back() noexcept {
    RC_ASSERT(appended_ == 0);
    hub::ShardSet told = visible_;
    const hub::ShardSet self = hub::set_of(shard_);
    if ((told & self) != 0 && has_taken_own()) told &= ~self;
    for_each(popped_, [&](std::uint32_t shard) {
        const bool is_requests_awaited = from(shard).requests.release();
        const bool is_deliveries_awaited = from(shard).deliveries.release();
        if (is_requests_awaited || is_deliveries_awaited) told |= hub::set_of(shard);
    });
    visible_ = popped_ = 0;
    for_each(told,
             [this](std::uint32_t shard) { mesh_.inbox(shard).announce(hub::set_of(shard_)); });
}

bool MeshPort::has_taken_own() noexcept {
    Mesh::Lane& own = to(shard_);
    return own.requests.front().data() == nullptr && own.deliveries.front().data() == nullptr;
}

std::uint64_t MeshPort::bytes_waiting() const noexcept {
    std::uint64_t bytes = 0;
    for (std::uint32_t source = 0; source < mesh_.shards(); ++source) {
        const Mesh::Lane& lane = mesh_.lane(source, shard_);
        bytes += lane.requests.bytes_in_use() + lane.deliveries.bytes_in_use();
    }
    return bytes;
}

}  // namespace ringcast::shard

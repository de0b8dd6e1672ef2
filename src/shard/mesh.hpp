#pragma once
// How shards talk to each other: for every ordered pair of shards, itself included, a lane with two
// bounded queues of records.
//
//                 requests:    join, publish, inquire     towards a topic's home
//   shard A  ======================================>  shard B
//                 deliveries:  joined, publication ...    from a topic's home
//
// Consuming a delivery never produces a record, so deliveries always drain, and no cycle of full
// queues can lock. Records become visible once a turn, and only a shard that sleeps is woken
// (base/doorbell.hpp). Large payloads travel as counted blocks (base/shared_payload.hpp).
//
// One budget of bytes is divided by all queues: with n shards each of the 2 n^2 has
// bytes / (2 n^2), rounded down to a power of two, from 4 KiB to 1 MiB. Queues that nobody uses are
// never touched. A block takes as much room in a queue as its payload would, a quarter at most,
// although only a pointer is written. So the queues bound what blocks take (a queue holds payloads
// of its size, or four that are larger), and a shard that stands still with blocks in its queues
// has full queues, like any other: it holds up nobody who has nothing for it.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "base/buffer_pool.hpp"
#include "base/shared_payload.hpp"
#include "base/spsc_bytes.hpp"
#include "hub/home_topics.hpp"
#include "shard/inbox.hpp"
#include "shard/mesh_record.hpp"

namespace ringcast::shard {

/// Owned by whoever owns the shards; made before them and destroyed after them.
class Mesh {
public:
    static constexpr std::uint64_t bytes_default = 32u << 20;

    explicit Mesh(std::uint32_t shards, std::uint64_t bytes = bytes_default);
    ~Mesh();
    Mesh(const Mesh&) = delete;
    Mesh& operator=(const Mesh&) = delete;

    /// What all queues may take together: untouched ones take nothing.
    [[nodiscard]] static std::uint64_t queues_bytes_max(std::uint32_t shards,
                                                        std::uint64_t bytes) noexcept;

    [[nodiscard]] std::uint32_t shards() const noexcept { return shards_; }
    /// Any thread.
    [[nodiscard]] Inbox& inbox(std::uint32_t shard) noexcept { return *inboxes_[shard]; }
    /// Large payloads that were made on `shard` and have not been freed. For its thread.
    [[nodiscard]] std::size_t payload_bytes(std::uint32_t shard) const noexcept {
        return birthplaces_[shard].pool.bytes_in_use();
    }

private:
    friend class MeshPort;

    struct Lane {
        explicit Lane(std::size_t capacity) : requests{capacity}, deliveries{capacity} {}
        SpscBytes requests;
        SpscBytes deliveries;
    };
    /// Where the large payloads of one shard come from. Outlives the shard, because the others may
    /// hold payloads of its for longer.
    struct Birthplace {
        explicit Birthplace(std::size_t retain_bytes_max) : pool{retain_bytes_max} {}
        BufferPool pool;
        PayloadReturn returned;
    };

    [[nodiscard]] Lane& lane(std::uint32_t from, std::uint32_t to) noexcept {
        return *lanes_[from * shards_ + to];
    }

    const std::uint32_t shards_;
    std::vector<Inbox*> inboxes_;
    std::deque<Birthplace> birthplaces_;
    std::vector<std::unique_ptr<Lane>> lanes_;
};

/// One shard's end of the mesh, for that shard's thread. Borrows the mesh.
class MeshPort {
public:
    MeshPort(Mesh& mesh, std::uint32_t shard);
    MeshPort(const MeshPort&) = delete;
    MeshPort& operator=(const MeshPort&) = delete;

    [[nodiscard]] std::uint32_t shard() const noexcept { return shard_; }
    [[nodiscard]] std::uint32_t shards() const noexcept { return mesh_.shards(); }
    [[nodiscard]] Inbox& inbox() noexcept { return mesh_.inbox(shard_); }
    [[nodiscard]] Inbox& inbox(std::uint32_t shard) noexcept { return mesh_.inbox(shard); }

    // Requests that leave.

    /// Room for any request.
    [[nodiscard]] bool has_request_room(std::uint32_t home) noexcept;
    /// After has_request_room() was false: true if there is room after all; else `home` will ring
    /// when there is some.
    [[nodiscard]] bool await_request_room(std::uint32_t home) noexcept;
    /// Appends one, of any size. False, and nothing happened, if there is no room.
    [[nodiscard]] bool request(std::uint32_t home, const Record& record);
    [[nodiscard]] bool publish(std::uint32_t home, std::string_view topic, PublicationKind kind,
                               std::span<const std::byte> payload, SlotId publisher = {},
                               std::span<const std::byte> info = {});

    /// Whether what it carries has to travel as a block.
    [[nodiscard]] bool needs_block(const Record& record) const noexcept {
        return record.payload.size() + record.info.size() > inline_bytes_max_;
    }
    /// A block for `bytes` and `info`, with one reference.
    [[nodiscard]] SharedPayload& make_payload(std::span<const std::byte> bytes,
                                              std::span<const std::byte> info = {}) {
        return SharedPayload::make(birthplace_.pool, birthplace_.returned, bytes, info);
    }

    // Deliveries that leave.

    [[nodiscard]] bool has_delivery_room(std::uint32_t target) noexcept;
    [[nodiscard]] bool await_delivery_room(std::uint32_t target) noexcept;
    /// Appends one, of any size; there must be room.
    void deliver(std::uint32_t target, const Record& record);

    // What arrives. A record lives until the next give_back().

    [[nodiscard]] bool front_request(std::uint32_t source, Record& record) noexcept;
    void pop_request(std::uint32_t source) noexcept;
    [[nodiscard]] bool front_delivery(std::uint32_t source, Record& record) noexcept;
    void pop_delivery(std::uint32_t source) noexcept;

    // Once a turn.

    /// Shards that have brought something, or have made room, since the last call. Frees payloads
    /// that have come home.
    [[nodiscard]] hub::ShardSet take() noexcept;
    /// The others see what was appended; nobody is woken yet.
    void make_visible() noexcept;
    /// Gives back the room of what was popped, and wakes those who sleep and have something to see;
    /// this shard, too, does not sleep if there is something of its own that it has not taken.
    void give_back() noexcept;
    /// Something was appended that the others have not been told of yet.
    [[nodiscard]] bool has_unseen() const noexcept { return (appended_ | visible_) != 0; }
    /// Nothing has come since take(); from now on somebody who brings something wakes the shard.
    [[nodiscard]] bool try_sleep() noexcept { return inbox().doorbell().try_sleep(); }
    void get_up() noexcept { inbox().doorbell().get_up(); }

    /// Bytes in the queues towards this shard, roughly: a gauge.
    [[nodiscard]] std::uint64_t bytes_waiting() const noexcept;

private:
    [[nodiscard]] bool has_taken_own() noexcept;
    [[nodiscard]] std::size_t room_for(const Record& record) const noexcept;
    [[nodiscard]] Record with_block(Record record);
    void append(SpscBytes& queue, std::uint32_t target, const Record& record) noexcept;
    [[nodiscard]] Mesh::Lane& to(std::uint32_t shard) noexcept { return mesh_.lane(shard_, shard); }
    [[nodiscard]] Mesh::Lane& from(std::uint32_t shard) noexcept {
        return mesh_.lane(shard, shard_);
    }

    Mesh& mesh_;
    Mesh::Birthplace& birthplace_;
    const std::uint32_t shard_;
    const std::size_t record_bytes_max_;  // Of a queue.
    const std::size_t inline_bytes_max_;  // Payloads beyond travel as blocks.
    hub::ShardSet appended_ = 0;          // Shards for which something is not visible yet ...
    hub::ShardSet visible_ = 0;           // ... or visible, and not rung for.
    hub::ShardSet popped_ = 0;            // Shards from which something was taken.
};

}  // namespace ringcast::shard

// What a shard allocates: nothing per message and per delivery in the steady state, little per idle
// connection. This executable replaces operator new to count.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <doctest/doctest.h>
#include <malloc.h>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "support/deflate_client.hpp"
#include "unit/shard/shard_kit.hpp"
#include "unit/shard/shards_kit.hpp"

namespace {

/// What operator new and delete did while `is_counting`.
struct {
    bool is_counting = false;
    std::uint64_t allocations = 0;
    std::int64_t blocks = 0;  // Made and not given back.
    std::int64_t bytes = 0;  // Of those; for one request malloc may give 16 more than for the next.
} heap;

void* allocate(std::size_t size, std::size_t alignment) {
    void* const memory =
        alignment == 0
            ? std::malloc(size)
            : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (memory == nullptr) std::abort();
    if (heap.is_counting) {
        ++heap.allocations;
        ++heap.blocks;
        heap.bytes += static_cast<std::int64_t>(malloc_usable_size(memory));
    }
    return memory;
}

void release(void* memory) noexcept {
    if (heap.is_counting && memory != nullptr) {
        --heap.blocks;
        heap.bytes -= static_cast<std::int64_t>(malloc_usable_size(memory));
    }
    std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
    return allocate(size, 0);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
    release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    release(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    release(memory);
}

using namespace ringcast;
using namespace ringcast::shard;

namespace {

/// Turns the shard, and counts what it does.
void count_turns(ShardKit& kit, int count) {
    heap.is_counting = true;
    kit.turn(count);
    heap.is_counting = false;
}

/// A receive buffer that the same bytes arrive in again and again.
class Slice {
public:
    explicit Slice(std::string wire) : wire_{std::move(wire)}, memory_(wire_.size() + 64) {}
    void deliver(ShardKit& kit, int fd, std::size_t from, std::size_t size) {
        deliver(kit.ring, fd, from, size);
    }
    void deliver(test::FakeRing& ring, int fd, std::size_t from, std::size_t size) {
        std::memcpy(memory_.data() + from, wire_.data() + from, size);
        ring.deliver_in(fd, std::span{memory_}.subspan(from, size));
    }
    [[nodiscard]] std::size_t size() const { return wire_.size(); }

private:
    std::string wire_;
    std::vector<std::byte> memory_;
};

}  // namespace

TEST_CASE("in the steady state no message of up to 16 KiB allocates anything") {
    constexpr int warm_up_turns = 20, turns = 2000;
    struct {
        std::string how;
        std::size_t messages, pieces;
        bool is_fragmented;
    } const arrivals[] = {
        {"one in a slice", 1, 1, false},
        {"ten in a slice", 10, 1, false},
        {"one in three slices", 1, 3, false},
        {"one in two fragments", 1, 1, true},
    };
    for (const std::size_t size : {20u, 1024u, 16384u}) {
        for (const auto& [how, messages, pieces, is_fragmented] : arrivals) {
            CAPTURE(size);
            CAPTURE(how);
            ShardKit kit;
            const std::string payload(size, 'x');
            std::string wire;
            for (std::size_t i = 0; i < messages; ++i) {
                if (is_fragmented) {
                    wire += test::text_frame(payload.substr(0, size / 2), false) +
                            test::continuation_frame(payload.substr(size / 2), true);
                } else {
                    wire += test::binary_frame(payload);
                }
            }
            std::vector<int> fds;
            std::vector<Slice> slices;
            for (int i = 0; i < 3; ++i) {
                fds.push_back(kit.open());
                kit.take_frames(fds.back());
                kit.ring.socket(fds.back()).keeps_output = false;
                slices.emplace_back(wire);
            }
            heap.allocations = 0;
            for (int turn = -warm_up_turns; turn < turns; ++turn) {
                if (turn == 0) heap.allocations = 0;
                // A slice lives for two turns, so the same memory may come with every third.
                const std::size_t step = slices[0].size() / pieces + 1;
                for (std::size_t at = 0; at < slices[0].size(); at += step) {
                    for (std::size_t i = 0; i < fds.size(); ++i) {
                        slices[i].deliver(kit, fds[i], at, std::min(step, slices[i].size() - at));
                    }
                    count_turns(kit, 3);
                }
            }
            CHECK(heap.allocations == 0);
            const auto messages_count = static_cast<std::size_t>(turns + warm_up_turns) * messages;
            CHECK(kit.endpoint->messages_count == messages_count * fds.size());
            CHECK(kit.ring.socket(fds[0]).output_bytes > messages_count * size);
        }
    }
}

TEST_CASE(
    "in the steady state no publication of up to 16 KiB allocates anything, nor its deliveries") {
    constexpr int warm_up_turns = 300, turns = 2000;  // First a publish window is filled.
    constexpr std::uint32_t shards = 2;
    for (const std::size_t size : {20u, 1024u, 16384u}) {
        CAPTURE(size);
        ShardsKit kit{{.shards = shards}};
        kit.topics(0).statuses.reserve(shards * (warm_up_turns + turns));
        // Topics of both homes, each with a publisher and subscribers on both shards.
        struct Topic {
            ShardClient publisher;
            Slice slice;
        };
        std::vector<Topic> topics;
        std::vector<ShardClient> clients;
        for (std::uint32_t i = 0; i < shards; ++i) {
            const std::string name = kit.topic_of(i);
            for (std::uint32_t j = 0; j < 6; ++j)
                clients.push_back(kit.subscriber(j % shards, name));
            clients.push_back(kit.publisher(0, name));
            topics.push_back({clients.back(), Slice{test::binary_frame(std::string(size, 'x'))}});
        }
        for (const ShardClient client : clients) {
            kit.frames(client);
            kit.socket(client).keeps_output = false;
        }
        for (int turn = -warm_up_turns; turn < turns; ++turn) {
            if (turn == 0) heap.allocations = 0;
            for (Topic& topic : topics) {
                topic.slice.deliver(kit.ring(0), topic.publisher.fd, 0, topic.slice.size());
            }
            heap.is_counting = true;
            kit.turn(5);
            heap.is_counting = false;
        }
        CHECK(heap.allocations == 0);
        const auto deliveries = kit.metrics(0).deliveries + kit.metrics(1).deliveries;
        CHECK(deliveries == (turns + warm_up_turns) * clients.size());
    }
}

TEST_CASE("an idle session costs at most 512 bytes of user memory") {
    constexpr int sessions = 4096;
    Settings settings;
    settings.connections_max = 2 * sessions;
    ShardKit kit{{}, settings};
    // The smallest state that an application can have.
    kit.endpoint->upgraded = [](Upgrade&) {
        Verdict verdict;
        verdict.state = {new char, [](void* state) noexcept { delete static_cast<char*>(state); }};
        return verdict;
    };
    Slice request{encode(test::UpgradeRequest{})};
    heap.bytes = 0;
    for (int i = 0; i < sessions; ++i) {
        const int fd = kit.ring.add_connection();
        kit.ring.socket(fd).keeps_output = false;
        kit.ring.complete_accept(ShardKit::listener, fd);
        count_turns(kit, 2);
        request.deliver(kit, fd, 0, request.size());
        count_turns(kit, 3);
    }
    REQUIRE(kit.endpoint->opened_count == sessions);
    const auto bytes = static_cast<std::size_t>(heap.bytes) / sessions;
    MESSAGE("sizeof(Connection): " << sizeof(Connection) << ", bytes per idle session: " << bytes);
    CHECK(bytes >= sizeof(Connection));
    CHECK(bytes <= 512);
}

TEST_CASE("after 20,000 compressed sessions memory is what it was after the first") {
    constexpr std::size_t sessions = 20'000, at_a_time = 200;
    Settings settings;
    settings.compression.mode = Compression::dedicated;
    settings.compression.memory_bytes_max = 16 << 20;  // For fifty with both contexts.
    ShardKit kit{{}, settings};
    kit.endpoint->endings.reserve(2 * sessions);
    Slice request{encode(test::UpgradeRequest{.fields = test::offer_line()})};
    test::ZlibSender sender;
    Slice message{encode(
        test::ClientFrame{.payload = sender.payload(test::json_like(3000)), .reserved_bits = 4})};
    Slice goodbye{test::close_frame(1000)};
    std::size_t peak_bytes = 0;
    const auto come_and_go = [&] {
        std::vector<int> fds;
        for (std::size_t i = 0; i < at_a_time; ++i) {
            const int fd = fds.emplace_back(kit.ring.add_connection());
            kit.ring.socket(fd).keeps_output = false;
            kit.ring.complete_accept(ShardKit::listener, fd);
            count_turns(kit, 2);
            request.deliver(kit, fd, 0, request.size());
            count_turns(kit, 3);
            message.deliver(kit, fd, 0, message.size());
            count_turns(kit, 3);
        }
        peak_bytes = std::max<std::size_t>(peak_bytes, kit.shard.metrics().deflate_memory_bytes);
        for (const int fd : fds) {
            goodbye.deliver(kit, fd, 0, goodbye.size());
            count_turns(kit, 3);
            kit.ring.finish_recv(fd, 0);
            count_turns(kit, 3);
        }
        CHECK(kit.shard.connections() == 0);
    };
    come_and_go();
    heap.blocks = heap.bytes = 0;
    const std::size_t deflate_bytes = kit.shard.metrics().deflate_memory_bytes;
    for (std::size_t i = 0; i < sessions; i += at_a_time) come_and_go();
    CHECK(heap.blocks == 0);
    CHECK(std::abs(heap.bytes) < 1000);  // Not one for each session.
    CHECK(kit.shard.metrics().deflate_memory_bytes == deflate_bytes);
    CHECK(kit.shard.pool().bytes_in_use() == 0);
    const Metrics& metrics = kit.shard.metrics();
    CHECK(metrics.messages_compressed == sessions + at_a_time);
    CHECK(metrics.inflated_messages == sessions + at_a_time);
    CHECK(metrics.contexts_refused > sessions / 2);
    CHECK(peak_bytes > 14 << 20);
    CHECK(peak_bytes < 19 << 20);
}

// What a turn's output costs, as it goes to the kernel: 16 messages of 22 octets to each of 50
// connections over loopback, on each ring. First as the shard does it, one quiet send for each
// connection and one turn for all of them; then without one of that at a time, and without any. An
// item is a message. The clients read between the iterations.
//
//                   sends      turns
//   collected       50         1
//   acknowledged    50         1 or more    each send says that it has ended
//   unbatched       50         50
//   uncoalesced     16 x 50    16
//   single          16 x 50    16 x 50

#include <array>
#include <benchmark/benchmark.h>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <netinet/in.h>
#include <span>
#include <sys/socket.h>
#include <vector>

#include "ring/clock.hpp"
#include "ring/listen.hpp"
#include "ring/make_ring.hpp"

namespace {

using namespace ringcast;
using namespace ringcast::ring;

constexpr std::size_t message_bytes = 22;
constexpr std::size_t messages_count = 16;
constexpr std::size_t connections_count = 50;

/// How the output is cut.
struct Way {
    bool is_quiet = true;
    bool is_coalesced = true;
    bool is_batched = true;
};
constexpr Way collected{};
constexpr Way acknowledged{.is_quiet = false};
constexpr Way unbatched{.is_batched = false};
constexpr Way uncoalesced{.is_coalesced = false};
constexpr Way single{.is_coalesced = false, .is_batched = false};

struct Pair {
    Descriptor server, client;
};

Pair connected_pair() {
    Address address{.family = Address::Family::ipv4};
    address.ip = {127, 0, 0, 1};
    const auto listener = listen_on(address, {});
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    Pair pair{.server = {}, .client = Descriptor{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}};
    if (!listener ||
        getsockname(listener->get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0 ||
        connect(pair.client.get(), reinterpret_cast<sockaddr*>(&bound), size) != 0)
        std::abort();
    pair.server = Descriptor{accept(listener->get(), nullptr, nullptr)};
    return pair;
}

/// One turn, and more until `awaited` sends have said that they have ended.
void turn(Ring& ring, std::size_t awaited) {
    do {
        for (const Completion& completion :
             ring.turn({.until = awaited > 0 ? instant_never : ring.now()})) {
            if (completion.result < 0 || completion.token.opcode != Opcode::send) std::abort();
            --awaited;
        }
    } while (awaited > 0);
}

void send_all(Ring& ring, std::span<const Pair> pairs, std::span<const std::byte> bytes, Way way) {
    std::uint32_t slot = 0;
    for (const Pair& pair : pairs) {
        const Token token{.slot = slot++, .generation = 1};
        if (way.is_quiet) {
            ring.send_quiet(token, pair.server.get(), bytes);
        } else {
            ring.send(token, pair.server.get(), bytes);
        }
        if (!way.is_batched) turn(ring, way.is_quiet ? 0 : 1);
    }
    if (way.is_batched) turn(ring, way.is_quiet ? 0 : pairs.size());
}

void read_all(std::span<const Pair> pairs) {
    std::array<std::byte, 2 * messages_count * message_bytes> buffer;
    for (const Pair& pair : pairs) {
        for (std::size_t left = messages_count * message_bytes; left > 0;) {
            const ssize_t count = recv(pair.client.get(), buffer.data(), buffer.size(), 0);
            if (count <= 0) std::abort();
            left -= static_cast<std::size_t>(count);
        }
    }
}

void output(benchmark::State& state, Backend backend, Way way) {
    auto ring = make_ring(backend, {});
    if (!ring) return state.SkipWithError("this kernel does not have it");
    std::vector<Pair> pairs(connections_count);
    for (Pair& pair : pairs) pair = connected_pair();
    const std::vector<std::byte> bytes(messages_count * message_bytes);
    const std::size_t rounds = way.is_coalesced ? 1 : messages_count;
    for (auto _ : state) {
        const Instant begin = read_clock();
        for (std::size_t i = 0; i < rounds; ++i)
            send_all(**ring, pairs, std::span{bytes}.first(bytes.size() / rounds), way);
        state.SetIterationTime(std::chrono::duration<double>(read_clock() - begin).count());
        read_all(pairs);
    }
    state.SetItemsProcessed(state.iterations() *
                            static_cast<std::int64_t>(connections_count * messages_count));
}

BENCHMARK_CAPTURE(output, uring_collected, Backend::uring, collected)->UseManualTime();
BENCHMARK_CAPTURE(output, uring_acknowledged, Backend::uring, acknowledged)->UseManualTime();
BENCHMARK_CAPTURE(output, uring_unbatched, Backend::uring, unbatched)->UseManualTime();
BENCHMARK_CAPTURE(output, uring_uncoalesced, Backend::uring, uncoalesced)->UseManualTime();
BENCHMARK_CAPTURE(output, uring_single, Backend::uring, single)->UseManualTime();
BENCHMARK_CAPTURE(output, epoll_collected, Backend::epoll, collected)->UseManualTime();
BENCHMARK_CAPTURE(output, epoll_uncoalesced, Backend::epoll, uncoalesced)->UseManualTime();

}  // namespace

BENCHMARK_MAIN();

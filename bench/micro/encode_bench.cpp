// Encoding once: what a publication costs a shard until it is in the output of its subscribers. All
// of them share one frame, as in the shard, or each gets a frame written for it; the same with
// compression, once or for each. No sockets; range(0) octets to range(1) subscribers.

#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dialect/raw.hpp"
#include "shard/encoded_publication.hpp"
#include "shard/turn_output.hpp"
#include "ws/deflate.hpp"

namespace {

using namespace ringcast;
using shard::EncodedPublication;
using shard::TurnOutput;

/// A shard hands over what it has collected beyond this.
constexpr std::uint64_t flush_bytes = 256 << 10;

std::string message_of(std::size_t size) {
    std::string text = "{\"users\":[";
    for (std::uint32_t random = 1; text.size() < size;) {
        random = random * 1664525 + 1013904223;
        text += "{\"id\":" + std::to_string(random >> 12) + ",\"active\":true},";
    }
    text.resize(size);
    return text;
}

EncodedPublication encode(std::span<const std::byte> payload, BufferPool& pool) {
    SharedFrame frame{pool, dialect::raw::frame_bytes(payload.size())};
    dialect::raw::write_frame(frame.bytes(), PublicationKind::json, payload);
    return {std::move(frame), payload.size(), "topic", PublicationKind::json, {}};
}

/// Per iteration one publication: `begin` encodes it, `deliver` puts it into one chain.
template <class Begin, class Deliver>
void fan_out(benchmark::State& state, const Begin& begin, const Deliver& deliver) {
    const std::string message = message_of(static_cast<std::size_t>(state.range(0)));
    const auto payload = std::as_bytes(std::span{message});
    BufferPool pool;
    TurnOutput output{TurnOutput::arena_bytes_for(flush_bytes)};
    std::vector<TurnOutput::Chain> chains(static_cast<std::size_t>(state.range(1)));
    for (auto _ : state) {
        auto encoded = begin(payload, pool);
        for (TurnOutput::Chain& chain : chains) {
            chain = {};
            deliver(output, chain, encoded, pool);
            if (output.bytes() >= flush_bytes) output.reset();
        }
        benchmark::DoNotOptimize(chains.data());
        output.reset();
    }
    state.SetItemsProcessed(state.iterations() * state.range(1));
}

std::span<const std::byte> as_it_is(std::span<const std::byte> payload, BufferPool&) {
    return payload;
}

void encode_once(benchmark::State& state) {
    fan_out(state, encode,
            [](TurnOutput& output, TurnOutput::Chain& chain, EncodedPublication& publication,
               BufferPool&) { output.append(chain, publication.frame()); });
}

/// For clients of the Centrifuge protocol: from the raw frame, with the first of them.
void encode_push_once(benchmark::State& state) {
    fan_out(state, encode,
            [](TurnOutput& output, TurnOutput::Chain& chain, EncodedPublication& publication,
               BufferPool& pool) {
                output.append(chain, publication.frame(shard::Encoding::centrifuge_json, pool));
            });
}

void encode_each(benchmark::State& state) {
    fan_out(state, as_it_is,
            [](TurnOutput& output, TurnOutput::Chain& chain, std::span<const std::byte> payload,
               BufferPool&) {
                const std::size_t size = dialect::raw::frame_bytes(payload.size());
                std::byte* const frame = output.reserve(chain, size);
                if (frame == nullptr) std::abort();
                dialect::raw::write_frame({frame, size}, PublicationKind::json, payload);
            });
}

void compress_once(benchmark::State& state) {
    ws::Deflaters deflaters{{}};
    fan_out(state, encode,
            [&](TurnOutput& output, TurnOutput::Chain& chain, EncodedPublication& publication,
                BufferPool& pool) {
                output.append(chain, publication.compressed(shard::Encoding::raw,
                                                            ws::window_bits_max, deflaters, pool));
            });
}

void compress_each(benchmark::State& state) {
    ws::Deflaters deflaters{{}};
    fan_out(state, as_it_is,
            [&](TurnOutput& output, TurnOutput::Chain& chain, std::span<const std::byte> payload,
                BufferPool& pool) {
                EncodedPublication own = encode(payload, pool);
                output.append(chain, own.compressed(shard::Encoding::raw, ws::window_bits_max,
                                                    deflaters, pool));
            });
}

const std::vector<std::int64_t> sizes{64, 1 << 10, 16 << 10};

}  // namespace

BENCHMARK(encode_once)->ArgsProduct({sizes, {1'000}});
BENCHMARK(encode_push_once)->ArgsProduct({sizes, {1'000}});
BENCHMARK(encode_each)->ArgsProduct({sizes, {1'000}});
BENCHMARK(compress_once)->Args({1 << 10, 1'000});
BENCHMARK(compress_each)->Args({1 << 10, 1'000});

BENCHMARK_MAIN();

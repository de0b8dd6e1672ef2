// Frames: parsing with ws::Assembler (header, unmasking, UTF-8 check) and writing server headers.

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstring>
#include <string>
#include <vector>

#include "ws/assembler.hpp"

namespace {

using namespace ringcast;

constexpr ws::AssemblerLimits limits{.message_bytes_max = 1u << 20};

/// Masked frames of `payload_bytes` each, as many as fit in 16 KiB, at least one: what one receive
/// brings.
std::string frames(ws::Opcode opcode, std::size_t payload_bytes) {
    const simd::MaskKey key{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};
    std::string one(ws::client_header_bytes_max, '\0');
    const ws::FrameHeader header{.opcode = opcode, .payload_bytes = payload_bytes};
    one.resize(ws::write_header(reinterpret_cast<std::byte*>(one.data()), header, &key));
    std::string payload(payload_bytes, 'a');
    simd::mask(std::as_writable_bytes(std::span{payload}), key);
    one += payload;
    std::string all = one;
    while (all.size() + one.size() <= 16u << 10) all += one;
    return all;
}

/// Per iteration: a fresh copy of the octets (the parser unmasks in place; masking twice restores
/// text, so that without the copy every second round would fail UTF-8) and all events in it. `cut`
/// != 0: in two slices.
void parse(benchmark::State& state, ws::Opcode opcode, std::size_t cut) {
    const std::string stream = frames(opcode, static_cast<std::size_t>(state.range(0)));
    std::vector<std::byte> slice(stream.size());
    BufferPool pool;
    ws::Assembler assembler;
    std::int64_t messages = 0;
    for (auto _ : state) {
        std::memcpy(slice.data(), stream.data(), stream.size());
        const std::span<std::byte> all{slice};
        for (std::span<std::byte> input : {all.first(cut), all.subspan(cut)}) {
            while (!input.empty()) {
                const ws::Event event = assembler.next(input, pool, limits);
                if (event.kind == ws::Event::Kind::need_more) continue;
                if (event.kind != ws::Event::Kind::message)
                    return state.SkipWithError("no message");
                benchmark::DoNotOptimize(event.payload.data());
                ++messages;
            }
        }
    }
    state.SetItemsProcessed(messages);
    state.SetBytesProcessed(messages * state.range(0));
}

void parse_binary(benchmark::State& state) {
    parse(state, ws::Opcode::binary, 0);
}
void parse_text(benchmark::State& state) {
    parse(state, ws::Opcode::text, 0);
}
/// Cut inside the first payload: that message goes through a block.
void parse_text_split(benchmark::State& state) {
    parse(state, ws::Opcode::text, 20);
}

/// What of the above is the copy alone.
void parse_baseline_copy(benchmark::State& state) {
    const std::string stream = frames(ws::Opcode::binary, static_cast<std::size_t>(state.range(0)));
    std::vector<std::byte> slice(stream.size());
    for (auto _ : state) {
        std::memcpy(slice.data(), stream.data(), stream.size());
        benchmark::DoNotOptimize(slice.data());
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(stream.size()));
}

/// One message of range(0) bytes, given in pieces of range(1) bytes: what its block's growth costs.
void parse_pieces(benchmark::State& state) {
    const auto payload_bytes = static_cast<std::size_t>(state.range(0));
    const auto piece_bytes = static_cast<std::size_t>(state.range(1));
    std::string stream = frames(ws::Opcode::binary, payload_bytes);
    const std::span<std::byte> all = std::as_writable_bytes(std::span{stream});
    BufferPool pool;
    ws::Assembler assembler;
    for (auto _ : state) {
        ws::Event event;
        for (std::size_t at = 0; at < all.size(); at += piece_bytes) {
            std::span<std::byte> input = all.subspan(at, std::min(piece_bytes, all.size() - at));
            event = assembler.next(input, pool, limits);
        }
        if (event.kind != ws::Event::Kind::message) return state.SkipWithError("no message");
        benchmark::DoNotOptimize(event.payload.data());
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

void encode_header(benchmark::State& state) {
    std::vector<std::byte> buffer(64);
    for (auto _ : state) {
        std::uint64_t payload_bytes = static_cast<std::uint64_t>(state.range(0));
        benchmark::DoNotOptimize(payload_bytes);
        benchmark::DoNotOptimize(
            ws::write_header_before(buffer.data() + 16, ws::Opcode::text, payload_bytes));
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations());
}

constexpr std::int64_t small = 20, medium = 1 << 10, large = 64 << 10;

}  // namespace

BENCHMARK(parse_binary)->Arg(small)->Arg(medium)->Arg(large);
BENCHMARK(parse_text)->Arg(small)->Arg(medium)->Arg(large);
BENCHMARK(parse_text_split)->Arg(small)->Arg(medium)->Arg(large);
BENCHMARK(parse_baseline_copy)->Arg(small)->Arg(medium)->Arg(large);
BENCHMARK(parse_pieces)
    ->Args({large, medium})
    ->Args({large, 4 << 10})
    ->Args({1 << 20, medium})
    ->Args({1 << 20, 4 << 10})
    ->Args({1 << 20, large});
BENCHMARK(encode_header)->Arg(small)->Arg(medium)->Arg(large);

BENCHMARK_MAIN();

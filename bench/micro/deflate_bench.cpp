// permessage-deflate: messages inflated by ws::Assembler and deflated by ws::Deflaters, JSON-like
// text of range(0) bytes.

#include <benchmark/benchmark.h>
#include <cstring>
#include <string>
#include <vector>

#include "ws/assembler.hpp"
#include "ws/deflate.hpp"

namespace {

using namespace ringcast;

std::string json_like(std::size_t size) {
    std::string text = "{\"users\":[";
    std::uint32_t state = 1;
    const auto random = [&state] { return (state = state * 1664525 + 1013904223) >> 12; };
    while (text.size() < size) {
        text += "{\"id\":" + std::to_string(random() % 100000) + ",\"name\":\"user " +
                std::to_string(random() % 1000) +
                "\",\"active\":" + (random() % 2 != 0 ? "true" : "false") + "},";
    }
    text.resize(size);
    return text;
}

/// Compressed messages of a client, the same text again: the first, and one behind it.
struct Compressed {
    explicit Compressed(const std::string& message) {
        ws::Deflaters deflaters{{.level = 6}};
        ws::Deflation deflation{deflaters, {}};
        for (std::string* const payload : {&first, &later}) {
            payload->resize(message.size() + 4);
            payload->resize(deflation.deflate(std::as_bytes(std::span{message}),
                                              std::as_writable_bytes(std::span{*payload})));
        }
    }
    std::string first, later;
};

std::string frame(std::string_view payload) {
    const simd::MaskKey key{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};
    std::string out(ws::client_header_bytes_max, '\0');
    const ws::FrameHeader header{
        .opcode = ws::Opcode::text, .reserved_bits = ws::rsv1, .payload_bytes = payload.size()};
    const std::size_t header_bytes =
        ws::write_header(reinterpret_cast<std::byte*>(out.data()), header, &key);
    out.resize(header_bytes);
    out += payload;
    simd::mask(std::as_writable_bytes(std::span{out}).subspan(header_bytes), key);
    return out;
}

/// Per iteration one message from its frame; includes a copy of the frame, as parsing unmasks it.
void inflate(benchmark::State& state, bool takes_over) {
    const std::string message = json_like(static_cast<std::size_t>(state.range(0)));
    const Compressed compressed{message};
    const std::string first = frame(compressed.first);
    const std::string later = takes_over ? frame(compressed.later) : first;
    BufferPool pool;
    ws::Inflaters inflaters;
    ws::Inflation inflation{inflaters, {.client_no_context_takeover = !takes_over}};
    ws::Assembler assembler;
    const ws::AssemblerLimits limits{.message_bytes_max = 1u << 20};
    std::vector<std::byte> slice;
    for (const std::string* sent = &first; auto _ : state) {
        slice.resize(sent->size());
        std::memcpy(slice.data(), sent->data(), sent->size());
        sent = &later;
        std::span<std::byte> input{slice};
        const ws::Event event = assembler.next(input, pool, limits, &inflation);
        if (event.kind != ws::Event::Kind::message || event.payload.size() != message.size())
            return state.SkipWithError("no message");
        benchmark::DoNotOptimize(event.payload.data());
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
    state.counters["payload"] = static_cast<double>((takes_over ? compressed.later : first).size());
}

void inflate_no_takeover(benchmark::State& state) {
    inflate(state, false);
}
void inflate_takeover(benchmark::State& state) {
    inflate(state, true);
}

/// range(1) is the level.
template <class Compress>
void deflate(benchmark::State& state, Compress compress) {
    std::string message = json_like(static_cast<std::size_t>(state.range(0)));
    std::vector<std::byte> target(message.size() + 4);
    std::size_t payload_bytes = 0;
    std::size_t changed = 0;
    for (auto _ : state) {
        // No two messages are alike, as context would make one of two.
        message[20 + changed++ % 40] ^= 1;
        payload_bytes = compress(std::as_bytes(std::span{message}), std::span{target});
        benchmark::DoNotOptimize(target.data());
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
    state.counters["payload"] = static_cast<double>(payload_bytes);
}

void deflate_shared(benchmark::State& state) {
    ws::Deflaters deflaters{{.level = static_cast<std::uint8_t>(state.range(1))}};
    deflate(state, [&](std::span<const std::byte> message, std::span<std::byte> target) {
        return deflaters.deflate(message, target, ws::window_bits_max);
    });
}
void deflate_dedicated(benchmark::State& state) {
    ws::Deflaters deflaters{{.level = static_cast<std::uint8_t>(state.range(1))}};
    ws::Deflation deflation{deflaters, {}};
    deflate(state, [&](std::span<const std::byte> message, std::span<std::byte> target) {
        return deflation.deflate(message, target);
    });
}

const std::vector<std::int64_t> sizes{64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10};

}  // namespace

BENCHMARK(inflate_no_takeover)->ArgsProduct({sizes});
BENCHMARK(inflate_takeover)->ArgsProduct({sizes});
BENCHMARK(deflate_shared)->ArgsProduct({sizes, {1, 6}});
BENCHMARK(deflate_dedicated)->ArgsProduct({sizes, {1, 6}});

BENCHMARK_MAIN();

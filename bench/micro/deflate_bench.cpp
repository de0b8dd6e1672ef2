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

/// Texts that differ: one alone would teach the branch predictor, and flatter zlib by half.
std::vector<std::string> messages_of(std::size_t size) {
    std::vector<std::string> messages(64);
    std::uint32_t state = 1;
    const auto random = [&state] { return (state = state * 1664525 + 1013904223) >> 12; };
    for (std::string& text : messages) {
        text = "{\"users\":[";
        while (text.size() < size) {
            text += "{\"id\":" + std::to_string(random() % 100000) + ",\"name\":\"user " +
                    std::to_string(random() % 1000) +
                    "\",\"active\":" + (random() % 2 != 0 ? "true" : "false") + "},";
        }
        text.resize(size);
    }
    return messages;
}

/// Their payloads from a client, the second time that it sends them all.
std::vector<std::string> payloads_of(const std::vector<std::string>& messages, bool takes_over,
                                     std::vector<std::string>& first_time) {
    ws::Deflaters deflaters{{.level = 6}};
    ws::Deflation deflation{deflaters, {.server_no_context_takeover = !takes_over}};
    std::vector<std::string> payloads;
    for (std::vector<std::string>* const round : {&first_time, &payloads}) {
        for (const std::string& message : messages) {
            std::string& payload = round->emplace_back(message.size() + 4, '\0');
            payload.resize(deflation.deflate(std::as_bytes(std::span{message}),
                                             std::as_writable_bytes(std::span{payload})));
        }
    }
    return payloads;
}

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
    const std::vector<std::string> messages = messages_of(static_cast<std::size_t>(state.range(0)));
    std::vector<std::string> first_time;
    std::vector<std::string> frames = payloads_of(messages, takes_over, first_time);
    double payload_bytes = 0;
    for (std::string& payload : frames) {
        payload_bytes += static_cast<double>(payload.size()) / static_cast<double>(frames.size());
        payload = frame(payload);
    }
    BufferPool pool;
    ws::Inflaters inflaters;
    ws::Inflation inflation{inflaters, {.client_no_context_takeover = !takes_over}};
    ws::Assembler assembler;
    const ws::AssemblerLimits limits{.message_bytes_max = 1u << 20};
    std::vector<std::byte> slice;
    const auto receive = [&](const std::string& sent) {
        slice.resize(sent.size());
        std::memcpy(slice.data(), sent.data(), sent.size());
        std::span<std::byte> input{slice};
        ws::Event event;
        do {  // One call inflates 1 KiB of payload at most.
            event = assembler.next(input, pool, limits, &inflation);
        } while (event.kind == ws::Event::Kind::need_more && !input.empty());
        benchmark::DoNotOptimize(event.payload.data());
        return event.kind == ws::Event::Kind::message;
    };
    for (const std::string& payload : first_time) {
        if (!receive(frame(payload))) return state.SkipWithError("no message");
    }
    for (std::size_t i = 0; auto _ : state) {
        if (!receive(frames[i++ % frames.size()])) return state.SkipWithError("no message");
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
    state.counters["payload"] = payload_bytes;
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
    const std::vector<std::string> messages = messages_of(static_cast<std::size_t>(state.range(0)));
    std::vector<std::byte> target(messages[0].size() + 4);
    std::size_t payload_bytes = 0;
    for (std::size_t i = 0; auto _ : state) {
        const std::string& message = messages[i++ % messages.size()];
        payload_bytes += compress(std::as_bytes(std::span{message}), std::span{target});
        benchmark::DoNotOptimize(target.data());
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
    state.counters["payload"] =
        static_cast<double>(payload_bytes) / static_cast<double>(state.iterations());
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

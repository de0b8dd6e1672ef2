// The opening handshake: parsing a browser's request head, checking it, and the answer.

#include <benchmark/benchmark.h>
#include <memory>
#include <string>
#include <string_view>

#include "http/request_parser.hpp"
#include "ws/handshake.hpp"

namespace {

using namespace ringcast;

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";

constexpr std::string_view browser_head =
    "GET /chat?token=abcdef HTTP/1.1\r\n"
    "Host: example.com:8080\r\n"
    "Connection: Upgrade\r\n"
    "Pragma: no-cache\r\n"
    "Cache-Control: no-cache\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36\r\n"
    "Upgrade: websocket\r\n"
    "Origin: https://example.com:8080\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9,en-US;q=0.8\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    "\r\n";

constexpr std::string_view short_head =
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// One head per iteration, in slices of `slice_bytes`.
void parse(benchmark::State& state, std::string_view head, std::size_t slice_bytes) {
    std::string text{head};
    BufferPool pool;
    http::RequestParser parser;
    const auto storage = std::make_unique<http::RequestStorage>();
    for (auto _ : state) {
        auto result = http::RequestParser::Result{};
        for (std::size_t start = 0; start < text.size(); start += slice_bytes) {
            std::span<std::byte> input = std::as_writable_bytes(std::span{text}.subspan(start));
            input = input.first(std::min(input.size(), slice_bytes));
            result = parser.next(input, *storage, pool, {});
        }
        if (result.found != http::RequestParser::Found::request)
            return state.SkipWithError("no request");
        benchmark::DoNotOptimize(storage->request.fields.data());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(head.size()));
}

void parse_short_head(benchmark::State& state) {
    parse(state, short_head, short_head.size());
}
void parse_browser_head(benchmark::State& state) {
    parse(state, browser_head, browser_head.size());
}
void parse_browser_head_in_halves(benchmark::State& state) {
    parse(state, browser_head, browser_head.size() / 2 + 1);
}
void parse_browser_head_bytewise(benchmark::State& state) {
    parse(state, browser_head, 1);
}

void read_handshake(benchmark::State& state) {
    std::string text{browser_head};
    BufferPool pool;
    http::RequestParser parser;
    const auto storage = std::make_unique<http::RequestStorage>();
    std::span<std::byte> input = std::as_writable_bytes(std::span{text});
    (void)parser.next(input, *storage, pool, {});
    for (auto _ : state) benchmark::DoNotOptimize(ws::read_handshake(storage->request));
}

void accept_value(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(ws::accept_value(key));
}

void write_switching_protocols(benchmark::State& state) {
    std::string out;
    for (auto _ : state) {
        out.clear();
        ws::write_switching_protocols(out, key, {});
        benchmark::DoNotOptimize(out.data());
    }
}

}  // namespace

BENCHMARK(parse_short_head);
BENCHMARK(parse_browser_head);
BENCHMARK(parse_browser_head_in_halves);
BENCHMARK(parse_browser_head_bytewise);
BENCHMARK(read_handshake);
BENCHMARK(accept_value);
BENCHMARK(write_switching_protocols);

BENCHMARK_MAIN();

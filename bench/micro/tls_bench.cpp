// TLS: records encrypted and decrypted by tls::Stream, by size, and handshakes of the server's side
// alone, whole and resumed. Keys are P-256 or RSA 2048.

#include <benchmark/benchmark.h>
#include <chrono>
#include <malloc.h>
#include <memory>
#include <string>
#include <vector>

#include "support/tls_client.hpp"
#include "tls/record_filler.hpp"

namespace {

using namespace ringcast;

const tls::TicketKeys& keys() {
    static const tls::TicketKeys keys{Instant{}, test::fill_from_test_generator};
    return keys;
}

const tls::Context& context_with(test::KeyKind kind) {
    static const tls::Context curve = test::context_of(test::issue({}));
    static const tls::Context rsa =
        test::context_of(test::issue({.key_kind = test::KeyKind::rsa_2048}));
    return kind == test::KeyKind::p256 ? curve : rsa;
}

struct Connected {
    explicit Connected(const test::TlsClientOptions& options = {})
        : client{options}, server{context_with(test::KeyKind::p256), keys()} {
        exchange(client, server);
    }
    test::TlsClient client;
    test::TlsServer server;
};

/// Drops what it gets, as the ring does that has sent it.
struct Nowhere final : tls::Output {
    void append(std::span<const std::byte> ciphertext) override {
        benchmark::DoNotOptimize(ciphertext.data());
        bytes += ciphertext.size();
    }
    std::uint64_t bytes = 0;
};

void encrypt(benchmark::State& state) {
    Connected ends;
    Nowhere output;
    const std::vector<std::byte> plaintext(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        if (!ends.server.stream.write(plaintext, output)) state.SkipWithError("failed");
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

/// range(0) frames of 20 bytes through a filler, in one record.
void encrypt_frames(benchmark::State& state) {
    Connected ends;
    Nowhere output;
    const std::vector<std::byte> frame(20);
    for (auto _ : state) {
        tls::RecordFiller filler{ends.server.stream, output};
        for (std::int64_t i = 0; i < state.range(0); ++i) {
            if (!filler.append(frame)) state.SkipWithError("failed");
        }
        if (!filler.finish()) state.SkipWithError("failed");
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>{std::chrono::steady_clock::now() - begin}.count();
}

/// A turn's 64 slices, with range(1) records of range(0) bytes each. That the client makes them is
/// not counted.
void decrypt(benchmark::State& state) {
    constexpr std::int64_t slices_count = 64;
    Connected ends;
    Nowhere output;
    std::vector<std::byte> buffer(tls::record_bytes_max);
    const std::string text(static_cast<std::size_t>(state.range(0)), 'a');
    for (auto _ : state) {
        std::vector<std::string> slices(slices_count);
        for (std::string& slice : slices) {
            for (std::int64_t i = 0; i < state.range(1); ++i) ends.client.send(text);
            slice = ends.client.take_output();
        }
        const auto begin = std::chrono::steady_clock::now();
        for (const std::string& slice : slices) {
            std::span<const std::byte> input = std::as_bytes(std::span{slice});
            tls::Stream::Event event;
            do {
                event = ends.server.stream.read(input, buffer, output);
            } while (event.found == tls::Stream::Found::plaintext);
            if (event.found != tls::Stream::Found::need_more) state.SkipWithError("failed");
        }
        state.SetIterationTime(seconds_since(begin));
    }
    const std::int64_t records = state.iterations() * slices_count * state.range(1);
    state.SetItemsProcessed(records);
    state.SetBytesProcessed(records * state.range(0));
}

/// The server's part of a handshake, from the stream's making to its end; `hello_us` is the call
/// that answers the ClientHello.
void handshake(benchmark::State& state, test::KeyKind kind, int version, bool is_resumed) {
    using Clock = std::chrono::steady_clock;
    test::TlsClientOptions options{.version_min = version, .version_max = version};
    if (is_resumed) {
        test::TlsClient client{options};
        test::TlsServer server{context_with(kind), keys()};
        exchange(client, server);
        options.session = client.session();
    }
    double hello_seconds = 0;
    for (auto _ : state) {
        test::TlsClient client{options};
        Clock::time_point begin = Clock::now();
        auto server = std::make_unique<test::TlsServer>(context_with(kind), keys());
        double seconds = seconds_since(begin);
        bool is_hello = true;
        while (!client.is_open() || server->stream.is_handshaking()) {
            const std::string flight = client.take_output();
            begin = Clock::now();
            server->feed(flight);
            const double step = seconds_since(begin);
            seconds += step;
            if (std::exchange(is_hello, false)) hello_seconds += step;
            client.feed(server->take_output());
        }
        if (server->stream.is_resumed() != is_resumed) state.SkipWithError("not as planned");
        begin = Clock::now();
        server.reset();
        state.SetIterationTime(seconds + seconds_since(begin));
    }
    state.SetItemsProcessed(state.iterations());
    state.counters["hello_us"] =
        benchmark::Counter(hello_seconds * 1e6, benchmark::Counter::kAvgIterations);
}

/// Heap of one stream that has nothing to do, its connection's 16 KiB behind it.
void idle_memory(benchmark::State& state, int version) {
    constexpr std::size_t streams = 5000;
    const test::TlsClientOptions options{.version_min = version, .version_max = version};
    {
        const Connected warm_up{options};
    }
    for (auto _ : state) {
        std::vector<tls::Stream> idle;
        idle.reserve(streams);
        const std::size_t before = mallinfo2().uordblks;
        for (std::size_t i = 0; i < streams; ++i) {
            Connected ends{options};
            ends.client.send(std::string(tls::record_bytes_max, 'a'));
            exchange(ends.client, ends.server);
            if (!ends.server.write("answer")) state.SkipWithError("failed");
            idle.push_back(std::move(ends.server.stream));
        }
        const std::size_t bytes = mallinfo2().uordblks - before;
        state.counters["bytes_per_stream"] =
            static_cast<double>(bytes) / static_cast<double>(streams) + sizeof(tls::Stream);
    }
}

constexpr std::int64_t small = 20, medium = 1 << 10, record = 16 << 10, large = 256 << 10;

}  // namespace

BENCHMARK(encrypt)->Arg(small)->Arg(medium)->Arg(record)->Arg(large);
BENCHMARK(encrypt_frames)->Arg(1)->Arg(16)->Arg(256);
BENCHMARK(decrypt)
    ->Args({small, 1})
    ->Args({small, 16})
    ->Args({medium, 1})
    ->Args({record, 1})
    ->UseManualTime();
BENCHMARK_CAPTURE(handshake, p256_tls13, test::KeyKind::p256, TLS1_3_VERSION, false)
    ->UseManualTime();
BENCHMARK_CAPTURE(handshake, p256_tls13_resumed, test::KeyKind::p256, TLS1_3_VERSION, true)
    ->UseManualTime();
BENCHMARK_CAPTURE(handshake, p256_tls12, test::KeyKind::p256, TLS1_2_VERSION, false)
    ->UseManualTime();
BENCHMARK_CAPTURE(handshake, p256_tls12_resumed, test::KeyKind::p256, TLS1_2_VERSION, true)
    ->UseManualTime();
BENCHMARK_CAPTURE(handshake, rsa_tls13, test::KeyKind::rsa_2048, TLS1_3_VERSION, false)
    ->UseManualTime();
BENCHMARK_CAPTURE(idle_memory, tls13, TLS1_3_VERSION)->Iterations(1);
BENCHMARK_CAPTURE(idle_memory, tls12, TLS1_2_VERSION)->Iterations(1);

BENCHMARK_MAIN();

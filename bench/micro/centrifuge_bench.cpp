// The Centrifuge protocol: decoding commands, beside simdjson that only makes a tree of them;
// encoding a publication's push, once for all its subscribers; and deltas.

#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <simdjson.h>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.hpp"
#include "dialect/centrifuge/decoder.hpp"
#include "dialect/centrifuge/encoder.hpp"
#include "dialect/centrifuge/fossil_delta.hpp"

namespace {

using namespace ringcast;
using namespace ringcast::dialect::centrifuge;

constexpr std::int64_t sizes[] = {20, 200, 2 << 10, 64 << 10};

/// An array of short objects, about that long.
std::string json_payload(std::size_t size) {
    std::string text = "[{}";
    for (std::uint64_t i = 0; text.size() + 40 < size; ++i)
        text += ",{\"price\":" + std::to_string(100 + i * 7919 % 1000) + ",\"sym\":\"ACME\"}";
    return text + "]";
}

std::string publish_json(std::size_t size) {
    return R"({"id":5,"publish":{"channel":"prices","data":)" + json_payload(size) + "}}";
}

/// Field by field; the lengths have two octets, which is enough for all sizes but the shortest.
std::string publish_protobuf(std::size_t size) {
    const auto delimited = [](std::string_view bytes) {
        std::string text;
        for (std::size_t left = bytes.size();; left >>= 7) {
            text += static_cast<char>(left < 0x80 ? left : left | 0x80);
            if (left < 0x80) break;
        }
        return text.append(bytes);
    };
    const std::string request =
        "\x0a" + delimited("prices") + "\x12" + delimited(json_payload(size));
    return delimited("\x08\x05\x3a" + delimited(request));
}

void decode(benchmark::State& state, Format format, const std::string& message) {
    std::vector<char> memory(message.begin(), message.end());
    for (auto _ : state) {
        CommandDecoder decoder{format, memory};
        while (decoder.next()) benchmark::DoNotOptimize(decoder.command());
        if (decoder.fault() != Malformed::none) state.SkipWithError("malformed");
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(message.size()));
}

void bm_decode_json(benchmark::State& state) {
    decode(state, Format::json, publish_json(static_cast<std::size_t>(state.range(0))));
}

void bm_decode_protobuf(benchmark::State& state) {
    decode(state, Format::protobuf, publish_protobuf(static_cast<std::size_t>(state.range(0))));
}

/// What the gate for JSON cost before: a tree in memory of its own.
void bm_simdjson_tree(benchmark::State& state) {
    const simdjson::padded_string text{publish_json(static_cast<std::size_t>(state.range(0)))};
    simdjson::dom::parser parser;
    for (auto _ : state) benchmark::DoNotOptimize(parser.parse(text).error());
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

void bm_decode_subscribes(benchmark::State& state, Format format) {
    std::string message;
    for (int i = 0; i < 100; ++i) {
        message += R"({"subscribe":{"channel":"rec)" + std::to_string(100 + i) +
                   R"(","positioned":true,"recoverable":true,"flag":1},"id":)" +
                   std::to_string(i + 2) + "}\n";
    }
    decode(state, format, message);
    state.SetItemsProcessed(state.iterations() * 100);
}

void bm_encode(benchmark::State& state, Format format, PublicationKind kind) {
    const std::string payload = json_payload(static_cast<std::size_t>(state.range(0)));
    const ClientInfo info{.user = "42", .client = "2f5d0f2c-9a0e-4a5e-9f6e-3c1f0a7b7d11"};
    const Reply reply{0, Push{"prices", Publication{{payload, kind}, &info, 123456, {}, false}}};
    const Wire wire{.format = format};
    std::vector<std::byte> memory(encoded_bytes(wire, reply));
    for (auto _ : state) {
        if (encoded_bytes(wire, reply) != memory.size()) state.SkipWithError("size");
        encode(memory, wire, reply);
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(memory.size()));
}

void bm_delta(benchmark::State& state, bool is_similar) {
    const std::string source = json_payload(static_cast<std::size_t>(state.range(0)));
    std::string target = source;
    Prng prng{1};
    for (std::size_t i = is_similar ? 50 : 1; i < target.size(); i += is_similar ? 500 : 1)
        target[i] = static_cast<char>('a' + prng.below(26));
    FossilDelta maker;
    std::string delta;
    for (auto _ : state) {
        delta.clear();
        benchmark::DoNotOptimize(
            maker.encode(source, target, FossilDelta::Cuts::at_characters, delta));
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(target.size()));
    state.counters["delta_bytes"] = static_cast<double>(delta.size());
}

void add(const char* name, auto... arguments) {
    auto* const added = benchmark::RegisterBenchmark(name, arguments...);
    for (const std::int64_t size : sizes) added->Arg(size);
}

}  // namespace

int main(int argc, char** argv) {
    add("decode/json", bm_decode_json);
    add("decode/simdjson-tree", bm_simdjson_tree);
    add("decode/protobuf", bm_decode_protobuf);
    benchmark::RegisterBenchmark("decode/100-subscribes", bm_decode_subscribes, Format::json);
    add("encode/json", bm_encode, Format::json, PublicationKind::json);
    add("encode/json-text", bm_encode, Format::json, PublicationKind::text);
    add("encode/protobuf", bm_encode, Format::protobuf, PublicationKind::json);
    add("delta/similar", bm_delta, true);
    add("delta/different", bm_delta, false);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}

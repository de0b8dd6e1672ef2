// UTF-8 validation of texts as a whole and in pieces, beside simdjson alone (the limit) and the
// octet-by-octet automaton (which a validator fed one octet at a time comes down to).

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstddef>
#include <simdjson.h>
#include <span>
#include <string>
#include <string_view>

#include "simd/utf8.hpp"

namespace {

using ringcast::simd::is_utf8;
using ringcast::simd::Utf8Validator;

constexpr std::int64_t sizes[] = {5, 20, 64, 125, 1 << 10, 16 << 10, 1 << 20};

std::string ascii(std::size_t size) {
    return std::string(size, 'x');
}

/// One character of each length, over and over; cut short with ASCII.
std::string mixed(std::size_t size) {
    const std::string_view period = "n\xc3\xb1\xe2\x82\xac\xf0\x9f\x98\x80";
    std::string text;
    while (text.size() + period.size() <= size) text += period;
    return text.append(size - text.size(), 'x');
}

std::span<const std::byte> octets(std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
}

using MakeText = std::string (*)(std::size_t size);

/// Measures `validate(span)` over a text made by `make_text`.
void add(const std::string& name, MakeText make_text, auto validate) {
    auto* added =
        benchmark::RegisterBenchmark(name.c_str(), [make_text, validate](benchmark::State& state) {
            const std::string text = make_text(static_cast<std::size_t>(state.range(0)));
            for (auto _ : state) benchmark::DoNotOptimize(validate(octets(text)));
            state.SetBytesProcessed(state.iterations() * state.range(0));
        });
    for (const std::int64_t size : sizes) added->Arg(size);
}

bool validate_with_simdjson(std::span<const std::byte> text) {
    return simdjson::validate_utf8(reinterpret_cast<const char*>(text.data()), text.size());
}

bool validate_in_pieces(std::span<const std::byte> text, std::size_t piece_bytes) {
    Utf8Validator validator;
    while (!text.empty()) {
        const auto piece = text.first(std::min(piece_bytes, text.size()));
        if (!validator.feed(piece)) return false;
        text = text.subspan(piece.size());
    }
    return validator.is_complete();
}

void add_all(const std::string& kind, MakeText make_text) {
    add("simdjson/" + kind, make_text, validate_with_simdjson);
    add("is_utf8/" + kind, make_text, [](auto text) { return is_utf8(text); });
    add("validator/" + kind, make_text,
        [](auto text) { return validate_in_pieces(text, text.size()); });
    add("validator-1400/" + kind, make_text,
        [](auto text) { return validate_in_pieces(text, 1400); });
    add("octet-by-octet/" + kind, make_text, [](auto text) { return validate_in_pieces(text, 1); });
}

}  // namespace

int main(int argc, char** argv) {
    add_all("ascii", ascii);
    add_all("mixed", mixed);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}

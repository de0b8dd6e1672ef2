#include "dialect/centrifuge/fossil_delta.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <span>
#include <string>
#include <string_view>

#include "base/prng.hpp"
#include "simd/utf8.hpp"
#include "support/fossil_reference.hpp"

using namespace ringcast;
using dialect::centrifuge::FossilDelta;
using Cuts = FossilDelta::Cuts;

namespace {

/// Empty if a delta does not pay.
std::string delta_of(std::string_view source, std::string_view target, Cuts cuts = Cuts::anywhere) {
    FossilDelta maker;
    std::string delta = "before ";
    const bool pays = maker.encode(source, target, cuts, delta);
    CHECK(delta.starts_with("before "));
    CHECK(pays == (delta.size() > 7));
    return delta.substr(7);
}

void check_round_trip(std::string_view source, std::string_view target, Cuts cuts) {
    const std::string delta = delta_of(source, target, cuts);
    if (delta.empty()) return;
    REQUIRE(delta.size() < target.size());
    REQUIRE(test::FossilReader{source, delta}.read() == target);
}

/// Text of a few hundred characters of all lengths, out of few words so that runs recur.
std::string random_text(Prng& prng, std::size_t words) {
    constexpr std::string_view vocabulary[] = {"{\"price\":",      "\xc3\xa4\xc3\xb6",
                                               "\xe2\x82\xac",     "\xf0\x9f\x98\x80",
                                               "0123456789",       ",",
                                               "\"sym\":\"ACME\"", "a",
                                               "\xc3\xa4",         "\xe2\x82\xad",
                                               "\xf0\x9f\x98\x81", "}"};
    std::string text;
    for (; words > 0; --words) text += vocabulary[prng.below(std::size(vocabulary))];
    return text;
}

/// `text` with some characters cut out, doubled or moved; characters stay whole.
std::string changed(Prng& prng, const std::string& text) {
    const auto boundary = [&](std::size_t at) {
        while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) ++at;
        return at;
    };
    std::string target;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = boundary(at + 1 + prng.below(60));
        const std::string piece = text.substr(at, end - at);
        switch (prng.below(6)) {
            case 0: break;
            case 1: target += piece + piece; break;
            case 2: target += random_text(prng, 1 + prng.below(3)); break;
            case 3: target = piece + target; break;
            default: target += piece;
        }
        at = end;
    }
    return target;
}

}  // namespace

TEST_CASE("the delta that the official client was seen to read is made (digest, section 9)") {
    CHECK(delta_of(R"({"price":100,"sym":"ACME","ts":1})",
                   R"({"price":101,"sym":"ACME","ts":2})") == "X\nB@0,1:1J@C,2:2}BZLqB;");
}

TEST_CASE("a delta and the source make the target") {
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        Prng prng{seed};
        const std::string source = random_text(prng, prng.below(80));
        const std::string target = changed(prng, source);
        CAPTURE(seed);
        check_round_trip(source, target, Cuts::anywhere);
        check_round_trip(source, target, Cuts::at_characters);
        check_round_trip(target, source, Cuts::at_characters);
        check_round_trip(source, random_text(prng, 20), Cuts::anywhere);
    }
}

TEST_CASE("a delta of texts that is cut at characters is text") {
    std::size_t made = 0;
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        Prng prng{seed};
        const std::string source = random_text(prng, 10 + prng.below(60));
        const std::string target = changed(prng, source);
        const std::string delta = delta_of(source, target, Cuts::at_characters);
        if (!delta.empty()) ++made;
        CAPTURE(seed);
        REQUIRE(simd::is_utf8(std::as_bytes(std::span{delta})));
    }
    CHECK(made > 1500);
    // Characters that begin alike are cut in two only where that is allowed.
    const std::string source =
        "0123456789\xf0\x9f\x98\x80"
        "0123456789abcdef";
    const std::string target =
        "0123456789\xf0\x9f\x98\x81"
        "0123456789abcdef";
    CHECK(delta_of(source, target, Cuts::anywhere).find("1:\x81") != std::string::npos);
    CHECK(delta_of(source, target, Cuts::at_characters).find("4:\xf0\x9f\x98\x81") !=
          std::string::npos);
}

TEST_CASE("what is not shorter than the target is not made") {
    CHECK(delta_of("", "") == "");
    CHECK(delta_of("", "something that is new") == "");
    CHECK(delta_of("abcdefghijklmnop", "0123456789") == "");
    CHECK(delta_of("short", "short") == "");
    CHECK(delta_of("abcdefghijklmnop", "") == "");
    CHECK(delta_of("abcdefghijklmnop", "abcdefghijklmnop") != "");
}

TEST_CASE("octets of any value are carried") {
    std::string source;
    for (int i = 0; i < 512; ++i) source += static_cast<char>(i * 7);
    std::string target = source;
    target[100] = '\0';
    target.insert(300, "\xff\xfe@,:;\n");
    check_round_trip(source, target, Cuts::anywhere);
    CHECK(delta_of(source, target).size() < 60);
}

TEST_CASE("little changes to long texts make little deltas") {
    Prng prng{1};
    for (const std::size_t size : {1000u, 30'000u, 70'000u, 300'000u, 2'000'000u}) {
        CAPTURE(size);
        std::string source(size, '\0');
        for (char& c : source) c = static_cast<char>('!' + prng.below(90));
        std::string target = source;
        target.erase(size / 5, 3);
        target.insert(size / 3, "new");
        target[size / 2] = '~';
        target += "end";
        const std::string moved = target.substr(size / 2) + target.substr(0, size / 2);
        for (const std::string& each : {target, moved}) {
            const std::string delta = delta_of(source, each);
            test::FossilReader reader{source, delta};
            CHECK(reader.read() == each);
            // A long source has not all its windows in the table: some octets more are brought.
            CHECK(reader.octets_brought <= 10 + 10 * (size / 30'000 + 1));
        }
    }
}

TEST_CASE("texts that are one run over and over are done in one copy") {
    const std::string source(50'000, 'a');
    const std::string target(100'000, 'a');
    const std::string delta = delta_of(source, target);
    test::FossilReader reader{source, delta};
    CHECK(reader.read() == target);
    CHECK(reader.copies == 2);
}

TEST_CASE("one maker makes many deltas") {
    FossilDelta maker;
    Prng prng{7};
    std::string source = random_text(prng, 200);
    for (int i = 0; i < 200; ++i) {
        const std::string target = changed(prng, random_text(prng, 1 + prng.below(400)));
        std::string delta;
        if (maker.encode(source, target, Cuts::at_characters, delta))
            REQUIRE(test::FossilReader{source, delta}.read() == target);
        source = target;
    }
}

// The assembler against the naive reference: random streams, valid and broken, cut at random; and
// the content of every length that a kernel or a length form could get wrong.

#include <doctest/doctest.h>
#include <random>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "support/ws_client.hpp"
#include "support/ws_reference.hpp"

namespace ringcast::ws {

namespace {

using test::ClientFrame;
using Random = std::mt19937_64;

constexpr AssemblerLimits small_limits{.message_bytes_max = 4000};
constexpr AssemblerLimits large_limits{.message_bytes_max = 64u << 20};

std::size_t below(Random& random, std::size_t bound) {
    return static_cast<std::size_t>(random() % bound);
}
bool one_in(Random& random, std::size_t n) {
    return below(random, n) == 0;
}

std::string random_payload(Random& random, bool is_text) {
    constexpr std::size_t sizes[] = {0, 1, 2, 7, 20, 124, 125, 126, 127, 300, 1000};
    const std::size_t size = sizes[below(random, std::size(sizes))];
    constexpr std::string_view characters[] = {
        "a", "Z", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbf"};
    std::string payload;
    while (payload.size() < size) {
        if (is_text)
            payload += characters[below(random, std::size(characters))];
        else
            payload.push_back(static_cast<char>(random()));
    }
    return payload;
}

test::ClientKey random_key(Random& random) {
    test::ClientKey key;
    for (std::uint8_t& octet : key) octet = static_cast<std::uint8_t>(random());
    return key;
}

/// A legal stream: messages, some in fragments cut anywhere, control frames between.
std::string random_stream(Random& random) {
    std::string stream;
    const auto put = [&](std::uint8_t opcode, std::string payload, bool fin) {
        stream += test::encode(ClientFrame{.opcode = opcode,
                                           .payload = std::move(payload),
                                           .fin = fin,
                                           .key = random_key(random)});
    };
    const auto maybe_control = [&] {
        if (!one_in(random, 3)) return;
        std::string payload = random_payload(random, false).substr(0, 125);
        put(one_in(random, 2) ? test::opcode_ping : test::opcode_pong, std::move(payload), true);
    };
    const std::size_t messages = 1 + below(random, 5);
    for (std::size_t i = 0; i < messages; ++i) {
        maybe_control();
        const bool is_text = one_in(random, 2);
        std::string payload = random_payload(random, is_text);
        std::uint8_t opcode = is_text ? test::opcode_text : test::opcode_binary;
        for (std::size_t more = one_in(random, 2) ? below(random, 4) : 0; more > 0; --more) {
            const std::size_t cut = below(random, payload.size() + 1);
            put(opcode, payload.substr(0, cut), false);
            payload.erase(0, cut);
            opcode = test::opcode_continuation;
            maybe_control();
        }
        put(opcode, std::move(payload), true);
    }
    if (one_in(random, 3)) stream += test::close_frame(1000, "bye");
    return stream;
}

void mutate(Random& random, std::string& stream) {
    for (std::size_t changes = 1 + below(random, 3); changes > 0 && !stream.empty(); --changes) {
        const std::size_t at = below(random, stream.size());
        switch (below(random, 5)) {
            case 0: stream[at] = static_cast<char>(random()); break;
            case 1: stream[at] = static_cast<char>(stream[at] ^ 1 << below(random, 8)); break;
            case 2: stream.erase(at, 1 + below(random, 8)); break;
            case 3: stream.insert(at, 1, static_cast<char>(random())); break;
            case 4: stream.resize(at); break;
        }
    }
}

std::vector<std::size_t> random_cuts(Random& random, std::size_t size) {
    std::vector<std::size_t> cuts;
    const std::size_t step_max = 1 + below(random, one_in(random, 2) ? 8 : 2000);
    for (std::size_t at = 0; at < size;) {
        at = std::min(size, at + 1 + below(random, step_max));
        cuts.push_back(at);
    }
    return cuts;
}

std::string pattern(std::size_t size) {
    std::string payload(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        payload[i] = static_cast<char>(i * 131 + (i >> 8) * 17 + 7);
    return payload;
}

/// Bytes that end where an inaccessible page starts, so that any access past them ends the test,
/// sanitizer or not.
class GuardedBytes {
public:
    explicit GuardedBytes(std::string_view bytes) {
        const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        const std::size_t room = (bytes.size() + page - 1) / page * page;
        mapped_bytes_ = room + page;
        memory_ = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);
        REQUIRE(memory_ != MAP_FAILED);
        std::byte* const first = static_cast<std::byte*>(memory_);
        REQUIRE(mprotect(first + room, page, PROT_NONE) == 0);
        bytes_ = {first + room - bytes.size(), bytes.size()};
        std::memcpy(bytes_.data(), bytes.data(), bytes.size());
    }
    GuardedBytes(const GuardedBytes&) = delete;
    GuardedBytes& operator=(const GuardedBytes&) = delete;
    ~GuardedBytes() { munmap(memory_, mapped_bytes_); }
    [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

private:
    void* memory_ = nullptr;
    std::size_t mapped_bytes_ = 0;
    std::span<std::byte> bytes_;
};

}  // namespace

TEST_CASE("random legal streams, cut at random, are what the reference sees") {
    Random random{20240607};
    for (int round = 0; round < 3000; ++round) {
        const std::string stream = random_stream(random);
        const auto expected = test::reference_events(stream, small_limits.message_bytes_max);
        for (int cutting = 0; cutting < 3; ++cutting) {
            if (test::assembler_events(stream, random_cuts(random, stream.size()), small_limits) !=
                expected) {
                FAIL_CHECK("round " << round);
            }
        }
        CHECK(test::assembler_events(stream, {}, small_limits) == expected);
    }
}

TEST_CASE("random broken streams, cut at random, fail where and why the reference does") {
    Random random{20240608};
    int failures = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string stream = random_stream(random);
        mutate(random, stream);
        const auto expected = test::reference_events(stream, small_limits.message_bytes_max);
        if (!expected.empty() && expected.back().kind == Event::Kind::failure) ++failures;
        if (test::assembler_events(stream, random_cuts(random, stream.size()), small_limits) !=
            expected) {
            FAIL_CHECK("round " << round);
        }
    }
    CHECK(failures > 2000);  // The mutations do reach the failure paths.
}

TEST_CASE("every length from 0 to 300 is unmasked exactly, at every mask phase and two-way split") {
    for (std::size_t size = 0; size <= 300; ++size) {
        const std::string payload = pattern(size);
        const std::string stream = test::binary_frame(payload);
        const std::vector<test::SeenEvent> expected = {
            {.kind = Event::Kind::message, .payload = payload}};
        CHECK(test::assembler_events(stream, {}, large_limits) == expected);
        // Every cut inside the payload starts the rest of it at another phase of the key.
        const std::size_t step = size <= 80 ? 1 : 7;
        for (std::size_t cut = 1; cut < stream.size(); cut += step) {
            if (test::assembler_events(stream, {cut}, large_limits) != expected)
                FAIL_CHECK(size << " cut at " << cut);
        }
    }
}

TEST_CASE(
    "lengths around powers of two up to 1 MiB are unmasked exactly, whole, split and in "
    "fragments") {
    for (std::size_t power = 512; power <= 1u << 20; power *= 2) {
        for (const std::size_t size : {power - 1, power, power + 1}) {
            const std::string payload = pattern(size);
            const std::string stream = test::binary_frame(payload);
            const std::vector<test::SeenEvent> expected = {
                {.kind = Event::Kind::message, .payload = payload}};
            if (test::assembler_events(stream, {}, large_limits) != expected)
                FAIL_CHECK("whole " << size);
            for (std::size_t phase = 0; phase < 4; ++phase) {
                const std::vector<std::size_t> cuts = {20 + phase, 37 + phase, size / 2 + phase,
                                                       size};
                if (test::assembler_events(stream, cuts, large_limits) != expected)
                    FAIL_CHECK("split " << size);
                const std::size_t cut = size / 3 + phase;
                const std::string fragments = test::binary_frame(payload.substr(0, cut), false) +
                                              test::continuation_frame(payload.substr(cut), true);
                if (test::assembler_events(fragments, {size / 2}, large_limits) != expected)
                    FAIL_CHECK("fragments " << size);
            }
        }
    }
}

TEST_CASE("text of every length to 300 is checked to its last octet and not beyond") {
    for (std::size_t size = 1; size <= 300; ++size) {
        std::string payload(size, 'a');
        for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
            payload[at] = '\xff';
            const auto events = test::assembler_events(test::text_frame(payload), {}, large_limits);
            CHECK(events.back().reason == Reason::text_not_utf8);
            payload[at] = 'a';
        }
        CHECK(test::assembler_events(test::text_frame(payload), {}, large_limits).back().payload ==
              payload);
    }
}

TEST_CASE("nothing outside the slice is touched") {
    BufferPool pool;
    for (std::size_t size = 0; size <= 200; ++size) {
        for (const std::string& frame :
             {test::binary_frame(pattern(size)), test::text_frame(std::string(size, 'a'))}) {
            for (std::size_t cut = 0; cut < std::min<std::size_t>(frame.size(), 40); ++cut) {
                Assembler assembler;
                const GuardedBytes head{std::string_view{frame}.substr(0, frame.size() - cut)};
                const GuardedBytes tail{std::string_view{frame}.substr(frame.size() - cut)};
                std::span<std::byte> input = head.bytes();
                Event event = assembler.next(input, pool, large_limits);
                input = tail.bytes();
                if (event.kind == Event::Kind::need_more)
                    event = assembler.next(input, pool, large_limits);
                REQUIRE(event.kind == Event::Kind::message);
                CHECK(event.payload.size() == size);
            }
        }
    }
}

}  // namespace ringcast::ws

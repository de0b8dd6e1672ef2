// Text has to be UTF-8 (RFC 6455 section 8.1): the suite's group 6, and the same of every sample,
// fail-fast to the octet.

#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/conformance_kit.hpp"
#include "support/utf8_reference.hpp"

using namespace ringcast;
using namespace ringcast::conformance;
using test::continuation_frame;
using test::ping_frame;
using test::text_frame;

namespace {

/// "\xce\xba" ... kosme with a breathing, the word of all those lists.
constexpr std::string_view greek = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";

struct Sample {
    std::string name;
    std::string octets;
    bool is_valid;
};

/// The code point in as many octets as asked for, be that right, overlong or more than UTF-8 has.
std::string encoded(std::uint32_t code_point, unsigned octets) {
    if (octets == 1) return std::string(1, static_cast<char>(code_point));
    std::string out;
    for (; octets > 1; --octets, code_point >>= 6)
        out.insert(out.begin(), static_cast<char>(0x80 | (code_point & 0x3f)));
    const auto length = static_cast<unsigned>(out.size()) + 1;
    out.insert(out.begin(), static_cast<char>((0xff00u >> length) | code_point));
    return out;
}

void add(std::vector<Sample>& samples, std::string name, bool is_valid,
         std::initializer_list<std::string> octets) {
    int number = 0;
    for (const std::string& sample : octets)
        samples.push_back({name + "." + std::to_string(++number), sample, is_valid});
}

void add_prefixes_and_ends(std::vector<Sample>& samples) {
    for (std::size_t size = 1; size <= greek.size(); ++size) {
        const std::string prefix{greek.substr(0, size)};
        const bool is_whole = size == 2 || size == 5 || size == 7 || size == 9 || size == 11;
        samples.push_back({"6.6 prefix of " + std::to_string(size), prefix, is_whole});
    }
    add(samples, "6.7 first of each length", true,
        {encoded(0, 1), encoded(0x80, 2), encoded(0x800, 3), encoded(0x10000, 4)});
    add(samples, "6.8 first of five and six octets", false,
        {encoded(0x200000, 5), encoded(0x4000000, 6)});
    add(samples, "6.9 last of each length", true,
        {encoded(0x7f, 1), encoded(0x7ff, 2), encoded(0xffff, 3), encoded(0x10ffff, 4)});
    add(samples, "6.10 last of what four to six octets could hold", false,
        {encoded(0x1fffff, 4), encoded(0x3ffffff, 5), encoded(0x7fffffff, 6)});
    add(samples, "6.11 boundaries", true,
        {encoded(0xd7ff, 3), encoded(0xe000, 3), encoded(0xfffd, 3), encoded(0x10ffff, 4)});
    add(samples, "6.11 beyond Unicode", false, {encoded(0x110000, 4)});
}

void add_lone_octets(std::vector<Sample>& samples) {
    std::string all;
    for (unsigned octet = 0x80; octet <= 0xbf; ++octet) all += static_cast<char>(octet);
    add(samples, "6.12 continuations", false,
        {"\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80", "\x80\xbf\x80\xbf", "\x80\xbf\x80\xbf\x80",
         "\x80\xbf\x80\xbf\x80\xbf", all});
    const auto starts = [](unsigned from, unsigned to) {
        std::string out;
        for (; from <= to; ++from) out += {static_cast<char>(from), ' '};
        return out;
    };
    add(samples, "6.13 lone starts", false,
        {starts(0xc0, 0xdf), starts(0xe0, 0xef), starts(0xf0, 0xf7), starts(0xf8, 0xfb),
         starts(0xfc, 0xfd)});
    std::string together;
    for (const unsigned octets : {2u, 3u, 4u, 5u, 6u}) {
        const std::uint32_t last = (2u << (5 * octets)) - 1;
        for (const std::uint32_t code_point : {0u, last}) {
            std::string cut = encoded(code_point, octets);
            cut.pop_back();
            samples.push_back({"6.14 last octet missing", cut, false});
            together += cut;
        }
    }
    samples.push_back({"6.15 all of these", together, false});
    add(samples, "6.16 impossible", false, {"\xfe", "\xff", "\xfe\xfe\xff\xff"});
}

void add_overlong_and_surrogates(std::vector<Sample>& samples) {
    for (unsigned octets = 2; octets <= 6; ++octets) {
        const std::uint32_t last[] = {0x7f, 0x7ff, 0xffff, 0x1fffff, 0x3ffffff};
        samples.push_back({"6.17 overlong slash", encoded('/', octets), false});
        samples.push_back({"6.18 longest overlong", encoded(last[octets - 2], octets), false});
        samples.push_back({"6.19 overlong NUL", encoded(0, octets), false});
    }
    for (const std::uint32_t surrogate :
         {0xd800u, 0xdb7fu, 0xdb80u, 0xdbffu, 0xdc00u, 0xdf80u, 0xdfffu})
        samples.push_back({"6.20 surrogate", encoded(surrogate, 3), false});
    for (const std::uint32_t high : {0xd800u, 0xdb7fu, 0xdb80u, 0xdbffu}) {
        for (const std::uint32_t low : {0xdc00u, 0xdfffu})
            samples.push_back({"6.21 pair", encoded(high, 3) + encoded(low, 3), false});
    }
}

/// Kuhn's list, as far as the suite has it: one message each.
std::vector<Sample> samples() {
    std::vector<Sample> samples;
    add(samples, "6.5 valid", true,
        {std::string{greek}, "\xe2\x82\xac \xc3\xa9", "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4",
         "\xf0\x9f\x98\x80\xf0\x90\x8d\x88", "plain"});
    add_prefixes_and_ends(samples);
    add_lone_octets(samples);
    add_overlong_and_surrogates(samples);
    for (std::uint32_t plane = 0; plane <= 0x10; ++plane) {
        for (const std::uint32_t end : {0xfffeu, 0xffffu}) {
            samples.push_back(
                {"6.22 non-character", encoded(plane << 16 | end, plane == 0 ? 3 : 4), true});
        }
    }
    for (std::uint32_t special = 0xfff9; special <= 0xffff; ++special)
        samples.push_back({"6.23 special", encoded(special, 3), true});
    return samples;
}

/// How many octets of `text` it takes to know that it is invalid; npos if its end is needed.
std::size_t octets_until_invalid(std::string_view text) {
    for (std::size_t size = 1; size <= text.size(); ++size) {
        const auto octets = std::as_bytes(std::span{text.substr(0, size)});
        if (test::judge_utf8(octets) == test::Utf8Verdict::invalid) return size;
    }
    return std::string_view::npos;
}

}  // namespace

TEST_CASE("6.1 to 6.3: empty fragments, and text cut between and inside characters") {
    const std::string hello{
        "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!"};
    const std::string broken = std::string{greek} + "\xed\xa0\x80" + "edited";
    std::vector<std::string> octets, broken_octets;
    const auto cut = [](std::vector<std::string>& frames, std::string_view text) {
        for (std::size_t i = 0; i < text.size(); ++i) {
            frames.push_back(i == 0 ? text_frame(text.substr(0, 1), false)
                                    : continuation_frame(text.substr(i, 1), i + 1 == text.size()));
        }
    };
    cut(octets, hello);
    cut(broken_octets, broken);
    std::vector<Row> rows{
        {"6.1.1", {text_frame("")}, {text_message("")}},
        {"6.1.2",
         {text_frame("", false), continuation_frame("", false), continuation_frame("", true)},
         {text_message("")}},
        {"6.1.3",
         {text_frame("", false), continuation_frame("middle", false), continuation_frame("", true)},
         {text_message("middle")}},
        {"6.2.1", {text_frame(hello)}, {text_message(hello)}},
        {"6.2.4", octets, {text_message(hello)}},
        {"6.3.1", {text_frame(broken), ping_frame()}, {}, invalid_payload},
        {"6.3.2", broken_octets, {}, invalid_payload},
    };
    for (std::size_t at = 0; at <= hello.size(); ++at) {
        rows.push_back({"6.2.2, 6.2.3 cut at " + std::to_string(at),
                        {text_frame(hello.substr(0, at), false), ping_frame(),
                         continuation_frame(hello.substr(at), true)},
                        {pong(), text_message(hello)}});
    }
    judge_all(rows);
}

TEST_CASE("6.5 to 6.23: each sample alone, after a message, and as a fragment") {
    std::vector<Row> rows;
    for (const auto& [name, octets, is_valid] : samples()) {
        CAPTURE(name);
        // The list and the reference decoder were not made by the same hand.
        REQUIRE((test::judge_utf8(std::as_bytes(std::span{octets})) ==
                 test::Utf8Verdict::complete) == is_valid);
        const ServerFrame owed = text_message("owed");
        if (is_valid) {
            rows.push_back({name, {text_frame(octets)}, {text_message(octets)}});
            rows.push_back({name + " cut",
                            {text_frame(octets.substr(0, octets.size() / 2), false),
                             continuation_frame(octets.substr(octets.size() / 2), true)},
                            {text_message(octets)}});
        } else {
            rows.push_back({name,
                            {text_frame("owed"), text_frame(octets), ping_frame()},
                            {owed},
                            invalid_payload});
            rows.push_back(
                {name + " cut",
                 {text_frame("owed"), text_frame("a" + octets.substr(0, octets.size() / 2), false),
                  continuation_frame(octets.substr(octets.size() / 2), true)},
                 {owed},
                 invalid_payload});
        }
        rows.push_back(
            {name + " as binary", {test::binary_frame(octets)}, {binary_message(octets)}});
    }
    judge_all(rows);
}

TEST_CASE(
    "6.4: text fails at the octet that no other can mend, in a frame or in a message that go on") {
    const EchoServer server;
    std::vector<Sample> all = samples();
    all.push_back({"6.4", std::string{greek} + "\xf4\x90\x80\x80" + "edited", false});
    for (const auto& [name, octets, is_valid] : all) {
        CAPTURE(name);
        const std::size_t fatal = octets_until_invalid(octets);
        if (fatal == std::string_view::npos) continue;  // Only its end says so.
        const std::string good = octets.substr(0, fatal - 1), bad = octets.substr(fatal - 1, 1);
        {
            // 6.4.1, 6.4.2: up to there it is in order, as the pong says; one octet more is not.
            Client client = opened(server);
            client.write(text_frame(good, false) + ping_frame("still here"));
            CHECK(client.message(test::opcode_pong) == "still here");
            client.write(continuation_frame(bad, false));
            CHECK(client.close_code() == invalid_payload);
            client.expect_end();
        }
        // 6.4.3, 6.4.4: the same inside a frame that never ends, whole and octet by octet.
        for (const Chopping chopping : {Chopping::whole, Chopping::octets}) {
            Client client = opened(server);
            write_chopped(client,
                          {encode(ClientFrame{.payload = good + bad, .announced_bytes = 60'000})},
                          chopping);
            CHECK(client.close_code() == invalid_payload);
            client.expect_end();
        }
    }
}

TEST_CASE("6.4: the suite's own four, with a pause before what is wrong, and nothing behind it") {
    const std::string good{greek}, bad = "\xf4\x90\x80\x80", rest = "edited";
    const std::string frame = text_frame(good + bad + rest);
    const std::size_t bad_at = frame.size() - rest.size() - bad.size();
    const struct {
        std::string first, second;
    } cases[] = {
        {text_frame(good, false), continuation_frame(bad, false)},                     // 6.4.1
        {text_frame(good + bad[0], false), continuation_frame(bad.substr(1), false)},  // 6.4.2
        {frame.substr(0, bad_at), frame.substr(bad_at, 4)},                            // 6.4.3
        {frame.substr(0, bad_at + 1), frame.substr(bad_at + 1, 1)},                    // 6.4.4
    };
    const EchoServer server;
    std::vector<Client> clients;
    for (const auto& each : cases) {
        clients.push_back(opened(server));
        clients.back().write(each.first);
    }
    expect_silence(clients);
    for (std::size_t i = 0; i < clients.size(); ++i) {
        CAPTURE(i);
        clients[i].write(cases[i].second);
        CHECK(clients[i].close_code() == invalid_payload);
        clients[i].expect_end();
    }
}

TEST_CASE("6.4: a bad octet anywhere in a long text is found when it arrives") {
    const EchoServer server;
    for (const std::size_t at : {0u, 1u, 15u, 16u, 63u, 64u, 65u, 1000u, 4095u, 50'000u}) {
        CAPTURE(at);
        Client client = opened(server);
        const std::string good = text_payload(at, 1);
        client.write(test::ping_frame() +
                     encode(ClientFrame{.payload = good, .announced_bytes = 60'000}));
        CHECK(client.message(test::opcode_pong) == "");
        // The octet goes on where the frame stands, so its mask does.
        const test::ClientKey key = *ClientFrame{}.key;
        client.write(std::string(1, static_cast<char>(0xff ^ key[at % 4])));
        CHECK(client.close_code() == invalid_payload);
        client.expect_end();
    }
}

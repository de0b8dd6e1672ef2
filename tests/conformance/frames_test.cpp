// Control frames, fragments, reserved bits and opcodes (RFC 6455 sections 5.1 to 5.5): the suite's
// groups 2 to 5, with every echo that is owed before the Close, and what no suite sends.

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "conformance/conformance_kit.hpp"

using namespace ringcast;
using namespace std::literals;
using namespace ringcast::conformance;
using test::continuation_frame;
using test::ping_frame;
using test::pong_frame;
using test::text_frame;

namespace {

std::string control_frame(std::uint8_t opcode, std::string payload, bool fin) {
    return encode(ClientFrame{.opcode = opcode, .payload = std::move(payload), .fin = fin});
}

std::string frame_with(std::uint8_t opcode, std::uint8_t reserved_bits, std::string payload) {
    return encode(ClientFrame{
        .opcode = opcode, .payload = std::move(payload), .reserved_bits = reserved_bits});
}

}  // namespace

TEST_CASE("2: pings are answered, pongs are not") {
    std::vector<std::string> ten_pings;
    std::vector<ServerFrame> ten_pongs;
    for (const char number : std::string_view{"0123456789"}) {
        ten_pings.push_back(ping_frame(std::string{"payload-"} + number));
        ten_pongs.push_back(pong(std::string{"payload-"} + number));
    }
    const std::string longest(125, '\xfe');
    judge_all({
        {"2.1 empty", {ping_frame()}, {pong()}},
        {"2.2 text", {ping_frame("Hello, world!")}, {pong("Hello, world!")}},
        {"2.3 no UTF-8",
         {ping_frame("\x00\xff\xfe\xfd\xfc\xfb\x00\xff"sv)},
         {pong(std::string{"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"sv})}},
        {"2.4, 2.6 125 octets", {ping_frame(longest)}, {pong(longest)}},
        {"2.5 126 octets", {ping_frame(std::string(126, '\xfe'))}, {}, protocol_error},
        {"2.7 pong", {pong_frame()}, {}},
        {"2.8 pong with payload", {pong_frame("unsolicited pong payload")}, {}},
        {"2.9 pong, ping", {pong_frame("unsolicited"), ping_frame("ping")}, {pong("ping")}},
        {"2.10, 2.11 ten pings", ten_pings, ten_pongs},
        {"pong of 126 octets", {pong_frame(std::string(126, 'p'))}, {}, protocol_error},
    });
}

TEST_CASE("3: reserved bits without an extension") {
    std::vector<Row> rows;
    for (std::uint8_t bits = 1; bits <= 7; ++bits) {
        for (const std::uint8_t opcode :
             {test::opcode_text, test::opcode_binary, test::opcode_close, test::opcode_ping,
              test::opcode_pong}) {
            const std::string name =
                "RSV " + std::to_string(bits) + ", opcode " + std::to_string(opcode);
            const std::string frame = frame_with(opcode, bits, std::string{"\x03\xe8"});
            rows.push_back({name, {frame}, {}, protocol_error});
            rows.push_back({name + " after a message",
                            {text_frame("Hello"), frame, ping_frame("not this")},
                            {text_message("Hello")},
                            protocol_error});
        }
        rows.push_back({"RSV " + std::to_string(bits) + " in a continuation",
                        {text_frame("Hello"), text_frame("a", false),
                         frame_with(test::opcode_continuation, bits, "b"), ping_frame()},
                        {text_message("Hello")},
                        protocol_error});
    }
    judge_all(rows);
}

TEST_CASE("4: reserved opcodes") {
    std::vector<Row> rows;
    for (const unsigned opcode : {3u, 4u, 5u, 6u, 7u, 11u, 12u, 13u, 14u, 15u}) {
        for (const char* payload : {"", "reserved opcode payload"}) {
            const std::string name = "opcode " + std::to_string(opcode) + " " + payload;
            const std::string frame = frame_with(static_cast<std::uint8_t>(opcode), 0, payload);
            rows.push_back({name, {frame}, {}, protocol_error});
            rows.push_back({name + " after a message",
                            {text_frame("Hello"), frame, ping_frame()},
                            {text_message("Hello")},
                            protocol_error});
            rows.push_back({name + " in a message",
                            {text_frame("a", false), frame, continuation_frame("b", true)},
                            {},
                            protocol_error});
        }
    }
    judge_all(rows);
}

TEST_CASE("5: fragments") {
    const std::string begin = text_frame("fragment1", false),
                      end = continuation_frame("fragment2", true),
                      lost_end = continuation_frame("non-continuation payload", true),
                      lost_middle = continuation_frame("non-continuation payload", false);
    const ServerFrame whole = text_message("fragment1fragment2"),
                      hello = text_message("Hello, world!");
    judge_all({
        {"5.1 ping",
         {control_frame(9, "f1", false), continuation_frame("f2", true)},
         {},
         protocol_error},
        {"5.2 pong",
         {control_frame(10, "f1", false), continuation_frame("f2", true)},
         {},
         protocol_error},
        {"Close",
         {control_frame(8, "\x03\xe8", false), continuation_frame("", true)},
         {},
         protocol_error},
        {"5.3 to 5.5 two", {begin, end}, {whole}},
        {"5.6 to 5.8 ping between", {begin, ping_frame("ping"), end}, {pong("ping"), whole}},
        {"pong between", {begin, pong_frame("pong"), end}, {whole}},
        {"5.9 to 5.11 continuation of nothing, FIN",
         {lost_end, text_frame("Hello, world!")},
         {},
         protocol_error},
        {"5.12 to 5.14 continuation of nothing, no FIN",
         {lost_middle, text_frame("Hello, world!")},
         {},
         protocol_error},
        {"5.15 a third fragment after FIN",
         {begin, end, lost_middle, text_frame("fragment4", true)},
         {whole},
         protocol_error},
        {"5.16 nothing to continue, again and again",
         {lost_middle, begin, end, lost_middle, begin, end},
         {},
         protocol_error},
        {"5.17 the same with FIN",
         {lost_end, begin, end, lost_end, begin, end},
         {},
         protocol_error},
        {"5.18 text inside", {begin, text_frame("fragment2", true)}, {}, protocol_error},
        {"binary inside", {begin, test::binary_frame("fragment2")}, {}, protocol_error},
        {"text inside, after a message",
         {text_frame("Hello, world!"), begin, text_frame("fragment2", true), ping_frame()},
         {hello},
         protocol_error},
        {"empty fragments around",
         {text_frame("", false), continuation_frame("x", false), continuation_frame("", false),
          continuation_frame("", true)},
         {text_message("x")}},
        {"binary",
         {test::binary_frame("\xff", false), continuation_frame("\x00\xfe"sv, true)},
         {binary_message(std::string{"\xff\x00\xfe"sv})}},
    });
}

TEST_CASE("5.19, 5.20: pings inside a message, with a pause, are answered before it is complete") {
    const EchoServer server;
    std::vector<Client> clients;
    for (const Chopping chopping : choppings) {
        Client& client = clients.emplace_back(opened(server));
        write_chopped(client,
                      {text_frame("fragment1", false), continuation_frame("fragment2", false),
                       ping_frame("pongme 1")},
                      chopping);
        CHECK(client.message(test::opcode_pong) == "pongme 1");
    }
    expect_silence(clients);
    for (std::size_t i = 0; i < clients.size(); ++i) {
        Client& client = clients[i];
        write_chopped(client,
                      {continuation_frame("fragment3", false),
                       continuation_frame("fragment4", false), ping_frame("pongme 2")},
                      choppings[i]);
        CHECK(client.message(test::opcode_pong) == "pongme 2");
        write_chopped(client, {continuation_frame("fragment5", true)}, choppings[i]);
        CHECK(client.message() == "fragment1fragment2fragment3fragment4fragment5");
        client.close();
    }
}

TEST_CASE("violations that no suite sends, each after a message that is owed") {
    using Length = ClientFrame::Length;
    struct {
        const char* name;
        ClientFrame frame;
        int close = protocol_error;
    } const violations[] = {
        {"not masked", {.payload = "x", .key = {}}},
        {"empty and not masked", {.key = {}}},
        {"ping not masked", {.opcode = test::opcode_ping, .key = {}}},
        {"Close not masked", {.opcode = test::opcode_close, .payload = "\x03\xe8", .key = {}}},
        {"0 octets, length in two", {.length = Length::two_octets}},
        {"125 octets, length in two",
         {.payload = std::string(125, 'x'), .length = Length::two_octets}},
        {"0 octets, length in eight", {.length = Length::eight_octets}},
        {"126 octets, length in eight",
         {.payload = std::string(126, 'x'), .length = Length::eight_octets}},
        {"65535 octets, length in eight",
         {.payload = std::string(65'535, 'x'), .length = Length::eight_octets}},
        {"ping, length in two", {.opcode = test::opcode_ping, .length = Length::two_octets}},
        {"ping, length in eight", {.opcode = test::opcode_ping, .length = Length::eight_octets}},
        {"top bit of the length", {.length = Length::eight_octets, .announced_bytes = 1ull << 63}},
        {"all bits of the length", {.length = Length::eight_octets, .announced_bytes = UINT64_MAX}},
        {"top bit, binary",
         {.opcode = test::opcode_binary,
          .length = Length::eight_octets,
          .announced_bytes = (1ull << 63) + 5}},
        {"one octet too many", {.announced_bytes = 64_KiB + 1}, too_big},
        {"4 GiB", {.announced_bytes = 1ull << 32}, too_big},
        {"nearly all", {.announced_bytes = (1ull << 63) - 1}, too_big},
    };
    std::vector<Row> rows;
    for (const auto& [name, frame, close] : violations)
        rows.push_back({name,
                        {text_frame("owed"), encode(frame), ping_frame()},
                        {text_message("owed")},
                        close});
    rows.push_back({"too big in two fragments",
                    {text_frame("owed"), text_frame(std::string(60'000, 'x'), false),
                     continuation_frame(std::string(10'000, 'x'), true), ping_frame()},
                    {text_message("owed")},
                    too_big});
    rows.push_back(
        {"as big as allowed, in three fragments",
         {text_frame(std::string(60'000, 'x'), false), ping_frame(),
          continuation_frame(std::string(5'536, 'x'), false), continuation_frame("", true)},
         {pong(), text_message(std::string(65'536, 'x'))}});
    rows.push_back({"a Close of one octet inside a message",
                    {text_frame("owed"), text_frame("a", false),
                     control_frame(test::opcode_close, "\x03", true)},
                    {text_message("owed")},
                    protocol_error});
    judge_all(rows);
}

TEST_CASE("what is wrong in a header fails before the frame is complete") {
    const EchoServer server;
    // Nothing behind these octets is ever sent.
    for (const std::string_view octets :
         {"\xc1"sv, "\x83"sv, "\x09"sv, "\x80"sv, "\x81\x05"sv, "\x89\xfe"sv, "\x81\xfe\x00\x7d"sv,
          "\x81\xff\x80"sv, "\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff"sv}) {
        for (const Chopping chopping : {Chopping::whole, Chopping::octets}) {
            const auto first = static_cast<unsigned char>(octets[0]);
            CAPTURE(first);
            CAPTURE(octets.size());
            Client client = opened(server);
            write_chopped(client, {text_frame("owed"), std::string{octets}}, chopping);
            CHECK(client.message() == "owed");
            CHECK(client.close_code() == protocol_error);
            client.expect_end();
        }
    }
}

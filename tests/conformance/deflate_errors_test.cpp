// What permessage-deflate forbids (RFC 7692 sections 6 and 7.2), and bombs. No public suite checks
// any of it.

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "conformance/deflate_kit.hpp"

using namespace ringcast;
using namespace ringcast::conformance;
using namespace std::literals;

namespace {

/// A payload as if it were a compressed message's, of one frame.
std::string compressed_frame(std::string payload, std::uint8_t opcode = test::opcode_binary) {
    return encode(ClientFrame{.opcode = opcode, .payload = std::move(payload), .reserved_bits = 4});
}

std::string payload_of(std::string_view message, int level = 6, int strategy = Z_DEFAULT_STRATEGY) {
    return test::ZlibSender{15, level, strategy}.payload(message);
}

/// A message, the violation, a ping: an echo and then a Close with `code` have to come, in every
/// chopping. With both modes.
void expect_failure(const std::string& what, const std::vector<std::string>& frames, int code,
                    std::uint64_t message_bytes_max = 64_KiB) {
    CAPTURE(what);
    std::size_t bytes = 0;
    for (const std::string& frame : frames) bytes += frame.size();
    for (const Compression mode : modes) {
        const EchoServer server{compressing(mode, message_bytes_max)};
        for (const Chopping chopping : choppings) {
            if (chopping == Chopping::octets && bytes > 1000) continue;
            DeflateClient peer{server, plain_offer};
            peer.send(test::opcode_text, "owed");
            write_chopped(peer.client, frames, chopping);
            peer.client.write(test::ping_frame());
            CHECK(peer.message(test::opcode_text) == "owed");
            CHECK(peer.client.close_code() == code);
            peer.client.expect_end();
        }
    }
}

/// The same for a payload that is no message.
void expect_no_message(const std::string& what, const std::string& payload,
                       int code = invalid_payload) {
    expect_failure(what, {compressed_frame(payload)}, code);
    expect_failure(what + ", cut",
                   {encode(ClientFrame{.opcode = test::opcode_binary,
                                       .payload = payload.substr(0, payload.size() / 2),
                                       .fin = false,
                                       .reserved_bits = 4}),
                    test::continuation_frame(payload.substr(payload.size() / 2), true)},
                   code);
}

/// A payload that says `message`, which is not what our own zlib would have sent.
void expect_message(const std::string& what, const std::string& payload,
                    const std::string& message) {
    CAPTURE(what);
    for (const Compression mode : modes) {
        const EchoServer server{compressing(mode)};
        for (const std::size_t fragment_bytes : {std::size_t{0}, std::size_t{1}}) {
            DeflateClient peer{server, plain_offer};
            for (int i = 0; i < 3; ++i) {
                peer.client.write(
                    DeflateClient::frames_of(test::opcode_text, payload, fragment_bytes));
                check_same(peer.message(test::opcode_text), message);
            }
            peer.client.close();
        }
    }
}

}  // namespace

TEST_CASE("RSV1 is for the first frame of a message, and alone") {
    for (const std::uint8_t opcode : {test::opcode_ping, test::opcode_pong}) {
        expect_failure("on a control frame", {compressed_frame("", opcode)}, protocol_error);
        expect_failure("on a control frame with payload",
                       {compressed_frame(payload_of("a"), opcode)}, protocol_error);
    }
    expect_failure("on a Close", {compressed_frame("\x03\xe8", test::opcode_close)},
                   protocol_error);
    const std::string begin =
        encode(ClientFrame{.payload = payload_of("abc"), .fin = false, .reserved_bits = 4});
    const std::string end =
        encode(ClientFrame{.opcode = test::opcode_continuation, .reserved_bits = 4});
    expect_failure("on a continuation of a compressed message", {begin, end}, protocol_error);
    expect_failure("on a continuation of a plain message", {test::text_frame("a", false), end},
                   protocol_error);
    expect_failure("on a continuation of nothing", {end}, protocol_error);
    for (const unsigned bits : {1u, 2u, 3u, 5u, 6u, 7u}) {
        for (const std::uint8_t opcode : {test::opcode_text, test::opcode_ping}) {
            expect_failure("with RSV2 or RSV3",
                           {encode(ClientFrame{.opcode = opcode,
                                               .payload = payload_of("abc"),
                                               .reserved_bits = static_cast<std::uint8_t>(bits)})},
                           protocol_error);
        }
    }
}

TEST_CASE("RSV1 without an agreement is a violation, whatever was offered") {
    struct {
        Compression compression;
        const char* offers;
    } const cases[] = {
        {Compression::off, "permessage-deflate"},
        {Compression::dedicated, "permessage-deflate; foo"},
        {Compression::dedicated, "x-webkit-deflate-frame"},
    };
    for (const auto& [compression, offers] : cases) {
        CAPTURE(offers);
        const EchoServer server{compressing(compression)};
        Client client = connect(server);
        const auto answer =
            client.open({.fields = "Sec-WebSocket-Extensions: " + std::string{offers} + "\r\n"});
        CHECK(answer.field("sec-websocket-extensions") == std::nullopt);
        client.write(test::text_frame("owed") + compressed_frame(payload_of("abc")));
        CHECK(client.message() == "owed");
        CHECK(client.close_code() == protocol_error);
        client.expect_end();
    }
}

TEST_CASE("messages in every form of DEFLATE") {
    const std::string text = test::json_like(300, 21);
    expect_message("stored", payload_of(text, 0), text);
    expect_message("fixed codes", payload_of(text, 6, Z_FIXED), text);
    expect_message("Huffman only", payload_of(text, 6, Z_HUFFMAN_ONLY), text);
    expect_message("empty, one octet (section 7.2.3.6)", "\0"s, "");
    expect_message("empty, an empty stored block first", "\0\0\0\xff\xff\0"s, "");
    expect_message("a final block (section 7.2.3.4)", test::ZlibSender{}.final_payload(text), text);
    // Sections 7.2.3.1, 7.2.3.3 and 7.2.3.5 say how "Hello" may look.
    expect_message("one block", "\xf2\x48\xcd\xc9\xc9\x07\x00"s, "Hello");
    expect_message("no compression", "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s, "Hello");
    expect_message("BFINAL", "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s, "Hello");
    expect_message("two blocks", "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s, "Hello");
    std::string blocks;
    for (int i = 0; i < 300; ++i) blocks += "\0\0\0\xff\xff"s;
    expect_message("300 empty blocks", blocks + payload_of("Hello"), "Hello");
}

TEST_CASE("payloads that are no messages") {
    const std::string text = test::json_like(300, 22);
    const std::string payload = payload_of(text);
    expect_no_message("nothing at all", "");
    expect_no_message("block type 3", "\x07");
    expect_no_message("noise", "\xff\xff\xff\xff\xff\xff");
    expect_no_message("a stored block with another length",
                      "\x00\x05\x00\x00\xff\x48\x65\x6c\x6c\x6f\x00"s);
    expect_no_message("farther back than there is anything", "\x4a\x04\x5e\x00\x00\x00"s);
    expect_no_message("garbage behind a message", payload + "\x07");
    expect_no_message("garbage behind a final block",
                      test::ZlibSender{}.final_payload(text) + "\xff\xff");
    expect_no_message("a zlib header", "\x78\x9c" + payload);
    for (const std::size_t missing : {1u, 2u, 10u})
        expect_no_message("cut short", payload.substr(0, payload.size() - missing));
    expect_no_message("a stored block cut short", payload_of(text, 0).substr(0, 100));
    expect_no_message("the four octets that a sender removes", payload + "\0\0\xff\xff"s);
}

TEST_CASE("text has to be UTF-8 when it has been decompressed, and fails as soon as it is not") {
    for (const std::string& text : {"\xff"s, "abc\xed\xa0\x80"s, "abc\xe2\x82"s})
        expect_failure("a message", {compressed_frame(payload_of(text), test::opcode_text)},
                       invalid_payload);
    // The frame never ends, and the block neither; what has come is enough.
    const std::string flushed = payload_of("\xff" + test::json_like(200, 23));
    expect_failure(
        "a frame",
        {encode(ClientFrame{.payload = flushed, .reserved_bits = 4, .announced_bytes = 60'000})},
        invalid_payload);
}

TEST_CASE("a client that refers to a context that it said it would not take over") {
    const EchoServer server{compressing(Compression::dedicated)};
    DeflateClient peer{server, plain_offer + "; client_no_context_takeover"};
    test::ZlibSender sender;
    const std::string message = binary_payload(500, 24);
    for (int i = 0; i < 2; ++i) {
        peer.client.write(compressed_frame(sender.payload(message)));
        if (i == 0) check_same(peer.message(test::opcode_binary), message);
    }
    CHECK(peer.client.close_code() == invalid_payload);
    peer.client.expect_end();
}

TEST_CASE("bombs are defused at the limit") {
    for (const Compression mode : modes) {
        const EchoServer server{compressing(mode, 64_KiB)};
        for (const std::size_t fragment_bytes : {std::size_t{0}, std::size_t{7}}) {
            DeflateClient peer{server, plain_offer};
            peer.expect_echo(test::opcode_binary, std::string(65'536, '\0'), fragment_bytes);
            peer.send(test::opcode_binary, std::string(65'537, '\0'), fragment_bytes);
            CHECK(peer.client.close_code() == too_big);
            peer.client.expect_end();
        }
        // Twenty million octets in twenty thousand, of which the first hundreds are enough.
        const std::string bomb = payload_of(std::string(20'000'000, '\0'));
        for (const std::size_t size : {bomb.size(), std::size_t{500}}) {
            DeflateClient peer{server, plain_offer};
            peer.client.write(encode(ClientFrame{.opcode = test::opcode_binary,
                                                 .payload = bomb.substr(0, size),
                                                 .reserved_bits = 4,
                                                 .announced_bytes = bomb.size()}));
            CHECK(peer.client.close_code() == too_big);
            peer.client.expect_end();
        }
        Client alive = opened(server);
        expect_echo(alive);
    }
}

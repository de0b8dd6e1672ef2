#include "dialect/raw.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/ws_client.hpp"

using namespace ringcast;
using namespace ringcast::dialect;

namespace {

/// Some bytes that no shifted copy equals.
std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + (i >> 8) * 7 + 5);
    return bytes;
}

/// The frame of a publication; what lies around it must stay.
std::string framed(PublicationKind kind, std::string_view payload) {
    constexpr std::size_t margin = 16;
    const std::size_t size = raw::frame_bytes(payload.size());
    std::string memory(size + 2 * margin, '!');
    raw::write_frame(std::as_writable_bytes(std::span{memory}).subspan(margin, size), kind,
                     std::as_bytes(std::span{payload}));
    CHECK(memory.starts_with(std::string(margin, '!')));
    CHECK(memory.ends_with(std::string(margin, '!')));
    return memory.substr(margin, size);
}

}  // namespace

TEST_CASE("a publication is one unmasked frame with the shortest header, whatever its size") {
    struct {
        std::size_t payload_bytes, header_bytes;
    } const cases[] = {{0, 2},     {1, 2},      {2, 2},      {124, 2},     {125, 2},
                       {126, 4},   {127, 4},    {128, 4},    {1000, 4},    {65534, 4},
                       {65535, 4}, {65536, 10}, {65537, 10}, {1 << 20, 10}};
    for (const auto& [payload_bytes, header_bytes] : cases) {
        CAPTURE(payload_bytes);
        CHECK(raw::frame_bytes(payload_bytes) == header_bytes + payload_bytes);
        const std::string payload = pattern(payload_bytes);
        const std::string frame = framed(PublicationKind::binary, payload);
        REQUIRE(frame.size() == header_bytes + payload_bytes);
        CHECK(frame[0] == '\x82');
        test::ServerReader reader;
        reader.feed(frame);
        const auto read = reader.next_frame();
        CHECK(reader.error() == "");
        REQUIRE(read.has_value());
        CHECK(read->fin);
        CHECK(read->payload == payload);
        CHECK(reader.unread().empty());
    }
}

TEST_CASE("frames come back in order, in whatever pieces they arrive") {
    struct Sent {
        PublicationKind kind;
        std::uint8_t opcode;
        std::string payload;
    };
    std::vector<Sent> sent;
    std::string wire;
    for (const std::size_t size : {0u, 1u, 125u, 126u, 300u, 65535u, 65536u}) {
        for (const auto& [kind, opcode] :
             {std::pair{PublicationKind::json, test::opcode_text},
              std::pair{PublicationKind::text, test::opcode_text},
              std::pair{PublicationKind::binary, test::opcode_binary}}) {
            sent.push_back({kind, opcode, pattern(size)});
            wire += framed(kind, sent.back().payload);
        }
    }
    for (const std::size_t piece : {1u, 2u, 3u, 7u, 125u, 126u, 127u, 4096u, 65535u, 65536u}) {
        CAPTURE(piece);
        test::ServerReader reader;
        std::size_t read = 0;
        for (std::size_t at = 0; at < wire.size(); at += piece) {
            reader.feed(std::string_view{wire}.substr(at, piece));
            while (const auto frame = reader.next_frame()) {
                REQUIRE(read < sent.size());
                REQUIRE(int{frame->opcode} == int{sent[read].opcode});
                REQUIRE(frame->payload == sent[read].payload);
                ++read;
            }
            REQUIRE(reader.error() == "");
        }
        CHECK(read == sent.size());
    }
}

TEST_CASE("a client's text is published as text, binary as binary") {
    CHECK(raw::kind_of(MessageKind::text) == PublicationKind::text);
    CHECK(raw::kind_of(MessageKind::binary) == PublicationKind::binary);
    for (const MessageKind kind : {MessageKind::text, MessageKind::binary}) {
        const auto opcode = kind == MessageKind::text ? ws::Opcode::text : ws::Opcode::binary;
        CHECK(raw::opcode_of(raw::kind_of(kind)) == opcode);
    }
}

TEST_CASE("how many publications a client missed is told as JSON") {
    CHECK(raw::skipped_text(1) == R"({"skipped":1})");
    CHECK(raw::skipped_text(UINT64_MAX) == R"({"skipped":18446744073709551615})");
}

TEST_CASE("a client's position is told as JSON, and whether it got there without a gap") {
    CHECK(raw::position_text("k3VxQ_9a", 0, {}) == R"({"epoch":"k3VxQ_9a","offset":0})");
    CHECK(raw::position_text("k3VxQ_9a", UINT64_MAX, true) ==
          R"({"epoch":"k3VxQ_9a","offset":18446744073709551615,"recovered":true})");
    CHECK(raw::position_text("k3VxQ_9a", 41, false) ==
          R"({"epoch":"k3VxQ_9a","offset":41,"recovered":false})");
}

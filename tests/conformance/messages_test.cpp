// Messages come back octet by octet (RFC 6455 sections 5.4 to 5.6): the suite's groups 1, 9 and 10,
// and what their comparison of lengths does not see.

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "conformance/conformance_kit.hpp"

using namespace ringcast;
using namespace ringcast::conformance;

namespace {

struct Kind {
    std::uint8_t opcode;
    std::string (*payload)(std::size_t size, std::uint32_t seed);
};
constexpr Kind kinds[] = {{test::opcode_text, text_payload}, {test::opcode_binary, binary_payload}};

/// A key that leaves no octet as it is, another one for each `number`.
test::ClientKey key_of(std::size_t number) {
    const std::string octets = binary_payload(4, static_cast<std::uint32_t>(number) + 99);
    test::ClientKey key;
    for (std::size_t i = 0; i < 4; ++i) key[i] = static_cast<std::uint8_t>(octets[i]) | 1;
    return key;
}

std::string masked(std::uint8_t opcode, std::string payload, std::size_t key, bool fin = true) {
    return encode(ClientFrame{
        .opcode = opcode, .payload = std::move(payload), .fin = fin, .key = key_of(key)});
}

/// The message in fragments of `fragment_bytes`, each with a key of its own.
std::string in_fragments(std::uint8_t opcode, const std::string& payload,
                         std::size_t fragment_bytes) {
    std::string wire;
    for (std::size_t at = 0; at < payload.size(); at += fragment_bytes) {
        wire +=
            masked(at == 0 ? opcode : test::opcode_continuation, payload.substr(at, fragment_bytes),
                   at, at + fragment_bytes >= payload.size());
    }
    return wire;
}

Settings for_large_messages() {
    Settings with = sockets::settings();
    with.message_bytes_max = 16_MiB;
    return with;
}

}  // namespace

TEST_CASE("1: messages of the lengths where the header changes, whole and in pieces of 997") {
    const EchoServer server{for_large_messages()};
    for (const Kind kind : kinds) {
        for (const std::size_t size : {0u, 125u, 126u, 127u, 128u, 65'535u, 65'536u}) {
            for (const std::size_t piece_bytes : {std::size_t{1} << 20, std::size_t{997}}) {
                CAPTURE(size);
                Client client = opened(server);
                const std::string payload = kind.payload(size, 1);
                client.write_in_pieces(masked(kind.opcode, payload, size), piece_bytes);
                check_same(client.message(kind.opcode), payload);
                client.close();
            }
        }
    }
}

TEST_CASE("9.1, 9.2: messages of 64 KiB to 16 MiB in one frame") {
    const EchoServer server{for_large_messages()};
    for (const Kind kind : kinds) {
        for (const std::size_t size : {64_KiB, 256_KiB, 1_MiB, 4_MiB, 8_MiB, 16_MiB}) {
            CAPTURE(size);
            Client client = opened(server);
            const std::string payload = kind.payload(size, 2);
            client.write(masked(kind.opcode, payload, size));
            check_same(client.message(kind.opcode), payload);
            client.close();
        }
    }
}

TEST_CASE("9.3, 9.4: 4 MiB in fragments of 64 octets to 4 MiB") {
    const EchoServer server{for_large_messages()};
    for (const Kind kind : kinds) {
        const std::string payload = kind.payload(4_MiB, 3);
        for (std::size_t fragment_bytes = 64; fragment_bytes <= 4_MiB; fragment_bytes *= 4) {
            CAPTURE(fragment_bytes);
            Client client = opened(server);
            client.write(in_fragments(kind.opcode, payload, fragment_bytes));
            check_same(client.message(kind.opcode), payload);
            client.close();
        }
    }
}

TEST_CASE("9.5, 9.6: 1 MiB in one frame, arriving in pieces of 64 to 2048 octets") {
    const EchoServer server{for_large_messages()};
    for (const Kind kind : kinds) {
        const std::string payload = kind.payload(1_MiB, 4);
        for (std::size_t piece_bytes = 64; piece_bytes <= 2048; piece_bytes *= 2) {
            CAPTURE(piece_bytes);
            Client client = opened(server);
            client.write_in_pieces(masked(kind.opcode, payload, piece_bytes), piece_bytes);
            check_same(client.message(kind.opcode), payload);
            client.close();
        }
    }
}

TEST_CASE("9.7, 9.8: one echo after another, of 0 to 4096 octets") {
    const EchoServer server;
    for (const Kind kind : kinds) {
        for (const std::size_t size : {0u, 16u, 64u, 256u, 1024u, 4096u}) {
            CAPTURE(size);
            Client client = opened(server);
            for (std::uint32_t i = 0; i < echoes(1000); ++i) {
                const std::string payload = kind.payload(size, i + 1);
                client.write(masked(kind.opcode, payload, i));
                check_same(client.message(kind.opcode), payload);
            }
            client.close();
        }
    }
}

TEST_CASE("10.1: 64 KiB of text in fragments of 1300 octets") {
    const EchoServer server;
    Client client = opened(server);
    const std::string payload = text_payload(64_KiB, 5);
    client.write(in_fragments(test::opcode_text, payload, 1300));
    check_same(client.message(), payload);
    client.close();
}

TEST_CASE("16 MiB in fragments of 255 octets are as good as any") {
    const EchoServer server{for_large_messages()};
    Client client = opened(server);
    const std::string payload = binary_payload(16_MiB, 6);
    client.write(in_fragments(test::opcode_binary, payload, 255));
    check_same(client.message(test::opcode_binary), payload);
    client.close();
}

TEST_CASE("lengths 0 to 300, each at another address and with another key") {
    const EchoServer server;
    Client client = opened(server);
    for (const Kind kind : kinds) {
        std::string wire;
        for (std::size_t size = 0; size <= 300; ++size)
            wire += masked(kind.opcode, kind.payload(size, 7), size);
        // All in one piece, so that payloads lie at every address modulo 64.
        client.write(wire);
        for (std::size_t size = 0; size <= 300; ++size) {
            CAPTURE(size);
            check_same(client.message(kind.opcode), kind.payload(size, 7));
        }
    }
    client.close();
}

TEST_CASE("lengths around vectors, at each of 64 addresses, whole and in fragments") {
    const EchoServer server;
    Client client = opened(server);
    for (std::size_t shift = 0; shift < 64; ++shift) {
        CAPTURE(shift);
        // The ping moves what comes behind it.
        std::string wire = test::ping_frame(std::string(shift, 'p'));
        std::vector<std::string> payloads;
        for (const std::size_t width : {16u, 32u, 64u, 128u, 256u, 4096u}) {
            for (const std::size_t size : {width - 1, width, width + 1}) {
                payloads.push_back(binary_payload(size, static_cast<std::uint32_t>(shift + size)));
                wire += masked(test::opcode_binary, payloads.back(), shift);
                wire += in_fragments(test::opcode_binary, payloads.back(), width / 2 + shift % 4);
            }
        }
        client.write(wire);
        CHECK(client.message(test::opcode_pong).size() == shift);
        for (const std::string& payload : payloads) {
            check_same(client.message(test::opcode_binary), payload);
            check_same(client.message(test::opcode_binary), payload);
        }
    }
    client.close();
}

TEST_CASE("frames cut in two at every octet, so that the mask goes on in each of its phases") {
    const EchoServer server;
    Client client = opened(server);
    for (const std::size_t size : {5u, 125u, 126u, 300u}) {
        const std::string wire = masked(test::opcode_binary, binary_payload(size), size);
        for (std::size_t cut = 1; cut < wire.size(); ++cut) {
            CAPTURE(size);
            CAPTURE(cut);
            // The pong says that the first half has been read.
            client.write(test::ping_frame() + wire.substr(0, cut));
            CHECK(client.message(test::opcode_pong) == "");
            client.write(wire.substr(cut));
            check_same(client.message(test::opcode_binary), binary_payload(size));
        }
    }
    client.close();
}

TEST_CASE("a message of 1 MiB cut at odd places, whatever came of it before") {
    const EchoServer server{for_large_messages()};
    Client client = opened(server);
    const std::string payload = binary_payload(1_MiB, 8);
    const std::string wire = masked(test::opcode_binary, payload, 8);
    for (const std::size_t piece_bytes : {4099u, 16'381u, 65'537u, 262'147u}) {
        CAPTURE(piece_bytes);
        client.write_in_pieces(wire, piece_bytes);
        check_same(client.message(test::opcode_binary), payload);
    }
    client.close();
}

#include "tls/stream.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "tls_kit.hpp"

namespace ringcast::tls {

using test::TlsClient;
using test::TlsServer;

TEST_CASE("plaintext goes both ways, in TLS 1.2 and 1.3") {
    for (const int version : versions) {
        CAPTURE(version);
        Connected ends{only(version)};
        CHECK(ends.server.stream.version() == (version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2"));
        CHECK_FALSE(ends.server.stream.cipher().empty());
        ends.client.send("a question");
        exchange(ends.client, ends.server);
        CHECK(ends.server.plaintext == "a question");
        CHECK(ends.server.write("an answer"));
        exchange(ends.client, ends.server);
        CHECK(ends.client.received() == "an answer");
    }
}

TEST_CASE("however the ciphertext is cut, the plaintext and the end are the same") {
    for (const int version : versions) {
        for (const std::size_t cut : {std::size_t{1}, std::size_t{2}, std::size_t{7},
                                      std::size_t{1000}, std::size_t{16 << 10}}) {
            CAPTURE(version);
            CAPTURE(cut);
            TlsClient client{only(version)};
            TlsServer server{test_context(), test_keys()};
            exchange(client, server, cut);
            REQUIRE(server.stream.is_open());
            const std::string text = varied_text(40'000);
            client.send(text);
            client.send("the rest");
            client.close();
            exchange(client, server, cut);
            CHECK(server.plaintext == text + "the rest");
            CHECK(server.event.found == Stream::Found::end);
        }
    }
}

TEST_CASE("a buffer of any size gets all plaintext") {
    for (const std::size_t size : {1u, 100u, 16383u, 16384u, 16385u, 100'000u}) {
        CAPTURE(size);
        Connected ends;
        const std::string text = varied_text(50'000);
        ends.client.send(text);
        ends.server.feed(ends.client.take_output(), SIZE_MAX, size);
        CHECK(ends.server.plaintext == text);
    }
}

TEST_CASE("several records in one slice come as one piece of plaintext") {
    Connected ends;
    for (int i = 0; i < 16; ++i) ends.client.send("frame");
    const std::string ciphertext = ends.client.take_output();
    std::span<const std::byte> input = std::as_bytes(std::span{ciphertext});
    std::vector<std::byte> buffer(record_bytes_max);
    const Stream::Event event = ends.server.stream.read(input, buffer, ends.server.output);
    CHECK(event.found == Stream::Found::plaintext);
    CHECK(event.plaintext.size() == 16 * 5);
    CHECK(event.plaintext.data() == buffer.data());
    CHECK(input.empty());
    CHECK(ends.server.stream.read(input, buffer, ends.server.output).found ==
          Stream::Found::need_more);
}

TEST_CASE("a request that comes with the last flight of the handshake is found at once") {
    TlsClient client{only(TLS1_3_VERSION)};
    TlsServer server{test_context(), test_keys()};
    server.feed(client.take_output());
    CHECK(server.stream.is_handshaking());
    client.feed(server.take_output());
    client.send("GET / HTTP/1.1\r\n");
    server.feed(client.take_output());
    CHECK(server.plaintext == "GET / HTTP/1.1\r\n");
}

TEST_CASE("a call of a handshake takes one flight at most: the next answers it") {
    for (const int version : versions) {
        CAPTURE(version);
        TlsClient client{only(version)};
        TlsServer server{test_context(), test_keys()};
        const std::string hello = client.take_output();
        server.feed(hello);
        CHECK(server.stream.is_handshaking());
        CHECK_FALSE(server.output.bytes.empty());
        client.feed(server.take_output());
        server.feed(client.take_output());
        CHECK_FALSE(server.stream.is_handshaking());
    }
}

TEST_CASE("what is written is one append for each record of 16 KiB, and within the bound") {
    for (const int version : versions) {
        Connected ends{only(version)};
        for (const std::size_t size : {1u, 20u, 16384u, 16385u, 100'000u}) {
            CAPTURE(size);
            ends.server.output = {};
            CHECK(ends.server.write(varied_text(size)));
            CHECK(ends.server.output.appends == (size - 1) / record_bytes_max + 1);
            CHECK(ends.server.output.bytes.size() <= ciphertext_bytes_max(size));
        }
    }
    Connected ends;
    ends.server.output = {};
    CHECK(ends.server.write({}));
    CHECK(ends.server.output.appends == 0);
}

TEST_CASE("close_notify goes both ways, whoever is first") {
    for (const int version : versions) {
        CAPTURE(version);
        Connected ends{only(version)};
        CHECK_FALSE(ends.server.stream.has_peer_closed());
        ends.client.close();
        ends.server.feed(ends.client.take_output());
        CHECK(ends.server.event.found == Stream::Found::end);
        CHECK(ends.server.stream.has_peer_closed());
        ends.server.stream.close(ends.server.output);
        ends.client.feed(ends.server.take_output());
        CHECK(ends.client.has_peer_closed());
        CHECK(ends.client.error().empty());

        Connected others{only(version)};
        others.server.stream.close(others.server.output);
        CHECK_FALSE(others.server.stream.is_open());
        others.client.feed(others.server.take_output());
        CHECK(others.client.has_peer_closed());
    }
}

TEST_CASE("after the peer's close_notify there may be answers, and its bytes are dropped") {
    Connected ends{only(TLS1_3_VERSION)};
    ends.client.send("last words");
    ends.client.close();
    ends.server.feed(ends.client.take_output() + "trailing");
    CHECK(ends.server.plaintext == "last words");
    CHECK(ends.server.event.found == Stream::Found::end);
    CHECK(ends.server.stream.is_open());
    CHECK(ends.server.write("an answer"));
    ends.client.feed(ends.server.take_output());
    CHECK(ends.client.received() == "an answer");
}

TEST_CASE("after our close_notify what comes is dropped, and a second close writes nothing") {
    Connected ends;
    ends.server.stream.close(ends.server.output);
    (void)ends.server.take_output();
    ends.client.send("too late");
    ends.server.feed(ends.client.take_output());
    CHECK(ends.server.plaintext.empty());
    CHECK(ends.server.event.found == Stream::Found::need_more);
    ends.server.stream.close(ends.server.output);
    CHECK(ends.server.output.bytes.empty());
}

TEST_CASE("a stream that is cut off is told from one that has ended") {
    Connected ends;
    ends.client.send("half a message");
    std::string ciphertext = ends.client.take_output();
    ciphertext.pop_back();
    ends.server.feed(ciphertext);
    CHECK(ends.server.event.found == Stream::Found::need_more);
    CHECK(ends.server.plaintext.empty());
    CHECK_FALSE(ends.server.stream.has_peer_closed());
}

TEST_CASE("before the handshake is through a close has nothing to say") {
    TlsServer server{test_context(), test_keys()};
    server.stream.close(server.output);
    CHECK(server.output.bytes.empty());
}

TEST_CASE("key updates are followed, and answered with the next write") {
    Connected ends{only(TLS1_3_VERSION)};
    for (int round = 0; round < 100; ++round) {
        ends.client.update_key();
        ends.client.send("question;");
        exchange(ends.client, ends.server);
        CHECK(ends.server.write("answer;"));
        exchange(ends.client, ends.server);
    }
    CHECK(ends.server.plaintext.size() == 100 * 9);
    CHECK(ends.client.received().size() == 100 * 7);
    CHECK(ends.client.error().empty());
}

TEST_CASE("many key updates are answered once") {
    Connected ends{only(TLS1_3_VERSION)};
    for (int i = 0; i < 32; ++i) ends.client.send_key_update();
    ends.client.send("x");
    ends.server.feed(ends.client.take_output());
    CHECK(ends.server.plaintext == "x");
    ends.server.output = {};
    CHECK(ends.server.write("y"));
    CHECK(ends.server.output.appends == 2);
    CHECK(ends.server.output.bytes.size() <= ciphertext_bytes_max(1));
}

TEST_CASE("after so many records TLS 1.3 changes its key") {
    ContextSettings settings;
    settings.identities.push_back(test_server().identity());
    settings.records_per_key = 4;
    const Context context = test::context_of(std::move(settings));
    for (const int version : versions) {
        Connected ends{only(version), context};
        ends.server.output = {};
        for (int i = 0; i < 9; ++i) CHECK(ends.server.write("record"));
        CHECK(ends.server.output.appends == 9u + (version == TLS1_3_VERSION ? 2 : 0));
        ends.client.feed(ends.server.take_output());
        CHECK(ends.client.received().size() == 9 * 6);
    }
}

TEST_CASE("a stream can be moved") {
    Connected ends;
    Stream moved = std::move(ends.server.stream);
    ends.server.stream = std::move(moved);
    ends.client.send("still here");
    exchange(ends.client, ends.server);
    CHECK(ends.server.plaintext == "still here");
}

}  // namespace ringcast::tls

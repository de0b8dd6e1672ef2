#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "tls/stream.hpp"
#include "tls_kit.hpp"

namespace ringcast::tls {

using test::TlsClient;
using test::TlsServer;

TEST_CASE("a plain HTTP request is known by its first octet, and left alone") {
    for (const std::string_view request : {"GET / HTTP/1.1\r\n\r\n", "POST /a HTTP/1.1\r\n",
                                           "CONNECT a:1 HTTP/1.1\r\n", "X", "put "}) {
        CAPTURE(request);
        TlsServer server{test_context(), test_keys()};
        std::span<const std::byte> input = std::as_bytes(std::span{request});
        std::vector<std::byte> buffer(100);
        const Stream::Event event = server.stream.read(input, buffer, server.output);
        CHECK(event.found == Stream::Found::failure);
        CHECK(event.reason == Reason::plain_http);
        CHECK(input.size() == request.size());
        CHECK(server.output.bytes.empty());
    }
}

TEST_CASE("what begins with no handshake record is not TLS") {
    // An alert, application data, the ClientHello of SSL 2, nothing known.
    for (const std::string_view bytes :
         {std::string_view{"\x15\x03\x03\x00\x02\x02\x28", 7}, std::string_view{"\x17\x03\x03", 3},
          std::string_view{"\x80\x2e\x01\x03\x03", 5}, std::string_view{"\0\0\0", 3}}) {
        TlsServer server{test_context(), test_keys()};
        server.feed(bytes);
        CHECK(server.event.reason == Reason::not_tls);
        CHECK(server.output.bytes.empty());
    }
}

TEST_CASE("TLS 1.1 is refused, and the client is told") {
    const Refused ends{{.version_min = TLS1_1_VERSION,
                        .version_max = TLS1_1_VERSION,
                        .ciphers = "ALL:@SECLEVEL=0"}};
    CHECK(ends.reason() == Reason::unsupported_version);
    CHECK(ends.client.error() == "tlsv1 alert protocol version");
}

TEST_CASE("TLS 1.2 is refused where 1.3 is the minimum") {
    ContextSettings settings;
    settings.identities.push_back(test_server().identity());
    settings.version_min = Version::tls_1_3;
    const Context context = test::context_of(std::move(settings));
    const Refused ends{only(TLS1_2_VERSION), context};
    CHECK(ends.reason() == Reason::unsupported_version);
    Connected{only(TLS1_3_VERSION), context};
}

TEST_CASE("a client with other ciphers only is refused") {
    test::TlsClientOptions options = only(TLS1_2_VERSION);
    for (const char* const ciphers :
         {"ECDHE-ECDSA-AES128-SHA256", "AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256"}) {
        options.ciphers = ciphers;
        const Refused ends{options};
        CHECK(ends.reason() == Reason::no_shared_cipher);
        CHECK(ends.client.error() == "sslv3 alert handshake failure");
    }
}

TEST_CASE("ALPN has to offer http/1.1, if it offers anything") {
    for (const int version : versions) {
        test::TlsClientOptions options = only(version);
        options.alpn = "\x02h2\x08http/1.1";
        const Connected ends{options};
        CHECK(ends.client.alpn() == "http/1.1");
        options.alpn = "\x02h2\x08http/1.0";
        const Refused others{options};
        CHECK(others.reason() == Reason::no_application_protocol);
        CHECK(others.client.error() == "tlsv1 alert no application protocol");
    }
    CHECK(Connected{}.client.alpn().empty());
}

TEST_CASE("a record that was changed under way fails the stream, after what came before") {
    for (const int version : versions) {
        for (const std::size_t cut : {std::size_t{1}, SIZE_MAX}) {
            Connected ends{only(version)};
            ends.client.send("untouched");
            std::string ciphertext = ends.client.take_output();
            ends.client.send("changed");
            ciphertext += ends.client.take_output();
            ciphertext.back() = static_cast<char>(ciphertext.back() ^ 1);
            ends.client.send("never read");
            ciphertext += ends.client.take_output();
            ends.server.feed(ciphertext, cut);
            CAPTURE(ends.server.event.detail);
            CAPTURE(version);
            CHECK(ends.server.plaintext == "untouched");
            CHECK(ends.server.event.found == Stream::Found::failure);
            CHECK(ends.server.event.reason == Reason::bad_record);
            CHECK_FALSE(ends.server.event.detail.empty());
            ends.client.feed(ends.server.take_output());
            CHECK(ends.client.error() == "sslv3 alert bad record mac");
        }
    }
}

TEST_CASE("a failure is for ever: nothing is read, written or closed any more") {
    Connected ends;
    ends.client.send("changed");
    std::string ciphertext = ends.client.take_output();
    ciphertext.back() = static_cast<char>(ciphertext.back() ^ 1);
    ends.server.feed(ciphertext);
    (void)ends.server.take_output();
    ends.client.send("more");
    const std::string more = ends.client.take_output();
    std::span<const std::byte> input = std::as_bytes(std::span{more});
    std::vector<std::byte> buffer(100);
    CHECK(ends.server.stream.read(input, buffer, ends.server.output).reason == Reason::bad_record);
    CHECK_FALSE(ends.server.write("text"));
    ends.server.stream.close(ends.server.output);
    CHECK(ends.server.output.bytes.empty());
    CHECK_FALSE(ends.server.stream.is_open());
}

TEST_CASE("a record that says that it is longer than allowed fails at its header") {
    for (const int version : versions) {
        Connected ends{only(version)};
        ends.server.feed(std::string_view{"\x17\x03\x03\x48\x01", 5});
        CHECK(ends.server.event.reason == Reason::bad_record);
        ends.client.feed(ends.server.take_output());
        CHECK(ends.client.error() == "tlsv1 alert record overflow");
    }
}

TEST_CASE("a handshake that is cut short or senseless fails with an alert") {
    TlsServer server{test_context(), test_keys()};
    server.feed(std::string_view{"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10});
    CHECK(server.event.reason == Reason::malformed);
    CHECK_FALSE(server.event.detail.empty());
    CHECK(server.output.bytes.starts_with("\x15\x03"));

    TlsServer other{test_context(), test_keys()};
    other.feed(std::string_view{"\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9});  // A ServerHello.
    CHECK(other.event.reason == Reason::malformed);
}

TEST_CASE("a fatal alert of the peer is a failure of its own") {
    TlsClient client{{}};
    TlsServer server{test_context(), test_keys()};
    server.feed(client.take_output());
    server.feed(std::string_view{"\x15\x03\x03\x00\x02\x02\x30", 7});  // unknown_ca
    CHECK(server.event.reason == Reason::peer_alert);
    CHECK(server.event.detail == "tlsv1 alert unknown ca");
}

TEST_CASE("a second handshake is refused, and ends the stream") {
    Connected ends{only(TLS1_2_VERSION)};
    ends.client.renegotiate();
    ends.server.feed(ends.client.take_output());
    CHECK(ends.server.event.found == Stream::Found::failure);
    CHECK(ends.server.event.reason == Reason::renegotiation);
    ends.client.feed(ends.server.take_output());
    CHECK(ends.client.error() == "no renegotiation");
}

TEST_CASE("key updates without end are refused") {
    for (const std::size_t cut : {std::size_t{1}, std::size_t{100}, SIZE_MAX}) {
        Connected ends{only(TLS1_3_VERSION)};
        ends.client.send("before");
        for (int i = 0; i < 40; ++i) ends.client.send_key_update();
        ends.client.send("after");
        ends.server.feed(ends.client.take_output(), cut);
        CHECK(ends.server.plaintext == "before");
        CHECK(ends.server.event.reason == Reason::too_many_key_updates);
        ends.client.feed(ends.server.take_output());
        CHECK(ends.client.has_peer_closed());
    }
}

TEST_CASE("every reason has words of its own") {
    std::vector<std::string_view> seen;
    for (int i = 0; i <= static_cast<int>(Reason::malformed); ++i) {
        const std::string_view text = to_string(static_cast<Reason>(i));
        CHECK_FALSE(text.empty());
        CHECK(std::ranges::find(seen, text) == seen.end());
        seen.push_back(text);
    }
}

}  // namespace ringcast::tls

#include <doctest/doctest.h>

#include "tls/ticket_keys.hpp"
#include "tls_kit.hpp"

namespace ringcast::tls {

namespace {

/// A session with a server whose keys are `keys`.
test::TlsSession session_from(const TicketKeys& keys, int version,
                              const Context& context = test_context()) {
    Connected ends{only(version), context, keys};
    REQUIRE_FALSE(ends.server.stream.is_resumed());
    REQUIRE_FALSE(test::ticket_of(ends.client.session()).empty());
    return ends.client.session();
}

bool is_resumed(const test::TlsSession& session, const TicketKeys& keys, int version,
                const Context& context = test_context()) {
    test::TlsClientOptions options = only(version);
    options.session = session;
    Connected ends{options, context, keys};
    ends.client.send("question");
    exchange(ends.client, ends.server);
    CHECK(ends.server.plaintext == "question");
    return ends.server.stream.is_resumed();
}

TicketKeys fresh_keys() {
    return {Instant{}, test::fill_from_test_generator};
}

}  // namespace

TEST_CASE("a client resumes on another shard, and with another context of the same server") {
    for (const int version : versions) {
        CAPTURE(version);
        const TicketKeys keys = fresh_keys();
        const TicketKeys copy = keys;
        const test::TlsSession session = session_from(keys, version);
        CHECK(is_resumed(session, copy, version));
        CHECK(is_resumed(session, copy, version, test::context_of(test_server())));
        CHECK_FALSE(is_resumed(session, fresh_keys(), version));
    }
}

TEST_CASE("a ticket is good for one rotation of the keys, not for two") {
    for (const int version : versions) {
        CAPTURE(version);
        TicketKeys keys = fresh_keys();
        const test::TlsSession session = session_from(keys, version);
        keys.rotate(Instant{});
        CHECK(is_resumed(session, keys, version));
        keys.rotate(Instant{});
        CHECK_FALSE(is_resumed(session, keys, version));
    }
}

TEST_CASE("a shard that has not rotated yet opens what one that has did seal") {
    for (const int version : versions) {
        CAPTURE(version);
        TicketKeys keys = fresh_keys();
        const TicketKeys late = keys;
        keys.rotate(Instant{});
        CHECK(is_resumed(session_from(keys, version), late, version));
    }
}

TEST_CASE("whoever resumes with TLS 1.3, or with an old key, gets a new ticket") {
    for (const int version : versions) {
        for (const bool is_rotated : {false, true}) {
            CAPTURE(version);
            CAPTURE(is_rotated);
            TicketKeys keys = fresh_keys();
            test::TlsClientOptions options = only(version);
            options.session = session_from(keys, version);
            if (is_rotated) keys.rotate(Instant{});
            const Connected ends{options, test_context(), keys};
            CHECK(ends.server.stream.is_resumed());
            const bool has_new =
                test::ticket_of(ends.client.session()) != test::ticket_of(options.session);
            CHECK(has_new == (version == TLS1_3_VERSION || is_rotated));
        }
    }
}

TEST_CASE("a chain of resumptions over many rotations goes on") {
    TicketKeys keys = fresh_keys();
    test::TlsSession session = session_from(keys, TLS1_3_VERSION);
    for (int i = 0; i < 10; ++i) {
        test::TlsClientOptions options = only(TLS1_3_VERSION);
        options.session = session;
        const Connected ends{options, test_context(), keys};
        CHECK(ends.server.stream.is_resumed());
        session = ends.client.session();
        keys.rotate(Instant{});
    }
}

TEST_CASE("no ticket is taken by a server that asks other clients' issuers") {
    const test::Certified issuer = test::issue({.common_name = "issuer", .is_ca = true}),
                          other = test::issue({.common_name = "other", .is_ca = true}),
                          good = test::issue({.common_name = "client", .issuer = &issuer});
    const auto context_for = [](const test::Certified& ca) {
        ContextSettings settings;
        settings.identities.push_back(test_server().identity());
        settings.client_certificates = ClientCertificates::required;
        settings.client_ca_pem = Secret{std::string_view{ca.certificate_pem()}};
        return test::context_of(std::move(settings));
    };
    const Context asking = context_for(issuer), asking_other = context_for(other);
    const TicketKeys keys = fresh_keys();
    for (const int version : versions) {
        CAPTURE(version);
        test::TlsClientOptions options = only(version);
        options.certificate = &good;
        const Connected first{options, asking, keys};
        options.session = first.client.session();
        const Connected again{options, asking, keys};
        CHECK(again.server.stream.is_resumed());
        CHECK(again.server.stream.peer_subject() == "CN=client");
        test::TlsClient client{options};
        test::TlsServer server{asking_other, keys};
        exchange(client, server);
        CHECK(server.event.reason == Reason::certificate_rejected);
    }
}

TEST_CASE("keys are found by name as long as they open, and differ") {
    TicketKeys keys{Instant{} + std::chrono::hours{1}, test::fill_from_test_generator};
    CHECK(keys.rotated_at() == Instant{} + std::chrono::hours{1});
    CHECK(keys.find(std::array<std::byte, 16>{}) == nullptr);
    const TicketKey first = keys.current();
    CHECK(keys.find(first.name) == &keys.current());
    keys.rotate(Instant{} + std::chrono::hours{2});
    CHECK(keys.rotated_at() == Instant{} + std::chrono::hours{2});
    CHECK(keys.current().name != first.name);
    CHECK(keys.find(first.name)->mac_key == first.mac_key);
    keys.rotate(Instant{});
    CHECK(keys.find(first.name) == nullptr);
}

}  // namespace ringcast::tls

#include "tls/context.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "tls_kit.hpp"

namespace ringcast::tls {

namespace {

ContextSettings settings_of(std::initializer_list<const test::Certified*> servers) {
    ContextSettings settings;
    for (const test::Certified* server : servers) settings.identities.push_back(server->identity());
    return settings;
}

LoadError error_of(const ContextSettings& settings) {
    auto loaded = Context::load(settings, {});
    REQUIRE_FALSE(loaded);
    CHECK(ERR_peek_error() == 0);
    return std::move(loaded.error());
}

}  // namespace

TEST_CASE("a context that cannot be made says why in a line") {
    CHECK(error_of({}).reason == LoadReason::no_identity);

    ContextSettings settings = settings_of({&test_server()});
    settings.ciphers = "NONSENSE";
    CHECK(error_of(settings).reason == LoadReason::bad_ciphers);
    CHECK(error_of(settings).text == "no known cipher in: NONSENSE");
    settings = settings_of({&test_server()});
    for (const char* suites : {"NONSENSE", "TLS_AES_128_GCM_SHA256:NONSENSE", ":",
                               "TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"}) {
        settings.cipher_suites = suites;
        CHECK(error_of(settings).reason == LoadReason::bad_cipher_suites);
        CHECK(error_of(settings).text ==
              "no list of TLS 1.3 cipher suites: " + std::string{suites});
    }

    settings = settings_of({&test_server()});
    settings.client_certificates = ClientCertificates::required;
    settings.client_ca_name = "ca.crt";
    CHECK(error_of(settings).reason == LoadReason::bad_client_ca);
    CHECK(error_of(settings).text == "ca.crt: there is no certificate in it");

    const test::Certified weak = test::issue({.key_kind = test::KeyKind::rsa_1024});
    settings = settings_of({&weak});
    settings.ciphers += ":@SECLEVEL=2";
    CHECK(error_of(settings).reason == LoadReason::refused_identity);
    CHECK(error_of(settings).text == "server.crt: refused: ee key too small");
}

TEST_CASE("a certificate that has expired is a warning, and its time a figure") {
    const test::Certified fresh = test::issue({.days = 30}), stale = test::issue({.days = -1});
    const auto all = Context::load(settings_of({&fresh, &stale}), {});
    REQUIRE(all);
    CHECK(all->warnings.empty());
    const auto expired_at = all->context.expires_at();
    const auto later = Context::load(settings_of({&fresh, &stale}), expired_at);
    REQUIRE(later);
    CHECK(later->warnings ==
          std::vector<std::string>{"server.crt: a certificate in it has expired"});
    const auto alone = Context::load(settings_of({&fresh}), expired_at);
    REQUIRE(alone);
    CHECK(alone->context.expires_at() > expired_at + std::chrono::days{29});
}

TEST_CASE("the client's name for the server chooses the certificate") {
    const test::Certified first = test::issue({.names = "DNS:first.example"}),
                          exact = test::issue({.names = "DNS:b.a.example,DNS:other.example"}),
                          wild = test::issue({.names = "DNS:*.A.example"});
    const Context context = test::context_of(settings_of({&first, &exact, &wild}));
    struct Case {
        const char* name;
        const test::Certified& expected;
    };
    const Case cases[] = {
        {nullptr, first},         {"first.example", first}, {"unknown.example", first},
        {"b.a.example", exact},   {"OTHER.example", exact}, {"c.a.example", wild},
        {"C.A.EXAMPLE", wild},    {"a.example", first},  // A wildcard needs a label,
        {"d.c.a.example", first},                        // and stands for one only.
        {"localhost", first},
    };
    for (const int version : versions) {
        for (const Case& c : cases) {
            CAPTURE(c.name);
            test::TlsClientOptions options = only(version);
            options.server_name = c.name;
            const Connected ends{options, context};
            CHECK(ends.client.sees(c.expected));
        }
    }
    CHECK(Connected{{.server_name = "c.a.example"}, context}.server.stream.server_name() ==
          "c.a.example");
    CHECK(Connected{{}, context}.server.stream.server_name().empty());
}

TEST_CASE("of two with the same name the first has it") {
    const test::Certified one = test::issue({.names = "DNS:a.example"}),
                          two = test::issue({.names = "DNS:a.example"});
    const Context context = test::context_of(settings_of({&one, &two}));
    CHECK(Connected{{.server_name = "a.example"}, context}.client.sees(one));
}

TEST_CASE("certificates of two kinds for the same names are used as the client can") {
    const test::Certified curve = test::issue({.names = "DNS:a.example"}),
                          rsa = test::issue(
                              {.names = "DNS:a.example", .key_kind = test::KeyKind::rsa_2048});
    const Context context = test::context_of(settings_of({&curve, &rsa}));
    test::TlsClientOptions options = only(TLS1_2_VERSION);
    options.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
    CHECK(Connected{options, context}.client.sees(rsa));
    options.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
    CHECK(Connected{options, context}.client.sees(curve));
}

TEST_CASE("the order of ciphers is the client's") {
    test::TlsClientOptions options = only(TLS1_2_VERSION);
    options.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256";
    CHECK(Connected{options}.server.stream.cipher() == "ECDHE-ECDSA-CHACHA20-POLY1305");
    options.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305";
    CHECK(Connected{options}.server.stream.cipher() == "ECDHE-ECDSA-AES256-GCM-SHA384");
}

TEST_CASE("ciphers can be set") {
    ContextSettings settings = settings_of({&test_server()});
    settings.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
    settings.cipher_suites = "TLS_CHACHA20_POLY1305_SHA256";
    const Context context = test::context_of(std::move(settings));
    CHECK(Connected{only(TLS1_2_VERSION), context}.server.stream.cipher() ==
          "ECDHE-ECDSA-AES256-GCM-SHA384");
    CHECK(Connected{only(TLS1_3_VERSION), context}.server.stream.cipher() ==
          "TLS_CHACHA20_POLY1305_SHA256");
}

TEST_CASE("client certificates are asked for, verified, and their subject is known") {
    const test::Certified issuer = test::issue({.common_name = "issuer", .is_ca = true}),
                          good = test::issue({.common_name = "sensor 7", .issuer = &issuer}),
                          stale = test::issue({.issuer = &issuer, .days = -1}),
                          stranger = test::issue({.common_name = "stranger"});
    for (const int version : versions) {
        for (const auto mode : {ClientCertificates::optional, ClientCertificates::required}) {
            ContextSettings settings = settings_of({&test_server()});
            settings.client_certificates = mode;
            settings.client_ca_pem = Secret{std::string_view{issuer.certificate_pem()}};
            const Context context = test::context_of(std::move(settings));
            test::TlsClientOptions options = only(version);
            options.certificate = &good;
            CHECK(Connected{options, context}.server.stream.peer_subject() == "CN=sensor 7");
            options.certificate = &stranger;
            CHECK(Refused{options, context}.reason() == Reason::certificate_rejected);
            CHECK(Refused{options, context}.client.error() == "tlsv1 alert unknown ca");
            options.certificate = &stale;
            CHECK(Refused{options, context}.reason() == Reason::certificate_rejected);
            CHECK(Refused{options, context}.client.error() == "sslv3 alert certificate expired");
            options.certificate = nullptr;
            if (mode == ClientCertificates::optional) {
                CHECK(Connected{options, context}.server.stream.peer_subject().empty());
            } else {
                CHECK(Refused{options, context}.reason() == Reason::certificate_required);
            }
        }
    }
    test::TlsClientOptions options;
    options.certificate = &good;
    CHECK(Connected{options}.server.stream.peer_subject().empty());  // Not asked for.
}

TEST_CASE("connections keep the context they began with, and the last of them frees it") {
    const test::Certified renewed = test::issue({.names = "DNS:a.example"}),
                          other = test::issue({.names = "DNS:b.example"});
    Context context = test::context_of(settings_of({&test_server(), &other}));
    test::TlsClient early_client{{.server_name = "b.example"}};
    test::TlsServer early_server{context, test_keys()};
    Connected open{{}, context};
    context = test::context_of(renewed);

    exchange(early_client, early_server);
    CHECK(early_client.sees(other));
    open.client.send("still open");
    exchange(open.client, open.server);
    CHECK(open.server.plaintext == "still open");
    CHECK(Connected{{}, context}.client.sees(renewed));

    const Context copy = context;
    const Context moved = std::move(context);
    CHECK(copy.expires_at() == moved.expires_at());
}

}  // namespace ringcast::tls

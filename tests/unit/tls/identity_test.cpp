#include "tls/identity.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "support/tls_certificates.hpp"
#include "tls/credentials.hpp"

namespace ringcast::tls {

namespace {

LoadError identity_error(const Identity& identity) {
    auto loaded = load(identity);
    REQUIRE_FALSE(loaded);
    CHECK(ERR_peek_error() == 0);
    return std::move(loaded.error());
}

Identity identity_of(std::string_view certificate_pem, std::string_view key_pem) {
    return {.certificate_name = "a.crt",
            .certificate_pem = Secret{certificate_pem},
            .key_name = "a.key",
            .key_pem = Secret{key_pem}};
}

std::string without_middle(std::string pem) {
    return pem.erase(pem.size() / 2, 9);
}

}  // namespace

TEST_CASE("each way in which files cannot be used has its reason, and a line that names the file") {
    const test::Certified server = test::issue({}), other = test::issue({});
    const std::string certificate = server.certificate_pem(), key = server.key_pem();
    struct Bad {
        Identity identity;
        LoadReason reason;
        std::string_view text;
    };
    const Bad cases[] = {
        {identity_of("", key), LoadReason::no_certificate, "a.crt: there is no certificate in it"},
        {identity_of(key, key), LoadReason::no_certificate, "a.crt: there is no certificate in it"},
        {identity_of(without_middle(certificate), key), LoadReason::malformed_certificate,
         "a.crt: certificate 1 in it cannot be read"},
        {identity_of(certificate + without_middle(certificate), key),
         LoadReason::malformed_certificate, "a.crt: certificate 2 in it cannot be read"},
        {identity_of(certificate, ""), LoadReason::no_key, "a.key: there is no private key in it"},
        {identity_of(certificate, certificate), LoadReason::no_key,
         "a.key: there is no private key in it"},
        {identity_of(certificate, without_middle(key)), LoadReason::malformed_key,
         "a.key: the private key cannot be read"},
        {identity_of(certificate, server.key_pem("word")), LoadReason::encrypted_key,
         "a.key: the private key is encrypted"},
        {identity_of(certificate, other.key_pem()), LoadReason::key_mismatch,
         "a.key: the private key does not belong to the certificate in a.crt"},
    };
    for (const Bad& bad : cases) {
        const LoadError error = identity_error(bad.identity);
        CHECK(error.reason == bad.reason);
        CHECK(error.text == bad.text);
    }
}

TEST_CASE("certificates and key may be in one file, in any order") {
    const test::Certified root = test::issue({.common_name = "root", .is_ca = true});
    const test::Certified leaf = test::issue({.issuer = &root});
    const std::string all = leaf.key_pem() + leaf.certificate_pem() + root.certificate_pem();
    const auto loaded = load(identity_of(all, all));
    REQUIRE(loaded);
    CHECK(loaded->chain.size() == 1);
    CHECK(X509_cmp(loaded->certificate.get(), leaf.certificate.get()) == 0);
}

TEST_CASE("names come from the alternative names only, in lower case") {
    const test::Certified server = test::issue(
        {.common_name = "common.example", .names = "DNS:B.Example,IP:192.0.2.1,DNS:*.a.example"});
    const auto loaded = load(server.identity());
    REQUIRE(loaded);
    CHECK(loaded->names == std::vector<std::string>{"*.a.example", "b.example"});
}

TEST_CASE("the first certificate of the chain to expire counts") {
    using std::chrono::sys_seconds;
    const test::Certified root = test::issue({.is_ca = true, .days = 5});
    const test::Certified leaf = test::issue({.issuer = &root, .days = 50});
    const auto alone = load(leaf.identity());
    const std::string chain = leaf.certificate_pem() + root.certificate_pem();
    const auto together = load(identity_of(chain, leaf.key_pem()));
    REQUIRE(alone);
    REQUIRE(together);
    const auto difference = alone->expires_at - together->expires_at;
    CHECK(difference > std::chrono::days{44});
    CHECK(difference < std::chrono::days{46});
    CHECK(alone->expires_at > sys_seconds{std::chrono::days{19'000}});  // 2022
}

TEST_CASE("a secret is moved without a copy, and can be filled in place") {
    Secret secret{std::string_view{"key"}};
    const char* const place = secret.text().data();
    Secret moved = std::move(secret);
    CHECK(moved.text().data() == place);
    CHECK(secret.text().empty());
    secret = std::move(moved);
    CHECK(secret.text() == "key");
    Secret filled{std::size_t{4}};
    std::ranges::copy(std::string_view{"text"}, filled.chars().begin());
    CHECK(filled.text() == "text");
    wipe(std::as_writable_bytes(filled.chars()));
    CHECK(filled.text() == std::string_view{"\0\0\0\0", 4});
}

}  // namespace ringcast::tls

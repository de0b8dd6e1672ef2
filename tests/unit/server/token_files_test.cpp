// Keys for tokens from files, as settings name them.

#include "server/token_files.hpp"

#include <chrono>
#include <doctest/doctest.h>
#include <string>

#include "support/folder.hpp"
#include "support/token_signer.hpp"

using namespace ringcast;
using namespace ringcast::server;
using ringcast::test::Folder;
using ringcast::test::TokenSigner;

namespace {

constexpr std::chrono::sys_seconds now{std::chrono::seconds{1'700'000'000}};

bool accepts(const auth::LoadedKeys& loaded, const std::string& token,
             std::chrono::sys_seconds time = now) {
    return auth::verify_connection(token, loaded.keys, {}, time).has_value();
}

}  // namespace

TEST_CASE("keys come from all files that the settings name") {
    const Folder folder;
    const TokenSigner ec{auth::Algorithm::es256}, named{auth::Algorithm::es384};
    const TokenSigner hmac{auth::Algorithm::hs256, std::string(32, 'n')};
    const TokenSigner old{auth::Algorithm::hs256, std::string(32, 'o')};
    TokenSettings settings;
    CHECK(!has_token_keys(settings));
    settings.keys.secret_files = {folder.write("secret", hmac.secret() + "\n")};
    settings.keys.public_key_files = {folder.write("ec.pem", ec.public_pem())};
    settings.jwks_file = folder.write("jwks.json", R"({"keys":[)" + named.jwk() + ",1]}");
    settings.previous_keys.secret_files = {folder.write("old", old.secret())};
    settings.previous_until = now + std::chrono::seconds{1};
    CHECK(has_token_keys(settings));
    const auto loaded = load_token_keys(settings);
    REQUIRE(loaded);
    for (const TokenSigner& signer : {ec, named, hmac, old})
        CHECK(accepts(*loaded, signer.sign("{}")));
    CHECK(!accepts(*loaded, old.sign("{}"), settings.previous_until));
    REQUIRE(loaded->warnings.size() == 1);
    CHECK(loaded->warnings.front() == settings.jwks_file + ": key 2 is skipped: it is no object");
}

TEST_CASE("a file of keys that cannot be used is named") {
    const Folder folder;
    const auto error_of = [](const TokenSettings& settings) {
        const auto loaded = load_token_keys(settings);
        return loaded ? std::string{} : loaded.error();
    };
    const std::string missing = folder.path("missing");
    CHECK(error_of({.keys = {.secret_files = {missing}}}) ==
          "cannot read " + missing + ": No such file or directory");
    CHECK(error_of({.jwks_file = folder.path()}) ==
          folder.path() + " is not a file of at most 1 MiB");
    const std::string text = folder.write("text", "text");
    CHECK(error_of({.previous_keys = {.public_key_files = {text}}}) ==
          text + ": there is no public key in it");
}

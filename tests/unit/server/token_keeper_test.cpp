// What clients' tokens are checked with, read again when somebody asks for it.

#include "server/token_keeper.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "support/folder.hpp"
#include "support/token_signer.hpp"

using namespace ringcast;
using namespace ringcast::server;
using ringcast::test::Folder;
using ringcast::test::TokenSigner;

namespace {

const TokenSigner first_signer{auth::Algorithm::hs256, std::string(32, '1')};
const TokenSigner second_signer{auth::Algorithm::hs256, std::string(32, '2')};

bool takes(const shard::TokenMaterial& material, const TokenSigner& signer) {
    return auth::verify_connection(signer.sign("{}"), material.keys, material.rules, {})
        .has_value();
}

/// The events that are in `log`.
std::vector<std::string> events_of(shard::LogQueue& log) {
    std::vector<std::string> events;
    shard::LogRecord record;
    while (log.pop(record)) events.emplace_back(record.event);
    return events;
}

struct KeeperKit {
    Folder folder;
    shard::LogQueue log{shard::LogRecord::no_shard, shard::LogLevel::debug};
    std::vector<shard::TokenMaterial> published;
    TokenKeeper keeper{{.keys = {.secret_files = {folder.write("secret", first_signer.secret())}}},
                       log};

    TokenKeeper::Publish publish() {
        return [this](const shard::TokenMaterial& material) { published.push_back(material); };
    }
};

}  // namespace

TEST_CASE("keys are read again when somebody asks, and published") {
    KeeperKit kit;
    const auto loaded = kit.keeper.load();
    REQUIRE(loaded.has_value());
    CHECK(takes(*loaded, first_signer));
    kit.keeper.start(kit.publish());
    CHECK(kit.published.empty());
    (void)kit.folder.write("secret", second_signer.secret());
    kit.keeper.reload();
    REQUIRE(kit.published.size() == 1);
    CHECK(!takes(kit.published[0], first_signer));
    CHECK(takes(kit.published[0], second_signer));
    CHECK(takes(*loaded, first_signer));
    CHECK(events_of(kit.log) == std::vector<std::string>{"tokens_reloaded"});
}

TEST_CASE("keys that are of no use are told of, and the ones before stay") {
    KeeperKit kit;
    REQUIRE(kit.keeper.load().has_value());
    kit.keeper.start(kit.publish());
    (void)kit.folder.write("secret", "too short");
    kit.keeper.reload();
    CHECK(kit.published.empty());
    CHECK(events_of(kit.log) == std::vector<std::string>{"token_reload_failed"});
}

TEST_CASE("what is asked for before the shards serve is done as soon as they do") {
    KeeperKit kit;
    REQUIRE(kit.keeper.load().has_value());
    (void)kit.folder.write("secret", second_signer.secret());
    kit.keeper.reload();
    kit.keeper.start(kit.publish());
    REQUIRE(kit.published.size() == 1);
    CHECK(takes(kit.published[0], second_signer));
}

TEST_CASE("a JWKS file is read again, and one without keys changes nothing") {
    const TokenSigner first{auth::Algorithm::es256}, second{auth::Algorithm::es256};
    const auto jwks = [](const std::string& keys) { return R"({"keys":[)" + keys + "]}"; };
    const Folder folder;
    shard::LogQueue log{shard::LogRecord::no_shard, shard::LogLevel::debug};
    TokenKeeper keeper{{.jwks_file = folder.write("jwks", jwks(first.jwk(R"(,"kid":"1")")))}, log};
    std::vector<shard::TokenMaterial> published;
    REQUIRE(keeper.load().has_value());
    keeper.start([&](const shard::TokenMaterial& material) { published.push_back(material); });
    (void)folder.write("jwks", jwks(second.jwk(R"(,"kid":"2")")));
    keeper.reload();
    REQUIRE(published.size() == 1);
    CHECK(!takes(published[0], first));
    CHECK(takes(published[0], second));
    for (const std::string& useless : {jwks(""), std::string{"{"}}) {
        (void)folder.write("jwks", useless);
        keeper.reload();
    }
    CHECK(published.size() == 1);
    CHECK(events_of(log) == std::vector<std::string>{"tokens_reloaded", "token_reload_failed",
                                                     "token_reload_failed"});
}

// Tokens as a shard checks them: with its keys, by the clock it was given, counted and logged.

#include "shard/tokens.hpp"

#include <chrono>
#include <doctest/doctest.h>
#include <string>
#include <utility>

#include "support/token_signer.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using ringcast::test::TokenSigner;
using namespace std::chrono_literals;

namespace {

constexpr http::UnixSeconds wall_now = 1'700'000'000;
constexpr std::chrono::sys_seconds wall_time{std::chrono::seconds{wall_now}};

const TokenSigner shard_signer{auth::Algorithm::hs256, std::string(32, 's')};
const TokenSigner other_shard_signer{auth::Algorithm::hs256, std::string(32, 'o')};

TokenMaterial material_for(const TokenSigner& signer) {
    auth::KeySources sources;
    sources.current.secrets.push_back({.name = "secret", .text = Secret{signer.secret()}});
    auto loaded = auth::KeySet::load(sources);
    REQUIRE(loaded.has_value());
    return {.keys = std::move(loaded->keys),
            .rules = {.leeway = std::chrono::seconds{5}},
            .places = {}};
}

struct TokensKit {
    Metrics metrics;
    LogQueue log{0, LogLevel::debug};
    LogLimiters limiters;
    Tokens tokens{material_for(shard_signer), []() noexcept { return wall_now; }, metrics, log,
                  limiters};

    std::uint64_t refused(auth::Reason reason) const {
        return metrics.tokens_refused[static_cast<std::size_t>(reason)];
    }
};

}  // namespace

TEST_CASE("tokens are checked by the shard's keys and clock, and counted by what came of it") {
    TokensKit kit;
    CHECK(kit.tokens.verify_connection(shard_signer.sign(R"({"sub":"42"})"))->user == "42");
    CHECK(kit.tokens.verify_subscription(shard_signer.sign(R"({"sub":"42","channel":"a"})"),
                                         {.user = "42", .channel = "a", .client = ""}));
    CHECK(kit.metrics.tokens_accepted == 2);
    CHECK(!kit.tokens.verify_connection(shard_signer.sign(R"({"exp":1699999990})")));
    CHECK(kit.tokens.verify_connection(shard_signer.sign(R"({"exp":1699999996})")));
    CHECK(kit.refused(auth::Reason::expired) == 1);
    CHECK(!kit.tokens.verify_connection(other_shard_signer.sign("{}")));
    CHECK(kit.refused(auth::Reason::bad_signature) == 1);
    CHECK(!kit.tokens.verify_subscription(shard_signer.sign(R"({"sub":"43","channel":"a"})"),
                                          {.user = "42", .channel = "a", .client = ""}));
    CHECK(kit.refused(auth::Reason::wrong_user) == 1);
    CHECK(kit.metrics.tokens_accepted == 3);
}

TEST_CASE("new keys take the place of those before") {
    TokensKit kit;
    kit.tokens.replace(material_for(other_shard_signer));
    CHECK(kit.tokens.verify_connection(other_shard_signer.sign("{}")));
    CHECK(!kit.tokens.verify_connection(shard_signer.sign("{}")));
}

TEST_CASE("one refusal a minute is logged, by its reason and nothing of the token") {
    TokensKit kit;
    for (int i = 0; i < 3; ++i) CHECK(!kit.tokens.verify_connection("eyJhbGciOiJIUzI1NiJ9.e30."));
    LogRecord record;
    REQUIRE(kit.log.pop(record));
    CHECK(std::string{record.event} == "token_refused");
    REQUIRE(record.fields_count == 1);
    CHECK(record.text_of(0) == to_string(auth::Reason::bad_signature));
    CHECK(!kit.log.pop(record));
    CHECK(kit.limiters.token.suppressed() == 2);
}

TEST_CASE("a time on the wall is one of the shard's, with the leeway, and never far off") {
    TokensKit kit;
    const Instant now = Instant{} + 1h;
    CHECK(kit.tokens.end_of(wall_time + 10s, now) == now + 15s);
    CHECK(kit.tokens.end_of(wall_time - 2s, now) == now + 3s);
    CHECK(kit.tokens.end_of(wall_time - 10s, now) == now);
    CHECK(kit.tokens.end_of(std::chrono::sys_seconds::max(), now) == now + std::chrono::years{10});
}

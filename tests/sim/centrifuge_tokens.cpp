#include "sim/centrifuge_tokens.hpp"

#include <utility>

#include "auth/key_set.hpp"
#include "base/assert.hpp"
#include "base/secret.hpp"
#include "sim/topic_scenario.hpp"
#include "support/token_signer.hpp"

namespace ringcast::sim {

namespace {

constexpr http::UnixSeconds wall_start = 1'700'000'000;
thread_local Instant world_now{};
thread_local Duration wall_lateness{};

const test::TokenSigner& token_signer() {
    static const test::TokenSigner signer{auth::Algorithm::hs256, std::string(32, 's')};
    return signer;
}

}  // namespace

std::string name_of_user(std::uint32_t user) {
    return user == 0 ? std::string{} : "user-" + std::to_string(user);
}

std::string text_of(const CentrifugeToken& token, const TopicScenario& scenario, Instant now) {
    std::string claims = R"({"sub":")" + name_of_user(token.user) + '"';
    if (token.ttl) claims += R"(,"exp":)" + std::to_string(wall_time(now) + *token.ttl);
    std::string channels;
    for (const std::uint32_t topic : token.topics)
        channels += (channels.empty() ? "\"" : ",\"") + scenario.topics[topic] + '"';
    if (!channels.empty()) claims += R"(,"channels":[)" + channels + "]";
    return token_signer().sign(claims + "}");
}

shard::TokenMaterial token_material() {
    auth::KeySources sources;
    sources.current.secrets.push_back({.name = "secret", .text = Secret{token_signer().secret()}});
    auto loaded = auth::KeySet::load(sources);
    RC_ASSERT(loaded.has_value());
    return {.keys = std::move(loaded->keys), .rules = {}, .places = {}};
}

http::UnixSeconds wall_time(Instant now) noexcept {
    const auto passed = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
    return wall_start + passed.count();
}

http::UnixSeconds wall_clock() noexcept {
    return wall_time(world_now - wall_lateness);
}

void set_wall_clock(Instant now) noexcept {
    world_now = now;
}

void delay_wall_clock(Duration lateness) noexcept {
    wall_lateness = lateness;
}

}  // namespace ringcast::sim

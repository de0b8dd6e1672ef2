#pragma once
// Clients of the Centrifuge protocol on shards that are turned by hand, in a time that only passes
// when a test says so. Their tokens are signed with a key of the kit.

#include <algorithm>
#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/centrifuge_endpoint.hpp"
#include "auth/key_set.hpp"
#include "base/prng.hpp"
#include "support/token_signer.hpp"
#include "unit/shard/shards_kit.hpp"

namespace ringcast {

/// Besides what a ShardsKit serves, the protocol at /connection/websocket.
class CentrifugeKit : public shard::ShardsKit {
public:
    static constexpr http::UnixSeconds wall_now = 1'700'000'000;

    explicit CentrifugeKit(const CentrifugePolicy& policy = {}, shard::ShardsSetup setup = {})
        : ShardsKit{with_protocol(policy, std::move(setup))} {
        for (std::uint32_t i = 0; i < shards(); ++i) shard(i).set_tokens(token_material());
    }

    static shard::ShardsSetup with_protocol(const CentrifugePolicy& policy,
                                            shard::ShardsSetup setup) {
        setup.settings.wall_clock = []() noexcept { return wall_now; };
        setup.mount = [policy, limits = setup.limits, more = std::move(setup.mount),
                       seed = std::uint64_t{0}](shard::Router& router) mutable {
            if (more) more(router);
            limits.ping_interval = {};
            const auto entropy = [prng = Prng{++seed}](std::span<std::byte> bytes) mutable {
                for (std::byte& each : bytes) each = static_cast<std::byte>(prng.below(256));
            };
            router.mount(
                shard::PathPattern::parse("/connection/websocket").value(),
                std::make_unique<api::CentrifugeEndpoint>(limits, policy, entropy, "", ""));
        };
        return setup;
    }
    static const test::TokenSigner& signer() {
        static const test::TokenSigner signer{auth::Algorithm::hs256, std::string(32, 's')};
        return signer;
    }
    static shard::TokenMaterial token_material() {
        auth::KeySources sources;
        sources.current.secrets.push_back({.name = "secret", .text = Secret{signer().secret()}});
        auto loaded = auth::KeySet::load(sources);
        REQUIRE(loaded.has_value());
        return {.keys = std::move(loaded->keys), .rules = {}, .places = {}};
    }

    /// A client that has come, and said nothing.
    shard::ShardClient come(std::uint32_t index, const std::string& query = {}) {
        return open(index, "/connection/websocket" + query);
    }
    /// And one that says this at once, if it is not empty.
    shard::ShardClient come_with(std::uint32_t index, const std::string& claims) {
        const shard::ShardClient client = come(index);
        say(client, connect(claims));
        settle();
        return client;
    }
    void say(shard::ShardClient client, std::string_view commands) {
        send(client, test::text_frame(commands));
    }
    /// A connect command with a token, and with other `fields` behind it.
    static std::string connect(const std::string& claims, const std::string& fields = {}) {
        return R"({"id":1,"connect":{"token":")" + signer().sign(claims) + "\"" + fields + "}}";
    }
    /// A command with a token; `fields` before it.
    static std::string with_token(int id, const std::string& method, const std::string& fields,
                                  const std::string& claims) {
        return R"({"id":)" + std::to_string(id) + ",\"" + method + "\":{" + fields +
               R"("token":")" + signer().sign(claims) + "\"}}";
    }
    /// What the client was sent since the last look, a reply a line; ids of clients are `ID`.
    std::string heard(shard::ShardClient client) {
        std::string text = received(client);
        constexpr std::string_view mark = R"("client":")";
        constexpr std::size_t id_size = 36;
        for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos;) {
            at += mark.size();
            last_client_id = text.substr(at, id_size);
            text.replace(at, id_size, "ID");
        }
        return text;
    }
    /// What a raw client publishes there.
    void publish_to(const std::string& topic, std::string_view payload, std::uint32_t index = 0) {
        const shard::ShardClient client = publisher(index, topic);
        publish(client, payload);
        settle();
        ring(client.shard).finish_recv(client.fd, 0);
        settle();
    }
    void leave(shard::ShardClient client) {
        ring(client.shard).finish_recv(client.fd, 0);
        settle();
    }

    std::string last_client_id;
};

}  // namespace ringcast

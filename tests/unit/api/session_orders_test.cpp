// Orders of the application to sessions of the raw dialect and of handlers, over shards that are
// turned by hand.

#include "api/session_orders.hpp"

#include <chrono>
#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/topic_endpoint.hpp"
#include "unit/api/centrifuge_kit.hpp"

using namespace ringcast;
using namespace std::chrono_literals;

namespace {

struct Level {
    int value = 0;
};
/// Decides about those who come with ?later when the test does, and refuses ?never.
class Guarded {
public:
    explicit Guarded(std::vector<Ticket<Level>>* waiting) : waiting_{waiting} {}

    Admission<Level> on_upgrade(Upgrade& upgrade) {
        if (upgrade.query("never")) return reject(403);
        if (!upgrade.query("later")) return Level{};
        waiting_->push_back(upgrade.defer<Level>());
        return pending;
    }
    void on_message(Session<Level>& session, Message message) { session.send(message); }

private:
    std::vector<Ticket<Level>>* waiting_;
};

/// With topics of two mounts besides, and a handler, whose clients show their tokens as they come.
class OrdersKit : public CentrifugeKit {
public:
    explicit OrdersKit(shard::ShardsSetup setup = {})
        : CentrifugeKit{{.anonymous = TopicAccess::publish, .ping_interval = 0s},
                        with_more(std::move(setup), &waiting)} {}

    static shard::ShardsSetup with_more(shard::ShardsSetup setup,
                                        std::vector<Ticket<Level>>* waiting) {
        setup.mount = [limits = setup.limits, waiting](shard::Router& router) {
            router.mount(shard::PathPattern::parse("/guarded").value(),
                         std::make_unique<api::HandlerEndpoint>(
                             limits, std::make_unique<detail::TypedHandler<Guarded>>(waiting)));
            for (const char* const pattern : {"/raw/{topic}", "/more/{topic}"}) {
                router.mount(shard::PathPattern::parse(pattern).value(),
                             std::make_unique<api::TopicEndpoint>(
                                 limits, TopicsPolicy{.anonymous = TopicAccess::subscribe}));
            }
        };
        return setup;
    }
    shard::ShardClient come_raw(std::uint32_t index, const std::string& claims,
                                const std::string& path = "/raw/a") {
        const shard::ShardClient client = ask(index, claims, path);
        REQUIRE(response(client) == 101);
        return client;
    }
    shard::ShardClient ask(std::uint32_t index, const std::string& claims,
                           const std::string& path) {
        const shard::ShardClient client = accept(index);
        send(client, encode(test::UpgradeRequest{
                         .target = path,
                         .fields = claims.empty() ? std::string{}
                                                  : "Authorization: Bearer " +
                                                        signer().sign(claims) + "\r\n"}));
        settle();
        return client;
    }
    /// On all shards; how many of them have done it after some turns.
    std::uint32_t carry_out(const api::SessionOrder& order) {
        std::uint32_t done_count = 0;
        for (std::uint32_t i = 0; i < shards(); ++i)
            api::carry_out(shard(i), order, [&done_count](shard::Shard&) { ++done_count; });
        settle();
        return done_count;
    }
    [[nodiscard]] std::uint64_t user_count() {
        std::uint64_t count = 0;
        for (std::uint32_t i = 0; i < shards(); ++i) count += api::user_count(shard(i));
        return count;
    }

    std::vector<Ticket<Level>> waiting;
};

const api::DisconnectOrder banned{.code = CloseCode{4001}, .reason = "banned"};

api::SessionOrder disconnect_of(api::SessionFilter whose) {
    return {.whose = std::move(whose), .what = banned};
}

}  // namespace

TEST_CASE("a user's raw sessions are disconnected with its others, wherever they are") {
    OrdersKit kit;
    const std::string seven_claims = R"({"sub":"7"})";
    const std::vector<shard::ShardClient> theirs{
        kit.come_raw(0, seven_claims), kit.come_raw(1, seven_claims),
        kit.come_raw(1, seven_claims, "/more/b"), kit.come_with(0, seven_claims)};
    (void)kit.heard(theirs.back());
    const std::vector<shard::ShardClient> others{kit.come_raw(0, R"({"sub":"77"})"),
                                                 kit.come_raw(1, R"({"sub":""})"),
                                                 kit.come_raw(0, {}), kit.subscriber(0, "a")};
    CHECK(kit.carry_out(disconnect_of({.user = "7"})) == 2);
    for (const auto client : theirs) CHECK(kit.received(client) == "close:4001:banned");
    for (const auto client : others) CHECK(kit.received(client) == "");
    CHECK(kit.carry_out(disconnect_of({.user = "7"})) == 2);
}

TEST_CASE("a raw session is not what an order means that names a client, or does anything else") {
    OrdersKit kit;
    const auto raw = kit.come_raw(0, R"({"sub":"7"})"), of_nobody = kit.come_raw(0, {});
    CHECK(kit.carry_out(disconnect_of({.user = "7", .client = "x"})) == 2);
    CHECK(kit.carry_out(disconnect_of({.user = "7", .session = "x"})) == 2);
    CHECK(kit.carry_out(disconnect_of({.user = "", .client = "x"})) == 2);
    CHECK(kit.carry_out({.whose = {.user = "7"}, .what = api::UnsubscribeOrder{}}) == 2);
    CHECK(kit.carry_out({.whose = {.user = "7"}, .what = api::RefreshOrder{.is_expired = true}}) ==
          2);
    CHECK(kit.received(raw) == "");
    CHECK(kit.received(of_nobody) == "");
    CHECK(kit.carry_out(disconnect_of({.user = "7", .whitelist = {"x"}})) == 2);
    CHECK(kit.received(raw) == "close:4001:banned");
}

TEST_CASE("raw sessions are looked for a part in each turn, and all of them are found") {
    OrdersKit kit{shard::ShardsSetup{.shards = 1}};
    for (int i = 0; i < 4200; ++i) (void)kit.accept(0);
    const auto behind = kit.come_raw(0, R"({"sub":"7"})");
    bool is_done = false;
    api::carry_out(kit.shard(0), disconnect_of({.user = "7"}),
                   [&is_done](shard::Shard&) { is_done = true; });
    CHECK(!is_done);
    kit.settle();
    CHECK(is_done);
    CHECK(kit.received(behind) == "close:4001:banned");
}

TEST_CASE("so are a user's sessions of handlers, whenever those have let it in") {
    OrdersKit kit;
    const std::string seven_claims = R"({"sub":"7"})";
    const auto at_once = kit.come_raw(0, seven_claims, "/guarded");
    const auto later = kit.ask(1, seven_claims, "/guarded?later");
    const auto refused = kit.ask(1, seven_claims, "/guarded?never");
    const auto nobody_later = kit.ask(1, {}, "/guarded?later");
    CHECK(kit.response(refused) == 403);
    REQUIRE(kit.waiting.size() == 2);
    // Whoever comes meanwhile is somebody else.
    const auto eight = kit.come_raw(1, R"({"sub":"8"})", "/guarded");
    kit.waiting[1].admit({});
    kit.waiting[0].admit({});
    kit.settle();
    REQUIRE(kit.response(later) == 101);
    REQUIRE(kit.response(nobody_later) == 101);
    const std::vector<shard::ShardClient> others{eight, nobody_later,
                                                 kit.come_raw(0, {}, "/guarded"),
                                                 kit.come_raw(0, R"({"sub":""})", "/guarded")};
    CHECK(kit.carry_out(disconnect_of({.user = "7", .client = "x"})) == 2);
    CHECK(kit.received(at_once) == "");
    CHECK(kit.carry_out(disconnect_of({.user = "7"})) == 2);
    CHECK(kit.received(at_once) == "close:4001:banned");
    CHECK(kit.received(later) == "close:4001:banned");
    for (const auto client : others) CHECK(kit.received(client) == "");
}

TEST_CASE("the place of a session that has ended is not taken for its user's") {
    OrdersKit kit{shard::ShardsSetup{.shards = 1}};
    kit.leave(kit.come_raw(0, R"({"sub":"7"})", "/guarded"));
    const auto next = kit.come_raw(0, {}, "/guarded");
    CHECK(kit.carry_out(disconnect_of({.user = "7"})) == 1);
    CHECK(kit.received(next) == "");
}

TEST_CASE("users are counted who have raw sessions or such of handlers") {
    OrdersKit kit;
    for (const char* const path : {"/raw/a", "/guarded"}) {
        CAPTURE(path);
        CHECK(kit.user_count() == 0);
        const auto first = kit.come_raw(0, R"({"sub":"7"})", path),
                   second = kit.come_raw(0, R"({"sub":"7"})", path),
                   other = kit.come_raw(0, R"({"sub":"8"})", path);
        (void)kit.come_raw(0, {}, path);
        (void)kit.come_raw(0, R"({"sub":""})", path);
        CHECK(kit.user_count() == 2);
        const auto elsewhere = kit.come_raw(1, R"({"sub":"7"})", path);
        CHECK(kit.user_count() == 3);
        kit.leave(first);
        CHECK(kit.user_count() == 3);
        for (const auto client : {second, other, elsewhere}) kit.leave(client);
    }
    CHECK(kit.user_count() == 0);
}

// Who is in a topic, and who hears of whom: from subscriptions to the frames that tell of them.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unit/shard/shards_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

/// Sessions at /echo?name of each shard. What they say:
///   +topic  subscribes as that user, is announced and hears of others     =topic  only the first
///   -topic  unsubscribes      ?topic  who is there     #topic  how many     !topic text  publishes
class PresenceKit : public ShardsKit {
public:
    explicit PresenceKit(const ShardsSetup& setup = {}, std::string info = {})
        : ShardsKit{setup}, info_{std::move(info)} {
        for (std::uint32_t i = 0; i < shards(); ++i) {
            ScriptedEndpoint& endpoint = scripted(i);
            endpoint.upgraded = [this](Upgrade& upgrade) { return admitted(upgrade); };
            endpoint.received = [](Session& session, Message message) {
                obey(session, message.payload);
            };
            endpoint.subscribed = [](Session& session, const Subscribed& answer) {
                const bool is_live = answer.outcome == Subscribed::Outcome::live;
                CHECK(answer.position.epoch.is_any());
                session.send(text((is_live ? "live:" : "no:") + std::string{answer.topic}));
            };
            endpoint.subscription_lost = [](Session& session, std::string_view, std::string_view) {
                session.send(text("lost"));
            };
            endpoint.told_presence = [](Session& session, const PresenceAnswer& answer) {
                session.send(text(text_of(answer)));
            };
        }
    }

    ShardClient enter(std::uint32_t index, const std::string& name) {
        return open(index, "/echo?" + name);
    }
    /// What `client` is sent when it says that.
    std::string after(ShardClient client, const std::string& wish) {
        publish(client, wish);
        settle();
        return heard(client);
    }
    /// What it has been sent: `+ann` came, `-ann` went.
    std::string heard(ShardClient client) {
        std::string all;
        for (const test::ServerFrame& frame : frames(client)) {
            const std::string& payload = frame.payload;
            std::string word = frame.opcode == test::opcode_close ? "close" : payload;
            for (const auto& [event, sign] : {std::pair{"\"join\":", '+'}, {"\"leave\":", '-'}}) {
                if (!payload.contains(event)) continue;
                const std::size_t user = payload.find("\"user\":\"") + 8;
                word = sign + payload.substr(user, payload.find('"', user) - user);
            }
            if (payload.contains("\"pub\":"))
                word = payload.substr(payload.find("\"data\":") + 7, 3);
            all += (all.empty() ? "" : " ") + word;
        }
        return all;
    }
    std::size_t clients() {
        std::size_t count = 0;
        for (std::uint32_t i = 0; i < shards(); ++i)
            count += shard(i).topics().presence().clients();
        return count;
    }

private:
    struct Who {
        std::string info;
    };

    Verdict admitted(Upgrade& upgrade) {
        const std::string name{upgrade.request.query};
        ClientId id{};
        id[0] = static_cast<std::byte>(++ids_);
        Verdict verdict;
        verdict.encoding = Encoding::centrifuge_json;
        verdict.state = {
            new Who{pack(ClientInfo{.id = id, .user = name, .connection = info_, .channel = {}})},
            [](void* who) noexcept { delete static_cast<Who*>(who); }};
        return verdict;
    }
    static void obey(Session& session, std::string_view wish) {
        const std::string_view topic = wish.substr(1, wish.find(' ') - 1);
        const std::string_view info = static_cast<const Who*>(session.state())->info;
        const bool is_whole = wish[0] == '+';
        if (is_whole || wish[0] == '=') {
            CHECK(session.subscribe(topic, {},
                                    {.info = info,
                                     .seen = {.is_announced = is_whole},
                                     .hears_others = is_whole}) == SubscribeStatus::accepted);
        }
        if (wish[0] == '-') CHECK(session.unsubscribe(topic));
        if (wish[0] == '?') CHECK(session.presence(topic, PresenceQuery::clients));
        if (wish[0] == '#') CHECK(session.presence(topic, PresenceQuery::counts));
        if (wish[0] == 'x') session.close(CloseCode::normal);
        if (wish[0] == '!') {
            CHECK(session.publish(topic, PublicationKind::text, bytes_of("a")) ==
                  PublishStatus::accepted);
        }
    }
    static std::string text_of(const PresenceAnswer& answer) {
        if (answer.is_lost) return "lost";
        std::vector<std::string> users;
        answer.clients.for_each([&](const ClientInfo& client) {
            users.push_back(
                std::string{client.user} +
                (client.connection.empty() ? "" : "/" + std::to_string(client.connection.size())));
        });
        std::ranges::sort(users);
        std::string said =
            std::to_string(answer.counts.clients) + "/" + std::to_string(answer.counts.users);
        for (const std::string& user : users) said += ":" + user;
        return said;
    }

    const std::string info_;
    int ids_ = 0;
};

}  // namespace

TEST_CASE(
    "who subscribes as somebody is seen by all who ask, and those who want to hear of it do") {
    for (const std::uint32_t shards : {1u, 3u}) {
        for (std::uint32_t home = 0; home < shards; ++home) {
            CAPTURE(shards);
            CAPTURE(home);
            PresenceKit kit{{.shards = shards}};
            const std::string t = kit.topic_of(home);
            const ShardClient ann = kit.enter(0, "ann"), bob = kit.enter(shards - 1, "bob"),
                              deaf = kit.enter(shards / 2, "deaf");
            // Its own join is behind the answer.
            CHECK(kit.after(ann, "+" + t) == "live:" + t + " +ann");
            CHECK(kit.after(deaf, "=" + t) == "live:" + t);
            const ShardClient plain = kit.subscriber(0, t);
            CHECK(kit.after(bob, "+" + t) == "live:" + t + " +bob");
            CHECK(kit.heard(ann) == "+bob");
            CHECK(kit.after(bob, "?" + t) == "3/3:ann:bob:deaf");
            CHECK(kit.after(ann, "#" + t) == "3/3");
            const ShardClient again = kit.enter(0, "bob");
            CHECK(kit.after(again, "=" + t) == "live:" + t);
            CHECK(kit.after(ann, "#" + t) == "4/3");
            CHECK(kit.after(bob, "-" + t) == "");
            CHECK(kit.heard(ann) == "-bob");
            CHECK(kit.after(ann, "?" + t) == "3/3:ann:bob:deaf");
            // However it ends.
            CHECK(kit.after(bob, "+" + t) == "live:" + t + " +bob");
            kit.ring(bob.shard).finish_recv(bob.fd, 0);
            kit.settle();
            CHECK(kit.heard(ann) == "+bob -bob");
            CHECK(kit.after(again, "x") == "close");
            CHECK(kit.after(ann, "?" + t) == "2/2:ann:deaf");
            CHECK(kit.heard(deaf) == "");
            CHECK(kit.heard(plain) == "");
            CHECK(kit.after(ann, "?other") == "0/0");
            CHECK(kit.clients() == 2);
        }
    }
}

TEST_CASE("comers and goers keep their place among publications") {
    PresenceKit kit{{.shards = 2}};
    const std::string t = kit.topic_of(1);
    const ShardClient ann = kit.enter(0, "ann"), bob = kit.enter(0, "bob");
    CHECK(kit.after(ann, "+" + t) == "live:" + t + " +ann");
    for (const char* wish : {"!", "+", "!", "-", "!"}) {
        kit.publish(bob, wish + t + (wish[0] == '!' ? " a" : ""));
        kit.settle();
    }
    CHECK(kit.heard(ann) == "\"a\" +bob \"a\" -bob \"a\"");
    CHECK(kit.heard(bob) == "live:" + t + " +bob \"a\"");
}

TEST_CASE("who goes before it has come is heard of by nobody, and who comes back is there once") {
    PresenceKit kit{{.shards = 2}};
    const std::string t = kit.topic_of(1);
    const ShardClient ann = kit.enter(1, "ann"), bob = kit.enter(0, "bob");
    CHECK(kit.after(ann, "+" + t) == "live:" + t + " +ann");
    SUBCASE("the home stands still") {
        kit.freeze(1);
        kit.publish(bob, "+" + t);
        kit.turn(2);
        kit.publish(bob, "-" + t);
        kit.turn(2);
        kit.thaw(1);
        kit.settle();
        CHECK(kit.heard(bob) == "");
        CHECK(kit.heard(ann) == "");
        CHECK(kit.clients() == 1);
    }
    SUBCASE("nothing was said yet") {
        kit.publish(bob, "+" + t);
        CHECK(kit.after(bob, "-" + t) == "");
        CHECK(kit.heard(ann) == "");
        CHECK(kit.clients() == 1);
    }
    SUBCASE("again and again in one turn") {
        for (int i = 0; i < 3; ++i) {
            kit.publish(bob, "+" + t);
            kit.settle();
            kit.publish(bob, "-" + t);
        }
        CHECK(kit.after(bob, "+" + t).ends_with("live:" + t + " +bob"));
        CHECK(kit.heard(ann) == "+bob -bob +bob -bob +bob -bob +bob");
        CHECK(kit.clients() == 2);
    }
}

TEST_CASE("a topic that lists as many as it may takes the next one when another has gone") {
    ShardsSetup setup;
    setup.settings.topics.presence.topic_clients_max = 1;
    PresenceKit kit{setup};
    const std::string t = kit.topic_of(1), other = kit.topic_of(1, 1);
    const ShardClient ann = kit.enter(0, "ann"), bob = kit.enter(0, "bob");
    CHECK(kit.after(ann, "+" + t) == "live:" + t + " +ann");
    CHECK(kit.after(bob, "+" + t) == "no:" + t);
    CHECK(kit.after(bob, "+" + other) == "live:" + other + " +bob");
    CHECK(kit.metrics(1).presence_refused == 1);
    CHECK(kit.heard(ann) == "");
    CHECK(kit.after(ann, "-" + t) == "");
    CHECK(kit.after(bob, "+" + t) == "live:" + t + " +bob");
    kit.pass(1s);
    CHECK(kit.metrics(1).presence_clients == 2);
    CHECK(kit.metrics(1).presence_bytes > 0);
}

TEST_CASE("infos and lists that are larger than a queue takes travel as blocks") {
    PresenceKit kit{{.shards = 2, .mesh_bytes = 64 << 10}, std::string(4097, 'i')};
    const std::string t = kit.topic_of(1);
    std::vector<ShardClient> clients;
    std::string users;
    for (int i = 0; i < 9; ++i) {
        const std::string name(1, static_cast<char>('a' + i));
        clients.push_back(kit.enter(static_cast<std::uint32_t>(i % 2), name));
        CHECK(kit.after(clients.back(), "+" + t) == "live:" + t + " +" + name);
        users += ":" + name + "/4097";
    }
    CHECK(kit.after(clients[2], "?" + t) == "+d +e +f +g +h +i 9/9" + users);
    CHECK(kit.after(clients[1], "-" + t) == "+c +d +e +f +g +h +i");
    CHECK(kit.heard(clients[0]) == "+b +c +d +e +f +g +h +i -b");
}

TEST_CASE("whose subscription is lost in a gap is there no more, and may come again") {
    PresenceKit kit{{.shards = 2, .mesh_bytes = 64 << 10}};
    const std::string t = kit.topic_of(1);
    const ShardClient ann = kit.enter(0, "ann"), bob = kit.enter(1, "bob");
    CHECK(kit.after(bob, "+" + t) == "live:" + t + " +bob");
    CHECK(kit.after(ann, "+" + t) == "live:" + t + " +ann");
    CHECK(kit.heard(bob) == "+ann");
    kit.freeze(0);
    kit.publish(ann, "?" + t);  // It will have to be asked again.
    const std::string filler(500, 'x');
    while (kit.shard(1).publish(t, PublicationKind::text, bytes_of(filler)) ==
           PublishStatus::accepted)
        kit.turn();
    kit.pass(3s);  // The target has been full for too long.
    kit.turn(2);
    CHECK(kit.metrics(1).mesh_stalls == 1);
    CHECK(kit.clients() == 2);
    kit.thaw(0);
    kit.turn(200);
    CHECK(kit.heard(ann).contains("lost"));
    CHECK(kit.clients() == 1);
    CHECK(kit.heard(bob).ends_with("-ann"));
    CHECK(kit.after(ann, "+" + t) == "live:" + t + " +ann");
    CHECK(kit.heard(bob) == "+ann");
    CHECK(kit.after(ann, "?" + t) == "2/2:ann:bob");
}

TEST_CASE("the end of the server is no going of all") {
    PresenceKit kit{{.shards = 2}};
    const std::string t = kit.topic_of(1);
    std::vector<ShardClient> clients;
    for (std::uint32_t i = 0; i < 8; ++i) {
        clients.push_back(kit.enter(i % 2, "u" + std::to_string(i)));
        (void)kit.after(clients.back(), "+" + t);
    }
    for (const ShardClient client : clients) (void)kit.heard(client);
    const std::uint64_t events = kit.metrics(0).presence_events + kit.metrics(1).presence_events;
    for (std::uint32_t i = 0; i < 2; ++i) kit.shard(i).begin_shutdown(CloseCode::going_away);
    kit.settle();
    for (const ShardClient client : clients) CHECK(kit.heard(client) == "close");
    CHECK(kit.metrics(0).presence_events + kit.metrics(1).presence_events == events);
}

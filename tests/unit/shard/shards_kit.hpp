#pragma once
// Several shards on one mesh, each over a FakeRing, turned by hand on one thread: a shard that is
// not turned is a shard that hangs. Clients speak through the rings.

#include <cstdint>
#include <deque>
#include <doctest/doctest.h>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/home_topics.hpp"
#include "shard/mesh.hpp"
#include "shard/publisher_lane.hpp"
#include "unit/shard/mesh_kit.hpp"
#include "unit/shard/shard_kit.hpp"

namespace ringcast::shard {

/// "0 1 2 ... count-1"
inline std::string numbers(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += (i == 0 ? "" : " ") + std::to_string(i);
    return text;
}

/// The topic that the path names; its clients publish if the query says `publish`, are told that
/// they missed something if it says `gaps`, and begin with what is kept if it says `since=41` or
/// `newest=3`: then they are sent their position and what they missed first.
class TestTopics final : public Endpoint {
public:
    explicit TestTopics(const SessionLimits& limits) : Endpoint{limits} {}

    Verdict on_upgrade(Upgrade& upgrade) override {
        Verdict verdict;
        verdict.topic = upgrade.parameters[0].value;
        verdict.is_publisher = upgrade.request.query.contains("publish");
        const std::string_view query = upgrade.request.query;
        using Kind = SubscribeFrom::Kind;
        if (const auto since = number_in(query, "since=")) {
            verdict.from = {.kind = Kind::since, .since = {*since, {}}};
        } else if (const auto newest = number_in(query, "newest=")) {
            verdict.from = {.kind = Kind::newest,
                            .count_max = static_cast<std::uint32_t>(*newest),
                            .since = {}};
        }
        static bool has_gaps[2] = {false, true};
        verdict.state = {&has_gaps[upgrade.request.query.contains("gaps") ? 1 : 0],
                         [](void*) noexcept {}};
        return verdict;
    }
    void on_open(Session&) override { ++opened_count; }
    void on_subscribed(Session& session, const Subscribed& answer) override {
        if (answer.outcome == Subscribed::Outcome::refused || answer.position.epoch.is_any())
            return Endpoint::on_subscribed(session, answer);
        const char* const what = !answer.was_recovering ? "at"
                                 : answer.recovered     ? "recovered"
                                                        : "missed";
        session.send(text(std::string{what} + ":" + std::to_string(answer.position.offset)));
        for (const MissedPublication& missed : answer.missed)
            session.send(text(text_of(missed.payload())));
    }
    void on_message(Session session, std::string_view payload, MessageKind kind) override {
        const Message message{payload, kind};
        statuses.push_back(session.publish(
            session.newest_topic(),
            message.kind == MessageKind::binary ? PublicationKind::binary : PublicationKind::text,
            message.bytes()));
    }
    void on_drain(Session&) override {}
    void on_close(Session&, CloseCode code, std::string_view reason) override {
        endings.push_back({code, std::string{reason}});
    }
    void on_skipped(Session& session, std::uint64_t count) override {
        skipped_count += count;
        if (*static_cast<const bool*>(session.state()))
            session.send(text("skipped " + std::to_string(count)));
    }
    void on_tick(Shard&) override {}

    static std::optional<std::uint64_t> number_in(std::string_view query, std::string_view key) {
        const std::size_t at = query.find(key);
        if (at == std::string_view::npos) return std::nullopt;
        return std::stoull(std::string{query.substr(at + key.size())});
    }

    std::size_t opened_count = 0;
    std::uint64_t skipped_count = 0;
    std::vector<PublishStatus> statuses;
    std::vector<Ending> endings;
};

/// A client of one of the shards.
struct ShardClient {
    std::uint32_t shard;
    int fd;
    friend auto operator<=>(const ShardClient&, const ShardClient&) = default;
};

struct ShardsSetup {
    std::uint32_t shards = 2;
    SessionLimits limits = {};
    Settings settings = {};
    std::uint64_t mesh_bytes = Mesh::bytes_default;
    std::function<Router()> make_admin_router = nullptr;  ///< Of the first shard.
    std::function<void(Router&)> mount = nullptr;         ///< Further endpoints, on each shard.
    ClientLimits::Options client_limits = {};             ///< Of all shards.
};

/// Shards that serve TestTopics at /topics/{topic...} and a ScriptedEndpoint at /echo. When the kit
/// goes, it cuts all connections and checks that everything has come home.
class ShardsKit {
public:
    static constexpr int listener = 3, admin_listener = 4;

    explicit ShardsKit(const ShardsSetup& setup = {})
        : mesh{setup.shards, setup.mesh_bytes}, client_limits_{setup.client_limits} {
        for (std::uint32_t i = 0; i < setup.shards; ++i) {
            members_.push_back(std::make_unique<Member>(i, setup, mesh, client_limits_));
            shard(i).listen(listener);
        }
        const int admin_fds[] = {admin_listener};
        if (setup.make_admin_router) shard(0).listen_admin(admin_fds, setup.make_admin_router());
        turn();
    }
    ~ShardsKit() {
        frozen_.clear();
        for (const auto& member : members_) {
            member->shard.begin_shutdown(CloseCode::going_away);
            member->shard.terminate_all();
        }
        for (int turns = 0; turns < 1000 && !has_finished(); ++turns) turn();
        for (const auto& member : members_) {
            CHECK(member->shard.finished());
            CHECK(member->ring.idle());
            CHECK(member->ring.open_sockets() == 0);
            CHECK(member->shard.pool().blocks_in_use() == 0);
            CHECK(member->topics->endings.size() == member->topics->opened_count);
            CHECK(member->scripted->endings.size() == member->scripted->opened_count);
        }
    }

    [[nodiscard]] std::uint32_t shards() const {
        return static_cast<std::uint32_t>(members_.size());
    }
    Shard& shard(std::uint32_t index) { return members_[index]->shard; }
    const Metrics& metrics(std::uint32_t index) { return shard(index).metrics(); }
    test::FakeRing& ring(std::uint32_t index) { return members_[index]->ring; }
    TestTopics& topics(std::uint32_t index) { return *members_[index]->topics; }
    ScriptedEndpoint& scripted(std::uint32_t index) { return *members_[index]->scripted; }
    test::FakeRing::Socket& socket(ShardClient client) {
        return ring(client.shard).socket(client.fd);
    }
    [[nodiscard]] bool has_finished() const {
        return std::ranges::all_of(members_,
                                   [](const auto& member) { return member->shard.finished(); });
    }

    /// The name of a topic whose home is `home`; the others of `number` are further ones.
    std::string topic_of(std::uint32_t home, int number = 0) {
        for (int i = 0;; ++i) {
            std::string name = "t" + std::to_string(i);
            if (hub::home_of(name, shard(0).settings().topics.seed, shards()) == home &&
                number-- == 0)
                return name;
        }
    }

    /// Every shard that does not hang takes so many turns, one after the other.
    void turn(int count = 1) {
        for (int i = 0; i < count; ++i) {
            for (std::uint32_t index = 0; index < shards(); ++index) {
                if (!frozen_.contains(index)) shard(index).turn();
            }
        }
    }
    void turn_one(std::uint32_t index, int count = 1) {
        for (int i = 0; i < count; ++i) shard(index).turn();
    }
    void freeze(std::uint32_t index) { frozen_.insert(index); }
    void thaw(std::uint32_t index) { frozen_.erase(index); }
    /// Enough turns for whatever is under way to arrive.
    void settle() { turn(8); }
    /// Lets time pass, and the timers see it.
    void pass(Duration duration) {
        for (std::uint32_t index = 0; index < shards(); ++index) ring(index).advance(duration);
        turn(2);
    }
    /// True if the shard waits until something comes: its last turn began with a wait.
    bool waits(std::uint32_t index) { return ring(index).last_wait().until > ring(index).now(); }

    /// A client that has sent nothing yet.
    ShardClient accept(std::uint32_t index) {
        const ShardClient client{index, ring(index).add_connection()};
        ring(index).complete_accept(listener, client.fd);
        turn_one(index, 2);
        return client;
    }
    /// A client whose request has arrived, and whatever it sent with that.
    ShardClient connect(std::uint32_t index, const std::string& target,
                        std::string_view sent_at_once = {}) {
        const ShardClient client = accept(index);
        send(client, request(target) + std::string{sent_at_once});
        return client;
    }
    static std::string request(const std::string& target) {
        return encode(test::UpgradeRequest{.target = target});
    }
    /// A client that has been admitted.
    ShardClient open(std::uint32_t index, const std::string& target) {
        const ShardClient client = connect(index, target);
        settle();
        REQUIRE(response(client) == 101);
        return client;
    }
    ShardClient subscriber(std::uint32_t index, const std::string& topic) {
        return open(index, "/topics/" + topic);
    }
    ShardClient publisher(std::uint32_t index, const std::string& topic) {
        return open(index, "/topics/" + topic + "?publish");
    }
    /// Bytes arrive; nothing is turned.
    void send(ShardClient client, std::string_view bytes) {
        ring(client.shard).deliver(client.fd, bytes);
    }
    void publish(ShardClient client, std::string_view payload) {
        send(client, test::text_frame(payload));
    }
    /// The status of the response that has been sent, `last_response`; 0 if there is none yet.
    int response(ShardClient client) {
        feed(client);
        const auto response = readers_[client].next_response();
        if (response) last_response = *response;
        return response ? response->status : 0;
    }
    /// The frames that were sent since the last call.
    std::vector<test::ServerFrame> frames(ShardClient client) {
        feed(client);
        std::vector<test::ServerFrame> frames;
        while (auto frame = readers_[client].next_frame()) frames.push_back(*std::move(frame));
        CHECK(readers_[client].error() == "");
        return frames;
    }
    /// The same as one text: payloads, separated by blanks; a Close is `close:1013:reason`.
    std::string received(ShardClient client) {
        std::string text;
        for (const test::ServerFrame& frame : frames(client)) {
            if (!text.empty()) text += ' ';
            if (frame.opcode == test::opcode_close) {
                text += "close:" + std::to_string(frame.close_code().value_or(0)) + ":" +
                        frame.payload.substr(std::min<std::size_t>(frame.payload.size(), 2));
            } else {
                text += frame.payload;
            }
        }
        return text;
    }
    /// Another thread's lane into that shard, with one reference for the caller.
    PublisherLane* make_lane(std::uint32_t index, std::size_t capacity = 1 << 16) {
        auto* const lane = PublisherLane::make(capacity, mesh.inbox(index), hub::set_of(index));
        lane->acquire();
        auto note = std::make_unique<Note>();
        note->kind = Note::Kind::publisher;
        note->publisher = lane;
        CHECK(mesh.inbox(index).post(std::move(note)));
        return lane;
    }

    Mesh mesh;
    test::ServerResponse last_response;

private:
    struct Member {
        Member(std::uint32_t index, const ShardsSetup& setup, Mesh& mesh, ClientLimits& limits)
            : shard{ring,   settings_of(index, setup), make_router(setup), log, nullptr, &mesh,
                    &limits} {}

        static Settings settings_of(std::uint32_t index, const ShardsSetup& setup) {
            Settings settings = setup.settings;
            settings.index = index;
            return settings;
        }
        Router make_router(const ShardsSetup& setup) {
            auto at_topics = std::make_unique<TestTopics>(setup.limits);
            auto at_echo = std::make_unique<ScriptedEndpoint>(setup.limits);
            topics = at_topics.get();
            scripted = at_echo.get();
            Router router;
            router.mount(PathPattern::parse("/topics/{topic...}").value(), std::move(at_topics));
            router.mount(PathPattern::parse("/echo").value(), std::move(at_echo));
            if (setup.mount) setup.mount(router);
            return router;
        }

        test::FakeRing ring;
        LogQueue log{0, LogLevel::debug};
        TestTopics* topics = nullptr;
        ScriptedEndpoint* scripted = nullptr;
        Shard shard;
    };

    void feed(ShardClient client) {
        std::string& output = socket(client).output;
        readers_[client].feed(output);
        output.clear();
    }

    ClientLimits client_limits_;
    std::vector<std::unique_ptr<Member>> members_;
    std::set<std::uint32_t> frozen_;
    std::map<ShardClient, test::ServerReader> readers_;
};

}  // namespace ringcast::shard

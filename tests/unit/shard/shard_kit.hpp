#pragma once
// What the shard tests share: a shard over a FakeRing, an endpoint made of functions, and clients
// that speak through the ring.

#include <doctest/doctest.h>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shard/shard.hpp"
#include "support/fake_ring.hpp"
#include "support/ws_client.hpp"
#include "unit/shard/scripted_http_endpoint.hpp"

namespace ringcast::shard {

/// How sessions ended, as the endpoint was told.
struct Ending {
    CloseCode code;
    std::string reason;
};

/// Every hook is a function that a test may replace; without one it admits everybody and echoes.
class ScriptedEndpoint final : public Endpoint {
public:
    explicit ScriptedEndpoint(const SessionLimits& limits) : Endpoint{limits} {}

    Verdict on_upgrade(Upgrade& upgrade) override {
        return upgraded ? upgraded(upgrade) : Verdict{};
    }
    void on_open(Session& session) override {
        ++opened_count;
        if (opened) opened(session);
    }
    void on_message(Session session, std::string_view payload, MessageKind kind) override {
        const Message message{payload, kind};
        ++messages_count;
        if (received) return received(session, message);
        session.send(message);
    }
    void on_subscribed(Session& session, const Subscribed& answer) override {
        subscribed ? subscribed(session, answer) : Endpoint::on_subscribed(session, answer);
    }
    void on_subscription_lost(Session& session, std::string_view topic,
                              std::string_view reason) override {
        if (subscription_lost) return subscription_lost(session, topic, reason);
        Endpoint::on_subscription_lost(session, topic, reason);
    }
    void on_history(Session& session, const HistoryAnswer& answer) override {
        if (answered) answered(session, answer);
    }
    void on_resume(Session& session) override {
        if (resumed) resumed(session);
    }
    void on_presence(Session& session, const PresenceAnswer& answer) override {
        if (told_presence) told_presence(session, answer);
    }
    void on_drain(Session& session) override {
        ++drains_count;
        if (drained) drained(session);
    }
    void on_close(Session& session, CloseCode code, std::string_view reason) override {
        endings.push_back({code, std::string{reason}});
        if (closed) closed(session);
    }
    void append_farewell(const Session&, CloseCode code, std::string_view reason,
                         std::string& content) const override {
        content += "bye " + std::to_string(static_cast<int>(code)) + " " + std::string{reason};
    }
    void on_skipped(Session& session, std::uint64_t count) override {
        if (skipped) skipped(session, count);
    }
    void on_held(Session& session, std::string_view message) override {
        if (held) held(session, message);
    }
    void on_tick(Shard& shard) override {
        ++ticks_count;
        if (ticked) ticked(shard);
    }

    std::function<Verdict(Upgrade&)> upgraded;
    std::function<void(Session&)> opened, resumed, drained, closed;
    std::function<void(Session&, Message)> received;
    std::function<void(Session&, const Subscribed&)> subscribed;
    std::function<void(Session&, const HistoryAnswer&)> answered;
    std::function<void(Session&, const PresenceAnswer&)> told_presence;
    std::function<void(Session&, std::string_view topic, std::string_view reason)>
        subscription_lost;
    std::function<void(Session&, std::uint64_t count)> skipped;
    std::function<void(Session&, std::string_view message)> held;
    std::function<void(Shard&)> ticked;
    std::size_t opened_count = 0, messages_count = 0, drains_count = 0, ticks_count = 0;
    std::vector<Ending> endings;
};

/// A shard that serves a ScriptedEndpoint at /echo and a page at /page, and listens on `listener`.
/// When it goes, it cuts all connections and checks that everything has come home.
class ShardKit {
public:
    static constexpr int listener = 3;

    explicit ShardKit(const SessionLimits& limits = {}, const Settings& settings = {},
                      std::unique_ptr<ClientLimits> of_clients = nullptr)
        : client_limits{std::move(of_clients)},
          shard{ring, settings, make_router(limits), log, nullptr, nullptr, client_limits.get()} {
        shard.listen(listener);
        turn();
    }
    ~ShardKit() {
        shard.begin_shutdown(CloseCode::going_away);
        shard.terminate_all();
        for (int turns = 0; turns < 10 && !shard.finished(); ++turns) shard.turn();
        CHECK(shard.finished());
        CHECK(ring.idle());
        CHECK(ring.open_sockets() == 0);
        CHECK(shard.pool().blocks_in_use() == 0);
        CHECK(endpoint->endings.size() == endpoint->opened_count);
    }

    void turn(int count = 1) {
        for (int i = 0; i < count; ++i) shard.turn();
    }
    /// Lets time pass, and the timers see it.
    void pass(Duration duration) {
        ring.advance(duration);
        turn(2);
    }

    /// A connection that has sent nothing yet.
    int accept() {
        const int fd = ring.add_connection();
        ring.complete_accept(listener, fd);
        turn(2);
        return fd;
    }
    /// Bytes arrive, and the shard answers.
    void send(int fd, std::string_view bytes) {
        ring.deliver(fd, bytes);
        turn(2);
    }
    /// An accepted connection whose request has been answered with 101.
    int open(const test::UpgradeRequest& request = {}) {
        const int fd = accept();
        send(fd, encode(request));
        REQUIRE(take_response(fd).status == 101);
        return fd;
    }
    /// The response that was sent on `fd`.
    test::ServerResponse take_response(int fd) {
        feed(fd);
        const auto response = readers_[fd].next_response();
        REQUIRE_MESSAGE(response, "no response");
        return *response;
    }
    /// The frames that were sent on `fd` since the last call.
    std::vector<test::ServerFrame> take_frames(int fd) {
        feed(fd);
        std::vector<test::ServerFrame> frames;
        while (auto frame = readers_[fd].next_frame()) frames.push_back(*std::move(frame));
        CHECK(readers_[fd].error() == "");
        return frames;
    }
    /// The close code of the only frame that was sent on `fd` since the last call.
    int take_close(int fd) {
        const auto frames = take_frames(fd);
        REQUIRE(frames.size() == 1);
        REQUIRE(frames[0].opcode == test::opcode_close);
        return frames[0].close_code().value_or(0);
    }
    /// Bytes of an unfinished frame that were sent on `fd`.
    std::size_t unread_bytes(int fd) {
        feed(fd);
        return readers_[fd].unread().size();
    }

    test::FakeRing ring;
    LogQueue log{0, LogLevel::debug};
    ScriptedEndpoint* endpoint = nullptr;
    ScriptedHttpEndpoint* page = nullptr;
    std::unique_ptr<ClientLimits> client_limits;
    Shard shard;

private:
    Router make_router(const SessionLimits& limits) {
        auto scripted = std::make_unique<ScriptedEndpoint>(limits);
        endpoint = scripted.get();
        Router router;
        router.mount(PathPattern::parse("/echo").value(), std::move(scripted));
        auto scripted_page = std::make_unique<ScriptedHttpEndpoint>(HttpMethods::get_and_head);
        page = scripted_page.get();
        router.mount(PathPattern::parse("/page").value(), std::move(scripted_page));
        return router;
    }
    void feed(int fd) {
        std::string& output = ring.socket(fd).output;
        readers_[fd].feed(output);
        output.clear();
    }

    std::map<int, test::ServerReader> readers_;
};

}  // namespace ringcast::shard

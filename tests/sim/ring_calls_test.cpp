// What an echoed message costs in ring calls, exactly: in calm weather that is the shard's decision
// alone.

#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <vector>

#include "shard/shard.hpp"
#include "sim/sim_ring.hpp"
#include "support/ws_client.hpp"

namespace ringcast::sim {
namespace {

class Echo final : public shard::Endpoint {
public:
    Echo() : Endpoint{shard::SessionLimits{}} {}
    shard::Verdict on_upgrade(shard::Upgrade&) override { return {}; }
    void on_open(shard::Session&) override {}
    void on_message(shard::Session session, std::string_view payload, MessageKind kind) override {
        session.send(payload, kind);
    }
    void on_drain(shard::Session&) override {}
    void on_close(shard::Session&, CloseCode, std::string_view) override {}
    void on_tick(shard::Shard&) override {}
};

/// Sends `burst` messages in one piece, and as soon as all of them have come back, the next ones.
class LockstepPeer final : public Peer {
public:
    explicit LockstepPeer(std::size_t burst) : burst_{burst} {
        // Of 32 bytes each with its header, so that no receive buffer ends within one.
        for (std::size_t i = 0; i < burst; ++i)
            wire_ += test::binary_frame("twenty-six bytes of a line");
    }

    void run(Wire wire, Instant) override {
        if (!std::exchange(has_asked_, true)) write(wire, encode(test::UpgradeRequest{}));
        const std::span<const std::byte> arrived = wire.arrived();
        reader_.feed({reinterpret_cast<const char*>(arrived.data()), arrived.size()});
        wire.consume(arrived.size());
        if (!is_open_ && reader_.next_response()) is_open_ = may_send_ = true;
        while (is_open_ && reader_.next_frame()) may_send_ = ++echoes_ % burst_ == 0;
        if (std::exchange(may_send_, false)) write(wire, wire_);
        if (wire.has_ended()) wire.close();
    }
    [[nodiscard]] std::size_t echoes() const noexcept { return echoes_; }

private:
    static void write(Wire wire, const std::string& text) {
        REQUIRE(wire.write(std::as_bytes(std::span{text})) == text.size());
    }

    std::size_t burst_;
    std::string wire_;
    test::ServerReader reader_;
    bool has_asked_ = false, is_open_ = false, may_send_ = false;
    std::size_t echoes_ = 0;
};

struct Case {
    std::size_t clients, burst;
};

/// Ring calls for `messages` messages of each client.
std::uint64_t count_calls(const Case& crowd, std::size_t messages) {
    Faults faults = Faults::calm();
    Network network{1, faults};
    const int listener = network.listen();
    SimRing ring{network,
                 faults,
                 {.submissions_max = 1024,
                  .completions_max = 1024,
                  .buffers_count = 64,
                  .buffer_bytes = 4096,
                  .gathers = true,
                  .leaves_some = false,
                  .turn_cost = Duration{0}},
                 1};
    shard::Router router;
    router.mount(shard::PathPattern::parse("/echo").value(), std::make_unique<Echo>());
    shard::Settings settings;
    settings.tick_interval = std::chrono::hours{1};  // No tick may come between.
    shard::LogQueue log{0, shard::LogLevel::info};
    shard::Shard shard{ring, settings, std::move(router), log};
    shard.listen(listener);
    std::vector<std::unique_ptr<LockstepPeer>> peers;
    for (std::size_t i = 0; i < crowd.clients; ++i) {
        peers.push_back(std::make_unique<LockstepPeer>(crowd.burst));
        network.connect(*peers.back(), listener, network.now(),
                        {.latency = std::chrono::microseconds{50}});
    }
    const auto run_to = [&](std::size_t echoes) {
        for (const auto& peer : peers) {
            while (peer->echoes() < echoes) shard.turn();
        }
        return ring.counters().calls;
    };
    const std::uint64_t before = run_to(8 * crowd.burst);
    const std::uint64_t calls = run_to(8 * crowd.burst + messages) - before;
    shard.begin_shutdown(CloseCode::going_away);
    shard.terminate_all();
    while (!shard.finished()) shard.turn();
    network.close_listener(listener);
    return calls;
}

}  // namespace

TEST_CASE("an echoed message costs one ring call, and those that come together share it") {
    constexpr std::size_t messages = 1024;  // Of each client.
    CHECK(count_calls({.clients = 1, .burst = 1}, messages) == messages);
    CHECK(count_calls({.clients = 1, .burst = 8}, messages) == messages / 8);
    // In step: the first message ends the wait, and all others are there for the next turn.
    CHECK(count_calls({.clients = 20, .burst = 1}, messages) == 2 * messages);
    CHECK(count_calls({.clients = 20, .burst = 8}, messages) == 2 * messages / 8);
}

}  // namespace ringcast::sim

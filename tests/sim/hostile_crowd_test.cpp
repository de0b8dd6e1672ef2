// An honest client is answered in as many turns beside thousands of hostile ones as beside one.

#include "sim/hostile_crowd.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "sim/costly_deflate.hpp"
#include "sim/host.hpp"
#include "sim/ws_peer.hpp"
#include "support/deflate_reference.hpp"

namespace ringcast::sim {
namespace {

/// A calm server of one shard, `count` hostile clients of one kind, and an honest one.
class Beside {
public:
    Beside(Hostility hostility, std::size_t count)
        : scenario_{make_scenario(count)},
          host_{network_, faults_, prng_, scenario_, scenario_.settings, Break::none},
          client_{draw_witness_script(prng_, scenario_.limits, {}), scenario_.limits, "client",
                  Break::none},
          crowd_{network_, draw(hostility, count), scenario_.ground} {
        host_.keep_turns();
        connection_ = network_.connect(client_, host_.listener(), network_.now(), {});
        host_.turn_book().watch(connection_, turns_max, true);
        crowd_.connect(prng_, std::vector{host_.listener()});
        crowd_.announce(host_.turn_book());
    }

    /// Until the honest client is done. Throws Violation if it does not have all its echoes, each
    /// in time by the rules of TurnBook.
    void run() {
        while (!client_.is_done()) host_.turn();
        client_.check({.verdict = 101});
        for (const WsPeer::Wait& wait : client_.waits())
            CHECK(host_.turn_book().turns_to_hear(connection_, wait.octets, wait.echoes - 1));
    }
    [[nodiscard]] std::uint64_t floods_settled() { return host_.turn_book().floods_settled(); }
    [[nodiscard]] std::uint64_t accepted() const { return host_.metrics().accepts; }
    void end() {
        host_.begin_shutdown();
        host_.terminate();
        while (!host_.finished()) host_.turn();
    }

private:
    static constexpr std::uint64_t turns_max = 1;

    static Scenario make_scenario(std::size_t count) {
        Scenario scenario;
        scenario.settings.connections_max = static_cast<std::uint32_t>(count + 1);
        scenario.settings.work_per_turn = 1;  // So each message has to wait for a turn of its own.
        scenario.session_limits.message_bytes_max = scenario.limits.message_bytes_max;
        scenario.settings.compression.mode = Compression::shared;  // The honest one asks for none.
        scenario.ground = {.targets = {"/echo"},
                           .message_bytes_max = scenario.limits.message_bytes_max,
                           .head_bytes_max = scenario.limits.head_bytes_max,
                           .has_compression = true,
                           .handshake_timeout = scenario.settings.handshake_timeout,
                           .message_timeout = scenario.session_limits.message_timeout,
                           .idle_timeout = scenario.session_limits.idle_timeout,
                           .close_timeout = scenario.settings.close_timeout};
        return scenario;
    }
    std::vector<Hostile> draw(Hostility hostility, std::size_t count) {
        std::vector<Hostile> hostiles;
        for (std::size_t i = 0; i < count; ++i)
            hostiles.push_back(draw_hostile(prng_, scenario_.ground, hostility));
        return hostiles;
    }

    Prng prng_{1};
    Faults faults_ = Faults::calm();
    Network network_{1, faults_};
    const Scenario scenario_;
    Host host_;
    WsPeer client_;
    HostileCrowd crowd_;
    std::uint32_t connection_ = 0;
};

}  // namespace

TEST_CASE("blocks with nothing in them make a message of nothing") {
    for (const std::size_t count : {0u, 1u, 2u, 7u, 300u}) {
        CAPTURE(count);
        for (auto* const blocks : {empty_stored_blocks, empty_final_blocks, empty_dynamic_blocks}) {
            const test::Inflated message = test::reference_inflate_message(blocks(count));
            CHECK(message.end == test::Inflated::End::between_blocks);
            CHECK(message.output.empty());
        }
    }
}

TEST_CASE("an honest client is answered as soon beside 2,000 hostile clients as beside one") {
    for (std::size_t i = 0; i < hostilities_count; ++i) {
        const auto hostility = static_cast<Hostility>(i);
        for (const std::size_t count : {1u, 2000u}) {
            CAPTURE(to_string(hostility));
            CAPTURE(count);
            Beside beside{hostility, count};
            CHECK_NOTHROW(beside.run());
            CHECK(beside.accepted() > count / 2);
            const bool is_flood =
                hostility >= Hostility::frame_flooder && hostility <= Hostility::record_flooder;
            if (is_flood && count > 1) CHECK(beside.floods_settled() > 0);
            beside.end();
        }
    }
}

}  // namespace ringcast::sim

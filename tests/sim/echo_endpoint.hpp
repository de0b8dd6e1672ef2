#pragma once
// The application of the simulated server: echoes every message, admits some sessions late, and
// keeps count of what it was told, so that a run can check that each session ends once and each
// state dies.

#include <cstddef>
#include <deque>

#include "base/assert.hpp"
#include "base/prng.hpp"
#include "shard/endpoint.hpp"
#include "shard/session.hpp"

namespace ringcast::sim {

/// What an EchoEndpoint has seen; outlives it.
struct EchoLedger {
    std::size_t states = 0;  ///< Alive.
    std::size_t opened = 0, closed = 0;
    std::deque<SlotId> pending;  ///< Waiting for a verdict.
};

class EchoEndpoint final : public shard::Endpoint {
public:
    /// One of `pending_odds` admissions is decided late; 0: none.
    EchoEndpoint(const shard::SessionLimits& limits, EchoLedger& ledger, std::uint64_t pending_odds,
                 std::uint64_t seed)
        : Endpoint{limits}, ledger_{ledger}, pending_odds_{pending_odds}, prng_{seed} {}

    shard::Verdict on_upgrade(shard::Upgrade& upgrade) override {
        if (pending_odds_ != 0 && prng_.chance(1, pending_odds_)) {
            ledger_.pending.push_back(upgrade.session.id());
            return {.kind = shard::Verdict::Kind::pending};
        }
        return admit(ledger_);
    }
    void on_open(shard::Session&) override { ++ledger_.opened; }
    void on_message(shard::Session& session, Message message) override {
        const SendStatus status = session.send(message);
        RC_ASSERT(status == SendStatus::accepted || status == SendStatus::behind);
    }
    void on_drain(shard::Session&) override {}
    void on_close(shard::Session&, CloseCode, std::string_view) override { ++ledger_.closed; }
    void on_tick(shard::Shard&) override {}

    /// The verdict that lets a session in.
    [[nodiscard]] static shard::Verdict admit(EchoLedger& ledger) {
        ++ledger.states;
        return {.state = {&ledger,
                          [](void* state) noexcept { --static_cast<EchoLedger*>(state)->states; }}};
    }

private:
    EchoLedger& ledger_;
    std::uint64_t pending_odds_;
    Prng prng_;
};

}  // namespace ringcast::sim

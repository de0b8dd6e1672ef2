#pragma once
// The application of the simulated server: echoes every message, decides about admissions at once,
// late or never, sends notices, and keeps count of what it said and was told, so that a run can
// check that clients see the same.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/prng.hpp"
#include "shard/endpoint.hpp"
#include "shard/session.hpp"
#include "sim/turn_book.hpp"

namespace ringcast::sim {

/// What the application is up to in a run. Odds: in one of so many cases; 0: never.
struct ApplicationSettings {
    std::uint64_t pending_odds = 0;  ///< An admission is decided late ...
    std::uint64_t silent_odds = 0;   ///< ... and such a one never.
    std::uint64_t refuse_odds = 0;   ///< An admission is refused, at once or late.
    std::uint64_t notices_max = 0;   ///< Messages to each session that it did not ask for ...
    std::uint64_t notices_per_tick = 1;
    std::size_t notice_bytes = 0;
    bool defers_echoes = false;  ///< Until the next tick: a fault.
};

/// One client's way through the application.
struct Admission {
    std::uint32_t client = 0;  ///< Its number in the network.
    SlotId session{};
    int status = 0;  ///< What the client has to see; 0: undecided.
    std::size_t opened = 0, closed = 0;
    bool is_silent = false;  ///< The application will never say anything.
    bool has_state = false;
    bool is_behind = false;     ///< send() said so, and on_drain has not come.
    std::uint64_t notices = 0;  ///< Taken by the shard ...
    std::uint64_t drops = 0;    ///< ... or not.

    [[nodiscard]] bool is_open() const noexcept { return opened > closed; }
};

/// What an EchoEndpoint has seen; outlives it.
struct EchoLedger {
    std::deque<Admission> admissions;
    std::deque<Admission*> pending;  ///< Waiting for a verdict.
    TurnBook* turns = nullptr;       ///< To be told of sessions and messages, if there is one.
};

class EchoEndpoint final : public shard::Endpoint {
public:
    EchoEndpoint(const shard::SessionLimits& limits, const ApplicationSettings& settings,
                 EchoLedger& ledger, std::uint64_t seed)
        : Endpoint{limits}, settings_{settings}, ledger_{ledger}, prng_{seed} {}

    shard::Verdict on_upgrade(shard::Upgrade& upgrade) override;
    void on_open(shard::Session& session) override;
    void on_message(shard::Session session, std::string_view payload, MessageKind kind) override;
    void on_drain(shard::Session& session) override;
    void on_close(shard::Session& session, CloseCode code, std::string_view reason) override;
    void on_tick(shard::Shard& shard) override;

    /// Makes up its mind: lets the client in, or not.
    [[nodiscard]] shard::Verdict decide(Admission& admission);

private:
    [[nodiscard]] bool draw(std::uint64_t odds) { return odds != 0 && prng_.chance(1, odds); }
    void echo(shard::Session& session, std::string_view payload, MessageKind kind);
    void send_notice(shard::Session& session, Admission& admission);

    ApplicationSettings settings_;
    EchoLedger& ledger_;
    Prng prng_;
    struct Deferred {
        SlotId session;
        std::string payload;
        MessageKind kind;
    };
    std::vector<Deferred> deferred_;
};

}  // namespace ringcast::sim

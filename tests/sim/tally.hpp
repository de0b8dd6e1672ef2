#pragma once
// What one run of the simulator, or many, went through: the proof that the interesting things
// happen.

#include <array>
#include <cstddef>
#include <cstdint>

#include "sim/faults.hpp"
#include "sim/script.hpp"

namespace ringcast::sim {

struct Tally {
    std::uint64_t runs = 0;
    std::uint64_t turns = 0;
    std::uint64_t clients = 0;
    std::uint64_t handshakes = 0;
    std::uint64_t refusals = 0;
    std::uint64_t echoes = 0;
    std::uint64_t protocol_errors = 0;
    std::uint64_t timeouts = 0;
    std::uint64_t suspensions = 0;
    std::uint64_t shortfalls = 0;
    std::uint64_t early_flushes = 0;
    std::uint64_t shards = 0;
    std::uint64_t early_shutdowns = 0;
    std::uint64_t terminations = 0;     ///< Shutdowns whose time was up ...
    std::uint64_t sessions_cut = 0;     ///< ... and the sessions that ended by that.
    std::uint64_t turned_away = 0;      ///< Connections over connections_max.
    std::uint64_t late_verdicts = 0;    ///< Decided while the handshake was pending.
    std::uint64_t verdicts_refuse = 0;  ///< At once or late.
    std::uint64_t verdicts_never = 0;
    std::uint64_t overloads = 0;  ///< Clients told 1013 or, before the 101, 503 for want of memory.
    std::uint64_t lates = 0;      ///< Clients told 1008 because a message took too long.
    std::uint64_t notices = 0;    ///< Messages that no client asked for ...
    std::uint64_t drops = 0;      ///< ... and those that the shard would not take.
    std::uint64_t decisions = 0;
    std::uint64_t trace_hash = 0;   ///< The sum of all traces'.
    std::uint64_t walk_struck = 0;  ///< Runs in which the decision of a walk was reached.
    Faults::Counts faults{};
    std::array<std::uint64_t, behaviours_count> behaviours{};

    void add(const Tally& other);
};

struct TallyCount {
    const char* name;
    std::uint64_t Tally::* count;
};

/// Everything that is worth a look, in the order of Tally.
inline constexpr TallyCount tally_counts[] = {
    {"turns", &Tally::turns},
    {"clients", &Tally::clients},
    {"handshakes", &Tally::handshakes},
    {"refusals", &Tally::refusals},
    {"echoes", &Tally::echoes},
    {"protocol_errors", &Tally::protocol_errors},
    {"timeouts", &Tally::timeouts},
    {"suspensions", &Tally::suspensions},
    {"quiet_shortfalls", &Tally::shortfalls},
    {"early_flushes", &Tally::early_flushes},
    {"shards", &Tally::shards},
    {"early_shutdowns", &Tally::early_shutdowns},
    {"terminations", &Tally::terminations},
    {"sessions_cut", &Tally::sessions_cut},
    {"turned_away", &Tally::turned_away},
    {"late_verdicts", &Tally::late_verdicts},
    {"verdicts_refuse", &Tally::verdicts_refuse},
    {"verdicts_never", &Tally::verdicts_never},
    {"overloads", &Tally::overloads},
    {"lates", &Tally::lates},
    {"notices", &Tally::notices},
    {"drops", &Tally::drops},
};

}  // namespace ringcast::sim

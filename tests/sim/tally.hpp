#pragma once
// What one run of the simulator, or many, went through: the proof that the interesting things
// happen.

#include <array>
#include <cstddef>
#include <cstdint>

#include "sim/faults.hpp"
#include "sim/hostile.hpp"
#include "sim/script.hpp"

namespace ringcast::sim {

/// Of runs with topics.
struct TopicTally {
    std::uint64_t visits_rooms = 0;
    std::uint64_t rejoins = 0;     ///< Visits by somebody who has just left that topic and shard.
    std::uint64_t enters = 0;      ///< Wishes to subscribe and publish in one call of a handler.
    std::uint64_t own_proven = 0;  ///< Publications of a handler's sessions that came back.
    std::uint64_t subscribes = 0;
    std::uint64_t publications = 0;
    std::uint64_t publications_large = 0;  ///< Too large to lie in a queue of 4 KiB.
    std::uint64_t publications_of_threads = 0;
    std::uint64_t publications_unheard = 0;
    std::uint64_t publications_refused = 0;  ///< For want of room, by the application.
    std::uint64_t windows = 0;               ///< Delivery windows that ended by time ...
    std::uint64_t windows_cut = 0;           ///< ... and early.
    std::uint64_t deliveries = 0;
    std::uint64_t compressed = 0;  ///< Publications and answers that were sent so ...
    std::uint64_t deflations = 0;  ///< ... and how often something was compressed for that.
    std::uint64_t inflations = 0;
    std::uint64_t contexts_refused = 0;  ///< For want of memory.
    std::uint64_t fan_outs_cut = 0;      ///< Turns that had no time for more deliveries.
    std::uint64_t deliveries_dropped = 0;
    std::uint64_t deliveries_conflated = 0;
    std::uint64_t gaps_told = 0;    ///< To clients ...
    std::uint64_t gaps_proven = 0;  ///< ... and found to be of the right size.
    std::uint64_t replaced_proven =
        0;  ///< Skipped, and newer ones of their keys found to be there.
    std::uint64_t slow_closes = 0;
    std::uint64_t topics_refused = 0;
    std::uint64_t subscriptions_lost = 0;
    std::uint64_t mesh_suspensions = 0;
    std::uint64_t freezes = 0;
    std::uint64_t stalls = 0;
    std::uint64_t records_dropped = 0;
    std::uint64_t gaps = 0;               ///< Told to shards.
    std::uint64_t histories = 0;          ///< Answers about what is kept.
    std::uint64_t recoveries = 0;         ///< Of clients that came back to where they were ...
    std::uint64_t recoveries_missed = 0;  ///< ... and could not.
    std::uint64_t recovered = 0;          ///< Publications that those got.
    std::uint64_t recoveries_proven = 0;  ///< Joined to what the client had seen before.
    std::uint64_t guests = 0;             ///< Of halls ...
    std::uint64_t presence_lists = 0;     ///< ... the lists that they got, and were found true ...
    std::uint64_t presence_events = 0;    ///< ... and the comers and goers of whom they heard.
    std::uint64_t centrifuge_visits = 0;  ///< Connections of clients of that protocol ...
    std::uint64_t centrifuge_protobuf = 0;  ///< ... and those in Protobuf.
    std::uint64_t centrifuge_replies = 0;   ///< Answers to commands ...
    std::uint64_t centrifuge_errors = 0;    ///< ... and those that are errors.
    std::uint64_t centrifuge_publications = 0;
    std::uint64_t centrifuge_deltas = 0;
    std::uint64_t centrifuge_orders = 0;         ///< Of the application, carried out.
    std::uint64_t centrifuge_imposed = 0;        ///< Subscriptions by them.
    std::uint64_t centrifuge_joined = 0;         ///< By tokens.
    std::uint64_t centrifuge_renewals = 0;       ///< Of tokens.
    std::uint64_t centrifuge_skips = 0;          ///< Times that it was told of some.
    std::uint64_t centrifuge_recovered = 0;      ///< Subscriptions that missed nothing ...
    std::uint64_t centrifuge_not_recovered = 0;  ///< ... and those that may have.
    std::uint64_t centrifuge_histories = 0;
    std::uint64_t centrifuge_presences = 0;
    std::uint64_t centrifuge_events = 0;
    std::uint64_t centrifuge_unsubscribed = 0;  ///< By the server.
    std::uint64_t centrifuge_pings = 0;
    std::uint64_t unflushed = 0;  ///< Shutdowns that could not deliver everything.
    std::uint64_t wakes = 0;      ///< Of shards that slept.
};

struct Tally {
    std::uint64_t runs = 0;
    std::uint64_t turns = 0;
    std::uint64_t clients = 0;
    std::uint64_t handshakes = 0;
    std::uint64_t refusals = 0;
    std::uint64_t tls_handshakes = 0;
    std::uint64_t tls_deferred = 0;  ///< Steps of those for which a turn had no time.
    std::uint64_t tls_failures = 0;
    std::uint64_t echoes = 0;
    std::uint64_t compressed = 0;  ///< Messages that were sent so ...
    std::uint64_t inflations = 0;  ///< ... and that came so.
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
    std::array<std::uint64_t, hostilities_count> hostiles{};
    std::uint64_t latencies = 0;     ///< Answers whose turns were counted ...
    std::uint64_t turns_waited = 0;  ///< ... and the most that it took before one was handed over.
    TopicTally topics;

    void add(const Tally& other);
};

template <class T>
struct TallyCount {
    const char* name;
    std::uint64_t T::* count;
};

/// Everything that is worth a look, in the order of Tally.
inline constexpr TallyCount<Tally> tally_counts[] = {
    {"turns", &Tally::turns},
    {"clients", &Tally::clients},
    {"handshakes", &Tally::handshakes},
    {"refusals", &Tally::refusals},
    {"tls_handshakes", &Tally::tls_handshakes},
    {"tls_deferred", &Tally::tls_deferred},
    {"tls_failures", &Tally::tls_failures},
    {"echoes", &Tally::echoes},
    {"compressed", &Tally::compressed},
    {"inflations", &Tally::inflations},
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
    {"latencies", &Tally::latencies},
};

inline constexpr TallyCount<TopicTally> topic_tally_counts[] = {
    {"visits_rooms", &TopicTally::visits_rooms},
    {"rejoins", &TopicTally::rejoins},
    {"enters", &TopicTally::enters},
    {"own_proven", &TopicTally::own_proven},
    {"subscribes", &TopicTally::subscribes},
    {"publications", &TopicTally::publications},
    {"publications_large", &TopicTally::publications_large},
    {"publications_of_threads", &TopicTally::publications_of_threads},
    {"publications_unheard", &TopicTally::publications_unheard},
    {"publications_refused", &TopicTally::publications_refused},
    {"windows", &TopicTally::windows},
    {"windows_cut", &TopicTally::windows_cut},
    {"deliveries", &TopicTally::deliveries},
    {"compressed", &TopicTally::compressed},
    {"deflations", &TopicTally::deflations},
    {"inflations", &TopicTally::inflations},
    {"contexts_refused", &TopicTally::contexts_refused},
    {"fan_outs_cut", &TopicTally::fan_outs_cut},
    {"deliveries_dropped", &TopicTally::deliveries_dropped},
    {"deliveries_conflated", &TopicTally::deliveries_conflated},
    {"gaps_told", &TopicTally::gaps_told},
    {"gaps_proven", &TopicTally::gaps_proven},
    {"replaced_proven", &TopicTally::replaced_proven},
    {"slow_closes", &TopicTally::slow_closes},
    {"topics_refused", &TopicTally::topics_refused},
    {"subscriptions_lost", &TopicTally::subscriptions_lost},
    {"mesh_suspensions", &TopicTally::mesh_suspensions},
    {"freezes", &TopicTally::freezes},
    {"stalls", &TopicTally::stalls},
    {"records_dropped", &TopicTally::records_dropped},
    {"gaps", &TopicTally::gaps},
    {"histories", &TopicTally::histories},
    {"recoveries", &TopicTally::recoveries},
    {"recoveries_missed", &TopicTally::recoveries_missed},
    {"recovered", &TopicTally::recovered},
    {"recoveries_proven", &TopicTally::recoveries_proven},
    {"guests", &TopicTally::guests},
    {"presence_lists", &TopicTally::presence_lists},
    {"presence_events", &TopicTally::presence_events},
    {"centrifuge_visits", &TopicTally::centrifuge_visits},
    {"centrifuge_protobuf", &TopicTally::centrifuge_protobuf},
    {"centrifuge_replies", &TopicTally::centrifuge_replies},
    {"centrifuge_errors", &TopicTally::centrifuge_errors},
    {"centrifuge_publications", &TopicTally::centrifuge_publications},
    {"centrifuge_deltas", &TopicTally::centrifuge_deltas},
    {"centrifuge_skips", &TopicTally::centrifuge_skips},
    {"centrifuge_orders", &TopicTally::centrifuge_orders},
    {"centrifuge_joined", &TopicTally::centrifuge_joined},
    {"centrifuge_renewals", &TopicTally::centrifuge_renewals},
    {"centrifuge_imposed", &TopicTally::centrifuge_imposed},
    {"centrifuge_recovered", &TopicTally::centrifuge_recovered},
    {"centrifuge_not_recovered", &TopicTally::centrifuge_not_recovered},
    {"centrifuge_histories", &TopicTally::centrifuge_histories},
    {"centrifuge_presences", &TopicTally::centrifuge_presences},
    {"centrifuge_events", &TopicTally::centrifuge_events},
    {"centrifuge_unsubscribed", &TopicTally::centrifuge_unsubscribed},
    {"centrifuge_pings", &TopicTally::centrifuge_pings},
    {"unflushed", &TopicTally::unflushed},
    {"wakes", &TopicTally::wakes},
};

}  // namespace ringcast::sim

#pragma once
// What the simulator insists on: rules of the ring contract (src/ring/ring.hpp), promises to
// clients, and the end state. A broken rule is thrown as a Violation, which names the rule, so that
// each can be seen failing.

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ringcast::sim {

enum class Rule {
    // The ring contract: what a shard may submit.
    one_receive_armed,   ///< Per descriptor, at most one recv or accept.
    one_send_in_flight,  ///< Per descriptor, a quiet send included until its memory is back.
    memory_unchanged,  ///< Memory named by a submission belongs to the ring until it is given back.
    slice_lifetime,    ///< A received slice is gone when the second following turn begins.
    slice_bounds,      ///< Nobody writes outside a received slice.
    open_descriptor,   ///< No submission names a descriptor that is not open.
    close_is_a_join,   ///< close only after receive and send came home.
    well_formed,       ///< Opcodes, sizes and tokens are what the contract says.
    // Promises to well-behaved clients.
    handshake_answered,  ///< The response to a valid opening handshake is a correct 101.
    echoes_exact,     ///< Each echo is octet-equal, of the same kind, in order, and exactly once.
    echoes_complete,  ///< What was owed has come, before a Close if there is one.
    pongs_match,  ///< Each pong carries the payload of a ping, in order; the last ping is answered.
    frames_well_formed,  ///< What the server sends parses: no mask, no reserved bits, legal
                         ///< fragments.
    close_as_scripted,  ///< The close code is legal and the one that the client's script calls for.
    notices_exact,      ///< What the application sent unasked comes in order, each once, unless
                        ///< the shard said that it dropped it.
    verdict_kept,       ///< A refusal by the application is what the client sees.
    turned_away_only_when_full,  ///< A connection that ends without any answer was one too many.
    refusal_as_scripted,  ///< A malformed opening handshake gets its status, and then the end.
    // Promises to clients with topics.
    publications_exact,  ///< What comes was accepted, for that topic, and is octet-equal.
    topic_order,     ///< All see one order of a topic, each a contiguous piece of it: no gap, no
                     ///< duplicate.
    live_after_101,  ///< What is written after a subscriber's 101 has come reaches it.
    own_publication_seen,  ///< A publisher gets its own publication, too.
    drops_told,            ///< A gap is counted, and told at its place if the client asked.
    skipped_only_behind,   ///< Nothing is left out for who keeps up.
    newest_comes,  ///< Of each topic and key, to whoever has caught up, where older ones are
                   ///< skipped.
    shutdown_delivers_all,  ///< What was accepted comes before the Close of a shutdown.
    positions_true,         ///< Each number of an epoch names one publication, for all who count.
    recovered_if_kept,      ///< Whoever comes back gets what it has missed, if that is kept.
    orders_carried_out,     ///< What the application wants of a client has become of it.
    rights_kept,            ///< Nobody is told of a topic that its token does not open to it.
    commands_answered,      ///< Each command has one answer, in their order: what is due to it.
    presence_true,      ///< Lists of clients, and what is told of comers and goers, agree with who
                        ///< is there.
    delivered_in_time,  ///< Nothing waits for a timer, nor for a frozen shard beyond the stall
                        ///< timeout.
    stalled_only_when_frozen,  ///< No shard is given up that has not been frozen for so long.
    // Of the whole.
    queues_bounded,       ///< Queues stay under their limits.
    memory_bounded,       ///< So does pooled memory, but for a bound that follows from the queues.
    connections_bounded,  ///< So do connections and sessions.
    cut_at_once,          ///< When the time of a shutdown is up, no session is left.
    latency_bounded,      ///< Beside any number of hostile clients others are answered within so
                          ///< many turns ...
    turn_shared,          ///< ... and no client takes more than its share of a turn, ...
    input_shared,         ///< ... be it with fragments, control frames, records or inflation.
    hostile_ended,        ///< Hostile clients end within the deadlines.
    closed_once,          ///< The application hears of the end of each session once.
    liveness,         ///< Everything finishes within a bounded number of turns and of virtual time.
    end_state_empty,  ///< No connection, descriptor, slice or armed operation is left.
};

[[nodiscard]] std::string_view to_string(Rule rule) noexcept;

/// Throws Violation if `value` is more than `bound`; `what` is a plural.
void check_bound(Rule rule, const char* what, std::uint64_t value, std::uint64_t bound);

/// A broken rule. The text says where and how.
class Violation : public std::runtime_error {
public:
    Violation(Rule rule, const std::string& text);
    [[nodiscard]] Rule rule() const noexcept { return rule_; }

private:
    Rule rule_;
};

}  // namespace ringcast::sim

#include "sim/rules.hpp"

namespace ringcast::sim {

std::string_view to_string(Rule rule) noexcept {
    switch (rule) {
        case Rule::one_receive_armed: return "one_receive_armed";
        case Rule::one_send_in_flight: return "one_send_in_flight";
        case Rule::memory_unchanged: return "memory_unchanged";
        case Rule::slice_lifetime: return "slice_lifetime";
        case Rule::slice_bounds: return "slice_bounds";
        case Rule::open_descriptor: return "open_descriptor";
        case Rule::close_is_a_join: return "close_is_a_join";
        case Rule::well_formed: return "well_formed";
        case Rule::handshake_answered: return "handshake_answered";
        case Rule::echoes_exact: return "echoes_exact";
        case Rule::echoes_complete: return "echoes_complete";
        case Rule::pongs_match: return "pongs_match";
        case Rule::frames_well_formed: return "frames_well_formed";
        case Rule::close_as_scripted: return "close_as_scripted";
        case Rule::notices_exact: return "notices_exact";
        case Rule::verdict_kept: return "verdict_kept";
        case Rule::turned_away_only_when_full: return "turned_away_only_when_full";
        case Rule::refusal_as_scripted: return "refusal_as_scripted";
        case Rule::publications_exact: return "publications_exact";
        case Rule::topic_order: return "topic_order";
        case Rule::live_after_101: return "live_after_101";
        case Rule::own_publication_seen: return "own_publication_seen";
        case Rule::drops_told: return "drops_told";
        case Rule::skipped_only_behind: return "skipped_only_behind";
        case Rule::newest_comes: return "newest_comes";
        case Rule::shutdown_delivers_all: return "shutdown_delivers_all";
        case Rule::positions_true: return "positions_true";
        case Rule::recovered_if_kept: return "recovered_if_kept";
        case Rule::orders_carried_out: return "orders_carried_out";
        case Rule::rights_kept: return "rights_kept";
        case Rule::commands_answered: return "commands_answered";
        case Rule::presence_true: return "presence_true";
        case Rule::delivered_in_time: return "delivered_in_time";
        case Rule::stalled_only_when_frozen: return "stalled_only_when_frozen";
        case Rule::queues_bounded: return "queues_bounded";
        case Rule::memory_bounded: return "memory_bounded";
        case Rule::connections_bounded: return "connections_bounded";
        case Rule::cut_at_once: return "cut_at_once";
        case Rule::latency_bounded: return "latency_bounded";
        case Rule::turn_shared: return "turn_shared";
        case Rule::input_shared: return "input_shared";
        case Rule::hostile_ended: return "hostile_ended";
        case Rule::closed_once: return "closed_once";
        case Rule::liveness: return "liveness";
        case Rule::end_state_empty: return "end_state_empty";
    }
    return "unknown";
}

Violation::Violation(Rule rule, const std::string& text)
    : std::runtime_error{std::string{to_string(rule)} + ": " + text}, rule_{rule} {}

void check_bound(Rule rule, const char* what, std::uint64_t value, std::uint64_t bound) {
    if (value <= bound) return;
    throw Violation{rule,
                    std::to_string(value) + " " + what + ", more than " + std::to_string(bound)};
}

}  // namespace ringcast::sim

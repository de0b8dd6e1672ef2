#pragma once
// Faults made up on purpose, to see that each checker of topics notices.

#include <cstdint>
#include <string_view>

#include "sim/rules.hpp"

namespace ringcast::sim {

enum class TopicBreak : std::uint8_t {
    none,
    // Between the wire and a client.
    flip_octet,
    change_kind,
    lose_publication,    ///< One in the middle.
    repeat_publication,  ///< One comes twice.
    swap_publications,   ///< Two come in the wrong order.
    lose_first,          ///< The first one, if it is somebody else's.
    lose_own,            ///< Its first own one, and all behind it.
    lose_last,           ///< Whatever comes behind the first one, to somebody who only listens.
    lose_missed,         ///< The first one of what a client had missed.
    change_position,     ///< Of a client.
    lose_skip,           ///< Word of a gap ...
    change_skip,         ///< ... and of a smaller one.
    skip_newest,         ///< What comes behind a gap is said to be missing, too.
    change_code,         ///< Of a Close.
    change_status,       ///< Of a handshake.
    lose_leave,          ///< A guest does not hear that another one has gone.
    // Of the server and of what it stands on.
    join_late,       ///< A session of a handler publishes before it subscribes.
    lose_wakes,      ///< No wake-up reaches a shard.
    hide_freeze,     ///< A shard is frozen, and the checker does not know.
    wait_forever,    ///< Shards wait for one that is frozen for as long as it likes.
    overfill,        ///< Queues seem larger than they may be.
    hoard,           ///< So does the memory in use.
    hoard_payload,   ///< So do the large payloads.
    forget_missed,   ///< Nobody recovers anything, and the checker does not know.
    keep_topic,      ///< A topic is never forgotten.
    leak,            ///< A descriptor stays open.
    shorten_list,    ///< Somebody is missing in the list of who is there.
    skip_early,      ///< Whoever has anything in its queue is behind.
    mix_keys,        ///< Publications of other keys stand for each other.
    endless_window,  ///< What waits for the end of a delivery window waits on.
    // Of clients of the Centrifuge protocol: between the wire and one of them ...
    lose_push,       ///< A publication in the middle ...
    repeat_push,     ///< ... or it comes twice.
    repeat_missed,   ///< The last one that it has missed comes twice ...
    shorten_missed,  ///< ... or not at all.
    claim_recovery,  ///< It is told that it has missed nothing, and has ...
    deny_recovery,   ///< ... or that it has, and has not.
    swap_answers,    ///< Two answers come in the wrong order.
    lose_answer,     ///< Of a publish command.
    change_error,    ///< To another one.
    change_disconnect,
    talk_on,          ///< A publication comes behind the end of its subscription.
    lose_history,     ///< All of an answer ...
    cut_history,      ///< ... or one in the middle.
    hide_skip,        ///< It is not told that others were skipped.
    hide_publisher,   ///< Nobody is named.
    lose_departure,   ///< It does not hear that another one has gone.
    forget_client,    ///< In the list of who is there.
    hide_revocation,  ///< The end of what its new token does not name.
    forget_joined,    ///< One that its token has subscribed it to.
    // ... and of the server that they talk to.
    forgive_silence,  ///< A pong may take any time.
    ignore_order,     ///< What the application wants is not done ...
    forget_since,     ///< ... or without what was missed.
    forget_end,       ///< No session's or subscription's time is ever up: an order's, ...
    overstay,         ///< ... or a token's.
    late_clock,       ///< That of the wall is behind.
    open_topics,      ///< Anybody may do anything.
    // Of a server that hostile clients have come to.
    forget_deadline,  ///< A message may take any time.
    open_queue,       ///< The queue of a client that reads nothing takes anything.
    dawdle,           ///< A publication waits until the one before it has been delivered to all.
};

/// Only guests do.
[[nodiscard]] constexpr bool wants_guests(TopicBreak broken) noexcept {
    return broken == TopicBreak::lose_leave || broken == TopicBreak::shorten_list;
}

/// Only clients of the Centrifuge protocol do.
[[nodiscard]] constexpr bool wants_centrifuge(TopicBreak broken) noexcept {
    return broken >= TopicBreak::lose_push && broken <= TopicBreak::open_topics;
}

/// And of those, whom the application has orders for.
[[nodiscard]] constexpr bool wants_orders(TopicBreak broken) noexcept {
    return broken >= TopicBreak::ignore_order && broken <= TopicBreak::forget_end;
}

/// Likewise, who come with tokens.
[[nodiscard]] constexpr bool wants_tokens(TopicBreak broken) noexcept {
    return broken == TopicBreak::forget_joined || broken == TopicBreak::overstay ||
           broken == TopicBreak::late_clock || broken == TopicBreak::open_topics ||
           broken == TopicBreak::hide_revocation;
}

/// Only hostile clients bring it to light.
[[nodiscard]] constexpr bool wants_hostiles(TopicBreak broken) noexcept {
    return broken >= TopicBreak::forget_deadline;
}

struct NamedTopicBreak {
    std::string_view name;
    TopicBreak broken;
    Rule rule;  ///< By which it has to be noticed.
};

inline constexpr NamedTopicBreak topic_breaks[] = {
    {"flip_octet", TopicBreak::flip_octet, Rule::publications_exact},
    {"change_kind", TopicBreak::change_kind, Rule::publications_exact},
    {"lose_publication", TopicBreak::lose_publication, Rule::topic_order},
    {"repeat_publication", TopicBreak::repeat_publication, Rule::topic_order},
    {"swap_publications", TopicBreak::swap_publications, Rule::topic_order},
    {"lose_first", TopicBreak::lose_first, Rule::live_after_101},
    {"lose_own", TopicBreak::lose_own, Rule::own_publication_seen},
    {"lose_last", TopicBreak::lose_last, Rule::shutdown_delivers_all},
    {"lose_missed", TopicBreak::lose_missed, Rule::topic_order},
    {"change_position", TopicBreak::change_position, Rule::positions_true},
    {"lose_skip", TopicBreak::lose_skip, Rule::topic_order},
    {"change_skip", TopicBreak::change_skip, Rule::drops_told},
    {"skip_newest", TopicBreak::skip_newest, Rule::newest_comes},
    {"change_code", TopicBreak::change_code, Rule::close_as_scripted},
    {"change_status", TopicBreak::change_status, Rule::handshake_answered},
    {"lose_leave", TopicBreak::lose_leave, Rule::presence_true},
    {"join_late", TopicBreak::join_late, Rule::own_publication_seen},
    {"lose_wakes", TopicBreak::lose_wakes, Rule::liveness},
    {"hide_freeze", TopicBreak::hide_freeze, Rule::stalled_only_when_frozen},
    {"wait_forever", TopicBreak::wait_forever, Rule::delivered_in_time},
    {"overfill", TopicBreak::overfill, Rule::queues_bounded},
    {"hoard", TopicBreak::hoard, Rule::memory_bounded},
    {"hoard_payload", TopicBreak::hoard_payload, Rule::memory_bounded},
    {"forget_missed", TopicBreak::forget_missed, Rule::recovered_if_kept},
    {"keep_topic", TopicBreak::keep_topic, Rule::end_state_empty},
    {"leak", TopicBreak::leak, Rule::end_state_empty},
    {"shorten_list", TopicBreak::shorten_list, Rule::presence_true},
    {"skip_early", TopicBreak::skip_early, Rule::skipped_only_behind},
    {"mix_keys", TopicBreak::mix_keys, Rule::newest_comes},
    {"endless_window", TopicBreak::endless_window, Rule::delivered_in_time},
    {"lose_push", TopicBreak::lose_push, Rule::positions_true},
    {"repeat_push", TopicBreak::repeat_push, Rule::topic_order},
    {"repeat_missed", TopicBreak::repeat_missed, Rule::topic_order},
    {"shorten_missed", TopicBreak::shorten_missed, Rule::positions_true},
    {"claim_recovery", TopicBreak::claim_recovery, Rule::positions_true},
    {"deny_recovery", TopicBreak::deny_recovery, Rule::recovered_if_kept},
    {"swap_answers", TopicBreak::swap_answers, Rule::commands_answered},
    {"lose_answer", TopicBreak::lose_answer, Rule::commands_answered},
    {"change_error", TopicBreak::change_error, Rule::commands_answered},
    {"change_disconnect", TopicBreak::change_disconnect, Rule::close_as_scripted},
    {"talk_on", TopicBreak::talk_on, Rule::publications_exact},
    {"lose_history", TopicBreak::lose_history, Rule::positions_true},
    {"cut_history", TopicBreak::cut_history, Rule::positions_true},
    {"hide_skip", TopicBreak::hide_skip, Rule::positions_true},
    {"hide_publisher", TopicBreak::hide_publisher, Rule::publications_exact},
    {"lose_departure", TopicBreak::lose_departure, Rule::presence_true},
    {"forget_client", TopicBreak::forget_client, Rule::presence_true},
    {"hide_revocation", TopicBreak::hide_revocation, Rule::rights_kept},
    {"forget_joined", TopicBreak::forget_joined, Rule::commands_answered},
    {"forgive_silence", TopicBreak::forgive_silence, Rule::liveness},
    {"ignore_order", TopicBreak::ignore_order, Rule::orders_carried_out},
    {"forget_since", TopicBreak::forget_since, Rule::recovered_if_kept},
    {"forget_end", TopicBreak::forget_end, Rule::orders_carried_out},
    {"overstay", TopicBreak::overstay, Rule::close_as_scripted},
    {"open_topics", TopicBreak::open_topics, Rule::commands_answered},
    {"late_clock", TopicBreak::late_clock, Rule::commands_answered},
    {"forget_deadline", TopicBreak::forget_deadline, Rule::hostile_ended},
    {"open_queue", TopicBreak::open_queue, Rule::queues_bounded},
    {"dawdle", TopicBreak::dawdle, Rule::latency_bounded},
};

}  // namespace ringcast::sim

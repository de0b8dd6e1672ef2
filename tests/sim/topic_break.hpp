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
    endless_window,  ///< What waits for the end of a delivery window waits on.
    // Of a server that hostile clients have come to.
    forget_deadline,  ///< A message may take any time.
    open_queue,       ///< The queue of a client that reads nothing takes anything.
    dawdle,           ///< A publication waits until the one before it has been delivered to all.
};

/// Only guests do.
[[nodiscard]] constexpr bool wants_guests(TopicBreak broken) noexcept {
    return broken == TopicBreak::lose_leave || broken == TopicBreak::shorten_list;
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
    {"endless_window", TopicBreak::endless_window, Rule::delivered_in_time},
    {"forget_deadline", TopicBreak::forget_deadline, Rule::hostile_ended},
    {"open_queue", TopicBreak::open_queue, Rule::queues_bounded},
    {"dawdle", TopicBreak::dawdle, Rule::latency_bounded},
};

}  // namespace ringcast::sim

#pragma once
// Faults made up on purpose, to see that each checker notices.

#include <cstdint>
#include <string_view>

#include "sim/rules.hpp"
#include "sim/script.hpp"

namespace ringcast::sim {

/// Most are faults of a server, made up between the wire and the checker.
enum class Break : std::uint8_t {
    none,
    lose_echo,
    repeat_echo,
    swap_echoes,
    flip_octet,
    change_kind,
    flip_pong,
    change_code,
    lose_close,
    change_status,
    change_accept,
    mask_frame,
    forget_context,  ///< Messages are compressed in another context than was agreed on.
    truncate,        ///< The end comes without a close_notify.
    half_frame,      ///< The end comes in the middle of a frame.
    lose_notice,     ///< A message that nobody asked for.
    overrule,        ///< The client sees another status than the application's.
    snub,            ///< A client sees no answer, though there was room for it.
    stall,           ///< The client never sees the end.
    leak,            ///< A descriptor stays open.
    overfill,        ///< Queues seem larger than they may be.
    hoard,           ///< So does the memory in use.
    overcrowd,       ///< So does the number of connections.
    spare,           ///< A shard is not told that the time of its shutdown is up.
    close_twice,     ///< The application is told of an end twice.
    // Of a server that hostile clients have come to.
    keep_turn,        ///< One client may have as much of a turn as it likes, for messages ...
    take_all,         ///< ... and for frames that are none.
    forget_deadline,  ///< A request may take any time.
    open_queue,       ///< The queue of a client that reads nothing takes anything.
    defer_echoes,     ///< Echoes wait for the next tick.
};

/// Only hostile clients bring it to light.
[[nodiscard]] constexpr bool wants_hostiles(Break broken) noexcept {
    return broken >= Break::keep_turn;
}

struct NamedBreak {
    std::string_view name;
    Break broken;
    Rule rule;            ///< By which it has to be noticed.
    Behaviour behaviour;  ///< Of the client that can notice it.
};

inline constexpr NamedBreak breaks[] = {
    {"lose_echo", Break::lose_echo, Rule::echoes_complete, Behaviour::pipelined},
    {"repeat_echo", Break::repeat_echo, Rule::echoes_exact, Behaviour::lockstep},
    {"swap_echoes", Break::swap_echoes, Rule::echoes_exact, Behaviour::pipelined},
    {"flip_octet", Break::flip_octet, Rule::echoes_exact, Behaviour::lockstep},
    {"change_kind", Break::change_kind, Rule::echoes_exact, Behaviour::lockstep},
    {"flip_pong", Break::flip_pong, Rule::pongs_match, Behaviour::fragmented},
    {"change_code", Break::change_code, Rule::close_as_scripted, Behaviour::lockstep},
    {"lose_close", Break::lose_close, Rule::close_as_scripted, Behaviour::lockstep},
    {"change_status", Break::change_status, Rule::refusal_as_scripted, Behaviour::refused},
    {"change_accept", Break::change_accept, Rule::handshake_answered, Behaviour::lockstep},
    {"mask_frame", Break::mask_frame, Rule::frames_well_formed, Behaviour::lockstep},
    {"forget_context", Break::forget_context, Rule::frames_well_formed, Behaviour::lockstep},
    {"truncate", Break::truncate, Rule::close_as_scripted, Behaviour::lockstep},
    {"half_frame", Break::half_frame, Rule::frames_well_formed, Behaviour::lockstep},
    {"lose_notice", Break::lose_notice, Rule::notices_exact, Behaviour::pauser},
    {"overrule", Break::overrule, Rule::verdict_kept, Behaviour::lockstep},
    {"snub", Break::snub, Rule::turned_away_only_when_full, Behaviour::lockstep},
    {"stall", Break::stall, Rule::liveness, Behaviour::lockstep},
    {"leak", Break::leak, Rule::end_state_empty, Behaviour::lockstep},
    {"overfill", Break::overfill, Rule::queues_bounded, Behaviour::lockstep},
    {"hoard", Break::hoard, Rule::memory_bounded, Behaviour::fragmented},
    {"overcrowd", Break::overcrowd, Rule::connections_bounded, Behaviour::lockstep},
    {"spare", Break::spare, Rule::cut_at_once, Behaviour::lingerer},
    {"close_twice", Break::close_twice, Rule::closed_once, Behaviour::lockstep},
    {"keep_turn", Break::keep_turn, Rule::turn_shared, Behaviour::lockstep},
    {"take_all", Break::take_all, Rule::input_shared, Behaviour::lockstep},
    {"forget_deadline", Break::forget_deadline, Rule::hostile_ended, Behaviour::lockstep},
    {"open_queue", Break::open_queue, Rule::queues_bounded, Behaviour::lockstep},
    {"defer_echoes", Break::defer_echoes, Rule::latency_bounded, Behaviour::lockstep},
};

}  // namespace ringcast::sim

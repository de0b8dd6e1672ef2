#pragma once
// What one WebSocket client does, drawn from a seed before it starts, and what it may therefore
// expect of the server. Plain data: a WsPeer plays it, a SessionChecker judges the answers.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.hpp"
#include "base/time.hpp"

namespace ringcast::sim {

/// The kinds of clients. Each run counts how often it met each.
enum class Behaviour : std::uint8_t {
    lockstep,     ///< One message at a time; closes.
    pipelined,    ///< Everything at once, the Close too.
    fragmented,   ///< Fragments with pings in between.
    slow_reader,  ///< Reads little at a time.
    pauser,       ///< Silent for minutes, but answers pings.
    half_closer,  ///< Sends a FIN and no Close; still reads.
    lingerer,     ///< Stays until the server shuts down.
    violator,     ///< Breaks the protocol after valid messages.
    refused,      ///< Its opening handshake is malformed.
    sleeper,      ///< Falls silent at the end of a frame and answers no ping.
    stopper,      ///< Falls silent in the middle: of the handshake, a header, a frame.
    resetter,     ///< Resets the connection after any octet.
    vanisher,     ///< Closes the connection after any octet.
    flooder,      ///< Never reads.
};
inline constexpr std::size_t behaviours_count = static_cast<std::size_t>(Behaviour::flooder) + 1;

[[nodiscard]] std::string_view to_string(Behaviour behaviour) noexcept;

/// A message that the server owes an echo of.
struct Owed {
    std::uint8_t opcode = 1;
    std::string payload;
};

struct Step {
    enum class Kind : std::uint8_t {
        write,           ///< Sends `bytes`.
        write_message,   ///< Sends `message`, compressed if that was agreed on and drawn.
        await_response,  ///< Until the answer to the opening handshake is there.
        await_echoes,    ///< Until `echoes` messages have come back.
        pause,           ///< For `duration`.
        stop_reading,
        shut_down,  ///< FIN.
        reset,
        close,  ///< Of the descriptor, without a word.
    };
    Kind kind = Kind::write;
    std::string bytes;
    std::size_t message = 0;           ///< The one of `owed`.
    bool is_fragmented = false;        ///< And with `pings` between its fragments.
    std::vector<std::string> pings;    ///< Payloads.
    std::uint64_t frames_seed = 0;     ///< What its frames are drawn from.
    std::size_t bytes_max = SIZE_MAX;  ///< No more is written of it.
    std::size_t echoes = 0;
    Duration duration{};
};

struct Script {
    Behaviour behaviour = Behaviour::lockstep;
    std::string offer;  ///< Of compression; empty: none.
    std::vector<Step> steps;
    std::vector<Owed> owed;
    std::vector<std::string> pings;  ///< Payloads of the pings it sends.
    bool closes = false;             ///< Its last step begins the closing handshake.
    bool answers = true;             ///< Pings with pongs, a Close with a Close.
    std::size_t read_bytes_max = SIZE_MAX;
    Duration read_interval{};  ///< Between two reads.
    // What a run without weather must bring.
    int status = 101;                        ///< Of the response; 0: none is certain.
    bool is_complete = true;                 ///< All echoes and pongs come.
    std::vector<std::uint16_t> close_codes;  ///< One of these comes in a Close; 0: a Close without
                                             ///< a code; empty: no Close comes.
    bool may_break = false;  ///< The client itself spoils the end: any or none is fine.
};

/// What the server under test was set up with, as far as clients can tell.
struct ServerLimits {
    std::size_t message_bytes_max = 1024;
    std::size_t target_bytes_max = 128;
    std::size_t head_bytes_max = 1024;
    std::uint16_t shutdown_code = 1001;
    std::size_t notice_bytes = 0;   ///< Of messages that come unasked; 0: none come.
    bool may_turn_away = false;     ///< Connections may end before any answer.
    bool is_secure = false;         ///< Clients speak TLS.
    bool is_memory_scarce = false;  ///< Handshakes may be answered with 503.
    bool may_overload = false;      ///< A session may end early, with 1013.
    bool may_be_late = false;       ///< Or with 1008, because a message took too long.
};

/// Draws the script of a client that waits for each echo, with pauses, and sends little, so that it
/// is never behind.
[[nodiscard]] Script draw_witness_script(Prng& prng, const ServerLimits& limits, std::string offer);
/// Draws the script of one client, which makes the `offer` of compression, if that is not empty.
[[nodiscard]] Script draw_script(Prng& prng, Behaviour behaviour, const ServerLimits& limits,
                                 std::string offer = {});

}  // namespace ringcast::sim

#pragma once
// What one hostile client does, drawn before it begins. Plain data: octets, how fast they are
// written, how fast answers are read, and an end. A HostilePeer plays it.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.hpp"
#include "base/time.hpp"
#include "shard/settings.hpp"
#include "sim/flood.hpp"
#include "sim/network.hpp"

namespace ringcast::sim {

enum class Hostility : std::uint8_t {
    opener,            ///< Connects and says nothing.
    slow_head,         ///< One octet of a request at a time ...
    slow_header,       ///< ... or of a frame's header ...
    slow_body,         ///< ... or of a message; none of them ever ends.
    frame_flooder,     ///< As many empty messages as it can get rid of ...
    octet_flooder,     ///< ... or messages of one octet ...
    fragment_flooder,  ///< ... or fragments, empty or of one octet, of one that never ends ...
    ping_flooder,      ///< ... or pings ...
    large_flooder,     ///< ... or messages of the largest size ...
    bomber,            ///< ... or such messages and larger ones, compressed to next to nothing ...
    block_flooder,     ///< ... or compressed messages that are much work and come to nothing ...
    record_flooder,    ///< ... or small frames, in TLS records of one octet each.
    never_reader,      ///< Has output sent to it and reads none of it ...
    drip_reader,       ///< ... or a few octets now and then, for some time.
    resetter,          ///< Resets the connection after any octet ...
    half_closer,       ///< ... or sends a FIN there, and stays.
    garbler,           ///< Sends what is no WebSocket frame, or no HTTP.
};
inline constexpr std::size_t hostilities_count = static_cast<std::size_t>(Hostility::garbler) + 1;

[[nodiscard]] std::string_view to_string(Hostility hostility) noexcept;

struct Hostile {
    enum class End : std::uint8_t { none, reset, shut_down, close };

    Hostility hostility = Hostility::opener;
    Duration after{};  ///< From the start of the run.
    bool speaks_tls = false;
    std::size_t record_bytes = 0;  ///< Of data in each record; 0: any.
    Link link;
    std::string head;            ///< What it says, at once; ...
    std::string body;            ///< ... then this, over and over again, ...
    std::size_t body_bytes = 0;  ///< ... until so many octets of it are written, ...
    Duration interval{};         ///< ... one at a time if this is not zero.
    /// Of one body, where all that it says is valid; 0: that is not known.
    std::uint64_t body_frames = 0;
    InflationWork body_inflation;  ///< Of one, too.
    End end = End::none;           ///< When all is written.
    std::size_t read_bytes = 0;    ///< At a time; 0: it reads nothing.
    Duration read_interval{};
    std::uint64_t reads_max = UINT64_MAX;

    /// What can be told from the number of its octets; over TLS that is nothing.
    [[nodiscard]] Flood flood() const noexcept {
        if (speaks_tls || body_frames == 0) return {};
        return {.head_bytes = head.size(),
                .body_bytes = body.size(),
                .frames = body_frames,
                .inflation = body_inflation};
    }
    /// The server has a deadline for what it begins and never ends.
    [[nodiscard]] bool is_slow() const noexcept {
        return hostility <= Hostility::slow_body && end == End::none;
    }
};

/// What hostile clients find, and how long the server puts up with them.
struct HostileGround {
    std::vector<std::string> targets;  ///< Of requests: whatever they send is taken there, ...
    std::vector<std::string> quiet_targets;  ///< ... and here they only listen; may be empty.
    std::size_t message_bytes_max = 0;
    std::size_t head_bytes_max = 0;
    bool is_secure = false;
    bool has_compression = false;
    Duration handshake_timeout{}, message_timeout{}, idle_timeout{}, close_timeout{};
};

/// The ground that a server with these settings is. `is_secure`: it listens with TLS.
[[nodiscard]] HostileGround ground_of(const shard::Settings& settings,
                                      const shard::SessionLimits& limits, bool is_secure,
                                      std::vector<std::string> targets);

/// One of many.
[[nodiscard]] Hostile draw_hostile(Prng& prng, const HostileGround& ground, Hostility hostility);
/// A few of them or a crowd, of one kind or of several.
[[nodiscard]] std::vector<Hostile> draw_hostiles(Prng& prng, const HostileGround& ground);

}  // namespace ringcast::sim

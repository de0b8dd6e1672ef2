#pragma once
// What one client of the Centrifuge protocol does during one connection, drawn before it begins.
// Plain data: a CentrifugePeer plays it. Somebody who comes back does so as another visit.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/prng.hpp"
#include "base/time.hpp"
#include "sim/centrifuge_tokens.hpp"
#include "sim/network.hpp"
#include "sim/topic_book.hpp"
#include "sim/topic_scenario.hpp"

namespace ringcast::sim {

struct CentrifugeAction {
    enum class Kind : std::uint8_t {
        connect,
        subscribe,
        unsubscribe,
        publish,  ///< The publication `number`.
        history,
        presence,
        presence_stats,
        ping,
        renew,  ///< Refreshes it with the next token.
        // Commands that are refused.
        rpc,
        unknown,  ///< Of a method that there is not.
        subscribe_unknown,
        subscribe_long,
        publish_nothing,
        sub_refresh,
        // Commands, and what is none, that the server does not go on after.
        send,
        refresh,
        subscribe_nameless,
        pong,  ///< That nobody has asked for.
        malformed,
        wrong_opcode,
        // The rest.
        pause,  ///< For `duration`.
        await,  ///< Until all that it has asked for is answered.
        hush,   ///< No ping is answered any more.
        close,  ///< Begins the closing handshake.
        shut_down,
        reset,
        vanish,
    };
    /// A position that it names.
    enum class From : std::uint8_t { nowhere, last, earlier, other_epoch, too_far };

    Kind kind = Kind::pause;
    std::uint32_t topic = 0;
    std::uint32_t number = 0;   ///< And of connect and renew: of the token.
    bool is_joined = false;     ///< In one message with the command before.
    From from = From::nowhere;  ///< Of subscribe, to recover, and history.
    std::uint32_t earlier_by = 0;
    bool hears_others = false;  ///< Of subscribe: joins and leaves.
    bool takes_deltas = false;  ///< Of subscribe.
    bool rejects_gap = false;   ///< Of subscribe: an error rather than one.
    std::int32_t limit = 0;     ///< Of history.
    bool is_backward = false;
    Duration duration{};

    [[nodiscard]] bool is_command() const noexcept { return kind < Kind::pause; }
};

struct CentrifugeVisit {
    std::uint32_t shard = 0;
    Duration after{};                      ///< From the start of the run, or from the end of ...
    std::optional<std::uint32_t> follows;  ///< ... this earlier visit.
    Link link;
    std::vector<CentrifugeToken> tokens{};  ///< With the first it connects; none: without.
    bool is_protobuf = false;
    bool has_ping_frames = false;  ///< The server asks in the WebSocket's own way.
    bool is_impatient = false;     ///< Speaks before it has heard the answer.
    std::size_t read_bytes_max = SIZE_MAX;
    Duration read_interval{};
    /// Without a last word in here it stays until the server closes.
    std::vector<CentrifugeAction> actions;

    [[nodiscard]] bool has(CentrifugeAction::Kind kind) const noexcept;
    /// It spoils the end itself: anything may come or not.
    [[nodiscard]] bool may_break() const noexcept;
    [[nodiscard]] std::uint32_t user() const noexcept {
        return tokens.empty() ? 0 : tokens.front().user;
    }
    /// It comes with a token that ends, and is to renew it.
    [[nodiscard]] bool is_to_renew() const noexcept {
        return !tokens.empty() && tokens.front().ttl.has_value();
    }
    /// Only the server's shutdown ends it.
    [[nodiscard]] bool stays() const noexcept;
};

/// Draws all visits of a run and enters them, and what they will publish, into `book`.
[[nodiscard]] std::vector<CentrifugeVisit> draw_centrifuge_visits(Prng& prng,
                                                                  const TopicScenario& scenario,
                                                                  TopicBook& book);

}  // namespace ringcast::sim

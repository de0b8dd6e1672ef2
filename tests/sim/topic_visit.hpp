#pragma once
// What one client does during one connection to topics, drawn before it begins. Plain data: a
// TopicPeer plays it. Somebody who comes back does so as another visit.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/prng.hpp"
#include "base/time.hpp"
#include "sim/network.hpp"
#include "sim/topic_book.hpp"
#include "sim/topic_scenario.hpp"

namespace ringcast::sim {

struct Action {
    enum class Kind : std::uint8_t {
        publish,      ///< The publication `number`.
        subscribe,    ///< To the topic `number`; only in rooms, as the next one.
        unsubscribe,  ///< From the topic `number`.
        enter,        ///< Publishes `number` and subscribes to its topic, in one message.
        pause,        ///< For `duration`.
        await_own,    ///< Until it has seen all that it has published.
        stop_reading,
        close,      ///< Begins the closing handshake.
        shut_down,  ///< FIN.
        reset,
        vanish,  ///< Closes the descriptor without a word.
    };
    Kind kind = Kind::pause;
    std::uint32_t number = 0;
    Duration duration{};
};

struct Visit {
    VisitKind kind = VisitKind::raw;
    std::uint32_t shard = 0;
    std::uint32_t topic = 0;  ///< Of the path.
    bool wants_gaps = false;
    bool is_impatient = false;             ///< Speaks before it has heard the answer.
    Duration after{};                      ///< From the start of the run, or from the end of ...
    std::optional<std::uint32_t> follows;  ///< ... this earlier visit.
    /// What a raw client asks for beside the topic; `resume`: from where `follows` has got to.
    enum class Begin : std::uint8_t { live, last, resume };
    Begin begin = Begin::live;
    std::uint32_t last = 0;
    Link link;
    std::size_t read_bytes_max = SIZE_MAX;
    Duration read_interval{};
    /// Without a last word in here it stays until the server closes.
    std::vector<Action> actions;

    /// Reads at once whatever comes, over a link that holds nothing up.
    [[nodiscard]] bool is_prompt() const noexcept;
    /// It knows its position.
    [[nodiscard]] bool counts() const noexcept { return begin != Begin::live; }
    [[nodiscard]] bool is_told_of_skips() const noexcept { return wants_gaps || counts(); }
    /// It spoils the end itself: anything may come or not.
    [[nodiscard]] bool may_break() const noexcept;
    [[nodiscard]] bool stays() const noexcept;
    [[nodiscard]] bool awaits_own() const noexcept;
};

/// Draws all visits of a run and enters what they will publish into `book`.
[[nodiscard]] std::vector<Visit> draw_visits(Prng& prng, const TopicScenario& scenario,
                                             TopicBook& book);

}  // namespace ringcast::sim

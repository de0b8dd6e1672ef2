#pragma once
// A crowd of connections with short lives: each connects, has a conversation (conversation.hpp),
// and leaves, cleanly or abruptly; then another takes its place. All that it receives is verified.
//
//   opening -> talking -> closing (its Close frame waits for the answer and the end)
//                      -> leaving (its last bytes are on their way, then it resets)

#include <chrono>
#include <cstdint>
#include <optional>
#include <queue>
#include <string_view>
#include <utility>
#include <vector>

#include "conversation.hpp"
#include "crowd.hpp"
#include "error.hpp"
#include "handshake.hpp"
#include "histogram.hpp"
#include "io.hpp"
#include "schedule.hpp"

namespace ringcast::bench {

/// How a life ends: by the book, or in one of the ways that networks and clients have.
enum class Ending : std::uint8_t {
    close_frame,       ///< The closing handshake (RFC 6455 section 7.1.2).
    fin,               ///< TCP's end without a Close frame.
    reset,             ///< A reset, when everything was answered.
    reset_unanswered,  ///< A reset behind the last message.
    reset_in_message   ///< A reset behind half of it.
};

struct ChurnPlan {
    std::string_view name = "churn";  ///< See Crowd.
    std::string_view unit = "life";
    bool counts_messages = false;   ///< Instead of lives.
    std::uint32_t connections = 1;  ///< At a time.
    double rate = 0;                ///< Lives that begin in a second; 0: as fast as others end.
    std::vector<Ending> endings{Ending::close_frame};  ///< In turn.
    double bytes_per_second = 0;                       ///< How fast each reads; 0: whatever comes.
    /// The server may close a connection that has not read everything: with code 1013, with
    /// 1001 if its pings were among what was not read, or without one if not even that was read.
    bool may_fall_behind = false;
};

/// A cycle of endings of which a share (0 to 1) are abrupt, in every way that is possible if lives
/// have `messages` messages.
[[nodiscard]] std::vector<Ending> mixed_endings(double abrupt_share, std::uint32_t messages);

class ChurnClients final : public Crowd {
public:
    /// The Io knows the first connection as `first_index`. All that is passed by reference must
    /// outlive the crowd, and `conversation` needs a slot for each connection.
    ChurnClients(Io& io, Opener& opener, Conversation& conversation, ChurnPlan plan,
                 std::chrono::nanoseconds stall_timeout, std::uint32_t first_index = 0);

    [[nodiscard]] std::string_view name() const noexcept override { return plan_.name; }
    [[nodiscard]] std::string_view unit() const noexcept override { return plan_.unit; }
    /// Lives that have ended, or messages.
    [[nodiscard]] std::uint64_t count() const noexcept override;
    /// Lives that the server ended because they had fallen behind.
    [[nodiscard]] std::uint64_t fallen_behind() const noexcept { return fallen_behind_; }
    /// From the beginning of a life (with a rate: from when it was due) until it was open, and
    /// until it ended, in nanoseconds.
    [[nodiscard]] const Histogram& handshakes() const noexcept { return handshakes_; }
    [[nodiscard]] const Histogram& lives() const noexcept { return lives_; }
    /// With a rate: how long after it was due a life began.
    [[nodiscard]] const Histogram& lateness() const noexcept { return lateness_; }
    /// With a rate: lives that were due and still had no room to begin when the run ended. The time
    /// that they had waited by then is in handshakes() and in lives().
    [[nodiscard]] std::uint64_t unbegun() const noexcept { return unbegun_; }

    void start(Clock::time_point now) override;
    void measure(const Interval& interval) noexcept override { measured_ = interval; }
    [[nodiscard]] Expected<void> act(Clock::time_point now) override;
    [[nodiscard]] Clock::time_point next_due(Clock::time_point otherwise) const noexcept override;
    [[nodiscard]] Expected<void> handle(const Event& event, Clock::time_point now) override;
    [[nodiscard]] Expected<void> check(Clock::time_point now) override;
    void stop(Clock::time_point now) override;
    [[nodiscard]] bool is_finished() const noexcept override;

private:
    enum class Stage : std::uint8_t { none, opening, talking, closing, leaving };
    struct Life {
        Stage stage = Stage::none;
        Ending ending = Ending::close_frame;
        bool sending = false;
        bool sending_control = false;  ///< The last send was of control frames.
        bool receiving = false;
        bool pausing = false;  ///< In pauses_, before the next receive.
        std::uint64_t number = 0;
        Clock::time_point begun;
        std::span<const std::byte> unsent;    ///< The rest of what is being sent.
        std::vector<std::byte> control;       ///< Control frames to be sent.
        std::vector<std::byte> control_sent;  ///< Being sent.
    };
    /// When which slot reads again.
    using Pause = std::pair<Clock::time_point, std::uint32_t>;

    [[nodiscard]] Expected<void> begin(std::uint32_t slot, Clock::time_point begun,
                                       Clock::time_point now);
    [[nodiscard]] Expected<void> take(std::uint32_t slot, const Event& event,
                                      Clock::time_point now);
    [[nodiscard]] Expected<void> take_opening(std::uint32_t slot, const Event& event,
                                              Clock::time_point now);
    [[nodiscard]] Expected<void> take_received(std::uint32_t slot, const Event& event,
                                               Clock::time_point now);
    [[nodiscard]] Expected<void> take_bytes(std::uint32_t slot, std::span<const std::byte> bytes,
                                            Clock::time_point now);
    [[nodiscard]] Expected<void> take_end(std::uint32_t slot, std::int32_t result,
                                          Clock::time_point now);
    [[nodiscard]] Expected<void> take_sent(std::uint32_t slot, const Event& event,
                                           Clock::time_point now);
    void go_on(std::uint32_t slot, Clock::time_point now);
    void end(std::uint32_t slot, Clock::time_point now);
    void fall_behind(std::uint32_t slot, Clock::time_point now);
    void send(std::uint32_t slot, std::span<const std::byte> bytes);
    void receive(std::uint32_t slot);
    void count_unbegun(Clock::time_point now);
    void finish(std::uint32_t slot, Clock::time_point now);
    [[nodiscard]] bool is_waiting(std::uint32_t slot) const;

    Io& io_;
    Opener& opener_;
    Conversation& conversation_;
    ChurnPlan plan_;
    std::optional<Schedule> schedule_;
    StallWatch stall_;
    std::uint32_t first_index_;
    std::vector<Life> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::priority_queue<Pause, std::vector<Pause>, std::greater<>> pauses_;
    std::uint64_t begun_ = 0;
    std::uint64_t ended_ = 0;
    std::uint64_t fallen_behind_ = 0;
    std::uint64_t unbegun_ = 0;
    bool stopped_ = false;
    Interval measured_;
    Histogram handshakes_;
    Histogram lives_;
    Histogram lateness_;
};

}  // namespace ringcast::bench

#pragma once
// The clients of `storm`, subscribed to one topic with a history, and its publisher, who hears what
// it publishes, too. The first publication reaches all; a client that has it loses its connection.
// The next ones they miss. Then all come back, from the position where each was: they must get what
// they have missed, in order, each once, or be told honestly that they do not.
//
//   subscribing -> listening -> cutting -> publishing -> away -> returning -> back -> ending

#include <cstdint>
#include <string>
#include <vector>

#include "crowd.hpp"
#include "error.hpp"
#include "handshake.hpp"
#include "histogram.hpp"
#include "options.hpp"
#include "sessions.hpp"

namespace ringcast::bench {

class StormClients final : public Crowd {
public:
    enum class Stage : std::uint8_t {
        subscribing,
        listening,
        cutting,
        publishing,
        away,
        returning,
        back,
        ending,
        asking
    };

    /// Has `options.clients` + 1 open connections, the first of which `io` knows as `first_index`,
    /// and the last of which publishes. `io` and `opener` must outlive the crowd.
    StormClients(Io& io, Opener& opener, const StormOptions& options,
                 std::chrono::nanoseconds stall_timeout, std::uint32_t first_index);

    [[nodiscard]] std::string_view name() const noexcept override { return "storm"; }
    [[nodiscard]] std::string_view unit() const noexcept override { return "publication"; }
    /// Publications that clients have got, live or recovered.
    [[nodiscard]] std::uint64_t count() const noexcept override { return delivered_; }

    [[nodiscard]] Stage stage() const noexcept { return stage_; }
    /// When all listen: lets the first publication cut them off; the missed ones follow.
    void cut_off(Clock::time_point now);
    /// When all are away.
    void come_back(Clock::time_point now);

    [[nodiscard]] std::uint64_t recovered() const noexcept { return recovered_; }
    /// Who was told that it has not.
    [[nodiscard]] std::uint64_t not_recovered() const noexcept { return not_recovered_; }
    /// From the beginning of the storm until clients were back, in nanoseconds.
    [[nodiscard]] const Histogram& recoveries() const noexcept { return recoveries_; }

    void start(Clock::time_point now) override;
    void measure(const Interval&) noexcept override {}
    [[nodiscard]] Expected<void> act(Clock::time_point now) override;
    [[nodiscard]] Clock::time_point next_due(Clock::time_point otherwise) const noexcept override;
    [[nodiscard]] Expected<void> handle(const Event& event, Clock::time_point now) override;
    [[nodiscard]] Expected<void> check(Clock::time_point now) override;

    /// A last publication reaches all; then each is asked for a pong, so that whatever the server
    /// had still to say has come before.
    void stop(Clock::time_point now) override;
    [[nodiscard]] bool is_finished() const noexcept override;

private:
    struct Client {
        std::uint64_t next = 0;     ///< The publication that is due.
        bool is_opening = false;    ///< Again.
        bool is_connected = false;  ///< As the protocol has it.
        bool is_subscribed = false;
    };

    /// Another client may come back.
    [[nodiscard]] bool may_start() const noexcept;
    void enter(Stage stage, std::uint64_t owed, Clock::time_point now);
    void publish(std::uint64_t number);
    void subscribe(std::uint32_t index);
    [[nodiscard]] Expected<void> take_event(std::uint32_t index, const Event& event,
                                            Clock::time_point now);
    [[nodiscard]] Expected<void> take_opening(std::uint32_t index, const Event& event,
                                              Clock::time_point now);
    [[nodiscard]] Expected<void> take(std::uint32_t index, const Reply& reply,
                                      Clock::time_point now);
    [[nodiscard]] Expected<void> take_joined(const Reply& reply);
    [[nodiscard]] Expected<void> take_recovered(std::uint32_t index, const Reply& reply,
                                                Clock::time_point now);
    [[nodiscard]] Expected<void> take_live(std::uint32_t index, const Reply& reply,
                                           Clock::time_point now);
    [[nodiscard]] Expected<void> check_next(Client& client, const ReplyPublication& publication);
    /// What the server owes in this stage has become less by one; perhaps the next one begins.
    void count_down(Clock::time_point now);

    [[nodiscard]] std::uint32_t publisher() const noexcept { return options_.clients; }
    [[nodiscard]] std::string payload_of(std::uint64_t number) const;
    [[nodiscard]] std::string describe(std::uint32_t index) const;

    Opener& opener_;
    StormOptions options_;
    std::string topic_;
    Sessions sessions_;
    StallWatch stall_;
    std::uint32_t first_index_;
    std::vector<Client> clients_;        ///< The publisher is the last.
    std::vector<std::string> payloads_;  ///< Of all publications.
    Stage stage_ = Stage::subscribing;
    std::uint64_t owed_ = 0;       ///< What the server has still to do in this stage.
    std::uint64_t published_ = 0;  ///< Handed to the kernel.
    std::uint64_t receipts_ = 0;
    std::string epoch_;
    std::uint64_t first_offset_ = 0;  ///< Of the first publication.
    Clock::time_point storm_begun_;
    std::uint32_t started_ = 0;  ///< Clients that have begun to come back,
    std::uint32_t opening_ = 0;  ///< and those of them that are not yet connected.
    std::uint64_t delivered_ = 0;
    std::uint64_t recovered_ = 0;
    std::uint64_t not_recovered_ = 0;
    Histogram recoveries_;
};

}  // namespace ringcast::bench

#pragma once
// Plays one Visit on a virtual connection and enters what it sees into the TopicBook.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/network.hpp"
#include "sim/topic_book.hpp"
#include "sim/topic_break.hpp"
#include "sim/topic_visit.hpp"
#include "support/deflate_client.hpp"
#include "support/ws_client.hpp"

namespace ringcast::sim {

class TopicPeer final : public Peer {
public:
    /// `on_seen(publication)` is called for each that comes, after it was found to be in order.
    /// `visit` and `book` must outlive it.
    TopicPeer(std::uint32_t number, const Visit& visit, const TopicScenario& scenario,
              TopicBook& book, TopicBreak broken, std::function<void(std::uint32_t)> on_seen);

    void run(Wire wire, Instant now) override;

    [[nodiscard]] bool is_done() const noexcept { return done_; }
    /// Nothing is left for it to do until the server shuts down. Who does not read may be stuck
    /// anywhere, since its input waits for that.
    [[nodiscard]] bool is_waiting_for_shutdown() const noexcept {
        return done_ || !reads_ || (visitor().status != 0 && visitor().status != 101) ||
               (visit_.stays() && action_ == visit_.actions.size() && is_written() &&
                visitor().status != 0 && book_.is_answered(number_));
    }
    /// The network or the client itself broke the connection.
    [[nodiscard]] bool was_spoiled() const noexcept { return was_severed_ || visit_.may_break(); }
    /// Though there was time for its end.
    [[nodiscard]] bool was_reset() const noexcept { return was_reset_; }
    [[nodiscard]] const Visit& visit() const noexcept { return visit_; }

private:
    void read(Wire wire, Instant now);
    void take(test::ServerFrame frame);
    void inflate(test::ServerFrame& frame);
    void accept(const test::ServerFrame& frame);
    void take_message(const test::ServerFrame& frame);
    void take_text(const test::ServerFrame& frame);
    void take_answer(char word, std::uint32_t topic);
    void answer(const test::ServerFrame& frame);
    void skip_newest(test::ServerFrame& frame);
    [[nodiscard]] bool is_held_back(const test::ServerFrame& frame) const;
    [[nodiscard]] bool is_lost(const test::ServerFrame& frame);
    /// Starts actions until one has to wait.
    void play(Wire wire, Instant now);
    /// True if the current action is over.
    bool play_action(Wire wire, Instant now);
    void begin();
    void end(Wire wire);
    void take_place(std::string_view text);
    [[noreturn]] void fail(Rule rule, const std::string& text) const;
    [[nodiscard]] bool is_written() const noexcept { return written_ == output_.size(); }
    [[nodiscard]] const TopicBook::Visitor& visitor() const { return book_.visitor(number_); }
    [[nodiscard]] std::string request() const;
    [[nodiscard]] std::string frame_of(std::uint32_t publication, std::string before = {});

    const std::uint32_t number_;
    const Visit& visit_;
    const TopicScenario& scenario_;
    TopicBook& book_;
    TopicBreak break_;
    std::function<void(std::uint32_t)> on_seen_;
    test::ServerReader reader_;
    std::unique_ptr<test::DeflateClient> deflate_;  // If that was agreed on.
    std::size_t action_ = 0;
    bool action_begun_ = false;
    bool has_begun_ = false;
    std::optional<TopicBook::Place> resumed_place_;
    std::string output_;
    std::size_t written_ = 0;                    // Of output_.
    std::uint32_t writing_ = TopicBook::nobody;  // The publication in output_.
    std::deque<std::uint64_t> asked_;            // Orders of what rooms have not answered yet.
    std::string answers_;                        // Pongs and a Close; go out between two actions.
    Instant now_{}, pause_until_{}, read_after_{};
    std::vector<test::ServerFrame> held_back_;  // By TopicBreak::swap_publications.
    std::size_t seen_ = 0;
    bool reads_ = true;
    bool begins_close_ = false, has_sent_close_ = false;
    bool was_severed_ = false, was_reset_ = false;
    bool has_lost_ = false;       // By TopicBreak::lose_own.
    bool is_behind_gap_ = false;  // Of TopicBreak::skip_newest.
    bool done_ = false;
};

}  // namespace ringcast::sim

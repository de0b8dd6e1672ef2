#pragma once
// Topics whose clients are somebody, in the world with topics: guests enter them, leave, ask who is
// there and hear of each other. What they are told is checked against what the server did for them.
//
//   guest:   + enters    - leaves    ? asks who is there
//   server:  live, no, gone, lost; `who:0,3`; joins and leaves as pushes of the Centrifuge protocol
//
// When all is quiet, the homes list exactly those who are there, and who has asked and
// listened ever since knows the same.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shard/endpoint.hpp"
#include "sim/hall_book.hpp"
#include "sim/network.hpp"
#include "sim/tally.hpp"
#include "sim/topic_break.hpp"
#include "sim/topic_scenario.hpp"
#include "support/ws_client.hpp"

namespace ringcast::sim {

/// What a shard serves at /hall/{guest}.
class Hall final : public shard::Endpoint {
public:
    Hall(const shard::SessionLimits& limits, HallBook& book, TopicBreak broken)
        : Endpoint{limits}, book_{book}, broken_{broken} {}

    shard::Verdict on_upgrade(shard::Upgrade& upgrade) override;
    void on_open(shard::Session&) override {}
    void on_message(shard::Session session, std::string_view payload, MessageKind kind) override;
    void on_subscribed(shard::Session& session, const shard::Subscribed& answer) override;
    void on_subscription_lost(shard::Session& session, std::string_view topic,
                              std::string_view reason) override;
    void on_presence(shard::Session& session, const shard::PresenceAnswer& answer) override;
    void on_drain(shard::Session&) override {}
    void on_close(shard::Session& session, CloseCode code, std::string_view reason) override;
    void on_tick(shard::Shard&) override {}

private:
    void enter(shard::Session& session, std::uint32_t guest);

    HallBook& book_;
    const TopicBreak broken_;
};

/// What a guest does, one after the other.
struct GuestAction {
    enum class Kind : std::uint8_t { say, pause, close, reset, vanish };
    Kind kind = Kind::pause;
    char word = 0;
    Duration duration{};
};

class Guest final : public Peer {
public:
    Guest(std::uint32_t number, std::vector<GuestAction> actions, TopicBreak broken)
        : number_{number}, actions_{std::move(actions)}, break_{broken} {}

    void run(Wire wire, Instant now) override;
    [[nodiscard]] bool is_done() const noexcept { return is_done_; }
    /// Nothing is left for it to do until the server shuts down.
    [[nodiscard]] bool is_waiting() const noexcept {
        return is_done_ || (action_ == actions_.size() && output_.empty());
    }
    /// Who is there, as it knows; null if it does not, or is not there.
    [[nodiscard]] const GuestSet* view() const noexcept {
        return is_done_ ? nullptr : company_.view();
    }
    [[nodiscard]] bool is_live() const noexcept { return company_.is_there() && !is_done_; }
    [[nodiscard]] bool has_heard_itself() const { return company_.has_heard_of(number_); }
    [[nodiscard]] std::uint64_t events() const noexcept { return events_; }

private:
    void read(Wire wire);
    void take(const test::ServerFrame& frame);
    void take_event(std::string_view text, bool is_join);
    void play(Wire wire, Instant now);
    [[noreturn]] void fail(const std::string& text) const;

    const std::uint32_t number_;
    const std::vector<GuestAction> actions_;
    const TopicBreak break_;
    test::ServerReader reader_;
    std::size_t action_ = 0;
    std::string output_;
    Instant pause_until_{};
    bool has_begun_ = false, is_upgraded_ = false, is_pausing_ = false, has_sent_close_ = false;
    bool is_done_ = false;
    Company company_;
    std::uint64_t events_ = 0;
    bool has_broken_ = false;
};

/// All guests of a run; in most there are none.
class HallCrowd {
public:
    HallCrowd(const TopicScenario& scenario, bool is_open, TopicBreak broken);

    [[nodiscard]] HallBook& book() noexcept { return book_; }
    void connect(Network& network, const std::vector<int>& listeners);
    [[nodiscard]] std::size_t topics_count() const noexcept { return topics_.size(); }
    [[nodiscard]] bool is_waiting() const;
    [[nodiscard]] bool is_done() const;
    /// All is quiet, and no network has failed: `listed(topic)` is what its home lists. Throws
    /// Violation.
    template <class Listed>
    void check(Listed&& listed) const {
        for (const std::string& topic : topics_) check(topic, listed(topic));
    }
    void add_to(Tally& tally) const;

private:
    struct Arrival {
        std::uint32_t shard;
        Duration after;
        Link link;
    };
    void check(const std::string& topic, const GuestSet& listed) const;

    const TopicScenario& scenario_;
    HallBook book_;
    std::vector<std::string> topics_;
    std::vector<Arrival> arrivals_;
    std::vector<std::unique_ptr<Guest>> guests_;
    Prng prng_;
};

}  // namespace ringcast::sim

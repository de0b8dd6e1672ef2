#pragma once
// Topics whose clients are somebody, in the world with topics: guests enter them, leave, ask who is
// there and hear of each other. What they are told is checked against what the server did for them.
//
//   guest:   + enters    - leaves    ? asks who is there
//   server:  live, no, gone, lost; `who:0,3`; joins and leaves as pushes of the Centrifuge protocol
//
// A list holds whoever was there from the question to the answer, and nobody who has not come or is
// long gone. Of each other guest a guest hears of a join and a leave by turns, of itself first that
// it has come. When all is quiet, the homes list exactly those who are there, and who has asked and
// listened ever since knows the same.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "shard/endpoint.hpp"
#include "sim/network.hpp"
#include "sim/tally.hpp"
#include "sim/topic_break.hpp"
#include "sim/topic_scenario.hpp"
#include "support/ws_client.hpp"

namespace ringcast::sim {

using GuestSet = std::set<std::uint32_t>;

/// The server's side: who is in which of the halls, and who may be.
class HallBook {
public:
    /// `may_be_closed`: the server may end sessions by itself, so that their guests go before the
    /// book hears of it.
    HallBook(const TopicScenario& scenario, bool may_be_closed)
        : may_be_late_{scenario.freeze.has_value()}, may_be_closed_{may_be_closed} {}

    void add_guest(std::string topic) { guests_.push_back({.topic = std::move(topic)}); }
    [[nodiscard]] std::size_t size() const noexcept { return guests_.size(); }
    [[nodiscard]] const std::string& topic_of(std::uint32_t guest) const {
        return guests_[guest].topic;
    }

    /// It asks to come in, perhaps for the second time before it has an answer.
    void on_asked(std::uint32_t guest);
    /// It is there. Nothing is, if it has gone before it heard of that.
    void on_live(std::uint32_t guest);
    /// It was told no, though perhaps not before others have seen it.
    void on_refused(std::uint32_t guest, Instant now);
    /// It has asked to go: others may find it there, or not.
    void on_leaving(std::uint32_t guest) { ++guests_[guest].leaving; }
    void on_left(std::uint32_t guest, Instant now);
    /// It is not there any more, and did not want that.
    void on_lost(std::uint32_t guest, Instant now);
    /// It is gone, whatever it has asked for before. Does nothing if it was not there.
    void on_end(std::uint32_t guest, Instant now);
    /// Who is there is asked. Returns a tag for the answer.
    std::uint64_t on_question(Instant now);
    /// Throws Violation.
    void on_list(std::uint32_t asker, std::uint64_t tag, const std::vector<std::uint32_t>& list);
    /// How many they are. Throws Violation.
    void on_count(std::uint32_t asker, std::uint64_t tag, std::uint32_t count);

    /// Those who are in the topic and know that they are.
    [[nodiscard]] GuestSet present(std::string_view topic) const;
    /// All is quiet: those are in the topic of whom its home says so. Throws Violation.
    void check(std::string_view topic, const GuestSet& listed) const;
    [[nodiscard]] bool may_be_closed() const noexcept { return may_be_closed_; }
    [[nodiscard]] std::uint64_t lists() const noexcept { return lists_; }
    [[nodiscard]] std::uint64_t questions() const noexcept { return questions_.size(); }

private:
    struct Guest {
        std::string topic;
        std::uint32_t asking = 0, leaving = 0;  // Questions that are not answered.
        std::uint64_t live = 0;                 // The order in which it was let in; 0: is not.
        bool was_asking = false;                // Ever.
        std::optional<Instant> ended_at{};
    };
    struct Question {
        std::uint64_t order;
        Instant at;
    };

    [[nodiscard]] bool was_there(const Guest& guest, const Question& question) const noexcept;
    [[nodiscard]] bool may_be_there(const Guest& guest, const Question& question) const noexcept;

    const bool may_be_late_, may_be_closed_;
    std::uint64_t order_ = 0, lists_ = 0;
    std::vector<Guest> guests_;
    std::vector<Question> questions_;
};

/// Who is in a topic, as one of them hears of it.
class Company {
public:
    /// It is there itself from now on, or is not.
    void begin() {
        end();
        is_there_ = true;
    }
    void end() { *this = Company{}; }
    /// It is told who is there.
    void learn(GuestSet guests);
    /// It is told that one has come, or gone. What is wrong with that; empty: nothing.
    [[nodiscard]] std::string hear(std::uint32_t self, std::uint32_t guest, bool is_join);

    [[nodiscard]] bool is_there() const noexcept { return is_there_; }
    [[nodiscard]] bool has_heard_of(std::uint32_t guest) const { return heard_.contains(guest); }
    /// Null if it has not asked since it came.
    [[nodiscard]] const GuestSet* view() const noexcept { return knows_others_ ? &view_ : nullptr; }

private:
    bool is_there_ = false;
    bool knows_others_ = false;
    std::map<std::uint32_t, bool> heard_;  // The last of each guest: that it came.
    GuestSet view_;
};

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

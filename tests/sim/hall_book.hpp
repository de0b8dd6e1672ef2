#pragma once
// Who is in a topic: as the server has let them in, and as one of them hears of it. A list holds
// whoever was there from the question to the answer, and nobody who has not come or is long gone.
// Of each other guest a guest hears of a join and a leave by turns, of itself first that it has
// come.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "sim/topic_scenario.hpp"

namespace ringcast::sim {

using GuestSet = std::set<std::uint32_t>;

/// As clients are told: 0,3
[[nodiscard]] std::string text_of(const GuestSet& guests);
[[noreturn]] void fail_presence(const std::string& text);

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

}  // namespace ringcast::sim

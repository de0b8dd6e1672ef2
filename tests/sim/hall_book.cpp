#include "sim/hall_book.hpp"

#include <algorithm>
#include <utility>

#include "sim/rules.hpp"

namespace ringcast::sim {

namespace {

/// What weather may add to the way of what a guest has done.
constexpr Duration way_max = std::chrono::seconds{45};

}  // namespace

std::string text_of(const GuestSet& guests) {
    std::string text;
    for (const std::uint32_t guest : guests)
        text += (text.empty() ? "" : ",") + std::to_string(guest);
    return text;
}

void fail_presence(const std::string& text) {
    throw Violation{Rule::presence_true, text};
}

// ---- The book ----

void HallBook::on_asked(std::uint32_t guest) {
    ++guests_[guest].asking;
    guests_[guest].was_asking = true;
}

void HallBook::on_live(std::uint32_t guest) {
    if (guests_[guest].asking == 0) return;
    --guests_[guest].asking;
    guests_[guest].live = ++order_;
}

void HallBook::on_refused(std::uint32_t guest, Instant now) {
    if (guests_[guest].asking == 0) return;
    --guests_[guest].asking;
    guests_[guest].ended_at = now;
}

void HallBook::on_left(std::uint32_t guest, Instant now) {
    Guest& each = guests_[guest];
    if (each.leaving > 0) --each.leaving;
    on_lost(guest, now);
}

void HallBook::on_lost(std::uint32_t guest, Instant now) {
    if (std::exchange(guests_[guest].live, 0) != 0) guests_[guest].ended_at = now;
}

void HallBook::on_end(std::uint32_t guest, Instant now) {
    Guest& each = guests_[guest];
    if (each.asking == 0 && each.live == 0) return;
    each.asking = each.leaving = 0;
    each.live = 0;
    each.ended_at = now;
}

std::uint64_t HallBook::on_question(Instant now) {
    questions_.push_back({.order = ++order_, .at = now});
    return questions_.size() - 1;
}

void HallBook::on_list(std::uint32_t asker, std::uint64_t tag,
                       const std::vector<std::uint32_t>& list) {
    ++lists_;
    const Question& question = questions_[tag];
    for (std::uint32_t guest = 0; guest < guests_.size(); ++guest) {
        const auto count = std::ranges::count(list, guest);
        const std::string who = "guest " + std::to_string(guest);
        if (count > 1) fail_presence(who + " is listed twice");
        if (guests_[guest].topic != guests_[asker].topic) {
            if (count > 0) fail_presence(who + " is listed where it never was");
            continue;
        }
        const Guest& each = guests_[guest];
        if (was_there(each, question) && count == 0)
            fail_presence(who + " is there and not listed");
        if (!may_be_there(each, question) && count > 0)
            fail_presence(who + " is listed and not there");
    }
}

void HallBook::on_count(std::uint32_t asker, std::uint64_t tag, std::uint32_t count) {
    ++lists_;
    const Question& question = questions_[tag];
    std::uint32_t least = 0, most = 0;
    for (const Guest& each : guests_) {
        if (each.topic != guests_[asker].topic) continue;
        least += was_there(each, question) ? 1u : 0u;
        most += may_be_there(each, question) ? 1u : 0u;
    }
    if (count >= least && count <= most) return;
    fail_presence("counted are " + std::to_string(count) + ", there are from " +
                  std::to_string(least) + " to " + std::to_string(most));
}

/// All the time from the question to now.
bool HallBook::was_there(const Guest& guest, const Question& question) const noexcept {
    return !may_be_closed_ && guest.live != 0 && guest.live < question.order && guest.leaving == 0;
}

/// At some time.
bool HallBook::may_be_there(const Guest& guest, const Question& question) const noexcept {
    const bool has_just_gone = guest.ended_at && *guest.ended_at + way_max > question.at;
    return guest.asking > 0 || guest.live != 0 || has_just_gone ||
           (guest.was_asking && may_be_late_);
}

GuestSet HallBook::present(std::string_view topic) const {
    GuestSet guests;
    for (std::uint32_t guest = 0; guest < guests_.size(); ++guest) {
        const Guest& each = guests_[guest];
        if (each.topic == topic && each.live != 0) guests.insert(guest);
    }
    return guests;
}

/// Of those who were on their way in or out when they fell silent nobody knows.
void HallBook::check(std::string_view topic, const GuestSet& listed) const {
    for (std::uint32_t guest = 0; guest < guests_.size(); ++guest) {
        const Guest& each = guests_[guest];
        if (each.topic != topic) continue;
        const bool is_listed = listed.contains(guest);
        const bool is_there = !may_be_closed_ && each.live != 0 && each.leaving == 0;
        if (is_there ? is_listed : !is_listed || each.live != 0 || each.asking > 0) continue;
        fail_presence(std::string{topic} + " lists " + text_of(listed) + ", there are " +
                      text_of(present(topic)));
    }
}

// ---- What a guest hears ----

void Company::learn(GuestSet guests) {
    knows_others_ = is_there_;
    view_ = std::move(guests);
}

std::string Company::hear(std::uint32_t self, std::uint32_t guest, bool is_join) {
    if (!is_there_) return "hears of others where it is not";
    const auto [place, is_first] = heard_.try_emplace(guest, is_join);
    if (is_first && guest == self && !is_join) return "has gone before it has come";
    if (!is_first && std::exchange(place->second, is_join) == is_join)
        return "hears the same of guest " + std::to_string(guest) + " twice";
    if (is_join) view_.insert(guest);
    if (!is_join) view_.erase(guest);
    return {};
}

}  // namespace ringcast::sim

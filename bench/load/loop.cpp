#include "loop.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "text.hpp"

namespace ringcast::bench {

namespace {

/// So that time-outs are noticed where nothing happens.
constexpr std::chrono::nanoseconds wait_max = std::chrono::milliseconds(100);

}  // namespace

void Loop::add(Crowd& crowd, std::uint32_t first_index) {
    RC_ASSERT(members_.empty() ? first_index == 0 : first_index >= members_.back().first_index);
    members_.push_back({&crowd, first_index});
}

Expected<void> Loop::run(std::string_view part, double seconds) {
    begin(part);
    start_all();
    const auto end = now_ + nanoseconds_of(seconds);
    while (now_ < end) {
        if (auto turned = turn(end); !turned) return turned;
        if (progress_.is_due(now_)) progress_.show(now_, named_counts(), seconds);
    }
    return {};
}

Expected<void> Loop::run_until(std::string_view part, const std::function<bool()>& is_done) {
    begin(part);
    start_all();
    while (!is_done()) {
        if (auto turned = turn(now_ + wait_max); !turned) return turned;
        if (progress_.is_due(now_)) progress_.show(now_, named_counts());
    }
    return {};
}

void Loop::start_all() {
    for (const Member& member : members_) {
        if (!started_) member.crowd->start(now_);
    }
    started_ = true;
}

void Loop::begin(std::string_view part) {
    now_ = Clock::now();
    progress_.begin(part, now_, named_counts());
}

Expected<void> Loop::turn(Clock::time_point end) {
    const auto sending = Clock::now();
    auto due = end;
    for (const Member& member : members_) {
        if (auto acted = member.crowd->act(sending); !acted) return failed(member, acted.error());
        due = member.crowd->next_due(due);
    }
    const auto events = io_.turn(std::clamp<std::chrono::nanoseconds>(
        due - Clock::now(), std::chrono::nanoseconds(0), wait_max));
    if (!events) return std::unexpected(events.error());
    now_ = Clock::now();
    for (const Event& event : *events) {
        const Member& member = member_of(event.index);
        if (auto handled = member.crowd->handle(event, now_); !handled)
            return failed(member, handled.error());
    }
    for (const Member& member : members_) {
        if (auto checked = member.crowd->check(now_); !checked)
            return failed(member, checked.error());
    }
    return {};
}

Expected<void> Loop::finish() {
    begin("waiting for what is missing");
    for (const Member& member : members_) member.crowd->stop(now_);
    const auto is_finished = [](const Member& member) { return member.crowd->is_finished(); };
    while (!std::ranges::all_of(members_, is_finished)) {
        if (auto turned = turn(now_ + wait_max); !turned) return turned;
        if (progress_.is_due(now_)) progress_.show(now_, named_counts());
    }
    for (const Member& member : members_) {
        if (auto verified = member.crowd->verify(); !verified)
            return failed(member, verified.error());
    }
    return {};
}

void Loop::measure(double seconds) {
    const auto begin = Clock::now();
    for (const Member& member : members_)
        member.crowd->measure({begin, begin + nanoseconds_of(seconds)});
}

std::vector<std::uint64_t> Loop::counts() const {
    std::vector<std::uint64_t> counts;
    for (const Member& member : members_) counts.push_back(member.crowd->count());
    return counts;
}

std::vector<Count> Loop::named_counts() const {
    std::vector<Count> counts;
    for (const Member& member : members_) {
        const Crowd& crowd = *member.crowd;
        counts.push_back({std::string(crowd.name()), plural_of(crowd.unit()), crowd.count()});
    }
    return counts;
}

const Loop::Member& Loop::member_of(std::uint32_t index) const noexcept {
    const Member* member = &members_.back();
    while (index < member->first_index) --member;
    return *member;
}

std::unexpected<Error> Loop::failed(const Member& member, const Error& error) const {
    if (members_.size() == 1) return std::unexpected(error);
    return fail("{}: {}", member.crowd->name(), error.message);
}

}  // namespace ringcast::bench

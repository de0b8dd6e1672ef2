#include "sim/topic_visit.hpp"

#include <algorithm>

#include "sim/pick.hpp"

namespace ringcast::sim {
namespace {

using Kind = Action::Kind;

constexpr std::size_t thick_link_bytes = 16 << 10;
constexpr std::size_t small_bytes = 40;
/// Large publications of one run together; more would take millions of turns on thin links.
constexpr std::size_t bytes_max = 300'000;

/// Draws the visits of one run.
class Writer {
public:
    Writer(Prng& prng, const TopicScenario& scenario, TopicBook& book)
        : prng_{prng},
          scenario_{scenario},
          book_{book},
          // Few kinds of ends per run, so that runs differ in character.
          end_kinds_(1 + prng.below(3)),
          burst_max_{scenario.is_busy ? 40 : pick<std::uint64_t>(prng, {1, 3, 12, 12})},
          rooms_odds_{pick<std::uint64_t>(prng, {0, 0, 2, 4})},
          large_odds_{pick<std::uint64_t>(prng, {1, 3, 3})},
          entering_{scenario.settings.topics.seed},
          resuming_{scenario.settings.topics.seed + 2},
          keying_{scenario.settings.topics.seed + 3} {
        for (std::uint64_t& kind : end_kinds_) kind = prng.below(8);
    }

    std::vector<Visit> write() {
        for (std::uint32_t i = 0; i < scenario_.visits_count; ++i) {
            add(draw(i));
        }
        if (!scenario_.hostiles.empty()) add(draw_witness());
        return std::move(visits_);
    }

private:
    void add(Visit visit) {
        book_.add_visit(
            {.kind = visit.kind,
             .shard = visit.shard,
             .is_prompt = visit.is_prompt(),
             .is_told_of_skips = visit.is_told_of_skips(),
             .resumes = visit.begin == Visit::Begin::resume ? visit.follows : std::nullopt});
        visits_.push_back(std::move(visit));
    }

    /// The last one, with a topic of its own: publishes little, and goes on when that has come.
    Visit draw_witness() {
        Visit visit;
        visit.shard = static_cast<std::uint32_t>(prng_.below(scenario_.shards_count));
        visit.topic = static_cast<std::uint32_t>(scenario_.shared_topics_count);
        const auto index = static_cast<std::uint32_t>(visits_.size());
        const Duration pause_max = std::chrono::milliseconds{pick<int>(prng_, {1, 1, 50, 2000})};
        for (int i = 0; i < 40; ++i) {
            visit.actions.push_back(
                {.kind = Kind::publish,
                 .number = book_.add_publication(
                     {.publisher = index, .topic = visit.topic, .size = prng_.below(60)})});
            // Where memory is scarce it may be dropped.
            if (!scenario_.is_memory_scarce) visit.actions.push_back({.kind = Kind::await_own});
            const auto pause = prng_.below(static_cast<std::uint64_t>(pause_max.count()));
            visit.actions.push_back(
                {.kind = Kind::pause, .duration = Duration{static_cast<Duration::rep>(pause)}});
        }
        visit.actions.push_back({.kind = Kind::close});
        return visit;
    }

    Visit draw(std::uint32_t index) {
        Visit visit;
        visit.shard = static_cast<std::uint32_t>(prng_.below(scenario_.shards_count));
        visit.topic = draw_topic();
        visit.after = draw_duration();
        if (rooms_odds_ != 0 && prng_.chance(1, rooms_odds_)) visit.kind = VisitKind::rooms;
        if (index > 0 && prng_.chance(1, 2)) follow(visit, index);
        visit.wants_gaps = visit.kind == VisitKind::raw && prng_.chance(3, 4);
        visit.is_impatient = prng_.chance(1, 4);
        visit.link = draw_link();
        if (scenario_.has_slow_readers && prng_.chance(1, 3)) {
            visit.read_bytes_max = 50 + prng_.below(1000);
            visit.read_interval = std::chrono::microseconds{prng_.below(20'000)};
        }
        draw_actions(visit, index);
        draw_begin(visit);
        return visit;
    }

    void draw_begin(Visit& visit) {
        if (visit.kind != VisitKind::raw || !scenario_.asks_positions) return;
        const bool may_resume = visit.follows && visits_[*visit.follows].counts() &&
                                visits_[*visit.follows].topic == visit.topic;
        if (may_resume && resuming_.chance(7, 8)) {
            visit.begin = Visit::Begin::resume;
        } else if (resuming_.chance(3, 4)) {
            visit.begin = Visit::Begin::last;
            visit.last = pick<std::uint32_t>(resuming_, {0, 0, 1, 5, 1000});
        }
    }

    /// Comes back, often to where it has just left.
    void follow(Visit& visit, std::uint32_t index) {
        const auto earlier = static_cast<std::uint32_t>(prng_.below(index));
        if (visits_[earlier].stays()) return;
        visit.follows = earlier;
        visit.after = prng_.chance(1, 2) ? Duration{0} : draw_duration() / 4;
        visit.topic = visits_[earlier].topic;
        if (prng_.chance(3, 4)) visit.shard = visits_[earlier].shard;
    }

    void draw_actions(Visit& visit, std::uint32_t index) {
        for (std::uint64_t rounds = prng_.below(4); rounds > 0; --rounds) {
            if (prng_.chance(1, 2)) pause(visit);
            if (visit.kind == VisitKind::rooms) change_rooms(visit);
            publish(visit, index);
        }
        const bool may_miss = scenario_.has_slow_readers || scenario_.is_memory_scarce;
        if (visit.kind == VisitKind::raw && !may_miss && prng_.chance(1, 3))
            visit.actions.push_back({.kind = Kind::await_own});
        if (prng_.chance(1, 2)) pause(visit);
        draw_end(visit);
    }

    void publish(Visit& visit, std::uint32_t index) {
        for (std::uint64_t count = prng_.below(burst_max_ + 1); count > 0; --count) {
            const std::uint32_t topic = visit.kind == VisitKind::rooms ? draw_topic() : visit.topic;
            const bool is_large = prng_.chance(1, large_odds_) && bytes_ < bytes_max;
            const std::size_t size_max = is_large ? scenario_.publication_bytes_max : small_bytes;
            const bool is_text = prng_.chance(1, 2);
            const std::size_t size = prng_.below(size_max + 1);
            bytes_ += size;
            const bool enters = visit.kind == VisitKind::rooms && entering_.chance(1, 4);
            visit.actions.push_back({.kind = enters ? Kind::enter : Kind::publish,
                                     .number = book_.add_publication({.publisher = index,
                                                                      .topic = topic,
                                                                      .key = draw_key(visit),
                                                                      .is_text = is_text,
                                                                      .size = size})});
        }
    }

    /// A program that mounts a handler has no way to name one.
    std::uint32_t draw_key(const Visit& visit) {
        if (visit.kind != VisitKind::raw || scenario_.keys_count == 0) return 0;
        return static_cast<std::uint32_t>(keying_.below(scenario_.keys_count + 1));
    }

    void change_rooms(Visit& visit) {
        for (std::uint64_t count = prng_.below(4); count > 0; --count) {
            const Kind kind = prng_.chance(2, 3) ? Kind::subscribe : Kind::unsubscribe;
            visit.actions.push_back({.kind = kind, .number = draw_topic()});
        }
    }

    void draw_end(Visit& visit) {
        const std::uint64_t kind = end_kinds_[prng_.below(end_kinds_.size())];
        switch (kind) {
            case 0:
            case 1:
            case 2: return;  // Stays.
            case 3:
            case 4: visit.actions.push_back({.kind = Kind::close}); return;
            case 5: visit.actions.push_back({.kind = Kind::reset}); return;
            case 6:
                visit.actions.push_back(
                    {.kind = prng_.chance(1, 2) ? Kind::vanish : Kind::shut_down});
                return;
            default:
                if (scenario_.has_slow_readers)
                    visit.actions.insert(visit.actions.begin(), {.kind = Kind::stop_reading});
                if (prng_.chance(1, 2)) visit.actions.push_back({.kind = Kind::vanish});
        }
    }

    void pause(Visit& visit) {
        visit.actions.push_back({.kind = Kind::pause, .duration = draw_duration()});
    }

    Link draw_link() {
        Link link;
        link.latency = std::chrono::microseconds{pick<int>(prng_, {0, 10, 100, 1000, 20'000})};
        link.jitter = std::chrono::microseconds{pick<int>(prng_, {0, 10, 1000})};
        link.buffer_bytes = pick<std::size_t>(prng_, {2048, thick_link_bytes, 65536});
        if (link.latency > std::chrono::milliseconds{1}) link.buffer_bytes = 65536;
        return link;
    }

    std::uint32_t draw_topic() { return scenario_.draw_topic(prng_); }
    Duration draw_duration() { return scenario_.draw_duration(prng_); }

    Prng& prng_;
    const TopicScenario& scenario_;
    TopicBook& book_;
    std::vector<std::uint64_t> end_kinds_;
    std::uint64_t burst_max_, rooms_odds_, large_odds_;
    Prng entering_, resuming_,
        keying_;  // Their own, so that seeds on record are still what they were.
    std::vector<Visit> visits_;
    std::size_t bytes_ = 0;  // Of all publications so far.
};

bool has(const Visit& visit, Kind kind) noexcept {
    return std::ranges::find(visit.actions, kind, &Action::kind) != visit.actions.end();
}

}  // namespace

bool Visit::is_prompt() const noexcept {
    return begin == Begin::live && read_bytes_max == SIZE_MAX &&
           link.buffer_bytes >= thick_link_bytes && !has(*this, Kind::stop_reading);
}

bool Visit::may_break() const noexcept {
    return has(*this, Kind::reset) || has(*this, Kind::vanish) || has(*this, Kind::shut_down) ||
           has(*this, Kind::stop_reading);
}

bool Visit::stays() const noexcept {
    constexpr Kind ends[] = {Kind::close, Kind::shut_down, Kind::reset, Kind::vanish};
    return std::ranges::none_of(ends, [this](Kind end) { return has(*this, end); });
}

bool Visit::awaits_own() const noexcept {
    return has(*this, Kind::await_own);
}

std::vector<Visit> draw_visits(Prng& prng, const TopicScenario& scenario, TopicBook& book) {
    return Writer{prng, scenario, book}.write();
}

}  // namespace ringcast::sim

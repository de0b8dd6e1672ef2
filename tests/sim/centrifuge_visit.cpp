#include "sim/centrifuge_visit.hpp"

#include <algorithm>

#include "sim/pick.hpp"

namespace ringcast::sim {
namespace {

using Say = CentrifugeAction::Kind;
using From = CentrifugeAction::From;

/// Large publications of one run together.
constexpr std::size_t crowd_bytes_max = 100'000;
/// Sets its source apart; see topic_scenario.cpp.
constexpr std::uint64_t reticence_salt = 131, showing_salt = 132;

/// Draws the visits of one run.
class CentrifugeWriter {
public:
    CentrifugeWriter(Prng& prng, const TopicScenario& scenario, TopicBook& book)
        : prng_{prng},
          scenario_{scenario},
          book_{book},
          first_visitor_{static_cast<std::uint32_t>(book.visitors().size())},
          burst_max_{pick<std::uint64_t>(prng, {1, 3, 8})},
          reticence_{scenario.settings.topics.seed ^ reticence_salt},
          showing_{scenario.settings.topics.seed ^ showing_salt} {}

    std::vector<CentrifugeVisit> write() {
        for (std::uint64_t clients = 1 + prng_.below(5); clients > 0; --clients) draw_client();
        return std::move(visits_);
    }

private:
    /// One client, as often as it comes.
    void draw_client() {
        user_ = static_cast<std::uint32_t>(showing_.below(3));
        has_token_ = scenario_.has_tokens && showing_.chance(3, 4);
        const bool is_protobuf = prng_.chance(1, 3);
        std::optional<std::uint32_t> before;
        for (std::uint64_t left = 1 + prng_.below(4); left > 0; --left) {
            CentrifugeVisit visit;
            visit.is_protobuf = is_protobuf;
            visit.follows = before;
            visit.shard = before && prng_.chance(1, 2) ? visits_[*before].shard : draw_shard();
            visit.after = before && prng_.chance(1, 2) ? Duration{0} : draw_duration();
            draw_circumstances(visit);
            if (has_token_) visit.tokens.push_back(draw_token());
            before = static_cast<std::uint32_t>(visits_.size());
            draw_actions(visit, left == 1);
            book_.add_visit(
                {.kind = VisitKind::centrifuge, .shard = visit.shard, .is_told_of_skips = true});
            visits_.push_back(std::move(visit));
        }
    }

    void draw_circumstances(CentrifugeVisit& visit) {
        visit.is_impatient = prng_.chance(1, 4);
        visit.has_ping_frames = prng_.chance(1, 8);
        visit.link.latency = std::chrono::microseconds{pick<int>(prng_, {0, 10, 1000, 20'000})};
        visit.link.jitter = std::chrono::microseconds{pick<int>(prng_, {0, 10, 1000})};
        if (!scenario_.has_slow_readers || !prng_.chance(1, 3)) return;
        visit.read_bytes_max = 50 + prng_.below(1000);
        visit.read_interval = std::chrono::microseconds{prng_.below(20'000)};
    }

    CentrifugeToken draw_token() {
        CentrifugeToken token{.user = user_, .ttl = {}, .topics = {}};
        token.ttl = pick<std::optional<std::uint32_t>>(showing_, {std::nullopt, 2, 10, 60, 3000});
        for (std::uint32_t topic = 0; topic < scenario_.shared_topics_count; ++topic) {
            const bool has_room = token.topics.size() < scenario_.centrifuge->subscriptions_max;
            if (has_room && showing_.chance(1, 2)) token.topics.push_back(topic);
        }
        return token;
    }

    void renew(CentrifugeVisit& visit) {
        visit.tokens.push_back(draw_token());
        add({.kind = Say::renew, .number = static_cast<std::uint32_t>(visit.tokens.size() - 1)});
    }

    void draw_actions(CentrifugeVisit& visit, bool is_last) {
        actions_ = &visit.actions;
        if (prng_.chance(1, 32)) return;  // It says nothing at all.
        if (!prng_.chance(1, 24)) {
            add({.kind = Say::connect});
            if (prng_.chance(1, 2)) add({.kind = Say::await});
        }
        for (std::uint32_t topic = 0; topic < scenario_.shared_topics_count; ++topic) {
            if (topic == 0 || prng_.chance(1, 3)) subscribe(topic);
        }
        for (std::uint64_t rounds = prng_.below(10); rounds > 0; --rounds) {
            if (prng_.chance(1, 2)) add({.kind = Say::pause, .duration = draw_duration()});
            if (prng_.chance(1, 4)) add({.kind = Say::await});
            draw_round(visit);
            if (visit.is_to_renew() && showing_.chance(1, 3)) renew(visit);
        }
        draw_end(visit, is_last);
    }

    void draw_round(const CentrifugeVisit& visit) {
        const std::uint32_t topic = draw_topic();
        switch (prng_.below(8)) {
            case 0:
            case 1:
            case 2: return publish(visit);
            case 3: return ask_history(topic);
            case 4:
                return add(
                    {.kind = pick<Say>(prng_, {Say::presence, Say::presence, Say::presence_stats}),
                     .topic = topic});
            case 5:
                add({.kind = Say::unsubscribe, .topic = topic});
                if (prng_.chance(3, 4)) subscribe(topic);
                return;
            case 6: return subscribe(topic);
            default:
                return add({.kind = pick<Say>(prng_, {Say::ping, Say::rpc, Say::unknown,
                                                      Say::subscribe_unknown, Say::subscribe_long,
                                                      Say::publish_nothing, Say::sub_refresh}),
                            .topic = topic});
        }
    }

    /// Where others see to that, less by itself.
    void subscribe(std::uint32_t topic) {
        if (scenario_.has_orders && reticence_.chance(2, 3)) return;
        add({.kind = Say::subscribe,
             .topic = topic,
             .from =
                 pick<From>(prng_, {From::nowhere, From::last, From::last, From::last, From::last,
                                    From::earlier, From::other_epoch, From::too_far}),
             .earlier_by = static_cast<std::uint32_t>(1 + prng_.below(5)),
             .hears_others = prng_.chance(1, 2),
             .takes_deltas = prng_.chance(1, 2),
             .rejects_gap = prng_.chance(1, 8)});
    }

    void ask_history(std::uint32_t topic) {
        add({.kind = Say::history,
             .topic = topic,
             .from = pick<From>(prng_, {From::nowhere, From::nowhere, From::last, From::earlier,
                                        From::other_epoch, From::too_far}),
             .earlier_by = static_cast<std::uint32_t>(1 + prng_.below(5)),
             .limit = pick<std::int32_t>(prng_, {-1, 0, 1, 3, 1000}),
             .is_backward = prng_.chance(1, 2)});
    }

    /// A JSON client's data is JSON; of a Protobuf client's the server finds out.
    void publish(const CentrifugeVisit& visit) {
        for (std::uint64_t count = prng_.below(burst_max_ + 1); count > 0; --count) {
            const std::uint32_t topic = draw_topic();
            const bool is_json = !visit.is_protobuf || prng_.chance(1, 2);
            const bool is_large = prng_.chance(1, 8) && bytes_ < crowd_bytes_max;
            const std::size_t size =
                prng_.below((is_large ? scenario_.publication_bytes_max : 120) + 1);
            bytes_ += size;
            const auto visitor = first_visitor_ + static_cast<std::uint32_t>(visits_.size());
            add({.kind = Say::publish,
                 .topic = topic,
                 .number = book_.add_publication({.publisher = visitor,
                                                  .topic = topic,
                                                  .is_text = is_json,
                                                  .is_json = is_json,
                                                  .size = size})});
        }
    }

    /// Who is to come back has to go.
    void draw_end(const CentrifugeVisit& visit, bool is_last) {
        if (is_last && prng_.chance(3, 4)) {
            if (prng_.chance(1, 2)) add({.kind = Say::presence, .topic = draw_topic()});
            return;
        }
        const bool is_pinged =
            scenario_.centrifuge->ping_interval.count() > 0 && !visit.has_ping_frames;
        if (is_pinged && prng_.chance(1, 4)) return add({.kind = Say::hush});
        if (!is_pinged && prng_.chance(1, 32)) return add({.kind = Say::pong});
        if (prng_.chance(1, 6)) {
            return add({.kind = pick<Say>(
                            prng_, {Say::send, Say::refresh, Say::malformed,
                                    Say::subscribe_nameless, Say::wrong_opcode, Say::connect})});
        }
        add({.kind = pick<Say>(prng_,
                               {Say::close, Say::close, Say::reset, Say::vanish, Say::shut_down})});
    }

    void add(CentrifugeAction action) {
        const bool has_before = !actions_->empty() && actions_->back().is_command();
        const bool may_join = action.is_command() && action.kind != Say::wrong_opcode;
        action.is_joined = has_before && may_join && prng_.chance(1, 2);
        actions_->push_back(action);
    }

    std::uint32_t draw_topic() { return scenario_.draw_topic(prng_); }
    std::uint32_t draw_shard() {
        return static_cast<std::uint32_t>(prng_.below(scenario_.shards_count));
    }
    Duration draw_duration() { return scenario_.draw_duration(prng_); }

    Prng& prng_;
    const TopicScenario& scenario_;
    TopicBook& book_;
    const std::uint32_t first_visitor_;
    const std::uint64_t burst_max_;
    Prng reticence_, showing_;
    std::uint32_t user_ = 0;  // Of the client under way.
    bool has_token_ = false;
    std::vector<CentrifugeVisit> visits_;
    std::vector<CentrifugeAction>* actions_ = nullptr;  // Of the visit under way.
    std::size_t bytes_ = 0;                             // Of all publications so far.
};

}  // namespace

bool CentrifugeVisit::has(Say kind) const noexcept {
    return std::ranges::find(actions, kind, &CentrifugeAction::kind) != actions.end();
}

bool CentrifugeVisit::may_break() const noexcept {
    return has(Say::reset) || has(Say::vanish) || has(Say::shut_down);
}

bool CentrifugeVisit::stays() const noexcept {
    constexpr Say ends[] = {Say::send,  Say::refresh,     Say::subscribe_nameless,
                            Say::pong,  Say::malformed,   Say::hush,
                            Say::close, Say::wrong_opcode};
    const bool is_ended = std::ranges::any_of(ends, [this](Say end) { return has(end); });
    // Anything in front of the connect command, or a second one, is the end, too.
    return !is_ended && !may_break() && !actions.empty() && actions.front().kind == Say::connect &&
           std::ranges::count(actions, Say::connect, &CentrifugeAction::kind) == 1;
}

std::vector<CentrifugeVisit> draw_centrifuge_visits(Prng& prng, const TopicScenario& scenario,
                                                    TopicBook& book) {
    return CentrifugeWriter{prng, scenario, book}.write();
}

}  // namespace ringcast::sim

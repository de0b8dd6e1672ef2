#include "sim/centrifuge_crowd.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "sim/rules.hpp"

namespace ringcast::sim {

namespace {

/// Sets its source apart; see topic_scenario.cpp.
constexpr std::uint64_t crowd_salt = 71;

/// Clients that would have stayed.
bool may_close(const TopicScenario& scenario) {
    return scenario.has_orders || scenario.has_tokens || scenario.has_slow_readers ||
           scenario.is_memory_scarce || scenario.may_stall() || may_overflow(scenario) ||
           may_miss_pongs(scenario);
}

}  // namespace

CentrifugeCrowd::CentrifugeCrowd(const TopicScenario& scenario, TopicBook& book, TopicBreak broken,
                                 Instant start)
    : scenario_{scenario},
      prng_{scenario.settings.topics.seed ^ crowd_salt},
      stage_{.scenario = scenario,
             .book = book,
             .hall = HallBook{scenario, may_close(scenario)},
             .first_visitor = static_cast<std::uint32_t>(book.visitors().size()),
             .broken = broken} {
    if (!scenario.centrifuge) return;
    visits_ = draw_centrifuge_visits(prng_, scenario, book);
    stage_.orders = draw_orders(scenario, static_cast<std::uint32_t>(visits_.size()), start);
    for (const CentrifugeVisit& visit : visits_) stage_.users.push_back(visit.user());
    is_arranged_.resize(visits_.size());
    is_late_.resize(visits_.size());
    for (std::uint32_t i = 0; i < visits_.size(); ++i) {
        peers_.push_back(std::make_unique<CentrifugePeer>(i, visits_[i], stage_, counts_));
        for (std::uint32_t topic = 0; topic < scenario.shared_topics_count; ++topic)
            stage_.hall.add_guest(scenario.topics[topic]);
    }
}

void CentrifugeCrowd::arrange(Network& network, const std::vector<int>& listeners) {
    stage_.now = network.now();
    for (std::uint32_t i = 0; i < visits_.size(); ++i) {
        const CentrifugeVisit& visit = visits_[i];
        if (is_arranged_[i] || (visit.follows && !peers_[*visit.follows]->is_done())) continue;
        is_arranged_[i] = true;
        is_late_[i] = stage_.is_ending;
        std::unique_ptr<TlsEnd> tls;
        if (scenario_.is_secure) tls = std::make_unique<TlsEnd>(Prng{prng_.next()});
        network.connect(*peers_[i], listeners[visit.shard], network.now() + visit.after, visit.link,
                        std::move(tls));
    }
}

Instant CentrifugeCrowd::next_order() const noexcept {
    if (stage_.is_ending || orders_given_ == stage_.orders.size()) return instant_never;
    return stage_.orders[orders_given_].at;
}

/// None of nobody in particular.
std::set<std::uint32_t> CentrifugeCrowd::visits_of(std::uint32_t user) const {
    std::set<std::uint32_t> visits;
    for (std::uint32_t i = 0; i < stage_.users.size(); ++i) {
        if (user != 0 && stage_.users[i] == user) visits.insert(i);
    }
    return visits;
}

/// The first visit that is there, from that one on; else itself.
std::uint32_t CentrifugeCrowd::present_from(std::uint32_t visit) const {
    const auto count = static_cast<std::uint32_t>(peers_.size());
    for (std::uint32_t i = 0; i < count; ++i) {
        if (peers_[(visit + i) % count]->is_present()) return (visit + i) % count;
    }
    return visit;
}

/// Where it was itself, or another one. The newest publication alone would stand for those before.
std::optional<TopicBook::Standing> CentrifugeCrowd::since_of(const CentrifugeOrder& order) const {
    if (scenario_.settings.topics.home.stream.is_newest_enough) return std::nullopt;
    const CentrifugeAction named{.topic = order.topic, .from = order.from, .earlier_by = 1};
    for (std::size_t i = 0; i < peers_.size(); ++i) {
        const std::size_t visit = (order.visit + i) % peers_.size();
        if (auto place = peers_[visit]->place_of(named)) return place;
    }
    return std::nullopt;
}

bool CentrifugeCrowd::is_waiting() const {
    const bool has_done_all = std::ranges::all_of(stage_.orders, &CentrifugeOrder::is_carried_out);
    if (!has_done_all) return false;
    for (std::size_t i = 0; i < peers_.size(); ++i) {
        if (is_arranged_[i] && !peers_[i]->is_waiting()) return false;
    }
    return true;
}

bool CentrifugeCrowd::is_done() const {
    for (std::size_t i = 0; i < peers_.size(); ++i) {
        if (is_arranged_[i] && !peers_[i]->is_done()) return false;
    }
    return true;
}

std::string CentrifugeCrowd::what_is_left() const {
    std::string text;
    for (std::size_t i = 0; i < peers_.size(); ++i) {
        if (is_arranged_[i] && !peers_[i]->is_done())
            text += ", waiting: client " + std::to_string(i);
    }
    return text;
}

/// `visits`: those of whom the home says that they are there.
void CentrifugeCrowd::check_presence(std::uint32_t topic, const GuestSet& visits) const {
    GuestSet listed;
    for (const std::uint32_t visit : visits) listed.insert(stage_.guest_of(visit, topic));
    const std::string& name = scenario_.topics[topic];
    const hub::PresencePolicy& policy = scenario_.settings.topics.home.presence;
    if (policy.is_kept) stage_.hall.check(name, listed);
    if (stage_.hall.may_be_closed()) return;
    for (std::uint32_t i = 0; i < peers_.size(); ++i) {
        const Company* const company = peers_[i]->company(topic);
        const std::uint32_t guest = stage_.guest_of(i, topic);
        if (company == nullptr || !peers_[i]->is_waiting()) continue;
        const std::string who = "client " + std::to_string(i);
        if (!company->has_heard_of(guest))
            throw Violation{Rule::presence_true, who + " has not heard that it came"};
        if (policy.is_kept && company->view() != nullptr && *company->view() != listed)
            throw Violation{Rule::presence_true, who + " does not know who is there"};
    }
}

void CentrifugeCrowd::check_ends(bool was_cut_short) const {
    for (std::uint32_t i = 0; i < peers_.size(); ++i) {
        if (is_arranged_[i] && !peers_[i]->was_spoiled()) check_end(i, was_cut_short);
    }
}

void CentrifugeCrowd::check_end(std::uint32_t visit, bool was_cut_short) const {
    const CentrifugePeer& peer = *peers_[visit];
    const std::string who = "client " + std::to_string(visit);
    if (peer.status() == 101) {
        if (!peer.has_closed()) throw Violation{Rule::close_as_scripted, who + ": no Close"};
        if (peer.was_reset()) throw Violation{Rule::close_as_scripted, who + ": ended by a reset"};
        return;
    }
    const bool is_cut_short = was_cut_short || is_late_[visit];
    const bool may_be_refused =
        (is_cut_short && (peer.status() == 0 || peer.status() == 503)) ||
        (scenario_.is_memory_scarce && (peer.status() == 503 || scenario_.is_secure));
    if (may_be_refused) return;
    throw Violation{Rule::handshake_answered,
                    who + " was answered with " + std::to_string(peer.status())};
}

void CentrifugeCrowd::add_to(Tally& tally) const {
    TopicTally& topics = tally.topics;
    topics.centrifuge_visits += visits_.size();
    topics.centrifuge_protobuf += static_cast<std::uint64_t>(
        std::ranges::count(visits_, true, &CentrifugeVisit::is_protobuf));
    topics.centrifuge_replies += counts_.replies;
    topics.centrifuge_errors += counts_.errors;
    topics.centrifuge_publications += counts_.publications;
    topics.centrifuge_deltas += counts_.deltas;
    topics.centrifuge_skips += counts_.skips;
    topics.centrifuge_joined += counts_.joined;
    topics.centrifuge_renewals += counts_.renewals;
    topics.centrifuge_imposed += counts_.imposed;
    topics.centrifuge_orders += static_cast<std::uint64_t>(
        std::ranges::count(stage_.orders, true, &CentrifugeOrder::is_carried_out));
    topics.centrifuge_recovered += counts_.recovered;
    topics.centrifuge_not_recovered += counts_.not_recovered;
    topics.centrifuge_histories += counts_.histories;
    topics.centrifuge_presences += counts_.presences;
    topics.centrifuge_events += counts_.events;
    topics.centrifuge_unsubscribed += counts_.unsubscribed;
    topics.centrifuge_pings += counts_.pings;
}

}  // namespace ringcast::sim

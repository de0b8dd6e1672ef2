#include "sim/visit_crowd.hpp"

#include <algorithm>
#include <chrono>

#include "sim/rules.hpp"
#include "sim/topic_verdict.hpp"

namespace ringcast::sim {

VisitCrowd::VisitCrowd(Network& network, Prng& prng, const TopicScenario& scenario, TopicBook& book,
                       TopicBreak broken)
    : network_{network},
      prng_{prng},
      scenario_{scenario},
      book_{book},
      start_{network.now()},
      visits_{draw_visits(prng, scenario, book)},
      is_arranged_(visits_.size()),
      is_late_(visits_.size()) {
    for (std::uint32_t i = 0; i < visits_.size(); ++i) {
        const bool is_for_all =
            broken < TopicBreak::lose_publication || broken > TopicBreak::lose_last;
        peers_.push_back(std::make_unique<TopicPeer>(
            i, visits_[i], scenario, book, is_for_all || i == 0 ? broken : TopicBreak::none,
            [this, i](std::uint32_t publication) { on_seen(i, publication); }));
    }
}

std::uint32_t VisitCrowd::connect(const std::vector<int>& listeners) {
    std::uint32_t last = 0;
    for (std::uint32_t i = 0; i < visits_.size(); ++i) {
        if (!visits_[i].follows) last = connect(i, listeners);
    }
    return last;
}

void VisitCrowd::arrange(const std::vector<int>& listeners, bool is_ending) {
    for (std::uint32_t i = 0; i < visits_.size(); ++i) {
        if (is_arranged_[i] || !peers_[*visits_[i].follows]->is_done()) continue;
        is_late_[i] = is_ending;
        (void)connect(i, listeners);
    }
}

std::uint32_t VisitCrowd::connect(std::uint32_t visit, const std::vector<int>& listeners) {
    is_arranged_[visit] = true;
    std::unique_ptr<TlsEnd> tls;
    if (scenario_.is_secure) tls = std::make_unique<TlsEnd>(Prng{prng_.next()});
    return network_.connect(*peers_[visit], listeners[visits_[visit].shard],
                            network_.now() + visits_[visit].after, visits_[visit].link,
                            std::move(tls));
}

/// A publication has come to a client.
void VisitCrowd::on_seen(std::uint32_t visit, std::uint32_t id) const {
    if (rounds_ != nullptr && visit + 1 == visits_.size()) rounds_->on_seen();
    const TopicBook::Publication& publication = book_.publication(id);
    const bool is_from_thread = publication.publisher == TopicBook::nobody;
    if (!is_from_thread && publication.publisher >= visits_.size()) return;
    const bool is_prompt = visits_[visit].is_prompt() &&
                           scenario_.publication_bytes_max <= prompt_bytes_max &&
                           !scenario_.has_slow_readers && !scenario_.is_memory_scarce &&
                           (is_from_thread || visits_[publication.publisher].is_prompt());
    if (!is_prompt || publication.written_at == instant_never) return;
    Duration bound = delivery_time_max + scenario_.settings.topics.delivery_window;
    if (scenario_.freeze) {
        const std::uint32_t shard = scenario_.freeze->shard;
        // Who publishes to several topics waits with all when one of them has no room.
        const bool is_its_own = shard == scenario_.home_of(publication.topic) ||
                                shard == visits_[visit].shard || is_from_thread ||
                                visits_[publication.publisher].kind == VisitKind::rooms ||
                                shard == visits_[publication.publisher].shard;
        if (is_its_own || !scenario_.may_stall()) return;
        bound += scenario_.settings.topics.mesh_stall_timeout;
    }
    const Duration taken = network_.now() - publication.written_at;
    if (taken <= bound) return;
    throw Violation{Rule::delivered_in_time,
                    "publication " + std::to_string(id) + " took " +
                        std::to_string(std::chrono::duration<double>(taken).count()) +
                        " seconds to visit " + std::to_string(visit)};
}

/// A visit that would follow another one is not made if that one stays.
bool VisitCrowd::is_waiting() const {
    for (std::size_t i = 0; i < peers_.size(); ++i) {
        if (is_arranged_[i] && !peers_[i]->is_waiting_for_shutdown()) return false;
    }
    return true;
}

/// A visit that would follow another one may come too late to be made.
bool VisitCrowd::is_done() const {
    for (std::size_t i = 0; i < peers_.size(); ++i) {
        if (is_arranged_[i] && !peers_[i]->is_done()) return false;
    }
    return true;
}

std::string VisitCrowd::what_is_left() const {
    std::string text;
    for (std::size_t i = 0; i < peers_.size(); ++i) {
        if (!peers_[i]->is_done()) text += ", waiting: visit " + std::to_string(i);
    }
    return text;
}

void VisitCrowd::add_to(TopicTally& topics) const {
    for (const Visit& visit : visits_) {
        topics.visits_rooms += visit.kind == VisitKind::rooms ? 1 : 0;
        const bool is_back = visit.follows && visits_[*visit.follows].shard == visit.shard;
        topics.rejoins += is_back ? 1 : 0;
        topics.enters += static_cast<std::uint64_t>(
            std::ranges::count(visit.actions, Action::Kind::enter, &Action::kind));
    }
    for (const TopicBook::Publication& publication : book_.publications()) {
        topics.publications_refused += publication.is_refused ? 1 : 0;
        if (publication.accepted == 0) continue;
        topics.publications_large += publication.size > 1000 ? 1 : 0;
        topics.publications_of_threads += publication.publisher == TopicBook::nobody ? 1u : 0u;
    }
    topics.gaps_told = book_.gaps_told();
    topics.gaps_proven = book_.gaps_proven();
    topics.replaced_proven = book_.replaced_proven();
    topics.own_proven = book_.own_proven();
    topics.recoveries_proven = book_.recoveries_proven();
}

}  // namespace ringcast::sim

// The rules that can be judged only once a run is over.

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "sim/topic_book.hpp"

namespace ringcast::sim {

void TopicBook::check(const Circumstances& circumstances) {
    number_publications();
    find_chains();
    for (std::uint32_t visit = 0; visit < visitors_.size(); ++visit) {
        for (const Run& run : visitors_[visit].runs)
            check_run(visit, run, circumstances.is_flushed);
    }
    const std::uint64_t missing = missed_silently_ + told_;
    if (missing > circumstances.deliveries_dropped) {
        throw Violation{Rule::drops_told, std::to_string(missing) + " publications are missing, " +
                                              std::to_string(circumstances.deliveries_dropped) +
                                              " were dropped"};
    }
}

/// Those of one publisher for one topic were accepted in the order in which they were written.
void TopicBook::number_publications() {
    std::vector<Publication*> accepted;
    for (Publication& publication : publications_) {
        if (publication.accepted != 0) accepted.push_back(&publication);
    }
    std::ranges::sort(accepted, {}, &Publication::written);
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> counts;
    for (Publication* const each : accepted)
        each->number = ++counts[{each->publisher, each->topic}];
}

/// Numbers what hangs together through links. What is in no chain goes round in a circle.
void TopicBook::find_chains() {
    for (std::uint32_t first = 0; first < publications_.size(); ++first) {
        if (publications_[first].previous != nobody) continue;
        std::uint32_t position = 0;
        for (std::uint32_t id = first; id != nobody; id = publications_[id].next) {
            publications_[id].chain = first;
            publications_[id].position = position++;
        }
    }
    for (const Publication& publication : publications_) {
        if (publication.chain == nobody)
            throw Violation{Rule::topic_order, "publications follow each other in a circle"};
    }
}

void TopicBook::check_run(std::uint32_t visit, const Run& run, bool is_flushed) {
    const Visitor& visitor = visitors_[visit];
    check_publishers(visit, run, !may_miss_silently(visit));
    check_gaps(visit, run);
    check_behind(visit, run);
    // It was there until the very end, so nothing that had been accepted may be missing.
    bool is_complete = is_flushed && visitor.has_closed && !run.has_ended &&
                       visitor.close_code == policy_.shutdown_code;
    if (is_complete && policy_.conflates && has_caught_up(visit)) check_newest(visit, run);
    if (may_miss_silently(visit)) return;
    // What was kept for it then it is not told of.
    if (policy_.conflates && visitor.kind == VisitKind::centrifuge && !has_caught_up(visit))
        is_complete = false;
    if (is_complete) check_own(visit, run);
    check_start(visit, run);
    if (!is_complete) return;
    check_end(visit, run);
    check_complete(visit, run);
    check_standing(visit, run);
}

/// What one publisher had accepted comes in that order, and nothing in between is missing.
void TopicBook::check_publishers(std::uint32_t visit, const Run& run, bool is_whole) const {
    std::map<std::uint32_t, std::uint32_t> newest;  // By publisher.
    bool is_skipping = false;
    for (const Run::Entry& entry : run.entries) {
        const Publication& publication = publications_[entry.publication];
        is_skipping = is_skipping || entry.skipped_before > 0;
        const auto [place, is_first] = newest.try_emplace(publication.publisher, 0);
        const std::uint32_t before = std::exchange(place->second, publication.number);
        if (is_first) continue;
        const bool is_next = publication.number == before + 1;
        const bool is_later = publication.number > before;
        if (is_next || (is_later && (is_skipping || !is_whole))) continue;
        fail(Rule::topic_order, visit,
             "number " + std::to_string(publication.number) + " of publisher " +
                 std::to_string(static_cast<int>(publication.publisher)) + " came after number " +
                 std::to_string(before));
    }
}

/// Gaps are as large as was told, as far as others have seen what is missing.
void TopicBook::check_gaps(std::uint32_t visit, const Run& run) {
    for (std::size_t i = 1; i < run.entries.size(); ++i) {
        const Publication& earlier = publications_[run.entries[i - 1].publication];
        const Publication& later = publications_[run.entries[i].publication];
        if (earlier.chain != later.chain) continue;
        if (later.position <= earlier.position)
            fail(Rule::topic_order, visit,
                 std::to_string(run.entries[i].publication) + " came after " +
                     std::to_string(run.entries[i - 1].publication));
        const std::uint64_t missing = later.position - earlier.position - 1;
        if (may_miss_silently(visit)) {
            missed_silently_ += missing;
            continue;
        }
        const std::uint64_t told = run.entries[i].skipped_before;
        if (told > 0) ++gaps_proven_;
        if (missing == told) continue;
        fail(Rule::drops_told, visit,
             std::to_string(missing) + " are missing before " +
                 std::to_string(run.entries[i].publication) + ", it was told of " +
                 std::to_string(told));
    }
}

/// All that it has published since it subscribed has come back to it.
void TopicBook::check_own(std::uint32_t visit, const Run& run) {
    const Due own = count_due(run, [visit, &run](const Publication& publication) {
        return publication.publisher == visit && publication.written > run.own;
    });
    if (visitors_[visit].kind == VisitKind::rooms) own_proven_ += own.seen;
    if (own.missing <= told_of(run)) return;
    fail(Rule::own_publication_seen, visit,
         std::to_string(own.missing) + " of its own did not come back");
}

/// Nothing that others have seen before its first one was written after it was live.
void TopicBook::check_start(std::uint32_t visit, const Run& run) const {
    if (run.live == 0 || run.entries.empty()) return;
    std::uint64_t missing = 0;
    const std::uint32_t first = run.entries.front().publication;
    for (std::uint32_t id = publications_[first].previous; id != nobody;
         id = publications_[id].previous) {
        if (publications_[id].written > run.live) ++missing;
    }
    if (missing <= run.entries.front().skipped_before) return;
    fail(Rule::live_after_101, visit,
         std::to_string(missing) + " written after its 101 are missing before " +
             std::to_string(first));
}

/// Nothing that others have seen comes behind its last one.
void TopicBook::check_end(std::uint32_t visit, const Run& run) const {
    if (run.entries.empty()) return;
    std::uint64_t missing = 0;
    const std::uint32_t last = run.entries.back().publication;
    for (std::uint32_t id = publications_[last].next; id != nobody; id = publications_[id].next)
        ++missing;
    if (missing <= run.skipped) return;
    fail(run.skipped > 0 ? Rule::drops_told : Rule::shutdown_delivers_all, visit,
         std::to_string(missing) + " are missing behind " + std::to_string(last) +
             ", it was told of " + std::to_string(run.skipped));
}

/// Whatever was written since it was live has come, whether others have seen it or not.
void TopicBook::check_complete(std::uint32_t visit, const Run& run) const {
    if (run.live == 0) return;  // It is not certain what it should have seen.
    const std::uint64_t missing = count_due(run, [&run](const Publication& publication) {
                                      return publication.written > run.live;
                                  }).missing;
    if (missing <= told_of(run)) return;
    fail(Rule::shutdown_delivers_all, visit,
         std::to_string(missing) + " that were accepted did not come");
}

/// Whoever counts has got as far as anybody has seen.
void TopicBook::check_standing(std::uint32_t visit, const Run& run) const {
    if (!run.standing) return;
    const Place& place = run.standing->place;
    const auto behind = numbered_.upper_bound({run.topic, place.epoch, UINT64_MAX});
    if (behind == numbered_.begin()) return;
    const auto& [topic, epoch, newest] = std::prev(behind)->first;
    if (topic != run.topic || epoch != place.epoch || newest <= place.offset + run.skipped) return;
    fail(Rule::positions_true, visit,
         "is at number " + std::to_string(place.offset) + ", there was one of number " +
             std::to_string(newest));
}

/// Nothing is skipped for who was not behind, which nobody was who was sent so little.
void TopicBook::check_behind(std::uint32_t visit, const Run& run) const {
    constexpr std::uint64_t session_bytes = 2048, publication_bytes = 40;
    const std::uint64_t told = told_of(run);
    if (told == 0 || visitors_[visit].kind != VisitKind::raw) return;
    std::uint64_t bytes = session_bytes;
    for (const Publication& publication : publications_) {
        if (publication.topic == run.topic && publication.written != 0)
            bytes += publication.size + publication_bytes;
    }
    if (bytes > policy_.queue_bytes) return;
    fail(Rule::skipped_only_behind, visit,
         "was told that " + std::to_string(told) + " were skipped, but was never behind");
}

/// It was not behind at the end: nothing new has been published since.
bool TopicBook::has_caught_up(std::uint32_t visit) const {
    const std::uint64_t caught_up = visitors_[visit].caught_up;
    return caught_up != 0 && std::ranges::none_of(publications_, [&](const Publication& each) {
               return std::max(each.accepted, each.written) > caught_up;
           });
}

/// The newest has come, and for whatever has not there is a newer one with its key.
void TopicBook::check_newest(std::uint32_t visit, const Run& run) {
    if (run.skipped > 0)
        fail(Rule::newest_comes, visit, "is not behind, but has not got the newest");
    if (run.entries.empty()) return;
    std::uint32_t id = run.entries.back().publication;
    while (publications_[id].next != nobody) id = publications_[id].next;
    std::set<std::uint32_t> seen, keys;
    for (const Run::Entry& entry : run.entries) seen.insert(entry.publication);
    for (; id != nobody && seen.size() > 0; id = publications_[id].previous) {
        const std::uint32_t key = publications_[id].key;
        const bool has_come = seen.erase(id) > 0;
        if (!has_come && !keys.contains(key)) {
            fail(Rule::newest_comes, visit,
                 std::to_string(id) + " is the newest of its key, and has not come");
        }
        keys.insert(key);
        replaced_proven_ += has_come ? 0 : 1;
    }
}

std::uint64_t TopicBook::told_of(const Run& run) {
    std::uint64_t told = run.skipped;
    for (const Run::Entry& entry : run.entries) told += entry.skipped_before;
    return told;
}

template <class AreDue>
TopicBook::Due TopicBook::count_due(const Run& run, AreDue&& are_due) const {
    Due due;
    for (std::uint32_t id = 0; id < publications_.size(); ++id) {
        const Publication& publication = publications_[id];
        if (publication.accepted == 0 || publication.topic != run.topic || !are_due(publication))
            continue;
        const bool is_seen =
            std::ranges::find(run.entries, id, &Run::Entry::publication) != run.entries.end();
        ++(is_seen ? due.seen : due.missing);
    }
    return due;
}

}  // namespace ringcast::sim

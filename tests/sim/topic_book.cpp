#include "sim/topic_book.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

#include "base/prng.hpp"

namespace ringcast::sim {
namespace {

constexpr char mark = '|', quote = '"';

}  // namespace

std::uint32_t TopicBook::add_publication(const Publication& publication) {
    publications_.push_back(publication);
    return static_cast<std::uint32_t>(publications_.size() - 1);
}

/// Its number, and then octets that no other one has.
std::string TopicBook::payload_of(std::uint32_t id) const {
    const Publication& publication = publications_[id];
    std::string payload = publication.is_json ? std::string{quote} : "";
    payload += std::to_string(id) + mark;
    Prng prng{id};
    const unsigned letters = id % 2 == 0 ? 64 : 4;  // Some compress well.
    while (payload.size() < publication.size) {
        const std::uint64_t drawn = prng.next();
        for (int i = 0; i < 8 && payload.size() < publication.size; ++i) {
            const auto octet = static_cast<unsigned char>(drawn >> (8 * i));
            // Some are so alike that they are sent as deltas to each other.
            if (publication.is_json && id % 3 > 0)
                payload += static_cast<char>('a' + payload.size() % 26);
            else
                payload += static_cast<char>(publication.is_text ? ' ' + octet % letters : octet);
        }
    }
    if (!publication.is_json) return payload;
    // Nothing in it has to be escaped.
    std::replace_if(
        payload.begin() + 1, payload.end(), [](char c) { return c == quote || c == '\\'; }, '_');
    return payload + quote;
}

std::optional<std::uint32_t> TopicBook::read(std::string_view payload) const {
    std::uint32_t id = 0;
    if (payload.starts_with(quote)) payload.remove_prefix(1);
    const auto [end, error] = std::from_chars(payload.data(), payload.data() + payload.size(), id);
    const bool is_marked = error == std::errc{} && end != payload.data() + payload.size() &&
                           *end == mark && id < publications_.size();
    return is_marked ? std::optional{id} : std::nullopt;
}

void TopicBook::fail(Rule rule, std::uint32_t visit, const std::string& text) const {
    throw Violation{rule, "visit " + std::to_string(visit) + ": " + text};
}

void TopicBook::on_accepted(std::uint32_t id) {
    Publication& publication = publications_[id];
    if (publication.accepted != 0)
        throw Violation{Rule::publications_exact, std::to_string(id) + " was accepted twice"};
    publication.accepted = ++order_;
}

void TopicBook::on_answered(std::uint32_t id, bool is_accepted) {
    Publication& publication = publications_[id];
    if (is_accepted && publication.accepted == 0) on_accepted(id);
    if (is_accepted) return;
    if (publication.accepted != 0)
        throw Violation{Rule::publications_exact, std::to_string(id) + " was seen and refused"};
    publication.is_refused = true;
}

/// Now that somebody has got it. Clients that are told what was accepted may be told later.
bool TopicBook::was_published(std::uint32_t id) {
    const Publication& publication = publications_[id];
    if (publication.accepted != 0) return true;
    const bool is_answered = publication.publisher != nobody &&
                             visitors_[publication.publisher].kind == VisitKind::centrifuge;
    if (!is_answered || publication.written == 0 || publication.is_refused) return false;
    on_accepted(id);
    return true;
}

void TopicBook::on_run(std::uint32_t visit, std::uint32_t topic) {
    ++order_;
    Visitor& visitor = visitors_[visit];
    std::optional<Standing> resumed;
    if (visitor.resumes) resumed = visitors_[*visitor.resumes].runs.back().standing;
    visitor.runs.push_back(
        {.topic = topic, .live = order_, .own = order_, .resumed = std::move(resumed)});
}

void TopicBook::on_run(std::uint32_t visit, std::uint32_t topic, std::uint64_t asked) {
    if (open_run(visit, topic) != nullptr)
        fail(Rule::publications_exact, visit, "subscribed to the same topic twice");
    visitors_[visit].runs.push_back({.topic = topic, .own = asked});
}

void TopicBook::on_confirmed_run(std::uint32_t visit, std::uint32_t topic, std::uint64_t asked,
                                 std::optional<Standing> resumed) {
    on_run(visit, topic, asked);
    visitors_[visit].runs.back().live = ++order_;
    visitors_[visit].runs.back().resumed = std::move(resumed);
}

void TopicBook::on_run_end(std::uint32_t visit, std::uint32_t topic) {
    Run* const run = open_run(visit, topic);
    if (run == nullptr) fail(Rule::publications_exact, visit, "an end of no subscription");
    run->has_ended = true;
}

TopicBook::Run* TopicBook::open_run(std::uint32_t visit, std::uint32_t topic) {
    for (Run& run : visitors_[visit].runs) {
        if (run.topic == topic && !run.has_ended) return &run;
    }
    return nullptr;
}

std::uint32_t TopicBook::on_publication(std::uint32_t visit, bool is_text, std::string_view payload,
                                        std::uint64_t offset) {
    const auto id = read(payload);
    if (!id) fail(Rule::publications_exact, visit, "a message that nobody has published");
    const Publication& publication = publications_[*id];
    const std::string name = "publication " + std::to_string(*id);
    if (payload != payload_of(*id) || is_text != publication.is_text)
        fail(Rule::publications_exact, visit, name + " came as another one");
    if (!was_published(*id)) fail(Rule::publications_exact, visit, name + " was never accepted");
    Run* const run = open_run(visit, publication.topic);
    if (run == nullptr) fail(Rule::publications_exact, visit, name + " is of another topic");
    if (!run->entries.empty() && run->skipped == 0 && !may_miss_silently(visit))
        link(visit, run->entries.back().publication, *id);
    if (run->standing) count(visit, *run, *id);
    if (offset != 0 && (!run->standing || run->standing->place.offset != offset))
        fail(Rule::positions_true, visit, name + " came as number " + std::to_string(offset));
    run->entries.push_back({.publication = *id, .skipped_before = run->skipped});
    run->skipped = 0;
    return *id;
}

void TopicBook::link(std::uint32_t visit, std::uint32_t earlier, std::uint32_t later) {
    std::uint32_t& next = publications_[earlier].next;
    std::uint32_t& previous = publications_[later].previous;
    if (next == later && previous == earlier) return;
    if (next != nobody || previous != nobody || earlier == later) {
        fail(Rule::topic_order, visit,
             std::to_string(later) + " came after " + std::to_string(earlier) +
                 ", but elsewhere after " + std::to_string(static_cast<int>(previous)) +
                 " and followed by " + std::to_string(static_cast<int>(next)));
    }
    next = later;
    previous = earlier;
}

void TopicBook::on_skipped(std::uint32_t visit, std::uint32_t topic, std::uint64_t count) {
    const Visitor& visitor = visitors_[visit];
    Run* const run = open_run(visit, topic);
    // The Centrifuge protocol has no word for what is dropped.
    const bool may_be = visitor.kind == VisitKind::centrifuge ? policy_.conflates : policy_.drops;
    if (!may_be || !visitor.is_told_of_skips || run == nullptr || count == 0)
        fail(Rule::drops_told, visit, "was told of a gap that cannot be");
    run->skipped += count;
    told_ += count;
    ++gaps_told_;
}

std::optional<TopicBook::Place> TopicBook::resume(std::uint32_t visit) {
    Visitor& visitor = visitors_[visit];
    const std::vector<Run>& runs = visitors_[*visitor.resumes].runs;
    if (!runs.empty() && runs.back().standing) return runs.back().standing->place;
    visitor.resumes.reset();
    return std::nullopt;
}

const TopicBook::Standing* TopicBook::standing(std::uint32_t visit, std::uint32_t topic) const {
    const std::vector<Run>& runs = visitors_[visit].runs;
    const auto found = std::find_if(runs.rbegin(), runs.rend(), [topic](const Run& run) {
        return run.topic == topic && run.standing;
    });
    return found == runs.rend() ? nullptr : &*found->standing;
}

TopicBook::Standing TopicBook::standing_before(std::uint32_t visit, std::uint32_t topic,
                                               std::size_t count) const {
    const std::vector<Run>& runs = visitors_[visit].runs;
    const auto run = std::find_if(runs.rbegin(), runs.rend(), [topic](const Run& each) {
        return each.topic == topic && each.standing;
    });
    Standing standing = *run->standing;
    const std::size_t seen = run->entries.size();
    const std::size_t back = std::min(count, seen);
    for (std::size_t i = seen - back; i < seen; ++i)
        standing.place.offset -= 1 + run->entries[i].skipped_before;
    if (back > 0)
        standing.last_seen = back < seen ? run->entries[seen - 1 - back].publication : nobody;
    return standing;
}

void TopicBook::on_position(std::uint32_t visit, std::uint32_t topic, const Place& place,
                            std::optional<bool> recovered, Instant now, Instant since) {
    Run& run = *open_run(visit, topic);
    if (run.standing) fail(Rule::positions_true, visit, "was told twice where it is");
    if (recovered.has_value() != run.resumed.has_value())
        fail(Rule::recovered_if_kept, visit, "was told of what it has not asked for");
    run.standing = {.place = place, .since = since};
    if (recovered) check_resumed(visit, run, *recovered, now);
}

void TopicBook::check_resumed(std::uint32_t visit, Run& run, bool recovered, Instant now) {
    const Place& place = run.standing->place;
    const Standing& before = *run.resumed;
    const bool is_same = place.epoch == before.place.epoch;
    if (recovered && before.is_made_up && !policy_.is_newest_enough)
        fail(Rule::recovered_if_kept, visit, "has recovered from where nobody was");
    if (recovered && !policy_.is_newest_enough) {
        if (!is_same || place.offset != before.place.offset)
            fail(Rule::positions_true, visit, "has recovered from where it was not");
        run.standing->last_seen = before.last_seen;
    }
    const bool is_kept =
        !policy_.may_forget && !before.is_made_up && now - before.since < policy_.kept_for;
    if (recovered || !is_kept) return;
    if (!is_same) fail(Rule::recovered_if_kept, visit, "its topic was forgotten too soon");
    const std::uint64_t missed = place.offset - before.place.offset;
    if (missed <= policy_.kept_min)
        fail(Rule::recovered_if_kept, visit, std::to_string(missed) + " were not recovered");
}

/// Or at no other place, at least, as far as anybody has seen.
bool TopicBook::is_at(const Place& place, std::uint32_t publication) {
    const std::uint32_t topic = publications_[publication].topic;
    const auto [named, is_new] =
        numbered_.try_emplace({topic, place.epoch, place.offset}, publication);
    const auto [number, is_newly] = numbers_.try_emplace(publication, place.offset);
    return named->second == publication && number->second == place.offset;
}

void TopicBook::on_kept(const Place& place, bool is_text, std::string_view payload) {
    const auto id = read(payload);
    if (!id || payload != payload_of(*id) || is_text != publications_[*id].is_text ||
        !was_published(*id))
        throw Violation{Rule::publications_exact, "something is kept that nobody has published"};
    if (!is_at(place, *id))
        throw Violation{Rule::positions_true, std::to_string(*id) + " is kept as another one"};
}

/// The next publication of a visit that counts has come. Whoever has come back sees the one that
/// others saw behind its last.
void TopicBook::count(std::uint32_t visit, Run& run, std::uint32_t publication) {
    Standing& standing = *run.standing;
    standing.place.offset += run.skipped + 1;
    if (!is_at(standing.place, publication)) {
        fail(Rule::positions_true, visit,
             std::to_string(publication) + " came as number " +
                 std::to_string(standing.place.offset) + ", which is another one's");
    }
    const std::uint32_t last = std::exchange(standing.last_seen, publication);
    if (!run.entries.empty() || last == nobody || run.skipped > 0) return;
    link(visit, last, publication);
    ++recoveries_proven_;
}

void TopicBook::on_close(std::uint32_t visit, std::uint16_t code, std::string_view reason,
                         Instant now) {
    Visitor& visitor = visitors_[visit];
    visitor.has_closed = true;
    visitor.close_code = code;
    visitor.close_reason = reason;
    visitor.closed_at = now;
}

bool TopicBook::has_seen_own(std::uint32_t visit) const {
    const Visitor& visitor = visitors_[visit];
    std::size_t written = 0;
    for (const Publication& publication : publications_)
        written += publication.publisher == visit && publication.written != 0;
    std::size_t seen = 0;
    for (const Run& run : visitor.runs) {
        seen += static_cast<std::size_t>(std::ranges::count_if(run.entries, [&](const auto& each) {
            return publications_[each.publication].publisher == visit;
        }));
    }
    return seen == written;
}

bool TopicBook::is_answered(std::uint32_t visit) const {
    return std::ranges::none_of(publications_, [visit](const Publication& each) {
        return each.publisher == visit && each.written != 0 && each.accepted == 0 &&
               !each.is_refused;
    });
}

void TopicBook::print() const {
    constexpr const char* names[] = {"raw", "rooms", "centrifuge"};
    for (std::size_t i = 0; i < publications_.size(); ++i) {
        const Publication& each = publications_[i];
        std::fprintf(stderr,
                     "publication %zu by %d for topic %u, %zu bytes: written as event %llu, "
                     "accepted as event %llu\n",
                     i, static_cast<int>(each.publisher), each.topic, each.size,
                     static_cast<unsigned long long>(each.written),
                     static_cast<unsigned long long>(each.accepted));
    }
    for (std::size_t i = 0; i < visitors_.size(); ++i) {
        const Visitor& visitor = visitors_[i];
        std::fprintf(stderr, "visit %zu, %s, shard %u: status %d, Close %u %s\n", i,
                     names[static_cast<std::size_t>(visitor.kind)], visitor.shard, visitor.status,
                     visitor.close_code, visitor.close_reason.c_str());
        for (const Run& run : visitor.runs) {
            std::fprintf(stderr, "  topic %u, live from event %llu:", run.topic,
                         static_cast<unsigned long long>(run.live));
            for (const Run::Entry& entry : run.entries) {
                if (entry.skipped_before > 0)
                    std::fprintf(stderr, " (%llu skipped)",
                                 static_cast<unsigned long long>(entry.skipped_before));
                std::fprintf(stderr, " %u", entry.publication);
            }
            std::fprintf(stderr, " (%llu skipped)%s\n",
                         static_cast<unsigned long long>(run.skipped), run.has_ended ? " end" : "");
        }
    }
}

}  // namespace ringcast::sim

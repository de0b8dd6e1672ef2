#pragma once
// Everything that was published in a run and everything that each client saw of it, and the rules
// that hold between the two. Knows no network, so that each rule can be seen failing on a made-up
// story.
//
// That all subscribers of a topic see one order, each a contiguous piece of it, is the same as
// this: whatever publication follows another one anywhere, follows it everywhere, and never leads
// back to it.
//
//   client A: 7 9 4       7 -> 9 -> 4 -> 8    links, each given by whoever sees two in a row
//   client B:   9 4 8
//
// Times are counted in events of the run (`order`), which have one order across shards and clients.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/time.hpp"
#include "sim/rules.hpp"

namespace ringcast::sim {

enum class VisitKind : std::uint8_t {
    raw,         ///< Of a TopicEndpoint: subscribed to the topic of the path from the 101 on.
    rooms,       ///< Of an application that subscribes and unsubscribes it at its word.
    centrifuge,  ///< Of a CentrifugeEndpoint. The book sees what it is told, not what is accepted.
};

class TopicBook {
public:
    static constexpr std::uint32_t nobody = UINT32_MAX;

    struct Publication {
        std::uint32_t publisher = nobody;  ///< A visit, or nobody: another thread of the server.
        std::uint32_t topic = 0;
        std::uint32_t key = 0;  ///< Newer ones of the same stand for it; 0: those without.
        bool is_text = true;
        bool is_json = false;        ///< A string of JSON; is_text.
        std::size_t size = 0;        ///< Of its payload, at least; the number in front needs some.
        std::uint64_t written = 0;   ///< The order in which writing began; 0: not yet.
        std::uint64_t accepted = 0;  ///< The order in which a shard took it; 0: not yet.
        bool is_refused = false;     ///< There was no room for it.
        Instant written_at = instant_never;  ///< Its last octet.
        std::uint32_t number = 0;  ///< Of those accepted from this publisher for this topic.
        std::uint32_t next = nobody, previous = nobody;  ///< Wherever two were seen in a row.
        // Of the checks.
        std::uint32_t chain = nobody, position = 0;
    };
    /// A position, as clients are told.
    struct Place {
        std::string epoch;
        std::uint64_t offset = 0;
    };
    /// Where a client is in a topic whose publications it counts.
    struct Standing {
        Place place;
        std::uint32_t last_seen = nobody;  ///< The publication there, if it is known.
        Instant since{};                   ///< It has counted since then.
        bool is_made_up = false;           ///< Nobody has ever been there.
    };
    /// What one client sees of one topic between the start and the end of a subscription.
    struct Run {
        struct Entry {
            std::uint32_t publication;
            std::uint64_t skipped_before;  ///< As it was told.
        };
        std::uint32_t topic = 0;
        /// It sees what is written from then on; 0: that is not certain.
        std::uint64_t live = 0;
        std::uint64_t own = 0;  ///< It sees what it writes itself from then on.
        std::vector<Entry> entries;
        std::uint64_t skipped = 0;              ///< It was told of so many behind the last entry.
        bool has_ended = false;                 ///< By its own wish.
        std::optional<Standing> resumed = {};   ///< It comes back to there.
        std::optional<Standing> standing = {};  ///< If it counts, once it knows.
    };
    struct Visitor {
        VisitKind kind = VisitKind::raw;
        std::uint32_t shard = 0;
        bool is_prompt = false;                     ///< Nothing holds up what is on its way to it.
        bool is_told_of_skips = false;              ///< If something is dropped.
        std::optional<std::uint32_t> resumes = {};  ///< It comes back to where that visit was.
        int status = 0;                             ///< Of the response, once it is there.
        bool has_closed = false;
        std::uint16_t close_code = 0;
        std::string close_reason;
        Instant closed_at{};
        std::uint64_t caught_up = 0;  ///< In that order it was not behind; 0: perhaps it was.
        std::vector<Run> runs;
    };
    struct Policy {
        bool drops = false;      ///< What slow consumers miss; else they are closed.
        bool conflates = false;  ///< But for the newest of each topic and key.
        /// Nobody is behind whose publications fit into that; 0: that is not certain.
        std::uint64_t queue_bytes = 0;
        std::uint16_t shutdown_code = 0;
        std::uint64_t kept_min = 0;     ///< Publications of a topic that are kept in any case ...
        Duration kept_for{};            ///< ... for so long.
        bool may_forget = false;        ///< Not so.
        bool is_newest_enough = false;  ///< Whoever comes back gets nothing but the newest one.
    };
    /// The server's side of the story.
    struct Circumstances {
        std::uint64_t deliveries_dropped = 0;  ///< Or replaced, as the shards counted.
        bool is_flushed = true;  ///< All that was accepted had the time to reach its subscribers.
    };

    explicit TopicBook(const Policy& policy) : policy_{policy} {}

    // Before the run.

    void add_visit(Visitor visitor) { visitors_.push_back(std::move(visitor)); }
    std::uint32_t add_publication(const Publication& publication);
    [[nodiscard]] std::string payload_of(std::uint32_t publication) const;

    // While it goes. What clients see is checked at once: throws Violation.

    /// Its publisher begins to write it; later: has written it.
    void on_written(std::uint32_t publication) { publications_[publication].written = ++order_; }
    void on_written_whole(std::uint32_t publication, Instant now) {
        publications_[publication].written_at = now;
    }
    /// By the shard of its publisher.
    void on_accepted(std::uint32_t publication);
    void on_refused(std::uint32_t publication) { publications_[publication].is_refused = true; }
    /// Its publisher is told what became of it. Others may have seen it before.
    void on_answered(std::uint32_t publication, bool is_accepted);
    void on_response(std::uint32_t visit, int status) { visitors_[visit].status = status; }
    /// The visit's subscription begins: it sees whatever is written from now on.
    void on_run(std::uint32_t visit, std::uint32_t topic);
    /// The visit asks for something. Returns the order in which it does so.
    std::uint64_t on_asked() { return ++order_; }
    /// The subscription that the visit has `asked` for begins: from then on it sees its own.
    void on_run(std::uint32_t visit, std::uint32_t topic, std::uint64_t asked);
    /// Likewise, and it is told so: it sees whatever is written from now on, too.
    void on_confirmed_run(std::uint32_t visit, std::uint32_t topic, std::uint64_t asked,
                          std::optional<Standing> resumed);
    void on_run_end(std::uint32_t visit, std::uint32_t topic);
    /// Returns what it was. `offset`: as it is told; 0: it has to count.
    std::uint32_t on_publication(std::uint32_t visit, bool is_text, std::string_view payload,
                                 std::uint64_t offset = 0);
    void on_skipped(std::uint32_t visit, std::uint32_t topic, std::uint64_t count);
    /// All is quiet, and its shard has sent it what there was.
    void on_caught_up(std::uint32_t visit) { visitors_[visit].caught_up = ++order_; }
    /// Somebody who asked for what is kept got this, at that place.
    void on_kept(const Place& place, bool is_text, std::string_view payload);
    /// Where the visit that this one comes back for has got to. None, and it begins anew, if that
    /// was told nothing.
    [[nodiscard]] std::optional<Place> resume(std::uint32_t visit);
    /// Where the visit is, or was at last, in that topic; null: it never knew.
    [[nodiscard]] const Standing* standing(std::uint32_t visit, std::uint32_t topic) const;
    /// Where it was that many publications before, as far as it has seen so many.
    [[nodiscard]] Standing standing_before(std::uint32_t visit, std::uint32_t topic,
                                           std::size_t count) const;
    [[nodiscard]] bool was_recovered(std::uint32_t visit) const {
        const std::optional<Standing>& standing = visitors_[visit].runs.back().standing;
        return standing && standing->last_seen != nobody;
    }
    /// The visit is told where it is, and if it comes back, whether nothing is missing before that.
    /// `since`: it was there then, or later.
    void on_position(std::uint32_t visit, std::uint32_t topic, const Place& place,
                     std::optional<bool> recovered, Instant now, Instant since);
    void on_close(std::uint32_t visit, std::uint16_t code, std::string_view reason, Instant now);

    /// Who published and who saw what, to stderr.
    void print() const;

    /// After the run. Throws Violation.
    void check(const Circumstances& circumstances);

    /// The publication that `payload` says it is; none if it says nothing like that.
    [[nodiscard]] std::optional<std::uint32_t> read(std::string_view payload) const;
    [[nodiscard]] const Publication& publication(std::uint32_t id) const {
        return publications_[id];
    }
    [[nodiscard]] const std::vector<Publication>& publications() const { return publications_; }
    [[nodiscard]] const Visitor& visitor(std::uint32_t visit) const { return visitors_[visit]; }
    [[nodiscard]] const std::vector<Visitor>& visitors() const { return visitors_; }
    /// All that the visit has published and that was accepted has come back to it.
    [[nodiscard]] bool has_seen_own(std::uint32_t visit) const;
    /// A shard has decided about all that the visit has written.
    [[nodiscard]] bool is_answered(std::uint32_t visit) const;
    /// Times that a client was told of a gap.
    [[nodiscard]] std::uint64_t gaps_told() const noexcept { return gaps_told_; }
    /// Publications by sessions of rooms that had to come back to them, and did.
    [[nodiscard]] std::uint64_t own_proven() const noexcept { return own_proven_; }
    /// Clients that came back, and whose first publication was the one behind their last.
    [[nodiscard]] std::uint64_t recoveries_proven() const noexcept { return recoveries_proven_; }
    /// Gaps whose size was checked against what others saw.
    [[nodiscard]] std::uint64_t gaps_proven() const noexcept { return gaps_proven_; }
    /// Publications that were missing where a newer one stands for them.
    [[nodiscard]] std::uint64_t replaced_proven() const noexcept { return replaced_proven_; }

private:
    [[noreturn]] void fail(Rule rule, std::uint32_t visit, const std::string& text) const;
    [[nodiscard]] Run* open_run(std::uint32_t visit, std::uint32_t topic);
    void link(std::uint32_t visit, std::uint32_t earlier, std::uint32_t later);
    [[nodiscard]] bool is_at(const Place& place, std::uint32_t publication);
    void count(std::uint32_t visit, Run& run, std::uint32_t publication);
    void check_resumed(std::uint32_t visit, Run& run, bool recovered, Instant now);

    [[nodiscard]] bool was_published(std::uint32_t id);

    // topic_checks.cpp
    void number_publications();
    void find_chains();
    void check_run(std::uint32_t visit, const Run& run, bool is_flushed);
    void check_publishers(std::uint32_t visit, const Run& run, bool is_whole) const;
    void check_gaps(std::uint32_t visit, const Run& run);
    void check_start(std::uint32_t visit, const Run& run) const;
    void check_own(std::uint32_t visit, const Run& run);
    void check_end(std::uint32_t visit, const Run& run) const;
    void check_complete(std::uint32_t visit, const Run& run) const;
    void check_standing(std::uint32_t visit, const Run& run) const;
    void check_behind(std::uint32_t visit, const Run& run) const;
    void check_newest(std::uint32_t visit, const Run& run);
    [[nodiscard]] bool has_caught_up(std::uint32_t visit) const;
    [[nodiscard]] static std::uint64_t told_of(const Run& run);
    /// Of the publications that were accepted and `are_due` to the subscriber.
    struct Due {
        std::uint64_t seen = 0, missing = 0;
    };
    template <class AreDue>
    [[nodiscard]] Due count_due(const Run& run, AreDue&& are_due) const;
    [[nodiscard]] bool may_miss_silently(std::uint32_t visit) const {
        return policy_.drops && !visitors_[visit].is_told_of_skips;
    }

    Policy policy_;
    std::uint64_t order_ = 0;
    std::vector<Publication> publications_;
    std::vector<Visitor> visitors_;
    std::uint64_t missed_silently_ = 0, told_ = 0, gaps_told_ = 0, gaps_proven_ = 0,
                  own_proven_ = 0, recoveries_proven_ = 0, replaced_proven_ = 0;
    std::map<std::tuple<std::uint32_t, std::string, std::uint64_t>, std::uint32_t> numbered_;
    std::map<std::uint32_t, std::uint64_t> numbers_;  // By publication.
};

}  // namespace ringcast::sim

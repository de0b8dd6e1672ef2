#pragma once
// What one client of the Centrifuge protocol says during one connection, and whether what it is
// told is what the protocol has for that. Without a connection: messages go out and come in.
//
//   each command with an id has one reply, in their order: a result, or the error that is due
//   a subscription begins with its reply, counts on from there, and ends with one, or a push
//   what comes goes into the TopicBook, who comes and goes into the HallBook

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "dialect/centrifuge/command.hpp"
#include "sim/centrifuge_damage.hpp"
#include "sim/centrifuge_orders.hpp"
#include "sim/centrifuge_replies.hpp"
#include "sim/centrifuge_visit.hpp"
#include "sim/hall_book.hpp"
#include "sim/topic_book.hpp"
#include "sim/topic_break.hpp"
#include "sim/topic_scenario.hpp"

namespace ringcast::sim {

/// What all of a run's clients share.
struct CentrifugeStage {
    const TopicScenario& scenario;
    TopicBook& book;
    HallBook hall;  ///< Of each visit, in each topic, one guest.
    std::uint32_t first_visitor = 0;
    TopicBreak broken = TopicBreak::none;
    bool is_ending = false;             ///< The server is told to stop ...
    Instant ending_at = instant_never;  ///< ... at that time.
    Instant now{};
    std::vector<CentrifugeOrder> orders{};
    std::vector<std::uint32_t> users{};  ///< By visit.
    std::set<std::uint32_t> gone{};      ///< Visits that the server is through with.

    [[nodiscard]] std::uint32_t guest_of(std::uint32_t visit, std::uint32_t topic) const noexcept {
        return visit * static_cast<std::uint32_t>(scenario.shared_topics_count) + topic;
    }
    /// The server, too, is through with the visit.
    void on_gone(std::uint32_t visit) {
        gone.insert(visit);
        for (std::uint32_t topic = 0; topic < scenario.shared_topics_count; ++topic)
            hall.on_end(guest_of(visit, topic), now);
    }
};

/// Of a run.
struct CentrifugeCounts {
    std::uint64_t replies = 0, errors = 0, publications = 0, histories = 0, presences = 0,
                  events = 0, joined = 0, renewals = 0, deltas = 0, skips = 0, imposed = 0,
                  recovered = 0, not_recovered = 0, unsubscribed = 0, pings = 0;
};

class CentrifugeConversation {
public:
    CentrifugeConversation(std::uint32_t number, const CentrifugeVisit& visit,
                           CentrifugeStage& stage, CentrifugeCounts& counts)
        : number_{number}, visit_{visit}, stage_{stage}, counts_{counts}, damage_{stage.broken} {}

    /// Appends a command to `message`.
    void say(const CentrifugeAction& action, std::string& message);
    /// A message has come.
    void take(std::string_view message);
    /// It is about to break off, as far as it knows.
    void leave();

    /// All that it has asked for has been answered.
    [[nodiscard]] bool is_answered() const noexcept { return asked_.empty(); }
    /// The server will not go on behind what it has said.
    [[nodiscard]] bool is_doomed() const noexcept { return is_doomed_; }
    /// It has said what the server closes with this code for, and has its answers to all before.
    [[nodiscard]] bool is_due(std::uint16_t code) const noexcept {
        return asked_.size() == 1 && asked_.front().disconnect == code;
    }
    [[nodiscard]] bool is_connected() const noexcept { return is_connected_; }
    /// An order may have ended it with that.
    [[nodiscard]] bool may_be_ordered(std::uint16_t code) const;
    /// Its token, or what that lets it join, may have.
    [[nodiscard]] bool may_be_ended(std::uint16_t code) const;
    /// The server has stopped: whatever was carried out before has become of it.
    void check_orders() const;
    /// Pings that are to be answered.
    [[nodiscard]] std::uint32_t take_pings() noexcept { return std::exchange(pings_, 0); }
    /// What an action names; nothing if it has never been anywhere there, neither now nor the last
    /// time.
    [[nodiscard]] std::optional<TopicBook::Standing> place_of(const CentrifugeAction& action) const;
    /// Null: it is not there, or hears nothing.
    [[nodiscard]] const Company* company(std::uint32_t topic) const;

private:
    struct Asked {
        CentrifugeAction action;
        std::uint32_t id = 0;
        std::uint64_t order = 0;  // Of the question, in the TopicBook.
        std::uint64_t tag = 0;    // In the HallBook.
        Instant at{};
        std::optional<TopicBook::Standing> from{};
        std::map<std::uint32_t, TopicBook::Standing> back_to{};  // Of connect: by topic.
        // Of history: publications that have come by then since the subscription was asked for.
        std::uint64_t heard = 0;
        Instant heard_since{};
        bool was_lost = false;         // Its topic's subscription, before the answer.
        std::uint16_t disconnect = 0;  // With which the server answers; 0: with a reply.
    };
    struct Subscription {
        bool hears_others = false, takes_deltas = false;
        std::string previous;     // What deltas are to.
        Instant since{};          // It was asked for.
        std::uint64_t heard = 0;  // Publications since it began.
        bool is_imposed = false;  // By an order, which needs no right.
        std::uint64_t begun = 0;  // The order in which it was told so.
        Instant ends_from = instant_never, ends_at = instant_never;  // It ends by itself between.
        Company company;
    };

    [[nodiscard]] std::uint16_t disconnect_of(const CentrifugeAction& action) const noexcept;
    void note(const Asked& asked);
    [[nodiscard]] dialect::centrifuge::Command command_of(const Asked& asked,
                                                          const std::string& payload) const;

    void accept(const told::Reply& reply);
    void take_answer(const told::Reply& reply);
    void take_error(const Asked& asked, std::uint32_t code);
    [[nodiscard]] std::uint32_t due_error(const Asked& asked) const;
    [[nodiscard]] bool is_full() const;
    [[nodiscard]] bool may_be_full() const;
    [[nodiscard]] bool is_late(const Asked& asked) const;
    [[nodiscard]] bool may_fail(const Asked& asked, std::uint32_t code) const;
    [[nodiscard]] std::uint64_t written_count(std::uint32_t topic) const;
    [[nodiscard]] bool is_surely_kept(std::uint32_t topic, Instant since) const;
    void on_connected(const Asked& asked, const told::Connect& result);
    void on_joined(const Asked& asked, const told::Connect& result);
    void on_renewed(const Asked& asked, const told::Refreshed& result);
    void take_ttl(const Asked& asked, bool expires, std::uint32_t ttl);
    void take_grants(const Asked& asked);
    [[nodiscard]] TopicAccess access_to(std::uint32_t topic) const;
    [[nodiscard]] bool is_revoked(std::uint32_t topic) const;
    [[nodiscard]] bool may_be_refused(const Asked& asked, std::uint32_t code) const;
    void on_subscribed(const Asked& asked, const told::Subscribe& result);
    void on_unsubscribed(const Asked& asked);
    void on_history(const Asked& asked, const told::History& result);
    [[nodiscard]] std::uint64_t history_count_min(const Asked& asked) const;
    void on_presence(const Asked& asked, const told::Presence& result);
    void on_presence_stats(const Asked& asked, const told::PresenceStats& result);
    void take_push(const told::Push& push);
    void take_publication(std::uint32_t topic, told::Publication publication);
    [[nodiscard]] std::string whole(const told::Publication& publication,
                                    const std::string& previous) const;
    void take_event(std::uint32_t topic, const told::Client& client, bool is_join);
    void end_subscription(std::uint32_t topic);
    void take_imposed(std::uint32_t topic, const told::Imposed& what);
    void check_order(const CentrifugeOrder& order) const;
    void check_ends() const;
    void take_refresh(const told::Refresh& what);
    /// An order of that kind has been given for it.
    template <class IsMeant>
    [[nodiscard]] bool is_ordered(IsMeant&& is_meant) const {
        return std::ranges::any_of(stage_.orders, [&](const CentrifugeOrder& each) {
            return each.means(number_) && each.given != 0 && is_meant(each);
        });
    }

    /// A publication as it was published.
    struct Payload {
        bool is_text = true;
        std::string bytes;
    };
    [[nodiscard]] Payload payload_of(const told::Publication& publication) const;
    void check_publisher(const told::Publication& publication, std::string_view payload) const;
    [[nodiscard]] std::uint32_t visit_of(const std::string& client) const;
    [[nodiscard]] std::uint32_t visit_of(const told::Client& client) const;
    [[nodiscard]] bool is_kept() const noexcept {
        return stage_.scenario.settings.topics.home.stream.count_max > 0;
    }
    [[nodiscard]] const hub::PresencePolicy& presence() const noexcept {
        return stage_.scenario.settings.topics.home.presence;
    }
    [[nodiscard]] std::uint32_t visitor() const noexcept { return stage_.first_visitor + number_; }
    [[nodiscard]] std::uint32_t guest(std::uint32_t topic) const noexcept {
        return stage_.guest_of(number_, topic);
    }
    [[noreturn]] void fail(Rule rule, const std::string& text) const;

    const std::uint32_t number_;
    const CentrifugeVisit& visit_;
    CentrifugeStage& stage_;
    CentrifugeCounts& counts_;
    CentrifugeDamage damage_;
    std::uint32_t last_id_ = 0;
    std::deque<Asked> asked_;
    std::uint64_t connected_ = 0;                    // The order in which it was told so.
    std::map<std::uint32_t, std::uint64_t> wishes_;  // By topic: the last (un)subscribe.
    bool has_asked_connect_ = false, is_connected_ = false, is_doomed_ = false;
    std::uint32_t pings_ = 0;
    // The session ends by itself between those times.
    Instant ends_from_ = instant_never, ends_at_ = instant_never;
    bool is_refused_ = false;
    std::vector<std::uint32_t> granted_;                   // Topics, by the token that counts.
    std::map<std::uint32_t, Subscription> subscriptions_;  // By topic.
};

}  // namespace ringcast::sim

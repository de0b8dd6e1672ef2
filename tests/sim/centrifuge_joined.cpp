// What its token does to a client of the Centrifuge protocol: who it is, what it is subscribed to
// from the start, and until when it may stay.

#include <algorithm>
#include <string>
#include <vector>

#include "sim/centrifuge_conversation.hpp"
#include "sim/centrifuge_peer.hpp"

namespace ringcast::sim {

using Say = CentrifugeAction::Kind;

namespace {

/// Errors, and closes, as numbers.
constexpr std::uint32_t said_internal = 100, said_limit = 106, said_token_expired = 109;
constexpr std::uint16_t ended_expired = 3005, ended_insufficient = 3010, ended_bad_request = 3501,
                        ended_full = 3505;
/// What a client is granted beyond its time.
constexpr Duration refresh_grace = std::chrono::seconds{25};

}  // namespace

/// It is subscribed to what its token names, and to nothing else.
void CentrifugeConversation::on_joined(const Asked& asked, const told::Connect& result) {
    take_ttl(asked, result.expires, result.ttl);
    take_grants(asked);
    const std::vector<std::uint32_t> topics =
        visit_.tokens.empty() ? std::vector<std::uint32_t>{} : visit_.tokens.front().topics;
    if (result.subs.size() != topics.size())
        fail(Rule::commands_answered, "was subscribed to what its token does not name");
    for (const std::uint32_t topic : topics) {
        const auto joined = result.subs.find(stage_.scenario.topics[topic]);
        if (joined == result.subs.end())
            fail(Rule::commands_answered, "was not subscribed to what its token names");
        ++counts_.joined;
        Asked each = asked;
        each.action = {.kind = Say::subscribe, .topic = topic};
        const auto back_to = asked.back_to.find(topic);
        if (back_to != asked.back_to.end()) each.from = back_to->second;
        // What all of them have missed may not fit one message.
        const bool may_not_fit = stage_.scenario.session_limits.send_queue_bytes_max < 1u << 20;
        if (each.from && may_not_fit && !joined->second.recovered) each.from->is_made_up = true;
        on_subscribed(each, joined->second);
    }
}

void CentrifugeConversation::on_renewed(const Asked& asked, const told::Refreshed& result) {
    ++counts_.renewals;
    if (visit_of(result.client) != number_)
        fail(Rule::commands_answered, "was told that it is somebody else");
    take_ttl(asked, result.expires, result.ttl);
    take_grants(asked);
    // What it has lost it has been told before.
    for (const auto& [topic, subscription] : subscriptions_) {
        if (!subscription.is_imposed && access_to(topic) < TopicAccess::subscribe)
            fail(Rule::rights_kept, "is still subscribed to what its token does not name");
    }
}

void CentrifugeConversation::take_grants(const Asked& asked) {
    if (!visit_.tokens.empty()) granted_ = visit_.tokens[asked.action.number].topics;
}

TopicAccess CentrifugeConversation::access_to(std::uint32_t topic) const {
    const CentrifugePolicy& policy = *stage_.scenario.centrifuge;
    TopicAccess access = policy.anonymous;
    if (visit_.user() != 0) access = std::max(access, policy.users);
    const bool is_granted = std::ranges::find(granted_, topic) != granted_.end();
    return is_granted ? std::max(access, TopicAccess::subscribe) : access;
}

/// By the renewal that is being answered.
bool CentrifugeConversation::is_revoked(std::uint32_t topic) const {
    if (asked_.empty() || asked_.front().action.kind != Say::renew) return false;
    const auto& topics = visit_.tokens[asked_.front().action.number].topics;
    const auto policy_access = stage_.scenario.centrifuge->anonymous;
    const bool is_open =
        std::max(policy_access, visit_.user() != 0 ? stage_.scenario.centrifuge->users
                                                   : policy_access) >= TopicAccess::subscribe;
    return !is_open && std::ranges::find(topics, topic) == topics.end();
}

/// Between the question and the answer the server has looked at its clock.
void CentrifugeConversation::take_ttl(const Asked& asked, bool expires, std::uint32_t ttl) {
    const auto token_ttl =
        visit_.tokens.empty() ? std::nullopt : visit_.tokens[asked.action.number].ttl;
    if (expires != token_ttl.has_value())
        fail(Rule::commands_answered, "was told of another end than its token's");
    ends_from_ = ends_at_ = instant_never;
    if (!token_ttl) return;
    const auto passed = wall_time(stage_.now) - wall_time(asked.at);
    const std::int64_t least = std::max<std::int64_t>(*token_ttl - passed, 1);
    if (ttl < least || ttl > *token_ttl) {
        fail(Rule::commands_answered, "was told of an end in " + std::to_string(ttl) + " s, not " +
                                          std::to_string(least) + " to " +
                                          std::to_string(*token_ttl));
    }
    ends_from_ = asked.at + std::chrono::seconds{ttl} + refresh_grace;
    ends_at_ = stage_.now + std::chrono::seconds{ttl} + refresh_grace;
}

/// There is no room where its token wants it to be, or that has expired on the way.
bool CentrifugeConversation::may_be_refused(const Asked& asked, std::uint32_t code) const {
    const TopicScenario& scenario = stage_.scenario;
    if (visit_.tokens.empty()) return false;
    const CentrifugeToken& token = visit_.tokens[asked.action.number];
    if (code == said_token_expired)
        return token.ttl && wall_time(stage_.now) >= wall_time(asked.at) + *token.ttl;
    if (asked.action.kind != Say::connect || token.topics.empty()) return false;
    if (code == said_limit) return scenario.has_small_limits;
    return code == said_internal && (scenario.has_small_limits || scenario.may_stall());
}

bool CentrifugeConversation::may_be_ended(std::uint16_t code) const {
    const TopicScenario& scenario = stage_.scenario;
    const bool joins = !visit_.tokens.empty() && !visit_.tokens.front().topics.empty();
    switch (code) {
        case ended_expired: return stage_.now >= ends_from_;
        case ended_bad_request: return is_refused_;
        // What comes until all of them are live has to fit into a queue.
        case ended_insufficient:
            return joins && (scenario.may_stall() || scenario.has_slow_readers ||
                             scenario.is_memory_scarce || may_overflow(scenario));
        case ended_full: return joins && scenario.has_small_limits;
        default: return false;
    }
}

/// Who it is is said, too.
std::uint32_t CentrifugeConversation::visit_of(const told::Client& client) const {
    const std::uint32_t visit = visit_of(client.client);
    if (client.user != name_of_user(stage_.users[visit]))
        fail(Rule::presence_true, "was told of another user: " + client.user);
    return visit;
}

}  // namespace ringcast::sim

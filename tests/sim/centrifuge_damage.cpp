#include "sim/centrifuge_damage.hpp"

#include <utility>

namespace ringcast::sim {

std::vector<told::Reply> CentrifugeDamage::done_to(told::Reply reply,
                                                   std::optional<std::uint64_t> asked_offset) {
    if (reply.push) return done_to_push(std::move(reply));
    if (reply.is_ping()) return {std::move(reply)};
    spoil(reply, asked_offset);
    if (break_ == TopicBreak::swap_answers) return swapped(std::move(reply));
    if (break_ == TopicBreak::lose_answer && reply.publish) return {};
    const bool talks_on = break_ == TopicBreak::talk_on && reply.unsubscribe && newest_;
    std::vector<told::Reply> replies{std::move(reply)};
    if (talks_on) replies.push_back(*newest_);
    return replies;
}

std::vector<told::Reply> CentrifugeDamage::done_to_push(told::Reply push) {
    if (break_ == TopicBreak::lose_departure && push.push->leave) return {};
    constexpr std::uint32_t revoked_code = 2502;
    if (break_ == TopicBreak::hide_revocation && push.push->unsubscribe &&
        push.push->unsubscribe->code == revoked_code)
        return {};
    if (!push.push->pub) return {std::move(push)};
    ++pushes_;
    newest_ = push;
    if (break_ == TopicBreak::lose_push && pushes_ == 2) return {};
    if (break_ == TopicBreak::repeat_push && pushes_ == 2) return {push, push};
    if (break_ == TopicBreak::hide_skip) push.push->pub->tags.erase("skipped");
    if (break_ == TopicBreak::hide_publisher) push.push->pub->info.reset();
    return {std::move(push)};
}

/// The second answer and the one behind it.
std::vector<told::Reply> CentrifugeDamage::swapped(told::Reply answer) {
    if (answer.id == 2) {
        held_ = std::move(answer);
        return {};
    }
    std::vector<told::Reply> replies{std::move(answer)};
    if (held_) replies.push_back(*std::exchange(held_, std::nullopt));
    return replies;
}

void CentrifugeDamage::spoil(told::Reply& answer, std::optional<std::uint64_t> asked_offset) const {
    constexpr std::uint32_t concurrent_pagination = 113;
    if (answer.error && break_ == TopicBreak::change_error)
        answer.error->code = concurrent_pagination;
    if (answer.presence && break_ == TopicBreak::forget_client &&
        !answer.presence->presence.empty())
        answer.presence->presence.erase(answer.presence->presence.begin());
    if (answer.connect && break_ == TopicBreak::forget_joined && !answer.connect->subs.empty())
        answer.connect->subs.erase(answer.connect->subs.begin());
    if (answer.history && break_ == TopicBreak::lose_history) answer.history->publications.clear();
    if (answer.history && break_ == TopicBreak::cut_history &&
        answer.history->publications.size() > 2)
        answer.history->publications.erase(answer.history->publications.begin() + 1);
    if (!answer.subscribe || !answer.subscribe->was_recovering) return;
    told::Subscribe& result = *answer.subscribe;
    if (!result.recovered && break_ == TopicBreak::claim_recovery && asked_offset) {
        result.recovered = true;
        result.offset = *asked_offset;
    }
    if (!result.recovered) return;
    if (break_ == TopicBreak::deny_recovery) {
        result.offset += result.publications.size();
        result.publications.clear();
        result.recovered = false;
    }
    if (break_ == TopicBreak::repeat_missed && !result.publications.empty())
        result.publications.push_back(result.publications.back());
    if (break_ == TopicBreak::shorten_missed && !result.publications.empty())
        result.publications.pop_back();
}

}  // namespace ringcast::sim

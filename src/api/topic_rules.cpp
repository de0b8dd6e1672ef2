#include "api/topic_rules.hpp"

#include <algorithm>

namespace ringcast::api {

namespace {

/// Whether `user` is among those that the name of the topic ends with: `room#7,9`. True if it names
/// none.
bool is_listed(std::string_view topic, std::string_view user) noexcept {
    const std::size_t mark = topic.rfind('#');
    if (mark == std::string_view::npos) return true;
    if (user.empty()) return false;
    for (std::string_view rest = topic.substr(mark + 1);;) {
        const std::size_t comma = rest.find(',');
        if (rest.substr(0, comma) == user) return true;
        if (comma == std::string_view::npos) return false;
        rest.remove_prefix(comma + 1);
    }
}

Denial denial_by(TopicAudience audience, const Identity& who) noexcept {
    switch (audience) {
        case TopicAudience::nobody: return Denial::forbidden;
        case TopicAudience::token: return who.has_token ? Denial::none : Denial::needs_token;
        case TopicAudience::users: return who.user.empty() ? Denial::needs_user : Denial::none;
        case TopicAudience::anyone: return Denial::none;
    }
    return Denial::forbidden;
}

}  // namespace

dialect::TopicNameFault check_topic(const hub::TopicNamespaces& namespaces,
                                    std::string_view topic) noexcept {
    using dialect::TopicNameFault;
    const TopicNameFault fault = dialect::check_topic_name(topic);
    if (fault != TopicNameFault::reserved) return fault;
    if (hub::TopicNamespaces::name_in(topic).empty()) return fault;
    return namespaces.find(topic) != nullptr ? TopicNameFault::none
                                             : TopicNameFault::unknown_namespace;
}

TopicAccess general_access(TopicAccess anonymous, TopicAccess users, const Identity& who) noexcept {
    TopicAccess access = anonymous;
    if (!who.user.empty()) access = std::max(access, users);
    if (who.has_token) access = std::max(access, TopicAccess::subscribe);
    return access;
}

Denial decide(const hub::TopicNamespaces& namespaces, TopicAccess everybody, std::string_view topic,
              const Identity& who, TopicAction action) noexcept {
    const bool publishes = action == TopicAction::publish;
    const hub::TopicPolicy* const policy = namespaces.find(topic);
    if (policy == nullptr) {
        const TopicAccess needed = publishes ? TopicAccess::publish : TopicAccess::subscribe;
        return everybody >= needed ? Denial::none : Denial::forbidden;
    }
    if (!who.has_token) {
        if (topic.starts_with('$')) return Denial::needs_token;
        if (!is_listed(topic, who.user))
            return who.user.empty() ? Denial::needs_user : Denial::not_listed;
    }
    if (publishes) return denial_by(policy->publish, who);
    // Whoever made the token has decided.
    const bool is_closed = policy->subscribe == TopicAudience::nobody;
    return who.has_token && !is_closed ? Denial::none : denial_by(policy->subscribe, who);
}

TopicRights rights_of(const hub::TopicNamespaces& namespaces, TopicAccess everybody,
                      std::string_view topic, const Identity& who) noexcept {
    const auto said = [&](TopicAction action) {
        return decide(namespaces, everybody, topic, who, action);
    };
    const Denial subscribe = said(TopicAction::subscribe);
    return {.may_subscribe = subscribe == Denial::none,
            .may_publish = said(TopicAction::publish) == Denial::none,
            .is_closed = subscribe == Denial::forbidden};
}

}  // namespace ringcast::api

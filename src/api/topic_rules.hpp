#pragma once
// Which names clients may use, and who may do what with the topic of that name. Asked where
// somebody comes to a topic, or publishes through a protocol in which each message names its topic.
//
//   name            subscribe, look back                 publish
//   today           as of `everybody`                    as of `everybody`
//   news:today      TopicPolicy::subscribe               TopicPolicy::publish
//   $news:today     a token that names it                a token that names it, and that audience
//   news:room#7,9   users 7 and 9, of that audience      users 7 and 9, of that audience
//
// A token that names a topic stands for its name's users and for its audience of subscribers.

#include <cstdint>
#include <string_view>

#include "dialect/topic_name.hpp"
#include "hub/topic_namespaces.hpp"
#include "ringcast/topic.hpp"

namespace ringcast::api {

/// As dialect::check_topic_name(), but names in a namespace that there is are in order; and of one
/// that there is not this says so.
[[nodiscard]] dialect::TopicNameFault check_topic(const hub::TopicNamespaces& namespaces,
                                                  std::string_view topic) noexcept;

/// Who asks. A view.
struct Identity {
    std::string_view user{};  ///< Empty: has not proven who it is.
    bool has_token = false;   ///< One that names the topic in question.
};

/// What `who` may do with a topic without a namespace, where all may do what `anonymous` says, and
/// those who have proven who they are what `users` says.
[[nodiscard]] TopicAccess general_access(TopicAccess anonymous, TopicAccess users,
                                         const Identity& who) noexcept;

enum class TopicAction : std::uint8_t {
    subscribe,
    look_back,  ///< History and presence.
    publish,
};

/// Why not.
enum class Denial : std::uint8_t {
    none,         ///< Allowed.
    needs_token,  ///< That names the topic.
    needs_user,   ///< Nobody knows who asks.
    not_listed,   ///< The name of the topic says for whom it is.
    forbidden,    ///< Whoever asks.
};

/// `topic` is in order as of check_topic(). `everybody`: what all may do with topics without a
/// namespace.
[[nodiscard]] Denial decide(const hub::TopicNamespaces& namespaces, TopicAccess everybody,
                            std::string_view topic, const Identity& who,
                            TopicAction action) noexcept;

/// With one topic; neither includes the other.
struct TopicRights {
    bool may_subscribe = false;
    bool may_publish = false;
    bool is_closed = false;  ///< Nobody may subscribe, whoever it is.

    friend bool operator==(const TopicRights&, const TopicRights&) = default;
};

[[nodiscard]] constexpr TopicRights rights_in(TopicAccess access) noexcept {
    return {.may_subscribe = access >= TopicAccess::subscribe,
            .may_publish = access >= TopicAccess::publish};
}

/// What decide() allows.
[[nodiscard]] TopicRights rights_of(const hub::TopicNamespaces& namespaces, TopicAccess everybody,
                                    std::string_view topic, const Identity& who) noexcept;

}  // namespace ringcast::api

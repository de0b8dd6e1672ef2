#pragma once
// The namespaces of a server: one table, made before its shards and constant while they live, which
// all of them read.
//
//   news:today       the namespace news
//   $news:today      likewise; and whoever subscribes needs a token that names the topic
//   news:room#7,9    likewise; for the users 7 and 9
//   today            none: what the server says of all other topics
//
// A topic's namespace is looked up where somebody comes to it, where its home makes it, and where a
// subscriber is behind: never for a delivery.

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "hub/topic_policy.hpp"

namespace ringcast::hub {

class TopicNamespaces {
public:
    /// 1 to 64 letters, digits, `_`, `-` and `.`.
    [[nodiscard]] static bool is_name(std::string_view name) noexcept;

    /// What `topic` says that its namespace is, be it there or not; empty: it says none.
    [[nodiscard]] static std::string_view name_in(std::string_view topic) noexcept;

    /// `name` is one. False, and nothing changes, if it is there.
    bool add(std::string_view name, const TopicPolicy& policy);
    /// Null if `topic` has no namespace, or one that is not there. Valid until the next add().
    [[nodiscard]] const TopicPolicy* find(std::string_view topic) const noexcept;
    [[nodiscard]] bool empty() const noexcept { return policies_.empty(); }
    /// Whether some are for anyone, in whatever way.
    [[nodiscard]] bool has_open() const noexcept;
    /// How often a client may publish to `topic`; null if that is not limited. As find().
    [[nodiscard]] const TokenRate* rate_of(std::string_view topic) const noexcept;

private:
    std::map<std::string, TopicPolicy, std::less<>> policies_;
};

/// For who has none.
extern const TopicNamespaces no_namespaces;

}  // namespace ringcast::hub

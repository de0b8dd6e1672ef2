#pragma once
// What holds for the topics of one namespace: what is kept of them and told of their clients, who
// may do what with them, and what becomes of subscribers that fall behind.

#include <optional>

#include "base/token_bucket.hpp"
#include "hub/stream.hpp"
#include "ringcast/topic.hpp"

namespace ringcast::hub {

/// What is told of the clients in a topic.
struct PresencePolicy {
    bool is_kept = false;       ///< Who is there, to subscribers who ask.
    bool is_announced = false;  ///< Who comes and who goes, to subscribers who want to know ...
    bool is_forced = false;     ///< ... and to all others whose protocol has a place for that.
};

struct TopicPolicy {
    StreamLimits stream;
    PresencePolicy presence;
    TopicDelta delta = TopicDelta::off;
    TopicAudience subscribe = TopicAudience::users;
    TopicAudience publish = TopicAudience::nobody;
    TokenRate rate{};  ///< Of publications by one client to one topic.
    /// Without a value: what the subscriber's endpoint says.
    std::optional<SlowConsumer> slow_consumer;
};

}  // namespace ringcast::hub

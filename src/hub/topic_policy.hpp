#pragma once
// What holds for the topics of one namespace: what is kept of them, who may do what with them, and
// what becomes of subscribers that fall behind.

#include <optional>

#include "hub/stream.hpp"
#include "ringcast/topic.hpp"

namespace ringcast::hub {

struct TopicPolicy {
    StreamLimits stream;
    TopicAudience subscribe = TopicAudience::users;
    TopicAudience publish = TopicAudience::nobody;
    /// Without a value: what the subscriber's endpoint says.
    std::optional<SlowConsumer> slow_consumer;
};

}  // namespace ringcast::hub

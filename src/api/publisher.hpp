#pragma once
// What stands behind a public Publisher.

#include "hub/topic_namespaces.hpp"
#include "ringcast/topics.hpp"
#include "shard/publisher_lane.hpp"

namespace ringcast {

/// Owns one reference to the lane. May outlive the server, so what names there are is a copy.
struct Publisher::Impl {
    shard::PublisherLane& lane;
    hub::TopicNamespaces namespaces;
};

}  // namespace ringcast

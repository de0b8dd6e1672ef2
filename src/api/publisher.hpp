#pragma once
// What stands behind a public Publisher.

#include "ringcast/topics.hpp"
#include "shard/publisher_lane.hpp"

namespace ringcast {

/// Owns one reference to the lane.
struct Publisher::Impl {
    shard::PublisherLane& lane;
};

}  // namespace ringcast

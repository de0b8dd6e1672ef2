#pragma once
// Publications whose publisher is told what became of them: which place they got, or that they were
// published before under the same key. Only the home of a topic knows, so they are handed to it.

#include <string_view>

#include "hub/position.hpp"
#include "ringcast/topic.hpp"

namespace ringcast::shard {

struct Submitted {
    PublishStatus status = PublishStatus::accepted;
    /// accepted: of the publication. Without an epoch where the topic keeps nothing.
    hub::Position position;
};

}  // namespace ringcast::shard

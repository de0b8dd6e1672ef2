#pragma once
// Publications whose publisher is told what became of them: which place they got, or that they were
// published before under the same key. Only the home of a topic knows, so they are handed to it.

#include <cstddef>
#include <span>
#include <string_view>

#include "hub/position.hpp"
#include "ringcast/topic.hpp"

namespace ringcast::shard {

/// What comes with one. Views.
struct SubmitOptions {
    /// Not empty: if something was published to the topic under the same one within the last
    /// minutes, this is not. hub::PublishKeys::is_valid(key).
    std::string_view key{};
    std::span<const std::byte> info{};  ///< A packed PublicationInfo, or nothing.
};

struct Submitted {
    PublishStatus status = PublishStatus::accepted;
    /// accepted: of the publication, or of the one before under its key. Without an epoch where the
    /// topic keeps nothing.
    hub::Position position;
};

}  // namespace ringcast::shard

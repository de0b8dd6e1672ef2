#pragma once
// Publications whose publisher is told what became of them: which place they got, or that they were
// published before under the same key, or that something newer was. Only the home of a topic knows,
// so they are handed to it.

#include <cstddef>
#include <span>
#include <string_view>

#include "hub/position.hpp"
#include "hub/stream.hpp"
#include "ringcast/topic.hpp"

namespace ringcast::shard {

/// What comes with one. Views.
struct SubmitOptions {
    /// Not empty: if something was published to the topic under the same one within the last
    /// minutes, this is not. hub::PublishKeys::is_valid(key).
    std::string_view key{};
    /// If something as new was published to the topic, which keeps publications, this is not.
    hub::PublicationVersion version{};
    std::span<const std::byte> info{};  ///< A packed PublicationInfo, or nothing.
};

struct Submitted {
    PublishStatus status = PublishStatus::accepted;
    /// accepted: of the publication; of the one before under its key; or of the newest one, where
    /// that is as new. Without an epoch where the topic keeps nothing.
    hub::Position position;
};

}  // namespace ringcast::shard

#include "follow_conversation.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace ringcast::bench {

FollowConversation::FollowConversation(const FanoutLoad& load, const MessageShape& shape,
                                       std::uint64_t deliveries_per_life, std::uint32_t slot_count)
    : load_(load),
      reader_(shape, "delivery"),
      deliveries_per_life_(deliveries_per_life),
      followers_(slot_count),
      expected_(shape.payload_bytes) {
    write_publication(expected_id_, expected_);
}

void FollowConversation::begin(std::uint32_t slot, std::uint64_t number) {
    Follower& follower = followers_[slot];
    follower = {};
    follower.topic = static_cast<std::uint32_t>(number % load_.topic_count());
    for (std::uint32_t publisher = follower.topic; publisher < load_.publisher_count();
         publisher += load_.topic_count())
        follower.threads.push_back({.next = load_.publisher(publisher).published});
}

Expected<void> FollowConversation::consume(std::uint32_t slot, std::span<const std::byte> bytes,
                                           std::vector<std::byte>& pongs) {
    Follower& follower = followers_[slot];
    while (!bytes.empty()) {
        const auto piece = reader_.next(follower, bytes, pongs);
        if (!piece) return std::unexpected(piece.error());
        const std::uint64_t skipped = std::exchange(follower.skipped, 0);
        follower.explained += skipped;
        skipped_ += skipped;
        if (auto checked = check_payload(follower, *piece); !checked) return checked;
        if (!piece->completes_message) continue;
        ++follower.messages;
        ++deliveries_;
    }
    return {};
}

Expected<void> FollowConversation::check_payload(Follower& follower, const Piece& piece) {
    Piece rest = piece;
    if (take_publication_id(rest, follower.id)) {
        if (auto checked = check_id(follower); !checked) return checked;
    }
    if (rest.payload.empty()) return {};
    if (follower.current != expected_id_) {
        expected_id_ = follower.current;
        write_publication(expected_id_, expected_);
    }
    return compare_publication(follower.messages, expected_id_, rest,
                               std::span(expected_).subspan(rest.offset, rest.payload.size()));
}

/// The identity is complete: it must be the next one of its publisher.
Expected<void> FollowConversation::check_id(Follower& follower) {
    const auto id = read_publication_id(follower.id);
    if (!id || id->publisher >= load_.publisher_count())
        return fail("delivery {}: the payload is not a publication's", follower.messages);
    if (id->publisher % load_.topic_count() != follower.topic) {
        return fail("delivery {}: {} came on topic {}", follower.messages, name_of(*id),
                    load_.topic(follower.topic).name());
    }
    if (id->sequence >= load_.publisher(id->publisher).published)
        return fail("delivery {}: {} was never published", follower.messages, name_of(*id));
    Thread& thread = follower.threads[id->publisher / load_.topic_count()];
    if (id->sequence < thread.next && thread.has_begun) {
        return fail("delivery {}: {} came a second time or out of order", follower.messages,
                    name_of(*id));
    }
    const std::uint64_t missing = id->sequence > thread.next ? id->sequence - thread.next : 0;
    if (missing > follower.explained) {
        return fail("delivery {}: {} came where publication {} was due: lost or out of order",
                    follower.messages, name_of(*id), thread.next);
    }
    follower.explained -= missing;
    thread = {.next = id->sequence + 1, .has_begun = true};
    follower.current = *id;
    return {};
}

std::uint32_t FollowConversation::publisher_of(const Follower& follower, std::size_t thread) const {
    return follower.topic + static_cast<std::uint32_t>(thread) * load_.topic_count();
}

/// Publications that have not come and that nobody has explained.
std::uint64_t FollowConversation::missing(const Follower& follower) const {
    std::uint64_t missing = 0;
    for (std::size_t thread = 0; thread < follower.threads.size(); ++thread) {
        missing += load_.publisher(publisher_of(follower, thread)).published -
                   follower.threads[thread].next;
    }
    return missing - follower.explained;
}

bool FollowConversation::is_owed(std::uint32_t slot) const {
    const Follower& follower = followers_[slot];
    return missing(follower) != 0 || !follower.is_between_messages();
}

Conversation::Next FollowConversation::next(std::uint32_t slot, bool) const {
    const bool has_enough =
        deliveries_per_life_ > 0 && followers_[slot].messages >= deliveries_per_life_;
    return has_enough || (stopped_ && !is_owed(slot)) ? Next::end : Next::receive;
}

std::string FollowConversation::describe(std::uint32_t slot) const {
    const Follower& follower = followers_[slot];
    return fmt::format("after {} deliveries on {}, with {} still to come", follower.messages,
                       load_.topic(follower.topic).name(),
                       static_cast<std::int64_t>(missing(follower)));
}

}  // namespace ringcast::bench

#include "delivery_checker.hpp"

#include <algorithm>
#include <cstring>

namespace ringcast::bench {

Expected<std::size_t> DeliveryChecker::consume(DeliveryState& state,
                                               std::span<const std::byte> bytes,
                                               std::vector<std::byte>& pongs) {
    const std::uint64_t before = state.messages;
    while (!bytes.empty()) {
        if (const std::size_t count = count_known_frames(state, bytes); count > 0) {
            state.messages += count;
            bytes = bytes.subspan(count * topics_[state.topic].frame_bytes());
            continue;
        }
        const auto piece = reader_.next(state, topics_[state.topic], bytes, pongs);
        if (!piece) return std::unexpected(piece.error());
        if (auto checked = check_payload(state, *piece); !checked)
            return std::unexpected(checked.error());
        if (piece->completes_message) ++state.messages;
    }
    return state.messages - before;
}

/// How many whole frames at the start of `bytes` are the ones that must come next.
std::size_t DeliveryChecker::count_known_frames(const DeliveryState& state,
                                                std::span<const std::byte> bytes) const {
    if (!state.is_between_deliveries()) return 0;
    const TopicOrder& topic = topics_[state.topic];
    const std::size_t frame_bytes = topic.frame_bytes();
    const std::span expected = topic.frames_from(state.messages);
    const auto begins_with = [&](std::size_t count) {
        return std::memcmp(bytes.data(), expected.data(), count * frame_bytes) == 0;
    };
    const std::size_t count = std::min(bytes.size(), expected.size()) / frame_bytes;
    if (count == 0 || begins_with(count)) return count;
    return begins_with(1) ? 1 : 0;
}

Expected<void> DeliveryChecker::check_payload(DeliveryState& state, const Piece& piece) {
    Piece rest = piece;
    if (take_publication_id(rest, state.id)) {
        if (auto checked = check_id(state); !checked) return checked;
    }
    if (rest.payload.empty()) return {};
    const TopicOrder& topic = topics_[state.topic];
    const std::span expected =
        topic.payload_from(state.messages, rest.offset).first(rest.payload.size());
    return compare_publication(state.messages, topic.entry(state.messages).id, rest, expected);
}

/// The identity is complete: decides or checks which publication this is.
Expected<void> DeliveryChecker::check_id(DeliveryState& state) {
    const TopicOrder& topic = topics_[state.topic];
    if (state.messages == topic.end()) return decide(state);
    const std::span expected = topic.payload_from(state.messages, 0).first(publication_id_bytes);
    if (std::ranges::equal(state.id, expected)) return {};
    return explain(state);
}

/// Nobody has received what comes at this position: it must be the next one of its publisher.
Expected<void> DeliveryChecker::decide(const DeliveryState& state) {
    TopicOrder& topic = topics_[state.topic];
    const auto id = read_publication_id(state.id);
    if (!id || id->publisher >= publishers_.size()) {
        return fail("delivery {}: the payload is not a publication's", state.messages);
    }
    Publisher& publisher = publishers_[id->publisher];
    if (publisher.topic != state.topic) {
        return fail("delivery {}: {} came on topic {}, but was published on {}", state.messages,
                    name_of(*id), topic.name(), topics_[publisher.topic].name());
    }
    if (id->sequence >= publisher.published) {
        return fail("delivery {}: {} was never published", state.messages, name_of(*id));
    }
    if (id->sequence < publisher.ordered) {
        return fail("delivery {}: {} came a second time", state.messages, name_of(*id));
    }
    if (id->sequence > publisher.ordered) {
        return fail("delivery {}: {} came where its publication {} was due: lost or out of order",
                    state.messages, name_of(*id), publisher.ordered);
    }
    topic.append(*id, publisher.time_of(id->sequence));
    ++publisher.ordered;
    return {};
}

/// Why the identity is not the one that another subscriber received at this position.
std::unexpected<Error> DeliveryChecker::explain(const DeliveryState& state) const {
    const TopicOrder& topic = topics_[state.topic];
    const PublicationId due = topic.entry(state.messages).id;
    const auto id = read_publication_id(state.id);
    if (!id) {
        return fail("delivery {}: the payload is not a publication's, where {} was due",
                    state.messages, name_of(due));
    }
    const auto position = topic.position_of(*id);
    if (position && *position < state.messages) {
        return fail("delivery {}: {} came a second time, where {} was due", state.messages,
                    name_of(*id), name_of(due));
    }
    return fail("delivery {}: {} came where another subscriber of {} got {}: lost or out of order",
                state.messages, name_of(*id), topic.name(), name_of(due));
}

}  // namespace ringcast::bench

#include "api/centrifuge_rules.hpp"

#include "api/topic_rules.hpp"

namespace ringcast::api {

using dialect::centrifuge::ErrorCode;

std::optional<ErrorCode> channel_fault(const hub::TopicNamespaces& namespaces,
                                       std::string_view channel) noexcept {
    using dialect::TopicNameFault;
    switch (check_topic(namespaces, channel)) {
        case TopicNameFault::none: return std::nullopt;
        // In Centrifugo's words: of a namespace that there is not.
        case TopicNameFault::reserved:
        case TopicNameFault::unknown_namespace: return ErrorCode::unknown_channel;
        case TopicNameFault::empty:
        case TopicNameFault::too_long:
        case TopicNameFault::not_utf8:
        case TopicNameFault::control_character: break;
    }
    return ErrorCode::bad_request;
}

std::optional<ErrorCode> history_fault(shard::HistoryAnswer::Outcome outcome) noexcept {
    using Outcome = shard::HistoryAnswer::Outcome;
    switch (outcome) {
        case Outcome::complete: return std::nullopt;
        case Outcome::missing: return ErrorCode::unrecoverable_position;
        case Outcome::unavailable: return ErrorCode::not_available;
        case Outcome::lost: break;
    }
    return ErrorCode::internal;
}

}  // namespace ringcast::api

// What a client of the Centrifuge protocol says.

#include <string>
#include <utility>

#include "sim/centrifuge_conversation.hpp"
#include "support/centrifuge_client.hpp"

namespace ringcast::sim {

namespace centrifuge = dialect::centrifuge;
using Say = CentrifugeAction::Kind;

namespace {

/// With which the server ends what it does not go on after.
constexpr std::uint16_t closed_invalid_token = 3500, closed_bad_request = 3501,
                        closed_inappropriate = 3506, closed_permission_denied = 3507,
                        closed_not_available = 3508;

/// Of a subscribe command's flag.
constexpr std::int64_t reject_unrecovered = 2;

const std::string long_channel(256, 'x');

}  // namespace

std::uint16_t CentrifugeConversation::disconnect_of(const CentrifugeAction& action) const noexcept {
    if (action.kind == Say::wrong_opcode) return closed_inappropriate;
    if ((action.kind == Say::connect) == has_asked_connect_) return closed_bad_request;
    const bool is_nobody = action.kind == Say::connect && visit_.tokens.empty();
    if (is_nobody && stage_.scenario.centrifuge->anonymous == TopicAccess::none)
        return closed_permission_denied;
    switch (action.kind) {
        case Say::send: return closed_not_available;
        case Say::renew: return visit_.is_to_renew() ? 0 : closed_bad_request;
        case Say::refresh: return visit_.is_to_renew() ? closed_invalid_token : closed_bad_request;
        case Say::subscribe_nameless:
        case Say::pong:
        case Say::malformed: return closed_bad_request;
        default: return 0;
    }
}

std::optional<TopicBook::Standing> CentrifugeConversation::place_of(
    const CentrifugeAction& action) const {
    using From = CentrifugeAction::From;
    if (action.from == From::nowhere) return std::nullopt;
    std::uint32_t visit = visitor();
    if (stage_.book.standing(visit, action.topic) == nullptr) {
        if (!visit_.follows) return std::nullopt;
        visit = stage_.first_visitor + *visit_.follows;
        if (stage_.book.standing(visit, action.topic) == nullptr) return std::nullopt;
    }
    const std::uint32_t back = action.from == From::earlier ? action.earlier_by : 0;
    TopicBook::Standing place = stage_.book.standing_before(visit, action.topic, back);
    place.is_made_up = action.from == From::other_epoch || action.from == From::too_far;
    if (action.from == From::other_epoch) place.place.epoch = "no-epoch";
    if (action.from == From::too_far) place.place.offset += 100'000;
    return place;
}

void CentrifugeConversation::say(const CentrifugeAction& action, std::string& message) {
    Asked asked{.action = action, .at = stage_.now, .disconnect = disconnect_of(action)};
    asked.id = ++last_id_;
    asked.order = stage_.book.on_asked();
    const bool is_of_place = action.kind == Say::subscribe || action.kind == Say::history;
    if (is_of_place) asked.from = place_of(action);
    if (action.kind == Say::connect && !visit_.tokens.empty()) {
        for (const std::uint32_t topic : visit_.tokens.front().topics) {
            const CentrifugeAction last{.topic = topic, .from = CentrifugeAction::From::last};
            if (const auto place = place_of(last)) asked.back_to.emplace(topic, *place);
        }
    }
    const auto subscription = subscriptions_.find(action.topic);
    if (subscription != subscriptions_.end()) {
        asked.heard = subscription->second.heard;
        asked.heard_since = subscription->second.since;
    }
    if (asked.disconnect != 0) {
        is_doomed_ = true;
        leave();
    }
    if (action.kind == Say::connect) has_asked_connect_ = true;
    if (action.kind == Say::subscribe || action.kind == Say::unsubscribe)
        wishes_[action.topic] = asked.order;
    const bool asks_who = action.kind == Say::presence || action.kind == Say::presence_stats;
    if (asked.disconnect == 0 && asks_who) asked.tag = stage_.hall.on_question(stage_.now);
    if (asked.disconnect == 0) note(asked);
    asked_.push_back(asked);

    std::string text;
    if (action.kind == Say::malformed || action.kind == Say::wrong_opcode) {
        text = visit_.is_protobuf ? "\x05\x08" : "{\"id\":";
    } else {
        std::string payload;
        const bool shows = action.kind == Say::renew || action.kind == Say::connect;
        if (shows && action.number < visit_.tokens.size()) {
            payload = text_of(visit_.tokens[action.number], stage_.scenario, stage_.now);
        }
        if (action.kind == Say::publish) payload = stage_.book.payload_of(action.number);
        const centrifuge::Command command = command_of(asked, payload);
        text = visit_.is_protobuf ? test::delimited(test::ClientProtobuf::of(command))
                                  : test::ClientJson::of(command);
    }
    if (!visit_.is_protobuf && !message.empty()) message += '\n';
    message += text;
}

/// What the books have to know before others see it.
void CentrifugeConversation::note(const Asked& asked) {
    switch (asked.action.kind) {
        case Say::publish: return stage_.book.on_written(asked.action.number);
        case Say::subscribe:
            // Nobody hears it any more.
            if (!stage_.gone.contains(number_)) stage_.hall.on_asked(guest(asked.action.topic));
            return;
        case Say::connect:
            if (visit_.tokens.empty() || stage_.gone.contains(number_)) return;
            for (const std::uint32_t topic : visit_.tokens.front().topics)
                stage_.hall.on_asked(guest(topic));
            return;
        case Say::unsubscribe: return stage_.hall.on_leaving(guest(asked.action.topic));
        default: return;
    }
}

centrifuge::Command CentrifugeConversation::command_of(const Asked& asked,
                                                       const std::string& payload) const {
    const CentrifugeAction& action = asked.action;
    const std::string_view channel = stage_.scenario.topics[action.topic];
    centrifuge::Command command{.id = asked.id, .request = {}};
    switch (action.kind) {
        case Say::connect: {
            centrifuge::ConnectRequest request{.token = payload};
            for (const auto& [topic, standing] : asked.back_to) {
                centrifuge::SubscribeRequest from;
                from.recover = true;
                from.epoch = standing.place.epoch;
                from.offset = standing.place.offset;
                request.subs.emplace_back(stage_.scenario.topics[topic], from);
            }
            command.request = std::move(request);
            break;
        }
        case Say::renew: command.request = centrifuge::RefreshRequest{payload}; break;
        case Say::subscribe: {
            centrifuge::SubscribeRequest request{.channel = channel};
            request.positioned = request.recoverable = true;
            request.join_leave = action.hears_others;
            if (action.takes_deltas) request.delta = "fossil";
            if (action.rejects_gap) request.flag = reject_unrecovered;
            if (asked.from) {
                request.recover = true;
                request.epoch = asked.from->place.epoch;
                request.offset = asked.from->place.offset;
            }
            command.request = request;
            break;
        }
        case Say::unsubscribe: command.request = centrifuge::UnsubscribeRequest{channel}; break;
        case Say::publish:
            command.request = centrifuge::PublishRequest{channel, {.bytes = payload}};
            break;
        case Say::history: {
            centrifuge::HistoryRequest request{.channel = channel, .limit = action.limit};
            request.reverse = action.is_backward;
            request.has_since = asked.from.has_value();
            if (asked.from) request.since = {asked.from->place.offset, asked.from->place.epoch};
            command.request = request;
            break;
        }
        case Say::presence: command.request = centrifuge::PresenceRequest{channel}; break;
        case Say::presence_stats:
            command.request = centrifuge::PresenceStatsRequest{channel};
            break;
        case Say::ping: command.request = centrifuge::PingRequest{}; break;
        case Say::rpc: command.request = centrifuge::RpcRequest{{.bytes = "1"}, "act"}; break;
        case Say::subscribe_unknown:
            command.request = centrifuge::SubscribeRequest{.channel = "nowhere:topic"};
            break;
        case Say::subscribe_long:
            command.request = centrifuge::SubscribeRequest{.channel = long_channel};
            break;
        case Say::subscribe_nameless: command.request = centrifuge::SubscribeRequest{}; break;
        case Say::publish_nothing: command.request = centrifuge::PublishRequest{channel, {}}; break;
        case Say::sub_refresh:
            command.request = centrifuge::SubRefreshRequest{channel, "token"};
            break;
        case Say::send:
            command = {.id = 0, .request = centrifuge::SendRequest{{.bytes = "1"}}};
            break;
        case Say::refresh: command.request = centrifuge::RefreshRequest{"token"}; break;
        case Say::pong: command.id = 0; break;
        default: break;  // A method that nobody knows.
    }
    return command;
}

/// Wherever it is, or may be.
void CentrifugeConversation::leave() {
    for (std::uint32_t topic = 0; topic < stage_.scenario.shared_topics_count; ++topic)
        stage_.hall.on_leaving(guest(topic));
}

}  // namespace ringcast::sim

#include "sim/centrifuge_peer.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace ringcast::sim {

using Say = CentrifugeAction::Kind;

namespace {

constexpr std::uint16_t closed_shutdown = 3001, closed_slow = 3008, closed_no_pong = 3012,
                        closed_stale = 3502;
/// A pong that may take so long is not late for the weather.
constexpr Duration patient_timeout = std::chrono::seconds{60};
/// What larger publications may fill the queue of a client with.
constexpr std::size_t harmless_bytes_max = 1500;

}  // namespace

bool may_overflow(const TopicScenario& scenario) noexcept {
    return scenario.publication_bytes_max > harmless_bytes_max;
}

bool may_miss_pongs(const TopicScenario& scenario) noexcept {
    const CentrifugePolicy& policy = *scenario.centrifuge;
    const bool is_late = scenario.freeze || policy.pong_timeout < patient_timeout;
    return policy.ping_interval.count() > 0 && is_late;
}

CentrifugePeer::CentrifugePeer(std::uint32_t number, const CentrifugeVisit& visit,
                               CentrifugeStage& stage, CentrifugeCounts& counts)
    : number_{number}, visit_{visit}, stage_{stage}, conversation_{number, visit, stage, counts} {}

void CentrifugePeer::fail(Rule rule, const std::string& text) const {
    throw Violation{rule, "client " + std::to_string(number_) + ": " + text};
}

/// Who it is stands in the query, for the simulated server's entropy.
std::string CentrifugePeer::request() const {
    test::UpgradeRequest request;
    request.target = "/connection/websocket?visit=" + std::to_string(number_);
    if (visit_.is_protobuf && number_ % 2 == 0) request.target += "&format=protobuf";
    if (visit_.is_protobuf && number_ % 2 == 1) request.subprotocols = "centrifuge-protobuf";
    if (visit_.has_ping_frames) request.target += "&cf_ws_frame_ping_pong=true";
    return test::encode(request);
}

std::string CentrifugePeer::frame_of(std::string_view message, bool is_binary) const {
    return is_binary ? test::binary_frame(message) : test::text_frame(message);
}

bool CentrifugePeer::is_waiting() const noexcept {
    if (is_done_ || (status_ != 0 && status_ != 101)) return true;
    return visit_.stays() && status_ == 101 && action_ == visit_.actions.size() &&
           output_.empty() && answers_.empty() && conversation_.is_answered();
}

void CentrifugePeer::run(Wire wire, Instant now) {
    if (is_done_) return;
    now_ = stage_.now = now;
    set_wall_clock(now);  // The shard that will read this may be in the middle of its turn.
    if (!std::exchange(has_begun_, true)) output_ = request();
    was_severed_ = wire.was_severed();
    read(wire);
    if (wire.is_connected()) play(wire);
    if (is_done_ || !(wire.was_reset() || wire.at_end())) return;
    if (!wire.arrived().empty()) return;  // A slow reader has more to read before.
    // As with a TopicPeer.
    was_reset_ = wire.was_reset() && now - closed_at_ < stage_.scenario.settings.close_timeout / 2;
    if (!wire.tls_error().empty()) fail(Rule::frames_well_formed, wire.tls_error());
    end(wire);
}

void CentrifugePeer::end(Wire wire) {
    is_done_ = true;
    was_severed_ = wire.was_severed();
    conversation_.leave();
    wire.close();
}

// ---- Reading ----

void CentrifugePeer::read(Wire wire) {
    if (wire.arrived().empty()) return;
    if (now_ < read_after_) return wire.call_at(read_after_);
    const std::span bytes =
        wire.arrived().first(std::min(visit_.read_bytes_max, wire.arrived().size()));
    reader_.feed({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    wire.consume(bytes.size());
    read_after_ = now_ + visit_.read_interval;
    if (!wire.arrived().empty()) wire.call_at(read_after_);
    if (status_ == 0) {
        if (const auto response = reader_.next_response()) status_ = response->status;
    }
    if (status_ == 101) {
        while (const auto frame = reader_.next_frame()) take(*frame);
    }
    if (!reader_.error().empty()) fail(Rule::frames_well_formed, reader_.error());
}

void CentrifugePeer::take(const test::ServerFrame& frame) {
    if (has_closed_) fail(Rule::frames_well_formed, "a frame after the Close");
    if (!frame.fin) fail(Rule::frames_well_formed, "a reply in fragments");
    switch (frame.opcode) {
        case test::opcode_ping: answers_ += test::pong_frame(frame.payload); return;
        case test::opcode_pong: return;
        case test::opcode_close: return take_close(frame);
        default: break;
    }
    if ((frame.opcode == test::opcode_binary) != visit_.is_protobuf)
        fail(Rule::frames_well_formed, "a reply of the other format");
    conversation_.take(frame.payload);
    for (std::uint32_t left = conversation_.take_pings(); left > 0 && !is_hushed_; --left)
        answers_ += visit_.is_protobuf ? frame_of({"\0", 1}, true) : frame_of("{}", false);
}

void CentrifugePeer::take_close(const test::ServerFrame& frame) {
    has_closed_ = true;
    closed_at_ = now_;
    std::uint16_t code = frame.close_code().value_or(0);
    if (stage_.broken == TopicBreak::change_disconnect) code = closed_stale;
    const std::string_view reason = std::string_view{frame.payload}.substr(code == 0 ? 0 : 2);
    if (!is_legal(code, reason)) {
        fail(Rule::close_as_scripted,
             "no reason for close code " + std::to_string(code) + " " + std::string{reason});
    }
    // Whatever was accepted before has come.
    const bool is_shutdown = code == closed_shutdown;
    if (is_shutdown) conversation_.check_orders();
    stage_.book.on_close(stage_.first_visitor + number_,
                         is_shutdown ? stage_.scenario.shutdown_code : code, reason, now_);
    conversation_.leave();
    // Answered, unless it is itself the answer (RFC 6455 section 5.5.1).
    if (std::exchange(has_sent_close_, true)) return;
    answers_ +=
        test::encode(test::ClientFrame{.opcode = test::opcode_close, .payload = frame.payload});
}

/// What may have happened that the server closes for with that code.
bool CentrifugePeer::is_legal(std::uint16_t code, std::string_view reason) const {
    const TopicScenario& scenario = stage_.scenario;
    if (conversation_.is_due(code) || conversation_.may_be_ordered(code) ||
        conversation_.may_be_ended(code))
        return true;
    switch (code) {
        case 0: return visit_.may_break();
        case 1000: return has_sent_close_;
        case 1013: return scenario.is_memory_scarce && reason.starts_with("no memory");
        case closed_shutdown: return stage_.is_ending;
        case closed_slow:
            return scenario.has_slow_readers || scenario.is_memory_scarce || may_overflow(scenario);
        case closed_no_pong: return is_hushed_ || may_miss_pongs(scenario);
        case closed_stale: return !conversation_.is_connected();
        default: return false;
    }
}

// ---- Playing ----

void CentrifugePeer::play(Wire wire) {
    while (!is_done_) {
        if (output_.empty()) output_ = std::exchange(answers_, {});
        if (!output_.empty()) {
            output_.erase(0, wire.write(std::as_bytes(std::span{output_})));
            if (!output_.empty()) return;  // The network says when there is room.
            continue;
        }
        // After the Close, or what the server closes for, nothing is begun any more.
        const bool is_over = has_closed_ || conversation_.is_doomed();
        if (is_over || action_ == visit_.actions.size()) return;
        const bool is_refused = status_ != 0 && status_ != 101;
        if (is_refused || (!visit_.is_impatient && status_ == 0)) return;
        if (!play_action(wire)) return;
        action_begun_ = false;
    }
}

/// A command and those that go with it in one message.
void CentrifugePeer::say() {
    const bool is_odd = visit_.actions[action_].kind == Say::wrong_opcode;
    std::string message;
    do {
        conversation_.say(visit_.actions[action_++], message);
    } while (action_ < visit_.actions.size() && visit_.actions[action_].is_joined &&
             !conversation_.is_doomed());
    output_ = frame_of(message, visit_.is_protobuf != is_odd);
}

bool CentrifugePeer::play_action(Wire wire) {
    const CentrifugeAction& action = visit_.actions[action_];
    const bool begins = !std::exchange(action_begun_, true);
    if (action.is_command()) {
        say();
        return true;
    }
    switch (action.kind) {
        case Say::pause:
            if (begins) pause_until_ = now_ + action.duration;
            if (now_ < pause_until_) {
                wire.call_at(pause_until_);
                return false;
            }
            break;
        case Say::await:
            if (!conversation_.is_answered()) return false;
            break;
        case Say::hush:
            is_hushed_ = true;
            conversation_.leave();
            break;
        case Say::close:
            has_sent_close_ = true;
            conversation_.leave();
            output_ = test::close_frame(1000);
            break;
        case Say::shut_down:
            conversation_.leave();
            wire.shutdown();
            break;
        case Say::reset:
            wire.reset();
            end(wire);
            break;
        default: end(wire);
    }
    ++action_;
    return true;
}

}  // namespace ringcast::sim

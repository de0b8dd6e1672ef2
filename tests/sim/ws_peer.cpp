#include "sim/ws_peer.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "sim/message_frames.hpp"
#include "sim/notice.hpp"

namespace ringcast::sim {

WsPeer::WsPeer(Script script, const ServerLimits& limits, std::string name, Break broken)
    : script_{std::move(script)}, checker_{script_, limits, std::move(name)}, break_{broken} {}

void WsPeer::run(Wire wire, Instant now) {
    if (done_ || (break_ == Break::stall && checker_.has_response())) return;
    was_severed_ = wire.was_severed();
    if (reads_) read(wire, now);
    if (wire.is_connected()) play(wire, now);
    if (done_) return;
    if (wire.was_reset() || (reads_ ? wire.at_end() : wire.has_ended())) {
        if (reads_ && !wire.arrived().empty()) return;  // A slow reader has more to read before.
        const std::size_t unread = reader_.unread().size();
        if (!wire.tls_error().empty()) checker_.on_error(wire.tls_error());
        using End = SessionChecker::End;
        const bool is_truncated = wire.was_truncated() || break_ == Break::truncate;
        checker_.on_end(wire.was_reset() ? End::reset
                        : is_truncated   ? End::truncated
                                         : End::finished,
                        break_ == Break::half_frame ? unread + 1 : unread);
        end(wire);
    }
}

void WsPeer::end(Wire wire) {
    done_ = true;
    was_severed_ = wire.was_severed();
    wire.close();
}

/// By Break::snub: as if the server had closed the connection without an answer.
void WsPeer::end_unanswered(Wire wire) {
    checker_.on_end(SessionChecker::End::finished, 0);
    end(wire);
}

// ---- Reading ----

void WsPeer::read(Wire wire, Instant now) {
    if (wire.arrived().empty()) return;
    if (now < read_after_) {
        wire.call_at(read_after_);
        return;
    }
    const std::span bytes =
        wire.arrived().first(std::min(script_.read_bytes_max, wire.arrived().size()));
    reader_.feed({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    wire.consume(bytes.size());
    read_after_ = now + script_.read_interval;
    if (!wire.arrived().empty()) wire.call_at(read_after_);
    if (!checker_.has_response()) {
        auto response = reader_.next_response();
        if (response && break_ == Break::change_status) response->status = 200;
        const bool is_refusal = response && response->status != 101 && response->status != 503;
        if (is_refusal && break_ == Break::overrule) response->status = 418;
        if (response && break_ == Break::snub && checker_.may_be_turned_away())
            return end_unanswered(wire);
        if (response && break_ == Break::change_accept) response->fields.clear();
        if (response) take_response(*response);
    }
    if (checker_.has_response()) read_frames();
    if (!reader_.error().empty()) checker_.on_error(reader_.error());
}

void WsPeer::take_response(const test::ServerResponse& response) {
    checker_.on_response(response);
    if (response.status != 101 || !response.field("sec-websocket-extensions")) return;
    if (script_.offer.empty()) checker_.on_error("an extension that was not asked for");
    deflate_ = std::make_unique<test::DeflateClient>(response);
}

/// From here on it is as if the frame had come as it is.
void WsPeer::inflate(test::ServerFrame& frame) {
    if (!frame.is_compressed) return;
    if (break_ == Break::forget_context)
        deflate_ = std::make_unique<test::DeflateClient>(
            test::ServerResponse{.fields = {{"sec-websocket-extensions", deflate_->agreed()}}});
    auto message = deflate_->message(frame);
    if (!frame.fin || !message) checker_.on_error("no DEFLATE data, or out of context");
    frame.payload = *std::move(message);
    frame.is_compressed = false;
}

void WsPeer::read_frames() {
    if (checker_.is_open() || checker_.has_closed()) {
        while (auto frame = reader_.next_frame()) take(std::move(*frame));
    } else if (!reader_.unread().empty()) {
        checker_.on_error("bytes after a refusal");
    }
}

void WsPeer::take(test::ServerFrame frame) {
    inflate(frame);
    const bool is_unasked = is_notice(frame.payload);
    const bool is_message = frame.opcode <= test::opcode_binary && !is_unasked;
    const bool is_second = checker_.echoes() == 1;
    switch (break_) {
        case Break::lose_echo:
            if (is_message && is_second) return;
            break;
        case Break::repeat_echo:
            if (is_message) checker_.on_frame(frame);
            break;
        case Break::swap_echoes:
            if (is_message && held_back_.empty()) {
                held_back_.push_back(std::move(frame));
                return;
            }
            break;
        case Break::flip_octet:
            if (is_message && !frame.payload.empty())
                frame.payload.back() = static_cast<char>(frame.payload.back() ^ 1);
            break;
        case Break::change_kind:
            if (is_message)
                frame.opcode =
                    frame.opcode == test::opcode_text ? test::opcode_binary : test::opcode_text;
            break;
        case Break::flip_pong:
            if (frame.opcode == test::opcode_pong) frame.payload += "x";
            break;
        case Break::change_code:
            if (frame.opcode == test::opcode_close) frame.payload = test::close_payload(1014);
            break;
        case Break::lose_close:
            if (frame.opcode == test::opcode_close) return;
            break;
        case Break::lose_notice:
            if (is_unasked) return;
            break;
        case Break::mask_frame: checker_.on_error("masked server frame"); break;
        case Break::none:
        case Break::forget_context:
        case Break::truncate:
        case Break::change_status:
        case Break::change_accept:
        case Break::half_frame:
        case Break::overrule:
        case Break::snub:
        case Break::stall:
        case Break::leak:
        case Break::overfill:
        case Break::hoard:
        case Break::overcrowd:
        case Break::spare:
        case Break::close_twice:
        case Break::keep_turn:
        case Break::take_all:
        case Break::forget_deadline:
        case Break::open_queue:
        case Break::defer_echoes: break;
    }
    checker_.on_frame(frame);
    for (const test::ServerFrame& late : std::exchange(held_back_, {})) checker_.on_frame(late);
    answer(frame);
}

void WsPeer::answer(const test::ServerFrame& frame) {
    if (!script_.answers || has_sent_close_) return;
    if (frame.opcode == test::opcode_ping) answers_ += test::pong_frame(frame.payload);
    if (frame.opcode != test::opcode_close) return;
    // The server's Close: answered, unless it is itself the answer (RFC 6455 section 5.5.1).
    has_sent_close_ = true;
    if (script_.closes && step_ == script_.steps.size()) return;
    answers_ +=
        test::encode(test::ClientFrame{.opcode = test::opcode_close, .payload = frame.payload});
}

// ---- Playing ----

void WsPeer::play(Wire wire, Instant now) {
    while (!done_) {
        if (written_ == output_.size()) {
            output_ = std::exchange(answers_, {});
            written_ = 0;
        }
        if (written_ < output_.size()) {
            const auto rest = std::as_bytes(std::span{output_}).subspan(written_);
            const std::size_t taken = wire.write(rest);
            written_ += taken;
            if (taken < rest.size()) return;  // The network says when there is room.
            continue;
        }
        // After the Close, nothing is begun any more.
        if (step_ == script_.steps.size() || checker_.has_closed()) return;
        if (!play_step(wire, now)) return;
        ++step_;
        step_begun_ = false;
    }
}

/// A message that may be compressed: some are not.
std::string WsPeer::message_frames(const Step& step) {
    Prng prng{step.frames_seed};
    Owed message = script_.owed[step.message];
    const bool is_compressed = deflate_ && prng.chance(3, 4);
    if (is_compressed) message.payload = deflate_->payload(message.payload);
    std::size_t pings = 0;
    const auto next_ping = [&] {
        if (pings == step.pings.size()) return std::string{};
        return test::encode(test::ClientFrame{
            .opcode = test::opcode_ping, .payload = step.pings[pings++], .key = draw_key(prng)});
    };
    std::string frames =
        encode_message(prng, message, step.is_fragmented, next_ping, is_compressed);
    while (pings < step.pings.size()) frames += next_ping();
    return frames;
}

bool WsPeer::play_step(Wire wire, Instant now) {
    Step& step = script_.steps[step_];
    const bool begins = !std::exchange(step_begun_, true);
    switch (step.kind) {
        case Step::Kind::write:
        case Step::Kind::write_message:
            output_ = step.kind == Step::Kind::write ? std::move(step.bytes) : message_frames(step);
            output_.resize(std::min(output_.size(), step.bytes_max));
            written_ = 0;
            return true;
        case Step::Kind::await_response: return checker_.has_response();
        case Step::Kind::await_echoes:
            if (begins) waits_.push_back({.echoes = step.echoes, .octets = wire.octets_written()});
            return checker_.echoes() >= step.echoes;
        case Step::Kind::pause:
            if (begins) pause_until_ = now + step.duration;
            if (now >= pause_until_) return true;
            wire.call_at(pause_until_);
            return false;
        case Step::Kind::stop_reading: reads_ = false; return true;
        case Step::Kind::shut_down: wire.shutdown(); return true;
        case Step::Kind::reset:
            wire.reset();
            end(wire);
            return true;
        case Step::Kind::close: end(wire); return true;
    }
    return true;
}

void WsPeer::check(SessionChecker::Circumstances circumstances) const {
    if (was_severed_) circumstances.excuse = SessionChecker::Excuse::weather;
    checker_.finish(circumstances);
}

}  // namespace ringcast::sim

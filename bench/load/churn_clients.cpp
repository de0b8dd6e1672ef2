#include "churn_clients.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace ringcast::bench {

namespace {

constexpr std::uint16_t normal_closure = 1000;
constexpr std::uint16_t going_away = 1001;
constexpr std::uint16_t try_again_later = 1013;
constexpr std::array close_payload{std::byte{normal_closure >> 8},
                                   std::byte{normal_closure & 0xff}};

/// Whether the last message of a life stays without an answer.
bool leaves_unanswered(Ending ending) {
    return ending == Ending::reset_unanswered || ending == Ending::reset_in_message;
}

CloseKind close_kind_of(Ending ending) {
    return ending == Ending::reset || leaves_unanswered(ending) ? CloseKind::reset : CloseKind::fin;
}

}  // namespace

std::vector<Ending> mixed_endings(double abrupt_share, std::uint32_t messages) {
    constexpr std::array abrupt{Ending::reset, Ending::fin, Ending::reset_unanswered,
                                Ending::reset_in_message};
    const std::size_t kinds = messages > 0 ? abrupt.size() : 2;
    constexpr std::size_t cycle = 100;
    std::vector<Ending> endings;
    std::size_t abrupt_count = 0;
    for (std::size_t life = 1; life <= cycle; ++life) {
        const bool is_abrupt =
            static_cast<double>(life) * abrupt_share >= static_cast<double>(abrupt_count + 1);
        endings.push_back(is_abrupt ? abrupt[abrupt_count % kinds] : Ending::close_frame);
        if (is_abrupt) ++abrupt_count;
    }
    return endings;
}

ChurnClients::ChurnClients(Io& io, Opener& opener, Conversation& conversation, ChurnPlan plan,
                           std::chrono::nanoseconds stall_timeout, std::uint32_t first_index)
    : io_(io),
      opener_(opener),
      conversation_(conversation),
      plan_(std::move(plan)),
      stall_(stall_timeout),
      first_index_(first_index),
      slots_(plan_.connections) {
    for (std::uint32_t slot = plan_.connections; slot-- > 0;) free_slots_.push_back(slot);
}

std::uint64_t ChurnClients::count() const noexcept {
    return plan_.counts_messages ? conversation_.message_count() : ended_;
}

void ChurnClients::start(Clock::time_point now) {
    stall_.reset(now);
    if (plan_.rate == 0) return;
    schedule_.emplace(1 / plan_.rate, 0, 1);
    schedule_->start(now);
}

Expected<void> ChurnClients::act(Clock::time_point now) {
    for (; !pauses_.empty() && pauses_.top().first <= now; pauses_.pop()) {
        const std::uint32_t slot = pauses_.top().second;
        if (!std::exchange(slots_[slot].pausing, false)) continue;
        receive(slot);
        stall_.reset(now);  // So far it was not the server that did nothing.
    }
    while (!stopped_ && !free_slots_.empty() && (!schedule_ || schedule_->next_due() <= now)) {
        const Clock::time_point begun = schedule_ ? schedule_->next_due() : now;
        if (schedule_) schedule_->take();
        const std::uint32_t slot = free_slots_.back();
        free_slots_.pop_back();
        if (schedule_ && measured_.contains(begun))
            lateness_.record(nanoseconds_between(begun, now));
        if (auto started = begin(slot, begun, now); !started) return started;
    }
    return {};
}

Clock::time_point ChurnClients::next_due(Clock::time_point otherwise) const noexcept {
    if (!pauses_.empty()) otherwise = std::min(otherwise, pauses_.top().first);
    if (stopped_ || free_slots_.empty() || !schedule_) return otherwise;
    return std::min(otherwise, schedule_->next_due());
}

Expected<void> ChurnClients::begin(std::uint32_t slot, Clock::time_point begun,
                                   Clock::time_point now) {
    Life& life = slots_[slot];
    life = {};
    if (begun_ == ended_) stall_.reset(now);  // So far nobody waited.
    life.number = begun_++;
    life.stage = Stage::opening;
    life.ending = plan_.endings[life.number % plan_.endings.size()];
    life.begun = begun;
    return opener_.start(first_index_ + slot, life.number, close_kind_of(life.ending));
}

Expected<void> ChurnClients::handle(const Event& event, Clock::time_point now) {
    const std::uint32_t slot = event.index - first_index_;
    const bool is_opening = slots_[slot].stage == Stage::opening;
    auto taken = take(slot, event, now);
    if (taken) return taken;
    const std::string how_far = is_opening ? "opening" : conversation_.describe(slot);
    return fail("life {}, {}: {}", slots_[slot].number, how_far, taken.error().message);
}

Expected<void> ChurnClients::take(std::uint32_t slot, const Event& event, Clock::time_point now) {
    if (slots_[slot].stage == Stage::opening) return take_opening(slot, event, now);
    switch (event.operation) {
        case Operation::receive: return take_received(slot, event, now);
        case Operation::send: return take_sent(slot, event, now);
        case Operation::send_quiet:
        case Operation::adopt:
        case Operation::connect:
        case Operation::upgrade:
        case Operation::close: break;
    }
    return fail("unexpected event, result {}", event.result);
}

Expected<void> ChurnClients::take_opening(std::uint32_t slot, const Event& event,
                                          Clock::time_point now) {
    Life& life = slots_[slot];
    const auto opening = opener_.advance(event, life.number);
    if (!opening) return std::unexpected(opening.error());
    if (!opening->is_open) return {};  // A response that trickles in is not yet one.
    stall_.reset(now);
    if (measured_.contains(life.begun)) handshakes_.record(nanoseconds_between(life.begun, now));
    life.stage = Stage::talking;
    conversation_.begin(slot, life.number);
    conversation_.stream(slot).may_close = plan_.may_fall_behind;
    return take_bytes(slot, opening->rest, now);
}

Expected<void> ChurnClients::take_received(std::uint32_t slot, const Event& event,
                                           Clock::time_point now) {
    slots_[slot].receiving = false;
    const bool has_ended = event.result <= 0 && event.result != -ENOBUFS;
    if (has_ended) return take_end(slot, event.result, now);
    return take_bytes(slot, event.bytes, now);
}

Expected<void> ChurnClients::take_bytes(std::uint32_t slot, std::span<const std::byte> bytes,
                                        Clock::time_point now) {
    Life& life = slots_[slot];
    StreamState& stream = conversation_.stream(slot);
    const std::uint64_t progress = stream.progress();
    if (auto consumed = conversation_.consume(slot, bytes, life.control); !consumed)
        return consumed;
    if (stream.progress() > progress || stream.close_code) stall_.reset(now);
    if (const auto code = stream.close_code) {
        if (plan_.may_fall_behind && (*code == try_again_later || *code == going_away)) {
            fall_behind(slot, now);
            return {};
        }
        if (life.stage != Stage::closing || *code != normal_closure)
            return fail("the server sent a Close frame with code {}", *code);
    }
    if (plan_.bytes_per_second > 0 && !stopped_) {
        const double seconds = static_cast<double>(bytes.size()) / plan_.bytes_per_second;
        life.pausing = true;
        pauses_.emplace(now + nanoseconds_of(seconds), slot);
    }
    if (!life.sending) go_on(slot, now);
    return {};
}

/// The server has closed its side, or the connection is broken.
Expected<void> ChurnClients::take_end(std::uint32_t slot, std::int32_t result,
                                      Clock::time_point now) {
    const Life& life = slots_[slot];
    const bool has_answered = conversation_.stream(slot).close_code.has_value();
    if (life.stage == Stage::closing && has_answered && result == 0) {
        finish(slot, now);
        return {};
    }
    if (plan_.may_fall_behind && !has_answered && conversation_.is_owed(slot)) {
        fall_behind(slot, now);
        return {};
    }
    if (result < 0) return fail("cannot receive: {}", errno_text(-result));
    if (life.stage != Stage::closing) return fail("the server closed the connection");
    return fail("the server closed the connection without answering the Close frame");
}

Expected<void> ChurnClients::take_sent(std::uint32_t slot, const Event& event,
                                       Clock::time_point now) {
    Life& life = slots_[slot];
    if (event.result < 0) {
        if (!plan_.may_fall_behind) return fail("cannot send: {}", errno_text(-event.result));
        life.sending = false;  // The server has broken the connection: receiving will tell.
        life.pausing = false;
        if (life.stage == Stage::leaving) {
            finish(slot, now);
        } else {
            receive(slot);
        }
        return {};
    }
    if (event.result > 0 && !life.sending_control) stall_.reset(now);
    life.unsent = life.unsent.subspan(static_cast<std::size_t>(event.result));
    if (!life.unsent.empty()) {
        io_.send(event.index, life.unsent);
        return {};
    }
    life.sending = false;
    go_on(slot, now);
    return {};
}

/// Nothing of this life is being sent: takes its next step, if it need not wait for the server.
void ChurnClients::go_on(std::uint32_t slot, Clock::time_point now) {
    Life& life = slots_[slot];
    if (life.stage == Stage::leaving) return finish(slot, now);
    if (!life.control.empty()) {
        life.control_sent = std::exchange(life.control, {});
        conversation_.stream(slot).pong_bytes = 0;
        send(slot, life.control_sent);
        life.sending_control = true;
        return;
    }
    if (life.stage == Stage::closing) return receive(slot);
    switch (conversation_.next(slot, leaves_unanswered(life.ending))) {
        case Conversation::Next::receive: return receive(slot);
        case Conversation::Next::send:
            send(slot, conversation_.take_message(slot));
            return receive(slot);
        case Conversation::Next::end: return end(slot, now);
    }
}

/// The conversation is over.
void ChurnClients::end(std::uint32_t slot, Clock::time_point now) {
    Life& life = slots_[slot];
    life.pausing = false;
    // A socket that somebody still reads from is not closed by close(), but by the server.
    if (life.receiving) life.ending = Ending::close_frame;
    switch (life.ending) {
        case Ending::close_frame:
            life.stage = Stage::closing;
            conversation_.stream(slot).may_close = true;
            append_frame(ws::Opcode::close, close_payload, life.control);
            return go_on(slot, now);
        case Ending::fin:
        case Ending::reset: return finish(slot, now);
        case Ending::reset_unanswered:
            life.stage = Stage::leaving;
            return send(slot, conversation_.last_message(slot));
        case Ending::reset_in_message: {
            life.stage = Stage::leaving;
            const auto message = conversation_.last_message(slot);
            return send(slot, message.first(message.size() / 2));
        }
    }
}

void ChurnClients::fall_behind(std::uint32_t slot, Clock::time_point now) {
    Life& life = slots_[slot];
    ++fallen_behind_;
    life.stage = Stage::leaving;
    if (!life.sending) finish(slot, now);
}

void ChurnClients::send(std::uint32_t slot, std::span<const std::byte> bytes) {
    Life& life = slots_[slot];
    life.sending = true;
    life.sending_control = false;
    life.unsent = bytes;
    io_.send(first_index_ + slot, bytes);
}

/// One receive at a time, and none that need not be.
void ChurnClients::receive(std::uint32_t slot) {
    Life& life = slots_[slot];
    if (life.receiving || life.pausing) return;
    life.receiving = true;
    io_.receive_once(first_index_ + slot);
}

void ChurnClients::finish(std::uint32_t slot, Clock::time_point now) {
    Life& life = slots_[slot];
    io_.close(first_index_ + slot);
    stall_.reset(now);
    if (measured_.contains(life.begun)) lives_.record(nanoseconds_between(life.begun, now));
    life.stage = Stage::none;
    life.pausing = false;
    ++ended_;
    free_slots_.push_back(slot);
}

/// Whether the server should do something for this life.
bool ChurnClients::is_waiting(std::uint32_t slot) const {
    const Life& life = slots_[slot];
    if (life.stage != Stage::talking) return life.stage != Stage::none;
    return life.sending || (life.receiving && conversation_.is_owed(slot));
}

Expected<void> ChurnClients::check(Clock::time_point now) {
    if (!stall_.is_over(now)) return {};
    for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
        if (!is_waiting(slot)) continue;
        const bool is_opening = slots_[slot].stage == Stage::opening;
        return fail("nothing happened for {:.1f} s, and life {} waits, {}", stall_.seconds(now),
                    slots_[slot].number, is_opening ? "opening" : conversation_.describe(slot));
    }
    stall_.reset(now);
    return {};
}

/// Those that were due found no room, because the server took its time: it must not gain by that.
void ChurnClients::count_unbegun(Clock::time_point now) {
    while (schedule_ && schedule_->next_due() <= now) {
        const Clock::time_point due = schedule_->next_due();
        schedule_->take();
        if (!measured_.contains(due)) continue;
        handshakes_.record(nanoseconds_between(due, now));
        lives_.record(nanoseconds_between(due, now));
        ++unbegun_;
    }
}

void ChurnClients::stop(Clock::time_point now) {
    if (!stopped_) count_unbegun(now);
    stopped_ = true;
    conversation_.stop();
    for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
        Life& life = slots_[slot];
        life.pausing = false;
        if (life.stage == Stage::talking && !life.sending) go_on(slot, now);
    }
}

bool ChurnClients::is_finished() const noexcept {
    return stopped_ && begun_ == ended_;
}

}  // namespace ringcast::bench

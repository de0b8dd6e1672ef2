#include "churn_clients.hpp"

#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace ringcast::bench {

namespace {

constexpr std::uint16_t normal_closure = 1000;
constexpr std::array close_payload{std::byte{normal_closure >> 8},
                                   std::byte{normal_closure & 0xff}};

/// Whether the last message of a life stays without an answer.
bool leaves_unanswered(Ending ending) {
    return ending == Ending::reset_unanswered || ending == Ending::reset_in_message;
}

void discard_at_close(int fd) {
    const linger discard{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &discard, sizeof(discard));
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

ChurnClients::ChurnClients(Io& io, Opener& opener, const Messages& messages, ChurnPlan plan,
                           std::chrono::nanoseconds stall_timeout, std::uint32_t first_index)
    : io_(io),
      opener_(opener),
      messages_(messages),
      checker_(messages, Verify::full),
      plan_(std::move(plan)),
      stall_(stall_timeout),
      first_index_(first_index),
      slots_(plan_.connections) {
    for (std::uint32_t slot = plan_.connections; slot-- > 0;) free_slots_.push_back(slot);
}

ChurnClients::~ChurnClients() {
    for (const Life& life : slots_) {
        if (life.stage != Stage::none) close(life.fd);
    }
}

void ChurnClients::start(Clock::time_point now) {
    stall_.reset(now);
    if (plan_.rate == 0) return;
    schedule_.emplace(1 / plan_.rate, 0, 1);
    schedule_->start(now);
}

Expected<void> ChurnClients::act(Clock::time_point now) {
    while (!stopped_ && !free_slots_.empty() && (!schedule_ || schedule_->next_due() <= now)) {
        const Clock::time_point begun = schedule_ ? schedule_->next_due() : now;
        if (schedule_) schedule_->take();
        const std::uint32_t slot = free_slots_.back();
        free_slots_.pop_back();
        if (auto started = begin(slot, begun); !started) return started;
    }
    return {};
}

Clock::time_point ChurnClients::next_due(Clock::time_point otherwise) const noexcept {
    if (stopped_ || free_slots_.empty() || !schedule_) return otherwise;
    return std::min(otherwise, schedule_->next_due());
}

Expected<void> ChurnClients::begin(std::uint32_t slot, Clock::time_point begun) {
    const auto fd = opener_.start(first_index_ + slot);
    if (!fd) return std::unexpected(fd.error());
    Life& life = slots_[slot];
    life = {};
    life.stage = Stage::opening;
    life.fd = *fd;
    life.number = begun_++;
    life.ending = plan_.endings[life.number % plan_.endings.size()];
    life.begun = begun;
    // Neighbours start at different messages, so a reply to the wrong connection differs.
    life.request = static_cast<std::uint32_t>(life.number % messages_.cycle_count());
    life.reply.expected_index = life.request;
    return {};
}

Expected<void> ChurnClients::handle(const Event& event, Clock::time_point now) {
    stall_.reset(now);
    const std::uint32_t slot = event.index - first_index_;
    auto taken = take(slot, event, now);
    if (taken) return taken;
    const Life& life = slots_[slot];
    return fail("{} {}, after {} of its {} messages: {}", plan_.unit, life.number,
                life.reply.messages, plan_.messages, taken.error().message);
}

Expected<void> ChurnClients::take(std::uint32_t slot, const Event& event, Clock::time_point now) {
    if (slots_[slot].stage == Stage::opening) return take_opening(slot, event, now);
    switch (event.operation) {
        case Operation::receive: return take_received(slot, event, now);
        case Operation::send: return take_sent(slot, event, now);
        case Operation::send_quiet:
        case Operation::connect:
        case Operation::upgrade:
        case Operation::close: break;
    }
    return fail("unexpected event, result {}", event.result);
}

Expected<void> ChurnClients::take_opening(std::uint32_t slot, const Event& event,
                                          Clock::time_point now) {
    Life& life = slots_[slot];
    const auto opened = opener_.advance(event, life.fd);
    if (!opened) return std::unexpected(opened.error());
    if (!*opened) return {};
    if (measured_.contains(life.begun)) handshakes_.record(nanoseconds_between(life.begun, now));
    life.stage = Stage::exchanging;
    go_on(slot, now);
    return {};
}

Expected<void> ChurnClients::take_received(std::uint32_t slot, const Event& event,
                                           Clock::time_point now) {
    Life& life = slots_[slot];
    life.receiving = false;
    if (event.result == 0) return take_end(slot, now);
    if (event.result < 0 && event.result != -ENOBUFS)
        return fail("cannot receive: {}", errno_text(-event.result));
    const auto completed = checker_.consume(life.reply, event.bytes, life.control);
    if (!completed) return std::unexpected(completed.error());
    if (life.reply.messages > life.sent)
        return fail("the server sent more replies than there were messages");
    if (life.reply.close_code && *life.reply.close_code != normal_closure)
        return fail("the server answered a Close frame with code {}", *life.reply.close_code);
    if (!life.sending) go_on(slot, now);
    return {};
}

/// The server has closed its side.
Expected<void> ChurnClients::take_end(std::uint32_t slot, Clock::time_point now) {
    const Life& life = slots_[slot];
    if (life.stage != Stage::closing) return fail("the server closed the connection");
    if (!life.reply.close_code)
        return fail("the server closed the connection without answering the Close frame");
    finish(slot, now);
    return {};
}

Expected<void> ChurnClients::take_sent(std::uint32_t slot, const Event& event,
                                       Clock::time_point now) {
    Life& life = slots_[slot];
    if (event.result < 0) return fail("cannot send: {}", errno_text(-event.result));
    life.unsent = life.unsent.subspan(static_cast<std::size_t>(event.result));
    if (!life.unsent.empty()) {
        io_.send(event.index, life.fd, life.unsent);
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
        return send(slot, life.control_sent);
    }
    if (life.stage == Stage::closing || life.reply.messages < life.sent) return receive(slot);
    const std::uint32_t answered_count = plan_.messages - (leaves_unanswered(life.ending) ? 1 : 0);
    if (life.sent == answered_count) return end(slot, now);
    send(slot, messages_.requests(life.request, 1));
    life.request = static_cast<std::uint32_t>((life.request + 1) % messages_.cycle_count());
    ++life.sent;
    receive(slot);
}

/// Everything that is to be answered has been.
void ChurnClients::end(std::uint32_t slot, Clock::time_point now) {
    Life& life = slots_[slot];
    const std::span last_message = messages_.requests(life.request, 1);
    switch (life.ending) {
        case Ending::close_frame:
            life.stage = Stage::closing;
            life.reply.may_close = true;
            append_control(ws::Opcode::close, close_payload, life.control);
            return go_on(slot, now);
        case Ending::fin:
        case Ending::reset: return finish(slot, now);
        case Ending::reset_unanswered: life.stage = Stage::leaving; return send(slot, last_message);
        case Ending::reset_in_message:
            life.stage = Stage::leaving;
            return send(slot, last_message.first(last_message.size() / 2));
    }
}

void ChurnClients::send(std::uint32_t slot, std::span<const std::byte> bytes) {
    Life& life = slots_[slot];
    life.sending = true;
    life.unsent = bytes;
    io_.send(first_index_ + slot, life.fd, bytes);
}

/// One receive at a time and none left behind: a socket that somebody reads from is not closed by
/// close().
void ChurnClients::receive(std::uint32_t slot) {
    Life& life = slots_[slot];
    if (life.receiving) return;
    life.receiving = true;
    io_.receive_once(first_index_ + slot, life.fd);
}

void ChurnClients::finish(std::uint32_t slot, Clock::time_point now) {
    Life& life = slots_[slot];
    if (life.ending == Ending::reset || leaves_unanswered(life.ending)) discard_at_close(life.fd);
    io_.close(first_index_ + slot, life.fd);
    if (measured_.contains(life.begun)) lives_.record(nanoseconds_between(life.begun, now));
    life.stage = Stage::none;
    ++ended_;
    free_slots_.push_back(slot);
}

Expected<void> ChurnClients::check(Clock::time_point now) {
    if (begun_ == ended_) stall_.reset(now);
    if (!stall_.is_over(now)) return {};
    return fail("nothing happened for {:.1f} s on {} connections, after {} {}", stall_.seconds(now),
                begun_ - ended_, ended_, plural_of(plan_.unit));
}

void ChurnClients::stop(Clock::time_point) {
    stopped_ = true;
}

bool ChurnClients::is_finished() const noexcept {
    return stopped_ && begun_ == ended_;
}

}  // namespace ringcast::bench

#include "sim/session_checker.hpp"

#include <algorithm>
#include <utility>

#include "sim/notice.hpp"

namespace ringcast::sim {
namespace {

/// Codes that a Close frame may carry (RFC 6455 section 7.4 and the IANA registry).
bool is_legal(std::uint16_t code) noexcept {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

constexpr int service_unavailable = 503;
constexpr std::uint16_t policy_violation = 1008, try_again_later = 1013;

}  // namespace

SessionChecker::SessionChecker(const Script& script, const ServerLimits& limits, std::string name)
    : script_{script}, limits_{limits}, name_{std::move(name)} {}

void SessionChecker::fail(Rule rule, const std::string& text) const {
    std::string message{name_};
    message.append(", ").append(to_string(script_.behaviour)).append(": ").append(text);
    throw Violation{rule, message};
}

void SessionChecker::on_response(const test::ServerResponse& response) {
    if (has_response()) fail(Rule::handshake_answered, "a second response");
    status_ = response.status;
    is_told_full_ = status_ == service_unavailable && response.field("retry-after");
    if (status_ != 101) return;
    if (response.field("sec-websocket-accept") != std::string{test::sample_accept} ||
        response.field("upgrade") != "websocket" || response.field("connection") != "Upgrade") {
        fail(Rule::handshake_answered, "a 101 with wrong fields");
    }
}

void SessionChecker::on_frame(const test::ServerFrame& frame) {
    if (closed_) fail(Rule::frames_well_formed, "a frame after the Close");
    switch (frame.opcode) {
        case test::opcode_continuation:
            if (!assembling_) fail(Rule::frames_well_formed, "a continuation of nothing");
            [[fallthrough]];
        case test::opcode_text:
        case test::opcode_binary: return on_message(frame);
        case test::opcode_ping: return;
        case test::opcode_pong: return on_pong(frame);
        case test::opcode_close: return on_close(frame);
        default: fail(Rule::frames_well_formed, "opcode " + std::to_string(frame.opcode));
    }
}

void SessionChecker::on_message(const test::ServerFrame& frame) {
    if (frame.opcode != test::opcode_continuation) {
        if (assembling_) fail(Rule::frames_well_formed, "a message inside a message");
        assembling_ = Owed{.opcode = frame.opcode, .payload = {}};
    }
    assembling_->payload += frame.payload;
    if (!frame.fin) return;
    const Owed message = std::move(*assembling_);
    assembling_.reset();
    return is_notice(message.payload) ? on_notice(message) : on_echo(message);
}

void SessionChecker::on_notice(const Owed& message) {
    if (limits_.notice_bytes == 0) fail(Rule::notices_exact, "a notice that nobody sent");
    if (message.opcode != test::opcode_binary ||
        message.payload != notice_payload(notices_, limits_.notice_bytes)) {
        fail(Rule::notices_exact, "notice " + std::to_string(notices_) + " is another");
    }
    ++notices_;
}

void SessionChecker::on_echo(const Owed& message) {
    const std::string number = "message " + std::to_string(echoes_);
    if (echoes_ == script_.owed.size()) fail(Rule::echoes_exact, number + " is owed to nobody");
    const Owed& owed = script_.owed[echoes_];
    if (message.opcode != owed.opcode) fail(Rule::echoes_exact, number + " is of another kind");
    if (message.payload != owed.payload) {
        const auto [got, wanted] = std::ranges::mismatch(message.payload, owed.payload);
        fail(Rule::echoes_exact, number + " of " + std::to_string(owed.payload.size()) +
                                     " octets came as " + std::to_string(message.payload.size()) +
                                     ", different from octet " +
                                     std::to_string(got - message.payload.begin()));
    }
    ++echoes_;
}

void SessionChecker::on_pong(const test::ServerFrame& frame) {
    // An answer to a later ping answers earlier ones too (RFC 6455 section 5.5.3).
    while (pongs_ < script_.pings.size()) {
        if (script_.pings[pongs_++] == frame.payload) return;
    }
    fail(Rule::pongs_match, "a pong that answers no ping");
}

void SessionChecker::on_close(const test::ServerFrame& frame) {
    closed_ = true;
    if (assembling_) fail(Rule::frames_well_formed, "a Close inside a message");
    if (frame.payload.empty()) return;
    close_code_ = frame.close_code().value_or(0);
    if (!is_legal(close_code_)) {
        fail(Rule::close_as_scripted, "illegal close code " + std::to_string(close_code_));
    }
}

void SessionChecker::on_error(const std::string& error) const {
    fail(Rule::frames_well_formed, error);
}

void SessionChecker::on_end(End end, std::size_t unread) {
    end_ = end;
    unread_ = unread;
}

bool SessionChecker::was_overloaded() const noexcept {
    if (status_ == 101) return limits_.may_overload && close_code_ == try_again_later;
    // In the middle of a TLS handshake nothing can be said.
    const bool is_speechless = limits_.is_secure && status_ == 0;
    return limits_.is_memory_scarce && (is_speechless || status_ == service_unavailable);
}

bool SessionChecker::was_late() const noexcept {
    return limits_.may_be_late && close_code_ == policy_violation;
}

void SessionChecker::finish(const Circumstances& circumstances) const {
    const Excuse excuse = circumstances.excuse;
    // All that was sent before a Close comes before it, whatever happens afterwards.
    if (closed_) check_notices(circumstances.notices);
    if (excuse == Excuse::weather || excuse == Excuse::termination || script_.may_break) return;
    if (was_turned_away() || (was_overloaded() && status_ == 0)) return;
    check_status(circumstances);
    if (excuse == Excuse::shutdown) return check_close(excuse);
    if (status_ == 101) {
        if (!was_overloaded() && !was_late()) check_complete();
        check_close(excuse);
        check_notices(circumstances.notices);
    }
    check_end();
}

void SessionChecker::check_status(const Circumstances& circumstances) const {
    if (was_overloaded()) return;
    if (circumstances.excuse == Excuse::shutdown &&
        (status_ == 0 || status_ == service_unavailable))
        return;
    const int verdict = circumstances.verdict;
    const int expected = verdict != 0 ? verdict : script_.status;
    if (status_ == expected) return;
    const Rule rule = verdict != 0 && verdict != 101 ? Rule::verdict_kept
                      : expected == 101              ? Rule::handshake_answered
                                                     : Rule::refusal_as_scripted;
    fail(rule, "the response is " + std::to_string(status_) + ", not " + std::to_string(expected));
}

void SessionChecker::check_notices(std::uint64_t sent) const {
    if (notices_ == sent) return;
    fail(Rule::notices_exact,
         std::to_string(notices_) + " notices came of " + std::to_string(sent));
}

void SessionChecker::check_complete() const {
    if (!script_.is_complete) return;
    if (echoes_ != script_.owed.size()) {
        fail(Rule::echoes_complete, std::to_string(echoes_) + " of " +
                                        std::to_string(script_.owed.size()) +
                                        " messages came back");
    }
    if (pongs_ != script_.pings.size()) fail(Rule::pongs_match, "the last ping has no answer");
}

void SessionChecker::check_close(Excuse excuse) const {
    const bool scripted = closed_ ? std::ranges::count(script_.close_codes, close_code_) > 0
                                  : script_.close_codes.empty();
    if (scripted || was_overloaded() || was_late()) return;
    if (excuse == Excuse::shutdown && (!closed_ || close_code_ == limits_.shutdown_code)) return;
    fail(Rule::close_as_scripted,
         closed_ ? "close code " + std::to_string(close_code_) : std::string{"no Close"});
}

void SessionChecker::check_end() const {
    if (!end_) fail(Rule::liveness, "the connection has not ended");
    if (*end_ == End::reset) fail(Rule::close_as_scripted, "ended by a reset");
    if (*end_ == End::truncated) fail(Rule::close_as_scripted, "ended without a close_notify");
    if (unread_ != 0) fail(Rule::frames_well_formed, "ended in the middle of a frame");
}

}  // namespace ringcast::sim

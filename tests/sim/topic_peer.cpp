#include "sim/topic_peer.hpp"

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>

#include "sim/topic_application.hpp"

namespace ringcast::sim {

namespace {

constexpr std::string_view skip_start = "{\"skipped\":", place_start = "{\"epoch\":\"";

bool is_message(const test::ServerFrame& frame) noexcept {
    return frame.opcode <= test::opcode_binary;
}

bool is_place(const test::ServerFrame& frame) noexcept {
    return frame.opcode == test::opcode_text && frame.payload.starts_with(place_start);
}

bool is_skip(const test::ServerFrame& frame) noexcept {
    return frame.opcode == test::opcode_text && frame.payload.starts_with(skip_start);
}

/// Codes that a server's Close frame may carry (RFC 6455 section 7.4), here.
bool is_legal(std::uint16_t code) noexcept {
    return code == 1000 || code == 1001 || code == 1012 || code == 1013;
}

}  // namespace

TopicPeer::TopicPeer(std::uint32_t number, const Visit& visit, const TopicScenario& scenario,
                     TopicBook& book, TopicBreak broken, std::function<void(std::uint32_t)> on_seen)
    : number_{number},
      visit_{visit},
      scenario_{scenario},
      book_{book},
      break_{broken},
      on_seen_{std::move(on_seen)} {}

std::string TopicPeer::request() const {
    test::UpgradeRequest request;
    request.target = visit_.kind == VisitKind::raw ? "/topics/" : "/rooms/";
    request.target += scenario_.topics[visit_.topic];
    if (visit_.counts() && !resumed_place_) {
        request.target += "?last=" + std::to_string(visit_.last);
    } else if (resumed_place_) {
        request.target +=
            "?offset=" + std::to_string(resumed_place_->offset) + "&epoch=" + resumed_place_->epoch;
    } else if (visit_.wants_gaps) {
        request.target += "?gaps=1";
    }
    const std::string offer = scenario_.compression.offer(number_);
    if (!offer.empty()) request.fields = test::offer_line(offer);
    return test::encode(request);
}

std::string TopicPeer::frame_of(std::uint32_t publication, std::string before) {
    test::ClientFrame frame{.payload = std::move(before) + book_.payload_of(publication)};
    if (deflate_ && publication % 3 != 0) {
        frame.payload = deflate_->payload(frame.payload);
        frame.reserved_bits = 4;
    }
    if (!book_.publication(publication).is_text) frame.opcode = test::opcode_binary;
    return test::encode(frame);
}

void TopicPeer::fail(Rule rule, const std::string& text) const {
    throw Violation{rule, "visit " + std::to_string(number_) + ": " + text};
}

void TopicPeer::run(Wire wire, Instant now) {
    if (done_) return;
    now_ = now;
    if (!std::exchange(has_begun_, true)) begin();
    was_severed_ = wire.was_severed();
    if (reads_) read(wire, now);
    if (wire.is_connected()) play(wire, now);
    if (done_) return;
    if (wire.was_reset() || (reads_ ? wire.at_end() : wire.has_ended())) {
        if (reads_ && !wire.arrived().empty()) return;  // A slow reader has more to read before.
        // Who has more to say than close_timeout leaves time for is cut off.
        was_reset_ =
            wire.was_reset() && now - visitor().closed_at < scenario_.settings.close_timeout / 2;
        if (!wire.tls_error().empty()) fail(Rule::frames_well_formed, wire.tls_error());
        const bool is_open = visitor().status == 101 && !was_spoiled();
        if (is_open && !wire.was_reset() && !reader_.unread().empty())
            fail(Rule::frames_well_formed, "the end comes in the middle of a frame");
        end(wire);
    }
}

/// What it asks for may depend on what an earlier visit has seen.
void TopicPeer::begin() {
    if (visit_.begin == Visit::Begin::resume) resumed_place_ = book_.resume(number_);
    output_ = request();
}

void TopicPeer::end(Wire wire) {
    done_ = true;
    was_severed_ = wire.was_severed();
    wire.close();
}

// ---- Reading ----

void TopicPeer::read(Wire wire, Instant now) {
    if (wire.arrived().empty()) return;
    if (now < read_after_) {
        wire.call_at(read_after_);
        return;
    }
    const std::span bytes =
        wire.arrived().first(std::min(visit_.read_bytes_max, wire.arrived().size()));
    reader_.feed({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    wire.consume(bytes.size());
    read_after_ = now + visit_.read_interval;
    if (!wire.arrived().empty()) wire.call_at(read_after_);
    if (visitor().status == 0) {
        const auto response = reader_.next_response();
        const int status = break_ == TopicBreak::change_status ? 503 : 101;
        if (response)
            book_.on_response(number_, response->status == 101 ? status : response->status);
        if (response && response->status == 101 && response->field("sec-websocket-extensions"))
            deflate_ = std::make_unique<test::DeflateClient>(*response);
        if (response && response->status == 101 && visit_.kind == VisitKind::raw)
            book_.on_run(number_, visit_.topic);
    }
    if (visitor().status == 101) {
        while (auto frame = reader_.next_frame()) take(std::move(*frame));
    }
    if (!reader_.error().empty()) fail(Rule::frames_well_formed, reader_.error());
}

/// From here on it is as if the frame had come as it is.
void TopicPeer::inflate(test::ServerFrame& frame) {
    if (!frame.is_compressed) return;
    auto message = deflate_->message(frame);
    if (!message) fail(Rule::frames_well_formed, "no DEFLATE data, or out of context");
    frame.payload = *std::move(message);
    frame.is_compressed = false;
}

/// What the break leaves of a frame.
void TopicPeer::take(test::ServerFrame frame) {
    inflate(frame);
    if (break_ == TopicBreak::skip_newest) skip_newest(frame);
    const bool is_publication = is_message(frame) && book_.read(frame.payload).has_value();
    if (is_publication) ++seen_;
    if (is_lost(frame)) return;
    if (is_publication && break_ == TopicBreak::flip_octet)
        frame.payload.back() = static_cast<char>(frame.payload.back() ^ 1);
    if (is_publication && break_ == TopicBreak::change_kind)
        frame.opcode = frame.opcode == test::opcode_text ? test::opcode_binary : test::opcode_text;
    if (is_publication && break_ == TopicBreak::repeat_publication && seen_ == 2) accept(frame);
    if (is_skip(frame) && break_ == TopicBreak::change_skip) frame.payload.insert(11, "1");
    if (is_place(frame) && break_ == TopicBreak::change_position && number_ % 2 == 0)
        frame.payload.insert(frame.payload.find("offset") + 8, "1");
    if (frame.opcode == test::opcode_close && break_ == TopicBreak::change_code)
        frame.payload = test::close_payload(1014);
    // One is held back until it is certain that another one comes.
    if (is_publication && is_held_back(frame)) {
        held_back_.push_back(std::move(frame));
        return;
    }
    if (is_publication && break_ != TopicBreak::swap_publications) held_back_.clear();
    if (is_publication) accept(frame);
    for (const test::ServerFrame& late : std::exchange(held_back_, {})) accept(late);
    if (!is_publication) accept(frame);
}

/// A break: what comes behind word of a gap is counted as one more that is missing.
void TopicPeer::skip_newest(test::ServerFrame& frame) {
    if (std::exchange(is_behind_gap_, is_skip(frame)) && is_message(frame)) {
        frame.opcode = test::opcode_text;
        frame.payload = std::string{skip_start} + "1}";
    }
}

/// By a break, to be lost or to come late.
bool TopicPeer::is_held_back(const test::ServerFrame& frame) const {
    if (break_ == TopicBreak::lose_first)
        return seen_ == 1 && book_.publication(*book_.read(frame.payload)).publisher != number_;
    return seen_ == 2 &&
           (break_ == TopicBreak::lose_publication || break_ == TopicBreak::swap_publications);
}

/// By a break.
bool TopicPeer::is_lost(const test::ServerFrame& frame) {
    if (is_skip(frame)) return break_ == TopicBreak::lose_skip;
    const auto id = is_message(frame) ? book_.read(frame.payload) : std::nullopt;
    if (!id) return false;
    const bool is_own = book_.publication(*id).publisher == number_;
    switch (break_) {
        case TopicBreak::lose_missed:
            return seen_ == 1 && resumed_place_ && book_.was_recovered(number_);
        case TopicBreak::lose_own:
            has_lost_ = has_lost_ || (is_own && !visit_.awaits_own());
            return has_lost_;
        case TopicBreak::lose_last: {
            const auto& all = book_.publications();
            return seen_ > 1 && std::ranges::none_of(all, [this](const auto& each) {
                       return each.publisher == number_;
                   });
        }
        default: return false;
    }
}

void TopicPeer::accept(const test::ServerFrame& frame) {
    if (visitor().has_closed) fail(Rule::frames_well_formed, "a frame after the Close");
    if (!frame.fin) fail(Rule::frames_well_formed, "a publication in fragments");
    if (is_message(frame)) return take_message(frame);
    if (frame.opcode == test::opcode_close) {
        const std::uint16_t code = frame.close_code().value_or(0);
        if (!is_legal(code) && !(visit_.may_break() && code == 0))
            fail(Rule::close_as_scripted, "close code " + std::to_string(code));
        book_.on_close(number_, code, std::string_view{frame.payload}.substr(code == 0 ? 0 : 2),
                       now_);
    }
    answer(frame);
}

void TopicPeer::take_message(const test::ServerFrame& frame) {
    const bool is_text = frame.opcode == test::opcode_text;
    if (is_text && !book_.read(frame.payload)) return take_text(frame);
    on_seen_(book_.on_publication(number_, is_text, frame.payload));
}

/// Not a publication: word of a gap, or an answer of the application.
void TopicPeer::take_text(const test::ServerFrame& frame) {
    const auto number_behind = [&frame](std::size_t size) {
        std::uint32_t number = 0;
        std::from_chars(frame.payload.data() + size, frame.payload.data() + frame.payload.size(),
                        number);
        return number;
    };
    if (is_place(frame)) return take_place(frame.payload);
    if (is_skip(frame))
        return book_.on_skipped(number_, visit_.topic, number_behind(skip_start.size()));
    if (asked_.empty() || frame.payload.size() < 2)
        fail(Rule::publications_exact, "a text that nobody has sent");
    const std::uint32_t topic = number_behind(1);
    if (frame.payload != rooms::answer(scenario_, frame.payload.front(), topic))
        fail(Rule::publications_exact, "an answer came as another one");
    take_answer(frame.payload.front(), topic);
}

/// {"epoch":"k3VxQ_9a","offset":41,"recovered":true}
void TopicPeer::take_place(std::string_view text) {
    constexpr std::size_t epoch_size = 8;
    constexpr std::string_view middle = "\",\"offset\":";
    const std::string epoch{text.substr(place_start.size(), epoch_size)};
    text.remove_prefix(std::min(text.size(), place_start.size() + epoch_size));
    std::uint64_t offset = 0;
    bool is_whole = text.starts_with(middle) && visit_.counts();
    if (is_whole) {
        const char* const end = text.data() + text.size();
        text.remove_prefix(static_cast<std::size_t>(
            std::from_chars(text.data() + middle.size(), end, offset).ptr - text.data()));
    }
    std::optional<bool> recovered;
    if (text == ",\"recovered\":true}") recovered = true;
    if (text == ",\"recovered\":false}") recovered = false;
    is_whole = is_whole && (recovered || text == "}");
    if (!is_whole) fail(Rule::publications_exact, "a position that is none");
    book_.on_position(number_, visit_.topic, {.epoch = epoch, .offset = offset}, recovered, now_,
                      now_);
}

/// Every question has one, in the order in which they were asked.
void TopicPeer::take_answer(char word, std::uint32_t topic) {
    const std::uint64_t asked = asked_.front();
    asked_.pop_front();
    switch (word) {
        case rooms::subscribe: return book_.on_run(number_, topic, asked);
        case rooms::unsubscribe: return book_.on_run_end(number_, topic);
        case rooms::refused: return;
        default: fail(Rule::publications_exact, "an answer that means nothing");
    }
}

void TopicPeer::answer(const test::ServerFrame& frame) {
    if (has_sent_close_) return;
    if (frame.opcode == test::opcode_ping) answers_ += test::pong_frame(frame.payload);
    if (frame.opcode != test::opcode_close) return;
    // The server's Close: answered, unless it is itself the answer (RFC 6455 section 5.5.1).
    has_sent_close_ = true;
    if (begins_close_) return;
    answers_ +=
        test::encode(test::ClientFrame{.opcode = test::opcode_close, .payload = frame.payload});
}

// ---- Playing ----

void TopicPeer::play(Wire wire, Instant now) {
    while (!done_) {
        if (!is_written()) {
            const auto rest = std::as_bytes(std::span{output_}).subspan(written_);
            const std::size_t taken = wire.write(rest);
            written_ += taken;
            if (taken < rest.size()) return;  // The network says when there is room.
            const std::uint32_t publication = std::exchange(writing_, TopicBook::nobody);
            if (publication != TopicBook::nobody) book_.on_written_whole(publication, now);
            continue;
        }
        if (!answers_.empty()) {
            output_ = std::exchange(answers_, {});
            written_ = 0;
            continue;
        }
        // After the Close, nothing is begun any more.
        if (visitor().has_closed || action_ == visit_.actions.size()) return;
        const bool is_refused = visitor().status != 0 && visitor().status != 101;
        if (is_refused || (!visit_.is_impatient && visitor().status == 0)) return;
        if (!play_action(wire, now)) return;
        ++action_;
        action_begun_ = false;
    }
}

bool TopicPeer::play_action(Wire wire, Instant now) {
    const Action& action = visit_.actions[action_];
    const bool begins = !std::exchange(action_begun_, true);
    const auto write = [this](std::string bytes) {
        output_ = std::move(bytes);
        written_ = 0;
        return true;
    };
    switch (action.kind) {
        case Action::Kind::publish:
            writing_ = action.number;
            book_.on_written(action.number);
            return write(frame_of(action.number));
        case Action::Kind::enter:
            asked_.push_back(book_.on_asked());
            writing_ = action.number;
            book_.on_written(action.number);
            return write(frame_of(action.number, {rooms::enter}));
        case Action::Kind::subscribe:
            asked_.push_back(book_.on_asked());
            return write(test::text_frame(rooms::subscribe + std::to_string(action.number)));
        case Action::Kind::unsubscribe:
            asked_.push_back(book_.on_asked());
            return write(test::text_frame(rooms::unsubscribe + std::to_string(action.number)));
        case Action::Kind::pause:
            if (begins) pause_until_ = now + action.duration;
            if (now >= pause_until_) return true;
            wire.call_at(pause_until_);
            return false;
        case Action::Kind::await_own: return book_.has_seen_own(number_);
        case Action::Kind::stop_reading: reads_ = false; return true;
        case Action::Kind::close: begins_close_ = true; return write(test::close_frame(1000));
        case Action::Kind::shut_down: wire.shutdown(); return true;
        case Action::Kind::reset:
            wire.reset();
            end(wire);
            return true;
        case Action::Kind::vanish: end(wire); return true;
    }
    return true;
}

}  // namespace ringcast::sim

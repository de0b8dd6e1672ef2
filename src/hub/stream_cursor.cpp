#include "hub/stream_cursor.hpp"

#include <algorithm>

namespace ringcast::hub {

namespace {

std::uint64_t bytes_of(const Stream& stream, std::uint64_t offset) noexcept {
    const SharedPayload& payload = *stream.at(offset).payload;
    return payload.bytes().size() + payload.info().size();
}

}  // namespace

StreamCursor::Step StreamCursor::step(const Stream& stream) noexcept {
    if (!has_begun_) begin(stream);
    // The topic was forgotten and made anew meanwhile: its numbers mean something else.
    if (stream.epoch() != epoch_) return end(StreamResult::missing);
    if (result_ != StreamResult::complete) return Step::end;
    if (query_.order == StreamQuery::Order::backward) {
        if (left_ == 0 || next_ < stream.first() || next_ == 0) return Step::end;
        if (!fits(stream, next_)) return Step::end;
        --left_;
        offset_ = next_--;
        return Step::publication;
    }
    if (next_ > stream.top()) return Step::end;
    // What was kept when it began may have fallen out; or more comes than goes. A piece of the
    // stream may be shorter than was asked for, but has no gap.
    if (next_ < stream.first() || left_ == 0 || !fits(stream, next_))
        return query_.follows ? end(StreamResult::missing) : Step::end;
    --left_;
    offset_ = next_++;
    return Step::publication;
}

void StreamCursor::begin(const Stream& stream) noexcept {
    has_begun_ = true;
    epoch_ = stream.epoch();
    left_ = query_.count_max;
    bytes_max_ = query_.bytes_max;
    const bool is_forward = query_.order == StreamQuery::Order::forward;
    switch (query_.start) {
        case StreamQuery::Start::oldest: next_ = is_forward ? stream.first() : 0; break;
        case StreamQuery::Start::newest:
            next_ = is_forward ? stream.top() + 1 - newest_that_fit(stream) : stream.top();
            if (!query_.follows) break;
            left_ += overrun_max;
            bytes_max_ += query_.bytes_max;
            break;
        case StreamQuery::Start::since:
            is_forward ? begin_behind(stream) : begin_before(stream);
            break;
    }
}

void StreamCursor::begin_behind(const Stream& stream) noexcept {
    const bool is_known = query_.since.epoch.is_any() || query_.since.epoch == stream.epoch();
    const std::uint64_t offset = query_.since.offset;
    next_ = offset + 1;
    if (is_known && offset == stream.top()) return;
    if (query_.follows && stream.is_newest_enough()) {
        next_ = stream.top();
        if (stream.count() == 0) result_ = StreamResult::missing;
    } else if (!is_known || !stream.reaches_back_to(offset) ||
               (query_.follows && stream.top() - offset > newest_that_fit(stream))) {
        result_ = StreamResult::missing;
    }
}

void StreamCursor::begin_before(const Stream& stream) noexcept {
    const bool is_known = query_.since.epoch.is_any() || query_.since.epoch == stream.epoch();
    const std::uint64_t offset = query_.since.offset;
    next_ = offset == 0 ? 0 : offset - 1;
    if (!is_known || offset > stream.top() + 1) result_ = StreamResult::missing;
}

/// How many of the newest ones may be handed out.
std::uint64_t StreamCursor::newest_that_fit(const Stream& stream) const noexcept {
    const std::uint64_t count_max = std::min(query_.count_max, stream.count());
    std::uint64_t bytes = 0;
    for (std::uint64_t count = 0; count < count_max; ++count) {
        bytes += bytes_of(stream, stream.top() - count);
        if (bytes > query_.bytes_max && count > 0) return count;
    }
    return count_max;
}

/// Counts it, if so.
bool StreamCursor::fits(const Stream& stream, std::uint64_t offset) noexcept {
    const std::uint64_t bytes = bytes_ + bytes_of(stream, offset);
    if (bytes > bytes_max_ && bytes_ > 0) return false;
    bytes_ = bytes;
    return true;
}

StreamCursor::Step StreamCursor::end(StreamResult result) noexcept {
    result_ = result;
    return Step::end;
}

}  // namespace ringcast::hub

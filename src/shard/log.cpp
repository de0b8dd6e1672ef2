#include "shard/log.hpp"

#include <utility>

namespace ringcast::shard {

std::string_view LogRecord::text_of(std::size_t index) const noexcept {
    std::size_t offset = 0;
    for (std::size_t i = 0; i < index; ++i) {
        if (kinds[i] == Kind::text || kinds[i] == Kind::text_cut) offset += fields[i].value;
    }
    return {text.data() + offset, fields[index].value};
}

LogLine::LogLine(LogQueue& queue, LogLevel level, LogName event) noexcept : queue_{&queue} {
    record_.event = event.text();
    record_.text_bytes = 0;
    record_.level = level;
    record_.fields_count = 0;
    record_.fields_lost = 0;
}

void LogLine::add(LogName key, LogRecord::Kind kind, std::uint64_t value) noexcept {
    if (queue_ == nullptr) return;
    if (record_.fields_count == LogRecord::fields_max) {
        ++record_.fields_lost;
        return;
    }
    record_.kinds[record_.fields_count] = kind;
    record_.fields[record_.fields_count] = {.key = key.text(), .value = value};
    ++record_.fields_count;
}

LogLine& LogLine::field(LogName key, std::string_view value) noexcept {
    if (queue_ == nullptr || record_.fields_count == LogRecord::fields_max) {
        add(key, LogRecord::Kind::text, 0);
        return *this;
    }
    const std::size_t room = LogRecord::text_bytes_max - record_.text_bytes;
    std::size_t size = value.size();
    auto kind = LogRecord::Kind::text;
    if (size > room) {
        kind = LogRecord::Kind::text_cut;
        size = room;
        // Do not leave half a character: while the first byte left out is a continuation byte,
        // leave out one more (three at most, so that bytes which are no UTF-8 at all are cut like
        // any others).
        const std::size_t size_min = size - std::min<std::size_t>(size, 3);
        while (size > size_min && (static_cast<unsigned char>(value[size]) & 0xc0) == 0x80) --size;
    }
    if (size > 0) std::memcpy(record_.text.data() + record_.text_bytes, value.data(), size);
    record_.text_bytes = static_cast<std::uint16_t>(record_.text_bytes + size);
    add(key, kind, size);
    return *this;
}

void LogLine::push() noexcept {
    if (queue_ != nullptr) std::exchange(queue_, nullptr)->push(record_);
}

LogQueue::LogQueue(std::uint16_t shard, LogLevel level_max, std::size_t records_max)
    : records_{records_max}, shard_{shard}, level_max_{level_max} {}

LogLine LogQueue::line(LogLevel level, LogName event) noexcept {
    if (!enabled(level)) return {};
    return {*this, level, event};
}

LogLine LogQueue::limited(LogLimiter& limiter) noexcept {
    if (!enabled(limiter.level_)) return {};
    if (now_ >= limiter.interval_end_) {
        report_suppressed(limiter, Report::at_once);
        limiter.interval_end_ = now_ + limiter.interval_;
        limiter.count_ = 0;
    }
    if (limiter.count_ == limiter.count_max_) {
        ++limiter.suppressed_;
        return {};
    }
    ++limiter.count_;
    return line(limiter.level_, limiter.event_);
}

void LogQueue::report_suppressed(LogLimiter& limiter, Report report) noexcept {
    if (limiter.suppressed_ == 0) return;
    if (report == Report::after_interval && now_ < limiter.interval_end_) return;
    const std::uint64_t count = std::exchange(limiter.suppressed_, 0);
    line(limiter.level_, "log_suppressed")
        .field("suppressed_event", std::string_view{limiter.event_.text()})
        .field("count", count);
}

void LogQueue::push(LogRecord& record) noexcept {
    record.time = now_;
    record.shard = shard_;
    record.dropped_before = dropped_untold_;
    if (records_.try_push(record)) {
        dropped_untold_ = 0;
    } else {
        ++dropped_;
        ++dropped_untold_;
    }
}

bool LogQueue::pop(LogRecord& record) noexcept {
    return records_.try_pop(record);
}

std::string_view name_of(LogLevel level) noexcept {
    switch (level) {
        case LogLevel::error: return "error";
        case LogLevel::warn: return "warn";
        case LogLevel::info: return "info";
        case LogLevel::debug: return "debug";
    }
    return "unknown";
}

}  // namespace ringcast::shard

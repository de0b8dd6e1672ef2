#pragma once
// What a shard does when it has something to say: it fills a fixed-size record and puts it into a
// bounded queue. A server thread formats and writes (server/log_writer.hpp), so that a blocked
// stderr never stops a shard. Here is no clock, no formatting and no allocation; a full queue
// counts what it lost and says so with the next record that fits.
//
//     log.info("connection_opened").field("id", id).field("ip", ip);
//     log.limited(handshake_failures_).field("reason", name_of(reason));
//     auto line = log.info("connection_closed");  // When fields depend on something.
//     if (user != 0) line.field("user", user);
//
// A line whose level is off costs one comparison.

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "base/spsc_queue.hpp"
#include "base/time.hpp"

namespace ringcast::shard {

/// How much somebody has to care. A higher value is chattier.
enum class LogLevel : std::uint8_t { error, warn, info, debug };

/// The name of an event or a field: a string literal (anything else does not compile), because a
/// record outlives the call that made it. By custom snake_case, with the unit last:
/// `bytes_received`.
class LogName {
public:
    consteval LogName(const char* literal) : text_{literal} {}
    [[nodiscard]] constexpr const char* text() const noexcept { return text_; }

private:
    const char* text_;
};

/// One event as plain data. Trivially copyable, made to be copied through a queue; nothing in it is
/// initialised by default, because most of its bytes stay unused (only the first `fields_count`
/// fields and `text_bytes` octets have a meaning).
struct LogRecord {
    static constexpr std::size_t fields_max = 12;
    static constexpr std::size_t text_bytes_max = 280;
    /// The number of a record that comes from the server itself rather than from a shard.
    static constexpr std::uint16_t no_shard = 0xffff;

    enum class Kind : std::uint8_t {
        boolean,
        signed_integer,
        unsigned_integer,
        duration,
        text,
        text_cut
    };
    struct Field {
        const char* key;
        std::uint64_t value;  ///< Two's complement for signed integers and durations (ns); for text
                              ///< its size in bytes.
    };

    Instant time;
    const char* event;
    std::uint32_t dropped_before;  ///< Records lost to a full queue since the one before this.
    std::uint16_t shard;
    std::uint16_t text_bytes;
    LogLevel level;
    std::uint8_t fields_count;
    std::uint8_t fields_lost;  ///< Fields that found no room.
    std::array<Kind, fields_max> kinds;
    std::array<Field, fields_max> fields;
    std::array<char, text_bytes_max> text;  ///< All text values, one behind the other.

    /// The value of a text field: kinds[index] is text, or text_cut if it was shortened to what had
    /// room.
    [[nodiscard]] std::string_view text_of(std::size_t index) const noexcept;
};
static_assert(sizeof(LogRecord) == 512 && std::is_trivially_copyable_v<LogRecord>);

/// At most `count_max` lines of one event per `interval`; what is above is counted, and the count
/// is told in one `log_suppressed` line as soon as LogQueue::limited() or
/// LogQueue::report_suppressed() sees the interval over. One per event, kept beside the code that
/// logs it.
class LogLimiter {
public:
    constexpr LogLimiter(LogLevel level, LogName event, std::uint32_t count_max = 10,
                         Duration interval = std::chrono::seconds{10}) noexcept
        : event_{event}, interval_{interval}, count_max_{count_max}, level_{level} {}

    /// Lines held back and not yet told.
    [[nodiscard]] std::uint64_t suppressed() const noexcept { return suppressed_; }

private:
    friend class LogQueue;
    LogName event_;
    Duration interval_;
    Instant interval_end_{Instant::min()};
    std::uint64_t suppressed_ = 0;
    std::uint32_t count_max_;
    std::uint32_t count_ = 0;
    LogLevel level_;
};

class LogQueue;

/// A line under construction; goes into the queue when it dies, normally at the end of the full
/// expression. Empty, and then nearly free, when its level is off.
class LogLine {
public:
    LogLine(const LogLine&) = delete;
    LogLine& operator=(const LogLine&) = delete;
    ~LogLine() { push(); }

    LogLine& field(LogName key, std::integral auto value) noexcept {
        using Value = decltype(value);
        if constexpr (std::same_as<Value, bool>) {
            add(key, LogRecord::Kind::boolean, value ? 1 : 0);
        } else if constexpr (std::signed_integral<Value>) {
            add(key, LogRecord::Kind::signed_integer,
                static_cast<std::uint64_t>(std::int64_t{value}));
        } else {
            add(key, LogRecord::Kind::unsigned_integer, value);
        }
        return *this;
    }
    LogLine& field(LogName key, Duration value) noexcept {
        add(key, LogRecord::Kind::duration, static_cast<std::uint64_t>(value.count()));
        return *this;
    }
    /// Copies `value`, whatever its bytes are; what has no room is cut off at a UTF-8 boundary and
    /// marked.
    LogLine& field(LogName key, std::string_view value) noexcept;
    LogLine& field(LogName key, const char* value) noexcept {
        return field(key, std::string_view{value});
    }

    /// Puts the line into the queue now; what is done with it afterwards has no effect.
    void push() noexcept;

private:
    friend class LogQueue;
    LogLine() noexcept {}
    LogLine(LogQueue& queue, LogLevel level, LogName event) noexcept;
    void add(LogName key, LogRecord::Kind kind, std::uint64_t value) noexcept;

    LogQueue* queue_ = nullptr;
    LogRecord record_;  // Meaningless without a queue.
};

/// The log of one shard. The shard is the only one that pushes, the log writer the only one that
/// pops. Never blocks.
class LogQueue {
public:
    static constexpr std::size_t records_max_default = 1024;  ///< 512 KiB.

    /// `level_max` is the chattiest level that is kept. `shard` appears in every record.
    LogQueue(std::uint16_t shard, LogLevel level_max,
             std::size_t records_max = records_max_default);

    // The shard's side.

    /// The time that the following records carry: once per turn, from the ring.
    void set_now(Instant now) noexcept { now_ = now; }
    [[nodiscard]] bool enabled(LogLevel level) const noexcept { return level <= level_max_; }

    LogLine error(LogName event) noexcept { return line(LogLevel::error, event); }
    LogLine warn(LogName event) noexcept { return line(LogLevel::warn, event); }
    LogLine info(LogName event) noexcept { return line(LogLevel::info, event); }
    LogLine debug(LogName event) noexcept { return line(LogLevel::debug, event); }
    LogLine line(LogLevel level, LogName event) noexcept;
    /// A line of the limiter's event, or an empty one when it has had enough of them.
    LogLine limited(LogLimiter& limiter) noexcept;
    /// Tells what `limiter` held back, if its interval is over. For a shard's slow tick, so that
    /// the end of a burst is told too; with `at_once` (when the shard stops) without waiting for
    /// the interval.
    enum class Report : std::uint8_t { after_interval, at_once };
    void report_suppressed(LogLimiter& limiter, Report report = Report::after_interval) noexcept;

    /// Records lost to a full queue, since the start.
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }
    /// Of these, how many no record has told yet. For the writer once the shard's thread has ended.
    [[nodiscard]] std::uint32_t dropped_untold() const noexcept { return dropped_untold_; }

    // The writer's side.

    [[nodiscard]] std::uint16_t shard() const noexcept { return shard_; }
    /// Takes the oldest record; false when there is none.
    [[nodiscard]] bool pop(LogRecord& record) noexcept;

private:
    friend class LogLine;
    void push(LogRecord& record) noexcept;

    SpscQueue<LogRecord> records_;
    Instant now_;
    std::uint64_t dropped_ = 0;
    std::uint32_t dropped_untold_ = 0;
    std::uint16_t shard_;
    LogLevel level_max_;
};

/// `error`, `warn`, `info` or `debug`.
[[nodiscard]] std::string_view name_of(LogLevel level) noexcept;

}  // namespace ringcast::shard

#pragma once
// Log records as lines of text. Pure functions.
//
//     time=2026-01-31T12:00:00.123Z level=info shard=3 event=session_closed id=17 lasted=1.5s
//     {"time":"2026-01-31T12:00:00.123Z","level":"info","shard":3,"event":"session_closed","id":17,
//      "lasted_seconds":1.5}                                                        (in one line)
//
// What peers sent may be in a value, so a line is always one line of valid UTF-8: control
// characters are escaped, and bytes that are no UTF-8 appear as \xNN (logfmt) or U+FFFD (JSON).

#include <chrono>
#include <string>

#include "server/options.hpp"
#include "shard/log.hpp"

namespace ringcast::server {

using WallTime = std::chrono::sys_time<Duration>;

/// `2026-01-31T12:00:00.123Z`
[[nodiscard]] std::string format_time(WallTime time);

/// Appends one line with its line feed. `time` is the record's time on the wall. Durations are
/// seconds: `1.5s` in logfmt, a number under `<key>_seconds` in JSON. Text that was cut ends in
/// `...`.
void append_line(std::string& target, const shard::LogRecord& record, WallTime time,
                 LogFormat format);

}  // namespace ringcast::server

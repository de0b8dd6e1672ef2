#include "server/log_format.hpp"

#include <cstdint>
#include <fmt/core.h>
#include <iterator>
#include <string_view>

namespace ringcast::server {
namespace {

using shard::LogRecord;

constexpr std::string_view cut_mark = "...";

/// Bytes of the well-formed UTF-8 character that `text` starts with, or 0 (RFC 3629: no overlong
/// forms, no surrogates, nothing above U+10FFFF).
std::size_t character_size(std::string_view text) {
    const auto byte = [&](std::size_t index) -> std::uint32_t {
        return index < text.size() ? static_cast<unsigned char>(text[index]) : 0;
    };
    const auto continues = [&](std::size_t index) { return (byte(index) & 0xc0) == 0x80; };
    const std::uint32_t first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        if (first == 0xe0 && byte(1) < 0xa0) return 0;
        if (first == 0xed && byte(1) > 0x9f) return 0;
        return continues(1) && continues(2) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if (first == 0xf0 && byte(1) < 0x90) return 0;
        if (first == 0xf4 && byte(1) > 0x8f) return 0;
        return continues(1) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

/// Appends `text` fit for the inside of a quoted string; `append_broken` writes a byte that is no
/// UTF-8, `append_control` a control character without a short form of its own.
template <class Broken, class Control>
void append_escaped(std::string& target, std::string_view text, Broken append_broken,
                    Control append_control) {
    while (!text.empty()) {
        const std::size_t size = character_size(text);
        const char first = text.front();
        const auto byte = static_cast<unsigned char>(first);
        if (size == 0) {
            append_broken(byte);
        } else if (size > 1) {
            target += text.substr(0, size);
        } else if (first == '"' || first == '\\') {
            target += '\\';
            target += first;
        } else if (first == '\n') {
            target += "\\n";
        } else if (first == '\r') {
            target += "\\r";
        } else if (first == '\t') {
            target += "\\t";
        } else if (byte < 0x20 || byte == 0x7f) {
            append_control(byte);
        } else {
            target += first;
        }
        text.remove_prefix(size == 0 ? 1 : size);
    }
}

void append_json_text(std::string& target, std::string_view text) {
    append_escaped(
        target, text, [&](unsigned) { target += "\xef\xbf\xbd"; },
        [&](unsigned byte) { fmt::format_to(std::back_inserter(target), "\\u{:04x}", byte); });
}

/// Words stand bare; whatever a reader could take for something else is quoted.
void append_logfmt_text(std::string& target, std::string_view text, std::string_view mark) {
    const auto is_plain = [](char character) {
        const auto byte = static_cast<unsigned char>(character);
        return byte > 0x20 && byte < 0x7f && character != '"' && character != '=' &&
               character != '\\';
    };
    bool plain = !text.empty() || !mark.empty();
    for (const char character : text) plain = plain && is_plain(character);
    if (plain) {
        target.append(text).append(mark);
        return;
    }
    const auto append_byte = [&](unsigned byte) {
        fmt::format_to(std::back_inserter(target), "\\x{:02x}", byte);
    };
    target += '"';
    append_escaped(target, text, append_byte, append_byte);
    target.append(mark).append("\"");
}

/// Seconds as an exact decimal: 1.5, 0.000000001, -2.
void append_seconds(std::string& target, std::uint64_t bits) {
    const auto count = static_cast<std::int64_t>(bits);
    const std::uint64_t nanoseconds = count < 0 ? 0 - bits : bits;
    constexpr std::uint64_t second = 1'000'000'000;
    auto out = std::back_inserter(target);
    fmt::format_to(out, "{}{}", count < 0 ? "-" : "", nanoseconds / second);
    if (nanoseconds % second == 0) return;
    fmt::format_to(out, ".{:09}", nanoseconds % second);
    while (target.back() == '0') target.pop_back();
}

void append_logfmt_field(std::string& target, const LogRecord& record, std::size_t index) {
    const LogRecord::Field& field = record.fields[index];
    target.append(" ").append(field.key).append("=");
    switch (record.kinds[index]) {
        case LogRecord::Kind::boolean: target += field.value != 0 ? "true" : "false"; break;
        case LogRecord::Kind::unsigned_integer: target += std::to_string(field.value); break;
        case LogRecord::Kind::signed_integer:
            target += std::to_string(static_cast<std::int64_t>(field.value));
            break;
        case LogRecord::Kind::duration:
            append_seconds(target, field.value);
            target += 's';
            break;
        case LogRecord::Kind::text: append_logfmt_text(target, record.text_of(index), {}); break;
        case LogRecord::Kind::text_cut:
            append_logfmt_text(target, record.text_of(index), cut_mark);
            break;
    }
}

void append_json_field(std::string& target, const LogRecord& record, std::size_t index) {
    const LogRecord::Field& field = record.fields[index];
    const bool is_duration = record.kinds[index] == LogRecord::Kind::duration;
    target.append(",\"").append(field.key).append(is_duration ? "_seconds\":" : "\":");
    switch (record.kinds[index]) {
        case LogRecord::Kind::boolean: target += field.value != 0 ? "true" : "false"; break;
        case LogRecord::Kind::unsigned_integer: target += std::to_string(field.value); break;
        case LogRecord::Kind::signed_integer:
            target += std::to_string(static_cast<std::int64_t>(field.value));
            break;
        case LogRecord::Kind::duration: append_seconds(target, field.value); break;
        case LogRecord::Kind::text:
        case LogRecord::Kind::text_cut:
            target += '"';
            append_json_text(target, record.text_of(index));
            if (record.kinds[index] == LogRecord::Kind::text_cut) target += cut_mark;
            target += '"';
            break;
    }
}

}  // namespace

std::string format_time(WallTime time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::milliseconds>(time - day)};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                       clock.subseconds().count());
}

void append_line(std::string& target, const LogRecord& record, WallTime time, LogFormat format) {
    const bool json = format == LogFormat::json;
    // Values of our own need no escaping: times, levels, numbers, and names that are literals.
    const auto append = [&](std::string_view key, std::string_view value, bool quoted) {
        const std::string_view quote = json && quoted ? "\"" : "";
        if (json) target.append("\"").append(key).append("\":");
        if (!json) target.append(key).append("=");
        target.append(quote).append(value).append(quote);
    };
    const std::string_view separator = json ? "," : " ";
    if (json) target += '{';
    append("time", format_time(time), true);
    target += separator;
    append("level", shard::name_of(record.level), true);
    if (record.shard != LogRecord::no_shard) {
        target += separator;
        append("shard", std::to_string(record.shard), false);
    }
    target += separator;
    append("event", record.event, true);
    for (std::size_t index = 0; index < record.fields_count; ++index) {
        if (json) {
            append_json_field(target, record, index);
        } else {
            append_logfmt_field(target, record, index);
        }
    }
    if (record.fields_lost > 0) {
        target += separator;
        append("fields_lost", std::to_string(record.fields_lost), false);
    }
    target += json ? "}\n" : "\n";
}

}  // namespace ringcast::server

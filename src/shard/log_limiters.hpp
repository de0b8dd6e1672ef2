#pragma once
// The events that clients, or the weather, could make a shard write without end: how many lines of
// each it writes. What is above is counted and told later, by report_suppressed().

#include "shard/log.hpp"

namespace ringcast::shard {

/// A shard's own.
struct LogLimiters {
    /// When it begins, and then how often it was.
    static LogLimiter once_a_minute(LogLevel level, LogName event) noexcept {
        return LogLimiter{level, event, 1, std::chrono::minutes{1}};
    }

    LogLimiter refused = once_a_minute(LogLevel::warn, "connections_max_reached");
    LogLimiter admin_refused = once_a_minute(LogLevel::warn, "admin_connections_max_reached");
    LogLimiter accept = once_a_minute(LogLevel::warn, "accept_failed");
    LogLimiter buffers = once_a_minute(LogLevel::info, "receive_buffers_exhausted");
    LogLimiter client = once_a_minute(LogLevel::warn, "client_refused");
    LogLimiter proxy = once_a_minute(LogLevel::warn, "proxy_refused");
    LogLimiter memory = once_a_minute(LogLevel::warn, "input_given_up");
    LogLimiter token = once_a_minute(LogLevel::info, "token_refused");
    LogLimiter origin{LogLevel::info, "origin_refused"};
    LogLimiter exception{LogLevel::error, "handler_exception"};
    LogLimiter unexpected{LogLevel::warn, "unexpected_error"};
    LogLimiter slow{LogLevel::warn, "slow_consumer"};
    LogLimiter tls{LogLevel::info, "tls_failed"};

    void report_suppressed(LogQueue& log, LogQueue::Report report) noexcept {
        for (LogLimiter* limiter :
             {&refused, &admin_refused, &accept, &buffers, &client, &proxy, &origin, &exception,
              &unexpected, &slow, &memory, &tls, &token}) {
            log.report_suppressed(*limiter, report);
        }
    }
};

}  // namespace ringcast::shard

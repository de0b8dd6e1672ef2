#pragma once
// The events that clients, or the weather, could make a shard write without end: how many lines of
// each it writes. What is above is counted and told later, by report_suppressed().

#include "shard/log.hpp"

namespace ringcast::shard {

/// A shard's own.
struct LogLimiters {
    // Refusals at a limit: when they begin, and then once a minute how many there were.
    LogLimiter refused{LogLevel::warn, "connections_max_reached", 1, std::chrono::minutes{1}};
    LogLimiter admin_refused{LogLevel::warn, "admin_connections_max_reached", 1,
                             std::chrono::minutes{1}};
    LogLimiter accept{LogLevel::warn, "accept_failed", 1, std::chrono::minutes{1}};
    LogLimiter buffers{LogLevel::info, "receive_buffers_exhausted", 1, std::chrono::minutes{1}};
    LogLimiter client{LogLevel::warn, "client_refused", 1, std::chrono::minutes{1}};
    LogLimiter proxy{LogLevel::warn, "proxy_refused", 1, std::chrono::minutes{1}};
    LogLimiter origin{LogLevel::info, "origin_refused"};
    LogLimiter exception{LogLevel::error, "handler_exception"};
    LogLimiter unexpected{LogLevel::warn, "unexpected_error"};
    LogLimiter slow{LogLevel::warn, "slow_consumer"};
    LogLimiter memory{LogLevel::warn, "input_given_up", 1, std::chrono::minutes{1}};
    LogLimiter tls{LogLevel::info, "tls_failed"};

    void report_suppressed(LogQueue& log, LogQueue::Report report) noexcept {
        for (LogLimiter* limiter : {&refused, &admin_refused, &accept, &buffers, &client, &proxy,
                                    &origin, &exception, &unexpected, &slow, &memory, &tls}) {
            log.report_suppressed(*limiter, report);
        }
    }
};

}  // namespace ringcast::shard

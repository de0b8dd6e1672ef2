#pragma once
// The events that clients, or the weather, could make a shard write without end: how many lines of
// each it writes. What is above is counted and told later, by report_suppressed().

#include "shard/log.hpp"

namespace ringcast::shard {

/// A shard's own.
struct LogLimiters {
    LogLimiter refused{LogLevel::warn, "connections_max_reached"};
    LogLimiter accept{LogLevel::warn, "accept_failed"};
    LogLimiter buffers{LogLevel::info, "receive_buffers_exhausted", 1, std::chrono::minutes{1}};
    LogLimiter client{LogLevel::warn, "client_refused"};
    LogLimiter proxy{LogLevel::warn, "proxy_refused"};
    LogLimiter origin{LogLevel::info, "origin_refused"};
    LogLimiter exception{LogLevel::error, "handler_exception"};
    LogLimiter unexpected{LogLevel::warn, "unexpected_error"};
    LogLimiter slow{LogLevel::warn, "slow_consumer"};
    LogLimiter memory{LogLevel::warn, "input_given_up"};
    LogLimiter tls{LogLevel::info, "tls_failed"};

    void report_suppressed(LogQueue& log, LogQueue::Report report) noexcept {
        for (LogLimiter* limiter : {&refused, &accept, &buffers, &client, &proxy, &origin,
                                    &exception, &unexpected, &slow, &memory, &tls}) {
            log.report_suppressed(*limiter, report);
        }
    }
};

}  // namespace ringcast::shard

#pragma once
// The thread that writes what the shards have logged. It empties their queues every 50 ms, puts the
// records in order of time, formats them and hands them to stderr through spdlog. When stderr
// blocks, this thread alone waits; the queues fill up, and what they lose is counted and told as
// `log_records_dropped`.

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "server/options.hpp"
#include "shard/log.hpp"

namespace ringcast::server {

struct LogOptions {
    shard::LogLevel level = shard::LogLevel::info;
    LogFormat format = LogFormat::logfmt;
};

/// Owns the queues. Life: made, add_shard() for each, start(), the shards run and end, stop().
/// Belongs to one thread (the main one); only the queues are used by others.
class LogWriter {
public:
    /// Takes one or more whole lines, line feeds included. May block.
    using Sink = std::function<void(std::string_view lines)>;

    explicit LogWriter(const LogOptions& options, Sink sink = stderr_sink());
    /// Stops if that was not done yet, and then waits without a limit.
    ~LogWriter();
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    /// The log of shard number `index`, which may be used until stop(). Before start().
    [[nodiscard]] shard::LogQueue& add_shard(std::uint16_t index);
    /// The log of the owner's own thread, at the present time: `writer.log().info("started");`.
    [[nodiscard]] shard::LogQueue& log() noexcept;

    /// Starts the thread. The error is one sentence.
    [[nodiscard]] std::expected<void, std::string> start();
    /// Writes all that is in the queues and ends the thread. The shards must have ended. False if
    /// that took longer than `patience`, because nobody reads stderr: then the thread and the
    /// queues are left to themselves, and the process should end without delay.
    [[nodiscard]] bool stop(Duration patience);

    /// Writes what is in the queues now, on the calling thread; only while there is no other.
    /// Returns the number of records.
    std::size_t drain();

    /// Writes to stderr, through spdlog.
    [[nodiscard]] static Sink stderr_sink();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ringcast::server

#include "server/log_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "ring/clock.hpp"
#include "server/log_format.hpp"
#include "server/start_thread.hpp"

namespace ringcast::server {

using shard::LogLevel;
using shard::LogQueue;
using shard::LogRecord;

namespace {

constexpr std::chrono::milliseconds drain_interval{50};

/// What has to be added to the rings' time to get the wall's, which may be set at any moment.
WallTime::duration wall_offset() {
    const auto wall = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    return wall.time_since_epoch() - ring::read_clock().time_since_epoch();
}

/// The line that tells of losses before `record`.
LogRecord dropped_record(std::uint16_t shard, Instant time, std::uint32_t count) {
    LogQueue queue{shard, LogLevel::warn, 1};
    queue.set_now(time);
    queue.warn("log_records_dropped").field("count", count);
    LogRecord record;
    RC_ASSERT(queue.pop(record));
    return record;
}

/// Writes to the descriptor itself: a thread that is blocked in stdio holds a lock that exit()
/// waits for.
class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t text;
        formatter_->format(message, text);
        for (std::string_view rest{text.data(), text.size()}; !rest.empty();) {
            const ssize_t written = ::write(STDERR_FILENO, rest.data(), rest.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return;  // Nobody is there to be told.
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    void flush_() override {}
};

}  // namespace

struct LogWriter::State {
    State(const LogOptions& log_options, Sink log_sink)
        : options{log_options}, sink{std::move(log_sink)} {
        queues.push_back(std::make_unique<LogQueue>(LogRecord::no_shard, options.level));
    }

    LogOptions options;
    Sink sink;
    std::vector<std::unique_ptr<LogQueue>>
        queues;                           // The first is the owner's. Not changed after start().
    std::vector<LogRecord> records;       // Kept for its memory.
    std::vector<const LogRecord*> order;  // Likewise.
    std::string lines;                    // Likewise.

    std::mutex mutex;  // Guards the two flags.
    std::condition_variable changed;
    bool stop_asked = false;
    bool stopped = false;
    std::thread thread;

    std::size_t drain();
    void run();
    void tell_last_drops();
};

/// Takes at most what a queue holds from each of them, so that a shard that logs without end cannot
/// keep this from returning.
std::size_t LogWriter::State::drain() {
    records.clear();
    LogRecord record;
    for (const auto& queue : queues) {
        for (std::size_t i = 0; i < LogQueue::records_max_default && queue->pop(record); ++i) {
            records.push_back(record);
        }
    }
    // Pointers are sorted instead of records of half a kilobyte; among equals they keep the queues'
    // order.
    order.clear();
    for (const LogRecord& each : records) order.push_back(&each);
    std::ranges::sort(order, {}, [](const LogRecord* each) { return std::pair{each->time, each}; });
    const auto offset = wall_offset();
    lines.clear();
    for (const LogRecord* const pointer : order) {
        const LogRecord& each = *pointer;
        const WallTime time{each.time.time_since_epoch() + offset};
        if (each.dropped_before > 0) {
            append_line(lines, dropped_record(each.shard, each.time, each.dropped_before), time,
                        options.format);
        }
        append_line(lines, each, time, options.format);
    }
    if (!lines.empty()) sink(lines);
    return records.size();
}

void LogWriter::State::run() {
    std::unique_lock lock{mutex};
    while (!stop_asked) {
        changed.wait_for(lock, drain_interval, [this] { return stop_asked; });
        lock.unlock();
        drain();
        lock.lock();
    }
    lock.unlock();
    while (drain() > 0) {
    }
    tell_last_drops();
    lock.lock();
    stopped = true;
    changed.notify_all();
}

/// Losses that no later record could tell. The shards have ended, so their counts are ours to read.
void LogWriter::State::tell_last_drops() {
    for (const auto& queue : queues) {
        if (queue->dropped_untold() == 0) continue;
        lines.clear();
        const Instant now = ring::read_clock();
        append_line(lines, dropped_record(queue->shard(), now, queue->dropped_untold()),
                    WallTime{now.time_since_epoch() + wall_offset()}, options.format);
        sink(lines);
    }
}

LogWriter::LogWriter(const LogOptions& options, Sink sink)
    : state_{std::make_unique<State>(options, std::move(sink))} {}

LogWriter::~LogWriter() {
    if (state_ != nullptr && state_->thread.joinable()) RC_ASSERT(stop(Duration::max()));
}

LogQueue& LogWriter::add_shard(std::uint16_t index) {
    RC_ASSERT(!state_->thread.joinable());
    state_->queues.push_back(std::make_unique<LogQueue>(index, state_->options.level));
    return *state_->queues.back();
}

LogQueue& LogWriter::log() noexcept {
    LogQueue& queue = *state_->queues.front();
    queue.set_now(ring::read_clock());
    return queue;
}

std::expected<void, std::string> LogWriter::start() {
    RC_ASSERT(!state_->thread.joinable());
    auto thread = start_thread([state = state_.get()] { state->run(); });
    if (!thread) return std::unexpected{"the log: " + thread.error()};
    state_->thread = std::move(*thread);
    return {};
}

bool LogWriter::stop(Duration patience) {
    RC_ASSERT(state_->thread.joinable());
    std::unique_lock lock{state_->mutex};
    state_->stop_asked = true;
    state_->changed.notify_all();
    const auto is_stopped = [this] { return state_->stopped; };
    if (patience == Duration::max()) {
        state_->changed.wait(lock, is_stopped);  // wait_for would overflow.
    } else if (!state_->changed.wait_for(lock, patience, is_stopped)) {
        lock.unlock();
        state_->thread.detach();
        // The thread still uses its state and may wake up at any time, so nobody may free it.
        [[maybe_unused]] State* const left_behind = state_.release();
        return false;
    }
    lock.unlock();
    state_->thread.join();
    return true;
}

std::size_t LogWriter::drain() {
    RC_ASSERT(!state_->thread.joinable());
    return state_->drain();
}

LogWriter::Sink LogWriter::stderr_sink() {
    auto logger = std::make_shared<spdlog::logger>("ringcast", std::make_shared<StderrSink>());
    // The lines are complete, line feeds included: spdlog adds nothing.
    logger->set_formatter(
        std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc, ""));
    return [logger = std::move(logger)](std::string_view lines) {
        logger->log(spdlog::level::critical, spdlog::string_view_t{lines.data(), lines.size()});
    };
}

}  // namespace ringcast::server

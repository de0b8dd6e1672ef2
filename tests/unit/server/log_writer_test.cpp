#include "server/log_writer.hpp"

#include <array>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <future>
#include <string>
#include <thread>
#include <unistd.h>

#include "ring/clock.hpp"
#include "server/log_format.hpp"

using namespace ringcast;
using namespace ringcast::server;
using namespace std::chrono_literals;
using shard::LogQueue;

namespace {

struct Written {
    std::string text;
    [[nodiscard]] LogWriter::Sink sink() {
        return [this](std::string_view lines) { text.append(lines); };
    }
    /// The lines' events in order.
    [[nodiscard]] std::vector<std::string> events() const {
        std::vector<std::string> result;
        for (std::size_t at = 0; (at = text.find(" event=", at)) != std::string::npos;) {
            at += 7;
            result.push_back(text.substr(at, text.find_first_of(" \n", at) - at));
        }
        return result;
    }
};

using Events = std::vector<std::string>;

}  // namespace

TEST_CASE("a drain writes the records of all queues in order of time") {
    Written written;
    LogWriter writer{{}, written.sink()};
    LogQueue& first = writer.add_shard(0);
    LogQueue& second = writer.add_shard(1);
    first.set_now(Instant{1s});
    first.info("a");
    first.info("b");
    second.set_now(Instant{500ms});
    second.info("c");
    second.set_now(Instant{2s});
    second.info("d");
    first.set_now(Instant{1500ms});
    first.info("e");
    CHECK(writer.drain() == 5);
    CHECK(written.events() == Events{"c", "a", "b", "e", "d"});
    CHECK(written.text.find("shard=1 event=c") != std::string::npos);
    CHECK(writer.drain() == 0);
}

TEST_CASE("the owner's lines carry the time on the wall") {
    Written written;
    LogWriter writer{{}, written.sink()};
    const auto now = [] {
        return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    };
    const std::string before =
        format_time(now() - 1ms);  // The offset between the clocks is rounded.
    writer.log().info("started").field("shards", 2);
    CHECK(writer.drain() == 1);
    const std::string after = format_time(now() + 1ms);
    REQUIRE(written.text.starts_with("time="));
    const std::string time = written.text.substr(5, before.size());
    CHECK(before <= time);
    CHECK(time <= after);
    CHECK(written.text.ends_with(" level=info event=started shards=2\n"));
}

TEST_CASE("levels and format are the options'") {
    Written written;
    LogWriter writer{{.level = shard::LogLevel::warn, .format = LogFormat::json}, written.sink()};
    LogQueue& log = writer.add_shard(0);
    log.info("quiet");
    log.warn("loud");
    writer.log().info("quiet");
    CHECK(writer.drain() == 1);
    CHECK(written.text.starts_with("{\"time\":"));
    CHECK(written.text.find("\"event\":\"loud\"") != std::string::npos);
}

TEST_CASE("records lost to a full queue are told before the next one") {
    Written written;
    LogWriter writer{{}, written.sink()};
    LogQueue& log = writer.add_shard(7);
    for (std::size_t i = 0; i < LogQueue::records_max_default + 5; ++i) log.info("many");
    CHECK(writer.drain() == LogQueue::records_max_default);
    written.text.clear();
    log.info("next");
    CHECK(writer.drain() == 1);
    CHECK(written.events() == Events{"log_records_dropped", "next"});
    CHECK(written.text.find("level=warn shard=7 event=log_records_dropped count=5\n") !=
          std::string::npos);
}

TEST_CASE("the end writes everything, and tells the losses that no record could") {
    Written written;
    LogWriter writer{{}, written.sink()};
    LogQueue& log = writer.add_shard(0);
    for (std::size_t i = 0; i < LogQueue::records_max_default + 3; ++i) log.info("many");
    REQUIRE(writer.start().has_value());
    CHECK(writer.stop(Duration::max()));
    CHECK(written.events().size() == LogQueue::records_max_default + 1);
    CHECK(written.text.find("event=log_records_dropped count=3\n") != std::string::npos);
}

TEST_CASE("lines logged while the thread runs arrive, without a stop") {
    std::promise<std::string> arrived;
    LogWriter writer{{}, [&](std::string_view lines) { arrived.set_value(std::string{lines}); }};
    LogQueue& log = writer.add_shard(0);
    REQUIRE(writer.start().has_value());
    std::thread{[&] { log.info("from_a_shard"); }}.join();
    CHECK(arrived.get_future().get().ends_with("event=from_a_shard\n"));
    CHECK(writer.stop(Duration::max()));
}

TEST_CASE("a reader that never comes blocks neither a shard nor the end") {
    // The writer's thread stays behind for good, as it would with a stderr that nobody reads; so
    // does what it waits for.
    static auto& entered = *new std::promise<void>;
    static auto& never = *new std::promise<void>;
    LogWriter writer{{}, [](std::string_view) {
                         entered.set_value();
                         never.get_future().wait();
                     }};
    LogQueue& log = writer.add_shard(0);
    log.info("blocks");
    REQUIRE(writer.start().has_value());
    entered.get_future().wait();
    for (std::size_t i = 0; i < 2 * LogQueue::records_max_default; ++i) log.info("never_waits");
    CHECK(log.dropped() == LogQueue::records_max_default);
    CHECK_FALSE(writer.stop(1ms));
}

TEST_CASE("the standard sink writes lines to stderr as they are") {
    std::array<int, 2> pipe_ends{};
    REQUIRE(pipe2(pipe_ends.data(), O_CLOEXEC) == 0);
    const int saved = dup(STDERR_FILENO);
    REQUIRE(dup2(pipe_ends[1], STDERR_FILENO) == STDERR_FILENO);
    LogWriter::stderr_sink()("one {} %v\ntwo\n");
    REQUIRE(dup2(saved, STDERR_FILENO) == STDERR_FILENO);
    close(saved);
    close(pipe_ends[1]);
    std::array<char, 64> bytes{};
    const ssize_t size = read(pipe_ends[0], bytes.data(), bytes.size());
    close(pipe_ends[0]);
    REQUIRE(size > 0);
    CHECK(std::string_view{bytes.data(), static_cast<std::size_t>(size)} == "one {} %v\ntwo\n");
}

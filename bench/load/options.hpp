#pragma once
// What each sub-command can be told, with its defaults. Units are in the type or at the end of the
// name.

#include <chrono>
#include <cstdint>
#include <fmt/core.h>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "compression.hpp"
#include "handshake.hpp"
#include "interval.hpp"
#include "reply_checker.hpp"
#include "subprotocol.hpp"
#include "ws/frame.hpp"

namespace ringcast::bench {

/// Of every sub-command.
struct CommonOptions {
    std::string url;
    std::vector<std::string> sources;  ///< Addresses to connect from; see sources.hpp.
    std::vector<std::string> headers;  ///< Of each opening handshake: "Name: value".
    std::optional<pid_t> pid;          ///< The server's, to measure what it costs.
    double stall_timeout_seconds = 5;
    std::optional<std::uint64_t> memory_growth_max;  ///< Of the server in a run, in bytes.
    bool json = false;
    std::string page_path;        ///< See command_line.hpp.
    bool shows_progress = false;  ///< Even where standard error is no terminal.
    Compression compression = Compression::off;

    [[nodiscard]] std::chrono::nanoseconds stall_timeout() const {
        return nanoseconds_of(stall_timeout_seconds);
    }
};

/// How long the parts of a run are, in seconds.
struct Lengths {
    double warmup_seconds = 0.5;
    double duration_seconds = 3;
    double syscall_seconds = 0.3;  ///< A second interval, after the measured one; 0 skips it.
};

/// Closed loop: each connection keeps `depth` messages outstanding. With a rate, open loop.
struct EchoOptions {
    std::uint32_t connections = 50;
    std::uint32_t depth = 1;
    double rate = 0;  ///< Messages per second, of all connections together; 0 is closed loop.
    std::uint64_t message_bytes = 20;
    ws::Opcode opcode = ws::Opcode::binary;
    Verify verify = Verify::full;
    Lengths lengths;
};

/// Closed loop: `inflight` handshakes at any moment. With a rate, open loop.
struct ConnectOptions {
    std::uint32_t inflight = 64;
    double rate = 0;  ///< Handshakes that begin in a second; 0 is closed loop.
    CloseKind close_kind = CloseKind::reset;
    Lengths lengths;
};

/// Closed loop: `connections` at any moment, each replaced when it ends. With a rate, open loop.
struct ChurnOptions {
    std::uint32_t connections = 64;  ///< At most, with a rate.
    double rate = 0;                 ///< Lives that begin in a second; 0 is closed loop.
    std::uint32_t messages = 4;      ///< Echoed in each life.
    std::uint64_t message_bytes = 20;
    double abrupt_share = 0.5;  ///< Of lives that do not end with a closing handshake, 0 to 1.
    Lengths lengths;
};

/// Runs beside each other need topics of their own, else each gets the other's publications.
inline constexpr const char* default_topic_prefix = "bench-";

/// Closed loop: a publisher keeps `inflight` publications outstanding, each until the last
/// subscriber has it. With a rate, open loop.
struct FanoutOptions {
    std::uint32_t subscribers = 1000;  ///< Spread evenly over the topics.
    std::uint32_t publishers = 1;      ///< Subscribers too, of the topic they publish to.
    std::uint32_t topics = 1;
    std::string topic_prefix = default_topic_prefix;
    std::uint64_t message_bytes = 64;
    ws::Opcode opcode = ws::Opcode::binary;
    std::string subprotocol;            ///< Offered in each handshake, unless it is empty.
    Protocol protocol = Protocol::raw;  ///< With any other, the opcode is the protocol's.
    std::uint32_t inflight = 1;
    double rate = 0;  ///< Publications per second, of all together; 0 is closed loop.
    double probe_interval_seconds = 0;  ///< Of a publisher alone on a topic; 0 is none.
    Lengths lengths;

    [[nodiscard]] std::string topic_name(std::uint32_t index) const {
        return fmt::format("{}{}", topic_prefix, index);
    }
    [[nodiscard]] std::string probe_topic_name() const { return topic_prefix + "probe"; }
    [[nodiscard]] bool has_probe() const noexcept { return probe_interval_seconds > 0; }
    /// All connections: publishers, then subscribers, then the probe.
    [[nodiscard]] std::uint32_t connections() const noexcept {
        return publishers + subscribers + (has_probe() ? 1 : 0);
    }
};

/// Everything at once, each at a rate of its own.
struct MixedOptions {
    std::uint32_t echo_connections = 100;
    double echo_rate = 5000;  ///< Messages per second, of all together.
    std::uint32_t subscribers = 200;
    std::uint32_t publishers = 4;  ///< Subscribers too.
    std::uint32_t topics = 4;
    std::string topic_prefix = default_topic_prefix;
    double publish_rate = 500;  ///< Publications per second, of all together.
    double churn_rate = 200;    ///< Echoing connections that come and go, per second.
    double visit_rate = 100;    ///< Likewise subscribers.
    std::uint32_t slow_readers = 8;
    double slow_bytes_per_second = 4096;  ///< That each of them reads.
    bool asks_for_gaps = false;        ///< Slow readers ask to be told what they missed (?gaps=1).
    std::uint64_t message_bytes = 64;  ///< Of a message, and of a publication.
    Lengths lengths{.duration_seconds = 10, .syscall_seconds = 0};
};

/// Through the server API, in a closed loop: each connection keeps one request outstanding.
struct PublishOptions {
    static constexpr std::uint64_t quotes_bytes = 2;  ///< What is published is a JSON string.

    std::uint32_t connections = 16;
    std::uint32_t channels = 1;  ///< Of each request, which is a broadcast if there are more.
    std::string topic_prefix = default_topic_prefix;
    std::uint64_t message_bytes = 64;
    Lengths lengths;
};

struct IdleOptions {
    std::uint32_t connections = 1000;
    double hold_seconds = 2;  ///< From the last handshake to the reading of the server's memory.
};

/// Many topics with one subscriber each, in the Centrifuge protocol.
struct TopicsOptions {
    std::uint32_t connections = 10'000;
    std::uint32_t subscriptions = 100;  ///< Of each, all to different topics.
    std::string topic_prefix = default_topic_prefix;
    std::uint32_t name_bytes = 20;      ///< Of each topic.
    std::uint32_t publications = 1000;  ///< To so many of the topics, one each, to see them arrive.
    std::uint64_t message_bytes = 64;   ///< Of each of them.
    double hold_seconds = 2;  ///< From the last subscription to the reading of the server's memory.

    [[nodiscard]] std::uint64_t topics() const noexcept {
        return std::uint64_t{connections} * subscriptions;
    }
    /// The prefix, then zeros, then `index`.
    [[nodiscard]] std::string topic_name(std::uint64_t index) const {
        return fmt::format("{}{:0{}}", topic_prefix, index, name_bytes - topic_prefix.size());
    }
};

/// Clients of one topic with a history that lose their connections and come back at once, in the
/// Centrifuge protocol, while others listen to another topic.
struct StormOptions {
    std::uint32_t clients = 10'000;
    std::uint32_t missed = 300;        ///< Publications while they are away.
    std::uint64_t message_bytes = 64;  ///< Of each publication, the live ones too.
    std::uint32_t inflight = 0;        ///< Handshakes at any moment as they come back; 0: all.
    std::uint32_t live_subscribers = 1000;
    double live_rate = 100;  ///< Publications per second to them.
    std::string topic_prefix = default_topic_prefix;
    double before_seconds = 3;  ///< That the live deliveries are measured for before the storm.
    double settle_seconds = 2;  ///< From the last recovery to the last reading of the memory.

    [[nodiscard]] std::string topic_name() const { return topic_prefix + "storm"; }
    /// The crowd that hears what is live.
    [[nodiscard]] FanoutOptions live() const {
        return {.subscribers = live_subscribers - 1,
                .topic_prefix = topic_prefix + "live-",
                .message_bytes = message_bytes,
                .protocol = Protocol::centrifuge,
                .rate = live_rate};
    }
};

}  // namespace ringcast::bench

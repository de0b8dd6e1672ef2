#pragma once
// What each sub-command can be told, with its defaults. Units are in the type or at the end of the
// name.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

#include "handshake.hpp"
#include "reply_checker.hpp"
#include "ws/frame.hpp"

namespace ringcast::bench {

[[nodiscard]] inline std::chrono::nanoseconds nanoseconds_of(double seconds) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(seconds));
}

/// Of every sub-command.
struct CommonOptions {
    std::string url = "ws://127.0.0.1:8080/echo";
    std::optional<pid_t> pid;  ///< The server's, to measure what it costs.
    double stall_timeout_seconds = 5;
    bool json = false;

    [[nodiscard]] std::chrono::nanoseconds stall_timeout() const {
        return nanoseconds_of(stall_timeout_seconds);
    }
};

/// Closed loop: each connection keeps `depth` messages outstanding.
struct EchoOptions {
    std::uint32_t connections = 50;
    std::uint32_t depth = 1;
    std::uint64_t message_bytes = 20;
    ws::Opcode opcode = ws::Opcode::binary;
    Verify verify = Verify::full;
    double warmup_seconds = 0.5;
    double duration_seconds = 3;
    double syscall_seconds = 0.3;  ///< A second interval, after the measured one; 0 skips it.
};

/// Closed loop: `inflight` handshakes at any moment.
struct ConnectOptions {
    std::uint32_t inflight = 64;
    CloseKind close_kind = CloseKind::reset;
    double warmup_seconds = 0.5;
    double duration_seconds = 3;
};

struct IdleOptions {
    std::uint32_t connections = 1000;
    double hold_seconds = 2;  ///< From the last handshake to the reading of the server's memory.
};

}  // namespace ringcast::bench

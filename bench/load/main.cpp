// ringcast-bench: puts load on a WebSocket server and says what that costs the server. One thread;
// pin it to a core that the server does not use.

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <map>
#include <set>
#include <string>

#include "commands.hpp"
#include "publication.hpp"

namespace {

using namespace ringcast::bench;
using ringcast::ws::Opcode;

constexpr std::uint64_t message_bytes_limit = 1ULL << 30U;
constexpr std::uint32_t depth_limit = 65536;

const std::map<std::string, double> time_units = {{"ms", 1e-3}, {"s", 1}, {"m", 60}};

/// A time like `500ms` or `3s`; a bare number is seconds.
CLI::Option* add_seconds(CLI::App& app, const std::string& name, double& seconds,
                         const std::string& description) {
    return app.add_option(name, seconds, description)
        ->transform(
            CLI::AsNumberWithUnit(time_units, CLI::AsNumberWithUnit::CASE_INSENSITIVE, "TIME"))
        ->check(CLI::Range(0.0, 86400.0))
        ->capture_default_str();
}

/// An option with named values; the name of its default is the one whose value `target` has.
template <typename Value>
void add_choice(CLI::App& app, const std::string& name, Value& target,
                const std::map<std::string, Value>& choices, const std::string& description) {
    std::set<std::string> names;
    std::string default_name;
    for (const auto& [choice, value] : choices) {
        names.insert(choice);
        if (value == target) default_name = choice;
    }
    app.add_option_function<std::string>(
           name, [&target, choices](const std::string& choice) { target = choices.at(choice); },
           description)
        ->check(CLI::IsMember(names))
        ->default_str(default_name);
}

void add_lengths(CLI::App& app, Lengths& lengths) {
    add_seconds(app, "--warmup", lengths.warmup_seconds, "Load before the measurement");
    add_seconds(app, "--duration", lengths.duration_seconds, "The measurement");
    add_seconds(
        app, "--syscall-duration", lengths.syscall_seconds,
        "Load after the measurement in which the server's system calls are counted; 0 skips it");
}

void add_common_options(CLI::App& app, CommonOptions& options) {
    app.add_option(
           "--url", options.url,
           "The server, as ws://ADDRESS:PORT/PATH, or wss:// for TLS (any certificate will do)")
        ->default_str("ws://127.0.0.1:8080/echo or, for fanout, /topics");
    app.add_option("--pid", options.pid,
                   "The server's process, to measure its CPU time, memory and system calls");
    app.add_option("--source", options.sources,
                   "Addresses to connect from, in turn; may be repeated. One has ports for some "
                   "28,000 connections; on loopback many are used anyway")
        ->type_name("ADDRESS")
        ->allow_extra_args(false);
    add_seconds(app, "--stall-timeout", options.stall_timeout_seconds,
                "Give up when nothing happens for so long");
    add_choice<Compression>(app, "--compression", options.compression,
                            {{"off", Compression::off},
                             {"shared", Compression::shared},
                             {"dedicated", Compression::dedicated}},
                            "Offer permessage-deflate; whether the server may refer to its "
                            "earlier messages");
    app.add_flag("--progress", options.shows_progress,
                 "Say every second how far it is, even where standard error is no terminal");
    app.add_flag("--json", options.json, "Print one line of JSON");
}

void add_echo_options(CLI::App& app, EchoOptions& options) {
    app.add_option("--connections", options.connections, "Connections")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    app.add_option("--depth", options.depth, "Messages outstanding on each connection")
        ->check(CLI::Range(1U, depth_limit))
        ->capture_default_str();
    app.add_option("--rate", options.rate,
                   "Send so many per second, all connections together, whatever the server does; "
                   "latency then counts from when a message was due")
        ->check(CLI::Range(0.001, 1e7))
        ->excludes("--depth");
    app.add_option("--message-bytes", options.message_bytes,
                   "Payload of a message, like 20 or 16KiB")
        ->transform(CLI::AsSizeValue(true))
        ->check(CLI::Range(std::uint64_t{0}, message_bytes_limit))
        ->capture_default_str();
    add_choice<Opcode>(app, "--opcode", options.opcode,
                       {{"binary", Opcode::binary}, {"text", Opcode::text}}, "Kind of message");
    add_choice<Verify>(app, "--verify", options.verify,
                       {{"full", Verify::full}, {"length", Verify::length}},
                       "Compare replies in full, or only their opcode and length");
    add_lengths(app, options.lengths);
}

void add_connect_options(CLI::App& app, ConnectOptions& options) {
    app.add_option("--inflight", options.inflight, "Handshakes under way at any moment")
        ->check(CLI::Range(1U, 4096U))
        ->capture_default_str();
    add_choice<CloseKind>(app, "--close", options.close_kind,
                          {{"rst", CloseKind::reset}, {"fin", CloseKind::fin}},
                          "How an open connection ends");
    add_lengths(app, options.lengths);
}

void add_fanout_options(CLI::App& app, FanoutOptions& options) {
    app.add_option("--subscribers", options.subscribers,
                   "Connections that only listen, spread evenly over the topics")
        ->check(CLI::Range(0U, 1'000'000U))
        ->capture_default_str();
    app.add_option("--publishers", options.publishers,
                   "Connections that publish to their topic, and listen too")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    app.add_option("--topics", options.topics, "Topics, called bench-0, bench-1 ...")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    app.add_option("--message-bytes", options.message_bytes,
                   "Payload of a publication, at least 16")
        ->transform(CLI::AsSizeValue(true))
        ->check(CLI::Range(std::uint64_t{publication_id_bytes}, message_bytes_limit))
        ->capture_default_str();
    add_choice<Opcode>(app, "--opcode", options.opcode,
                       {{"binary", Opcode::binary}, {"text", Opcode::text}}, "Kind of message");
    app.add_option("--inflight", options.inflight,
                   "Publications of each publisher that have not reached all subscribers")
        ->check(CLI::Range(1U, depth_limit))
        ->capture_default_str();
    app.add_option(
           "--rate", options.rate,
           "Publish so often per second, all publishers together, whatever the server does; "
           "latency then counts from when a publication was due")
        ->check(CLI::Range(0.001, 1e7))
        ->excludes("--inflight");
    add_seconds(app, "--probe-interval", options.probe_interval_seconds,
                "Publish so often on a topic with one connection, and report that latency "
                "separately; 0 is never");
    add_lengths(app, options.lengths);
}

void add_idle_options(CLI::App& app, IdleOptions& options) {
    app.add_option("--connections", options.connections, "Connections")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    add_seconds(app, "--hold", options.hold_seconds,
                "How long they stay open before the server's memory is read");
}

int finish(const Expected<Report>& report, bool json) {
    if (!report) {
        fmt::print(stderr, "ringcast-bench: {}\n", report.error().message);
        return 1;
    }
    if (json) {
        report->print_json(stdout);
    } else {
        report->print_table(stdout);
    }
    return 0;
}

}  // namespace

int main(int argument_count, char** arguments) {
    std::signal(SIGPIPE,
                SIG_IGN);  // A reader of our output that went away is no reason to die halfway.

    CLI::App app("Puts load on a WebSocket server and says what that costs the server.",
                 "ringcast-bench");
    app.require_subcommand(1);
    app.fallthrough();
    CommonOptions common;
    add_common_options(app, common);
    EchoOptions echo;
    add_echo_options(*app.add_subcommand("echo", "Echoed messages, every reply compared"), echo);
    ConnectOptions connect;
    add_connect_options(*app.add_subcommand("connect", "Handshakes: connect, upgrade, close"),
                        connect);
    FanoutOptions fanout;
    add_fanout_options(
        *app.add_subcommand("fanout", "Publications to many subscribers, every delivery verified"),
        fanout);
    IdleOptions idle;
    add_idle_options(*app.add_subcommand("idle", "Open connections that say nothing: memory"),
                     idle);
    CLI11_PARSE(app, argument_count, arguments);

    if (common.url.empty()) {
        common.url = app.got_subcommand("fanout") ? "ws://127.0.0.1:8080/topics"
                                                  : "ws://127.0.0.1:8080/echo";
    }
    const auto run = [&]() -> Expected<Report> {
        if (app.got_subcommand("connect")) return run_connect(common, connect);
        if (app.got_subcommand("echo")) return run_echo(common, echo);
        if (app.got_subcommand("fanout")) return run_fanout(common, fanout);
        return run_idle(common, idle);
    };
    return finish(run(), common.json);
}

#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "commands.hpp"
#include "options.hpp"
#include "page.hpp"
#include "publication.hpp"
#include "results.hpp"

namespace ringcast::bench {

namespace {

using ws::Opcode;

constexpr std::uint64_t message_bytes_limit = 1ULL << 30U;
constexpr std::uint32_t depth_limit = 65536;
constexpr const char* memory_option = "--memory-growth-max";

const std::map<std::string, double> time_units = {
    {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}};

/// CLI::Range lets NaN through, which is neither less than its least nor more than its most.
CLI::Validator number_within(double least, double most) {
    return CLI::Validator(
        [least, most](const std::string& text) {
            char* end = nullptr;
            const double number = std::strtod(text.c_str(), &end);
            const bool is_within =
                end != text.c_str() && *end == 0 && number >= least && number <= most;
            return is_within ? std::string()
                             : fmt::format("Value {} not in range {} to {}", text, least, most);
        },
        fmt::format("FLOAT in [{} - {}]", least, most));
}

/// A time like `500ms` or `1h`; a bare number is seconds.
CLI::Option* add_seconds(CLI::App& app, const std::string& name, double& seconds,
                         const std::string& description) {
    return app.add_option(name, seconds, description)
        ->transform(
            CLI::AsNumberWithUnit(time_units, CLI::AsNumberWithUnit::CASE_INSENSITIVE, "TIME"))
        ->check(number_within(0, 86400))
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

void add_message_bytes(CLI::App& app, std::uint64_t& message_bytes, const std::string& description,
                       std::uint64_t message_bytes_min = 0) {
    app.add_option("--message-bytes", message_bytes, description)
        ->transform(CLI::AsSizeValue(true))
        ->check(CLI::Range(message_bytes_min, message_bytes_limit))
        ->capture_default_str();
}

void add_topic_prefix(CLI::App& app, std::string& prefix) {
    app.add_option("--topic-prefix", prefix, "Runs at the same time need one each")
        ->check(CLI::Validator(
            [](const std::string& text) {
                const bool is_path = std::ranges::all_of(text, [](unsigned char octet) {
                    return std::isalnum(octet) != 0 || std::strchr("-_.~/", octet) != nullptr;
                });
                return std::string(is_path ? ""
                                           : "only letters, digits, - _ . ~ and / may be in it");
            },
            "TEXT"))
        ->capture_default_str();
}

CLI::Option* add_rate(CLI::App& app, double& rate, const std::string& description) {
    return app.add_option("--rate", rate, description)->check(number_within(0.001, 1e7));
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
           "The server, as ws://HOST:PORT/PATH, or wss:// for TLS (any certificate will do); for "
           "echo also tcp://HOST:PORT, a server that sends every byte back; for publish the "
           "server API, as http://HOST:PORT/PATH")
        ->default_str(
            "ws://127.0.0.1:8080/echo, for fanout /topics, for topics and storm "
            "/connection/websocket, for publish http://127.0.0.1:9090/api");
    app.add_option("--pid", options.pid,
                   "The server's process, to measure its CPU time, memory and system calls")
        ->check(CLI::Range(1, std::numeric_limits<pid_t>::max()));
    app.add_option("--source", options.sources,
                   "Addresses to connect from, in turn; may be repeated. One has ports for some "
                   "28,000 connections; on loopback many are used anyway")
        ->type_name("ADDRESS")
        ->allow_extra_args(false);
    app.add_option("--header", options.headers,
                   "A further header field of each opening handshake, like 'Authorization: Bearer "
                   "TOKEN', or of each request of publish, like 'X-API-Key: KEY'; may be repeated")
        ->type_name("'NAME: VALUE'")
        ->allow_extra_args(false);
    add_seconds(app, "--stall-timeout", options.stall_timeout_seconds,
                "Give up when nothing happens for so long")
        ->check(number_within(0.001, 86400));
    add_choice<Compression>(app, "--compression", options.compression,
                            {{"off", Compression::off},
                             {"shared", Compression::shared},
                             {"dedicated", Compression::dedicated}},
                            "Offer permessage-deflate; whether the server may refer to its "
                            "earlier messages");
    app.add_option(memory_option, options.memory_growth_max,
                   "Fail if the server's memory (--pid) grows by more in churn, mixed, topics or "
                   "storm, like 64KiB")
        ->transform(CLI::AsSizeValue(true));
    app.add_flag("--progress", options.shows_progress,
                 "Say every second how far it is, even where standard error is no terminal");
    app.add_flag("--json", options.json, "Print one line of JSON");
    app.add_option("--report", options.page_path, "Show the outcome on a page, too")
        ->check(CLI::Validator(
            [](const std::string& path) {
                return std::string(path.empty() ? "the name of a file is needed" : "");
            },
            "FILE.html"))
        ->type_name("FILE.html");
}

void add_echo_options(CLI::App& app, EchoOptions& options) {
    app.add_option("--connections", options.connections, "Connections")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    app.add_option("--depth", options.depth, "Messages outstanding on each connection")
        ->check(CLI::Range(1U, depth_limit))
        ->capture_default_str();
    add_rate(app, options.rate,
             "Send so many per second, all connections together, whatever the server does; "
             "latency then counts from when a message was due")
        ->excludes("--depth");
    add_message_bytes(app, options.message_bytes, "Payload of a message, like 20 or 16KiB");
    add_choice<Opcode>(app, "--opcode", options.opcode,
                       {{"binary", Opcode::binary}, {"text", Opcode::text}}, "Kind of message");
    add_choice<Verify>(app, "--verify", options.verify,
                       {{"full", Verify::full}, {"length", Verify::length}},
                       "Compare replies in full, or only their opcode and length");
    add_lengths(app, options.lengths);
}

void add_churn_options(CLI::App& app, ChurnOptions& options) {
    app.add_option("--connections", options.connections, "Connections at a time")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    add_rate(app, options.rate,
             "Begin so many lives per second, whatever the server does, at most --connections at "
             "a time; latency then counts from when a life was due");
    app.add_option("--messages", options.messages, "Messages that are echoed in each life")
        ->check(CLI::Range(0U, 1'000'000U))
        ->capture_default_str();
    add_message_bytes(app, options.message_bytes, "Payload of a message");
    app.add_option("--abrupt-share", options.abrupt_share,
                   "How many lives, from 0 to 1, end without a closing handshake: by reset or by "
                   "FIN, with an answer outstanding, or in the middle of a message")
        ->check(number_within(0, 1))
        ->capture_default_str();
    add_lengths(app, options.lengths);
}

void add_connect_options(CLI::App& app, ConnectOptions& options) {
    app.add_option("--inflight", options.inflight, "Handshakes under way at any moment")
        ->check(CLI::Range(1U, 4096U))
        ->capture_default_str();
    add_rate(app, options.rate,
             "Begin so many per second, whatever the server does, at most --inflight at a time; "
             "latency then counts from when a handshake was due");
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
    app.add_option("--topics", options.topics, "Topics, called --topic-prefix with a number")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    add_topic_prefix(app, options.topic_prefix);
    add_message_bytes(app, options.message_bytes, "Payload of a publication, at least 16",
                      publication_id_bytes);
    add_choice<Opcode>(app, "--opcode", options.opcode,
                       {{"binary", Opcode::binary}, {"text", Opcode::text}}, "Kind of message");
    app.add_option(
           "--subprotocol", options.subprotocol,
           "Offer this in each handshake (Sec-WebSocket-Protocol); the server must choose it")
        ->check(CLI::Validator(
            [](const std::string& name) {
                return std::string(is_token(name) ? "" : "it must be a token of RFC 9110");
            },
            "NAME"))
        ->type_name("NAME");
    add_choice<Protocol>(
        app, "--protocol", options.protocol,
        {{"raw", Protocol::raw},
         {"nats", Protocol::nats},
         {"socketio", Protocol::socketio},
         {"centrifuge", Protocol::centrifuge},
         {"centrifuge-protobuf", Protocol::centrifuge_protobuf}},
        "What the server speaks on top of WebSocket. With raw each connection asks "
        "for its topic's path below the URL's. Else all ask for the URL's path, "
        "for socketio /socket.io/?EIO=4&transport=websocket, for centrifuge "
        "/connection/websocket, and --opcode is the protocol's");
    app.add_option("--inflight", options.inflight,
                   "Publications of each publisher that have not reached all subscribers")
        ->check(CLI::Range(1U, depth_limit))
        ->capture_default_str();
    add_rate(app, options.rate,
             "Publish so often per second, all publishers together, whatever the server does; "
             "latency then counts from when a publication was due")
        ->excludes("--inflight");
    add_seconds(app, "--probe-interval", options.probe_interval_seconds,
                "Publish so often on a topic with one connection, and report that latency "
                "separately; 0 is never");
    add_lengths(app, options.lengths);
}

void add_mixed_options(CLI::App& app, MixedOptions& options) {
    const auto add_count = [&](const char* name, std::uint32_t& count, std::uint32_t least,
                               const char* description) {
        app.add_option(name, count, description)
            ->check(CLI::Range(least, 1'000'000U))
            ->capture_default_str();
    };
    const auto add_rate = [&](const char* name, double& rate, const char* description) {
        app.add_option(name, rate, description)
            ->check(number_within(0.001, 1e7))
            ->capture_default_str();
    };
    add_count("--echo-connections", options.echo_connections, 1, "Connections that echo");
    add_rate("--echo-rate", options.echo_rate, "Messages per second, of all of them together");
    add_count("--subscribers", options.subscribers, 0, "Connections that listen to topics");
    add_count("--publishers", options.publishers, 1, "Connections that publish, and listen too");
    add_count("--topics", options.topics, 1, "Topics, called --topic-prefix with a number");
    add_topic_prefix(app, options.topic_prefix);
    add_rate("--publish-rate", options.publish_rate,
             "Publications per second, of all publishers together");
    add_rate("--churn-rate", options.churn_rate,
             "Connections per second that come, echo something, and leave cleanly or abruptly");
    add_rate("--visit-rate", options.visit_rate,
             "Connections per second that join a topic, listen for a while, and leave likewise");
    add_count("--slow-readers", options.slow_readers, 0,
              "Connections that listen and hardly read; the server may send them away with 1013, "
              "or with 1001 for pings that they have not come to");
    add_rate("--slow-rate", options.slow_bytes_per_second, "Bytes per second that each reads");
    app.add_flag("--gaps", options.asks_for_gaps,
                 "Slow readers ask to be told what they missed (?gaps=1), for a server that drops");
    app.add_option("--message-bytes", options.message_bytes, "Payload of a message, at least 16")
        ->transform(CLI::AsSizeValue(true))
        ->check(CLI::Range(std::uint64_t{publication_id_bytes}, message_bytes_limit))
        ->capture_default_str();
    add_lengths(app, options.lengths);
}

void add_publish_options(CLI::App& app, PublishOptions& options) {
    app.add_option("--connections", options.connections,
                   "Connections, each with one request outstanding")
        ->check(CLI::Range(1U, 4096U))
        ->capture_default_str();
    app.add_option("--channels", options.channels,
                   "Channels of a request; it is a broadcast if there are more than one")
        ->check(CLI::Range(1U, 10'000U))
        ->capture_default_str();
    add_topic_prefix(app, options.topic_prefix);
    add_message_bytes(app, options.message_bytes, "A publication, a JSON string, with its quotes",
                      PublishOptions::quotes_bytes);
    add_lengths(app, options.lengths);
}

void add_idle_options(CLI::App& app, IdleOptions& options) {
    app.add_option("--connections", options.connections, "Connections")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    add_seconds(app, "--hold", options.hold_seconds,
                "How long they stay open before the server's memory is read");
}

void add_topics_options(CLI::App& app, TopicsOptions& options) {
    app.add_option("--connections", options.connections, "Connections")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    app.add_option("--subscriptions", options.subscriptions, "Topics that each subscribes to")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    add_topic_prefix(app, options.topic_prefix);
    app.add_option("--name-bytes", options.name_bytes,
                   "Length of each topic's name: --topic-prefix, zeros, and a number")
        ->check(CLI::Range(1U, 255U))
        ->capture_default_str();
    app.add_option("--publications", options.publications,
                   "Publish to so many of the topics, once each, to see that it arrives")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    add_message_bytes(app, options.message_bytes, "Payload of a publication, at least 16",
                      publication_id_bytes);
    add_seconds(app, "--hold", options.hold_seconds,
                "How long all are subscribed before the server's memory is read");
}

void add_storm_options(CLI::App& app, StormOptions& options) {
    app.add_option("--clients", options.clients, "Clients that are cut off and come back")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    app.add_option("--missed", options.missed, "Publications while they are away")
        ->check(CLI::Range(0U, 100'000U))
        ->capture_default_str();
    add_message_bytes(app, options.message_bytes, "Payload of a publication, at least 16",
                      publication_id_bytes);
    app.add_option("--inflight", options.inflight,
                   "Handshakes under way at any moment as they come back; 0: all of them")
        ->check(CLI::Range(0U, 1'000'000U))
        ->capture_default_str();
    app.add_option("--live-subscribers", options.live_subscribers,
                   "Connections that listen to another topic")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    app.add_option("--live-rate", options.live_rate, "Publications to them per second")
        ->check(number_within(0.001, 1e6))
        ->capture_default_str();
    add_topic_prefix(app, options.topic_prefix);
    add_seconds(app, "--before", options.before_seconds,
                "How long the live deliveries are measured before the storm");
    add_seconds(app, "--settle", options.settle_seconds,
                "How long the server has after the storm until its memory is read");
}

/// All options of all sub-commands, and the one that was named.
struct Choices {
    CommonOptions common;
    EchoOptions echo;
    FanoutOptions fanout;
    ConnectOptions connect;
    ChurnOptions churn;
    MixedOptions mixed;
    PublishOptions publish;
    IdleOptions idle;
    TopicsOptions topics;
    StormOptions storm;
    std::vector<std::string> result_files;
    std::string base;
    std::string output = "report.html";
    std::function<Expected<std::optional<Report>>()> run;
};

/// Refuses an option of all sub-commands that says nothing to this one.
void refuse(const CLI::Option& option, std::string_view command) {
    if (option.count() > 0)
        throw CLI::ValidationError(option.get_name(), fmt::format("not for {}", command));
}

/// A sub-command that runs `command` against a server, where `path` is what it needs unless --url
/// says otherwise.
template <typename Options>
CLI::App& add_command(CLI::App& app, Choices& choices, const std::string& name,
                      const std::string& description, const std::string& path, Options& options,
                      Expected<Report> (&command)(const CommonOptions&, const Options&)) {
    CLI::App* added = app.add_subcommand(name, description);
    added->callback([&app, &choices, &options, &command, name, path] {
        const bool is_publish = name == "publish";
        if (name == "echo" || name == "fanout" || name == "connect" || name == "idle" || is_publish)
            refuse(*app.get_option(memory_option), name);
        if (choices.common.memory_growth_max && !choices.common.pid)
            throw CLI::ValidationError(memory_option, "it is not known without --pid");
        if (name != "echo" && choices.common.url.starts_with("tcp://"))
            throw CLI::ValidationError("--url", fmt::format("tcp:// is not for {}", name));
        if (choices.common.url.starts_with("tcp://") && !choices.common.headers.empty())
            throw CLI::ValidationError("--header", "there is no handshake with tcp://");
        if (choices.common.url.empty())
            choices.common.url =
                (is_publish ? "http://127.0.0.1:9090" : "ws://127.0.0.1:8080") + path;
        if (choices.common.url.starts_with("http://") != is_publish)
            throw CLI::ValidationError("--url", "http:// is for publish, and nothing else is");
        choices.run = [&]() -> Expected<std::optional<Report>> {
            return command(choices.common, options);
        };
    });
    return *added;
}

Expected<std::optional<Report>> show_results(const Choices& choices) {
    auto results = read_results(choices.result_files);
    if (!results) return std::unexpected(results.error());
    if (!choices.base.empty()) {
        if (std::ranges::find(results->runs, choices.base, &Result::server) == results->runs.end())
            return fail("there are no runs of the server '{}'", choices.base);
        results->base = choices.base;
    }
    if (results->base.empty() && !results->runs.empty())
        results->base = results->runs.front().server;
    if (auto written = write_page(choices.output, *results); !written)
        return std::unexpected(written.error());
    return std::nullopt;
}

void add_report_command(CLI::App& app, Choices& choices) {
    CLI::App* report = app.add_subcommand(
        "report", "Shows what --json said, or files of scripts/bench, on a page with charts");
    report
        ->add_option("files", choices.result_files,
                     "What to show; SERVER=FILE gives it the name of a server")
        ->type_name("FILE.json")
        ->required();
    report->add_option(
        "--base", choices.base,
        "The server that ratios refer to; default: as in the file, or the first one");
    report->add_option("--output", choices.output, "Where the page goes")
        ->type_name("FILE.html")
        ->capture_default_str();
    report->callback([&app, &choices] {
        for (const CLI::Option* option : app.get_options()) refuse(*option, "report");
        choices.run = [&choices] { return show_results(choices); };
    });
}

void add_commands(CLI::App& app, Choices& choices) {
    add_common_options(app, choices.common);
    add_echo_options(add_command(app, choices, "echo", "Echoed messages, every reply compared",
                                 "/echo", choices.echo, run_echo),
                     choices.echo);
    add_fanout_options(add_command(app, choices, "fanout",
                                   "Publications to many subscribers, every delivery verified",
                                   "/topics", choices.fanout, run_fanout),
                       choices.fanout);
    add_connect_options(add_command(app, choices, "connect", "Handshakes: connect, upgrade, close",
                                    "/echo", choices.connect, run_connect),
                        choices.connect);
    add_churn_options(
        add_command(app, choices, "churn",
                    "Connections that come, exchange messages, and leave one way or another",
                    "/echo", choices.churn, run_churn),
        choices.churn);
    add_mixed_options(
        add_command(app, choices, "mixed",
                    "Echo, fan-out and churn at once, below /echo and /topics, to see whether "
                    "a server holds",
                    "", choices.mixed, run_mixed),
        choices.mixed);
    add_publish_options(add_command(app, choices, "publish",
                                    "Publications through the server API, every answer verified",
                                    "/api", choices.publish, run_publish),
                        choices.publish);
    add_idle_options(add_command(app, choices, "idle", "Open connections that say nothing: memory",
                                 "/echo", choices.idle, run_idle),
                     choices.idle);
    add_topics_options(
        add_command(app, choices, "topics", "Many topics with a subscriber each: memory",
                    "/connection/websocket", choices.topics, run_topics),
        choices.topics);
    add_storm_options(add_command(app, choices, "storm",
                                  "Clients that all come back at once and recover what they "
                                  "missed, while others listen",
                                  "/connection/websocket", choices.storm, run_storm),
                      choices.storm);
    add_report_command(app, choices);
}

/// What is wrong with a command line, in one line.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
    if (error.get_name() != "RequiredError" || !app.get_subcommands().empty()) return error.what();
    std::string names;
    for (const CLI::App* command : app.get_subcommands({})) names += ' ' + command->get_name();
    const auto unknown = app.remaining();
    const std::string what =
        unknown.empty() ? error.what() : fmt::format("There is no sub-command {}", unknown.front());
    return fmt::format("{}: one of{}", what, names);
}

}  // namespace

std::expected<Invocation, int> parse_command_line(int argument_count, char** arguments) {
    const auto app = std::make_shared<CLI::App>(
        "Puts load on a WebSocket server and says what that costs the server.", "ringcast-bench");
    app->require_subcommand(1);
    app->fallthrough();
    const auto choices = std::make_shared<Choices>();
    add_commands(*app, *choices);
    try {
        app->parse(argument_count, arguments);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return std::unexpected(app->exit(error));  // --help
        fmt::print(stderr, "ringcast-bench: {}; --help says more\n", usage_error(*app, error));
        constexpr int usage_exit_code = 2;
        return std::unexpected(usage_exit_code);
    }
    return Invocation{.run = [choices] { return choices->run(); },
                      .prints_json = choices->common.json,
                      .page_path = choices->common.page_path};
}

}  // namespace ringcast::bench

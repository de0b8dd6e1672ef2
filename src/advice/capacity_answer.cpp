#include "advice/capacity_answer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <expected>
#include <fmt/core.h>
#include <system_error>
#include <utility>
#include <vector>

#include "advice/own_flags.hpp"
#include "advice/text.hpp"
#include "base/units.hpp"
#include "server/command_line.hpp"

namespace ringcast::advice {
namespace {

using Result = std::expected<void, std::string>;

constexpr std::uint64_t connections_most = 1'000'000'000;
constexpr double rate_most = 1e9;

/// What the flags say, before it is a Load.
struct Question {
    std::optional<std::uint64_t> connections;
    std::optional<std::uint64_t> message_bytes;
    std::optional<double> rate;
    std::optional<std::uint64_t> subscribers;
    std::optional<std::uint64_t> topics;
    bool tls = false;
    bool json = false;
    bool help = false;
};

Result set_count(std::optional<std::uint64_t>& target, std::string_view text, std::uint64_t min) {
    const auto count = parse_count(text, min, connections_most);
    if (!count) return std::unexpected{count.error()};
    target = *count;
    return {};
}

Result set_bytes(std::optional<std::uint64_t>& target, std::string_view text) {
    const auto bytes = parse_bytes(text);
    if (!bytes) return std::unexpected{bytes.error()};
    target = *bytes;
    return {};
}

Result set_rate(std::optional<double>& target, std::string_view text) {
    double rate = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, status] = std::from_chars(text.data(), end, rate, std::chars_format::fixed);
    if (status != std::errc{} || rest != end || !(rate >= 0 && rate <= rate_most)) {
        return std::unexpected{fmt::format(
            "'{}' is not possible here; expected a number of messages per second", text)};
    }
    target = rate;
    return {};
}

std::vector<OwnFlag> flags_of(Question& question) {
    const auto count = [](std::optional<std::uint64_t>& target, std::uint64_t min) {
        return [&target, min](std::string_view text) { return set_count(target, text, min); };
    };
    return {
        {"connections", "N", "connections at a time", count(question.connections, 1)},
        {"message-bytes", "SIZE", "length of a message",
         [&](std::string_view text) { return set_bytes(question.message_bytes, text); }},
        {"rate", "R", "messages that clients send in a second, all together",
         [&](std::string_view text) { return set_rate(question.rate, text); }},
        {"subscribers", "S",
         "subscribers of each topic, to all of which its messages go; without it each message is "
         "answered by one as long",
         count(question.subscribers, 1)},
        {"topics", "T", "topics with so many subscribers each [1]", count(question.topics, 1)},
        toggle("tls", "over TLS; a --listen wss:// says that, too", question.tls),
        toggle("json", "answer in one line of JSON, sizes in bytes", question.json),
        toggle("help", "print this and exit; -h does, too", question.help),
    };
}

std::string capacity_help(std::span<const OwnFlag> flags) {
    return "ringcast capacity: what a load would take\n\n"
           "Usage: ringcast capacity --connections N --message-bytes SIZE --rate R [flags]\n\n"
           "Answers from a ledger of what everything costs: memory, open files, CPU time, network. "
           "Looks at no\n"
           "host, and opens nothing. Beside each figure stands where it comes from: the code, or a "
           "measurement\n"
           "that the command named repeats on your machine.\n\n"
           "The load:\n" +
           help_rows(flags) +
           "\nThe server: all flags of ringcast, its environment and --config. Those that matter "
           "here:\n"
           "  --shards, --io, --compression, --message-memory-max, --send-queue-bytes-max, "
           "--mesh-bytes,\n"
           "  --ping-interval, --buffers-count, --buffer-bytes. Without --shards as many as the "
           "load needs.\n";
}

Result check_topics(const Question& question, const server::Options& options) {
    const std::uint64_t topics = question.topics.value_or(1);
    if (!question.subscribers) {
        if (!question.topics) return {};
        return std::unexpected{"--topics needs --subscribers, those of each topic"};
    }
    if (*question.subscribers > *question.connections) {
        return std::unexpected{fmt::format("--subscribers {} are more than --connections {}",
                                           *question.subscribers, *question.connections)};
    }
    if (topics > options.topics_max) {
        return std::unexpected{
            fmt::format("--topics {} are more than --topics-max {}", topics, options.topics_max)};
    }
    if (topics * *question.subscribers > *question.connections * options.subscriptions_max) {
        return std::unexpected{
            fmt::format("--topics {} of --subscribers {} are more than {} for each connection, its "
                        "--subscriptions-max",
                        topics, *question.subscribers, options.subscriptions_max)};
    }
    return {};
}

std::expected<Load, std::string> load_of(const Question& question, const server::Options& options) {
    const std::pair<bool, std::string_view> needed[] = {
        {question.connections.has_value(), "--connections N"},
        {question.message_bytes.has_value(), "--message-bytes SIZE"},
        {question.rate.has_value(), "--rate R"}};
    for (const auto& [is_given, usage] : needed) {
        if (!is_given) return std::unexpected{fmt::format("capacity needs {}, see --help", usage)};
    }
    if (*question.message_bytes > options.message_bytes_max) {
        return std::unexpected{fmt::format(
            "--message-bytes {} is more than --message-bytes-max {} lets in",
            print_bytes(*question.message_bytes), print_bytes(options.message_bytes_max))};
    }
    if (auto checked = check_topics(question, options); !checked)
        return std::unexpected{checked.error()};
    return Load{.connections = *question.connections,
                .message_bytes = *question.message_bytes,
                .rate = *question.rate,
                .subscribers = question.subscribers,
                .topics = question.topics.value_or(1),
                .tls = question.tls || serves_tls(options)};
}

std::string amount_of(const Line& line) {
    switch (line.unit) {
        case Unit::bytes: return rounded_bytes(line.value);
        case Unit::count: return grouped(static_cast<std::uint64_t>(line.value));
        case Unit::cores: return fmt::format("{:.3f}", line.value);
        case Unit::bits_per_second:
            return line.value < 1e9 ? fmt::format("{:.1f} Mbit/s", line.value / 1e6)
                                    : fmt::format("{:.2f} Gbit/s", line.value / 1e9);
    }
    std::unreachable();
}

/// What is to be said first of a load that is too much for these shards; else nothing.
std::string overload_of(const Capacity& capacity) {
    const double cores = capacity.line("cores").value;
    if (cores <= capacity.shards) return {};
    return fmt::format(
        "\nThat is too much for {}: it takes {:.3g} cores, and each shard has one at most.\n",
        counted(capacity.shards, "shard"), cores);
}

std::string_view name_of(Unit unit) noexcept {
    switch (unit) {
        case Unit::bytes: return "bytes";
        case Unit::count: return "count";
        case Unit::cores: return "cores";
        case Unit::bits_per_second: return "bits_per_second";
    }
    std::unreachable();
}

/// The load in words.
std::string heading_of(const Capacity& capacity) {
    const Load& load = capacity.load;
    std::string text = fmt::format(
        "{} {}, {} on {}: {} messages a second of {}", counted(load.connections, "connection"),
        load.tls ? "over TLS" : "without TLS", counted(capacity.shards, "shard"),
        capacity.backend == ring::Backend::uring ? "io_uring" : "epoll", rate_text(load.rate),
        counted(load.message_bytes, "byte"));
    if (load.subscribers) {
        text += fmt::format(",\nin {} of {}: {} deliveries a second", counted(load.topics, "topic"),
                            counted(*load.subscribers, "subscriber"), rate_text(load.rate_out()));
    } else {
        text += ", each answered by one as long";
    }
    return text + "\n";
}

}  // namespace

std::string to_text(const Capacity& capacity) {
    std::string text = heading_of(capacity) + overload_of(capacity);
    std::vector<const Source*> sources;
    std::string_view section;
    for (const Line& line : capacity.lines) {
        if (line.section != section) text += fmt::format("\n{}\n", section = line.section);
        std::string_view mark = "sum";
        if (line.source != nullptr) {
            mark = line.source->mark;
            if (std::ranges::find(sources, line.source) == sources.end())
                sources.push_back(line.source);
        }
        text += fmt::format("  {:<26} {:>12}  {:<10} {}\n", line.what, amount_of(line),
                            fmt::format("[{}]", mark), line.how);
    }
    text += fmt::format("\nWhere that comes from; what was measured, on {}\n", measured_on);
    for (const Source* const source : sources)
        text += server::help_row(fmt::format("[{}]", source->mark), source->text);
    return text;
}

std::string to_json(const Capacity& capacity) {
    const Load& load = capacity.load;
    std::string lines;
    for (const Line& line : capacity.lines) {
        lines += fmt::format(R"({}{{"key":{},"value":{:.12g},"unit":{},"how":{},"source":{}}})",
                             lines.empty() ? "" : ",", json_text(line.key), line.value,
                             json_text(name_of(line.unit)), json_text(line.how),
                             line.source == nullptr ? "null" : json_text(line.source->text));
    }
    return fmt::format(
        R"({{"connections":{},"message_bytes":{},"rate":{:.12g},"subscribers":{},"topics":{},)"
        R"("tls":{},"io":{},"shards":{},"too_much":{},"measured_on":{},"lines":[{}]}})"
        "\n",
        load.connections, load.message_bytes, load.rate,
        load.subscribers ? std::to_string(*load.subscribers) : "null", load.topics, load.tls,
        capacity.backend == ring::Backend::uring ? R"("uring")" : R"("epoll")", capacity.shards,
        !overload_of(capacity).empty(), json_text(measured_on), lines);
}

server::Exit answer_capacity(const server::OptionSources& sources) {
    Question question;
    const std::vector<OwnFlag> flags = flags_of(question);
    server::OptionSources others = sources;
    auto arguments = take_flags(sources.arguments, flags);
    if (!arguments) return server::mistake_of(arguments.error());
    if (question.help) return {0, capacity_help(flags)};
    others.arguments = *std::move(arguments);
    const auto options = server::load_options(others, server::Purpose::reckon);
    if (!options) return options.error();
    const auto load = load_of(question, *options);
    if (!load) return server::mistake_of(load.error());
    const Capacity capacity = estimate(*load, *options);
    return {0, question.json ? to_json(capacity) : to_text(capacity)};
}

}  // namespace ringcast::advice

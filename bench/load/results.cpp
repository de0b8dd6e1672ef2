#include "results.hpp"

#include <algorithm>
#include <filesystem>
#include <simdjson.h>

#include "base/assert.hpp"
#include "text.hpp"

namespace ringcast::bench {

namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

std::string text_at(const object& parent, const char* key) {
    std::string_view text;
    return parent[key].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

Result read_report(const object& report) {
    Result result;
    for (const auto& field : report) {
        double number = 0;
        std::string_view text;
        if (field.value.get(number) == simdjson::SUCCESS) {
            result.figures.emplace_back(field.key, number);
        } else if (field.value.get(text) == simdjson::SUCCESS) {
            result.texts.emplace(field.key, text);
        }
    }
    return result;
}

/// The server's address in the URL of a run.
std::string authority_of(const Result& result) {
    const auto found = result.texts.find("url");
    if (found == result.texts.end()) return "server";
    const std::string& url = found->second;
    const std::size_t begin = url.find("://");
    if (begin == std::string::npos) return url;
    return url.substr(begin + 3, url.find_first_of("/?", begin + 3) - begin - 3);
}

void add_report(const object& report, const std::string& server, Results& results) {
    Result result = read_report(report);
    result.case_name = case_name_of(result);
    result.server = server.empty() ? authority_of(result) : server;
    const auto is_same = [&](const Result& other) {
        return other.case_name == result.case_name && other.server == result.server;
    };
    result.round = std::ranges::count_if(results.runs, is_same);
    results.runs.push_back(std::move(result));
}

MicroResult read_micro(const object& fields) {
    const std::string program = text_at(fields, "program");
    constexpr std::string_view prefix = "bench-";
    MicroResult micro{.name =
                          program.starts_with(prefix) ? program.substr(prefix.size()) : program};
    micro.name += ": " + text_at(fields, "name");
    if (fields["cpu_ns"].get(micro.cpu_ns) != simdjson::SUCCESS) micro.cpu_ns = 0;
    if (double rate = 0; fields["bytes_per_second"].get(rate) == simdjson::SUCCESS)
        micro.bytes_per_second = rate;
    return micro;
}

/// How each server was started, for each protocol that it spoke.
void add_commands(const object& document, Results& results) {
    object servers;
    if (document["servers"].get(servers) != simdjson::SUCCESS) return;
    for (const auto& server : servers) {
        object commands;
        if (server.value.get(commands) != simdjson::SUCCESS) continue;
        for (const auto& command : commands) {
            if (std::string_view text; command.value.get(text) == simdjson::SUCCESS)
                results.commands.push_back(
                    {std::string(server.key), std::string(command.key), std::string(text)});
        }
    }
}

/// A file of scripts/bench.
void add_comparison(const object& document, const simdjson::dom::array& runs, Results& results) {
    for (const auto& [key, name] : {std::pair{"started", "started"},
                                    {"commit", "commit"},
                                    {"kernel", "kernel"},
                                    {"cpu_model", "CPU"}}) {
        if (auto text = text_at(document, key); !text.empty())
            results.facts.emplace_back(name, text);
    }
    std::int64_t cpus = 0;
    if (document["cpus"].get(cpus) == simdjson::SUCCESS)
        results.facts.emplace_back("CPUs", std::to_string(cpus));
    add_commands(document, results);
    if (results.base.empty()) results.base = text_at(document, "base");
    if (simdjson::dom::array all; document["micro"].get(all) == simdjson::SUCCESS) {
        for (const element& micro : all) {
            if (object fields; micro.get(fields) == simdjson::SUCCESS)
                results.micro.push_back(read_micro(fields));
        }
    }
    if (simdjson::dom::array all; document["failures"].get(all) == simdjson::SUCCESS) {
        for (const element& failure : all) {
            if (std::string_view text; failure.get(text) == simdjson::SUCCESS)
                results.failures.emplace_back(text);
        }
    }
    for (const element& run : runs) {
        object fields;
        object report;
        if (run.get(fields) != simdjson::SUCCESS ||
            fields["report"].get(report) != simdjson::SUCCESS)
            continue;
        Result result = read_report(report);
        result.case_name = text_at(fields, "case");
        result.server = text_at(fields, "server");
        if (fields["round"].get(result.round) != simdjson::SUCCESS) result.round = 0;
        results.runs.push_back(std::move(result));
    }
}

Expected<void> add_document(const element& document, const std::string& server, Results& results) {
    object fields;
    if (document.get(fields) != simdjson::SUCCESS) return fail("it holds no JSON object");
    simdjson::dom::array runs;
    if (fields["runs"].get(runs) == simdjson::SUCCESS) {
        add_comparison(fields, runs, results);
        return {};
    }
    if (text_at(fields, "command").empty())
        return fail("it is neither a report of ringcast-bench nor a file of scripts/bench");
    add_report(fields, server, results);
    return {};
}

}  // namespace

std::optional<double> Result::figure(std::string_view key) const {
    const auto found = std::ranges::find(figures, key, &std::pair<std::string, double>::first);
    return found == figures.end() ? std::nullopt : std::optional(found->second);
}

std::string_view Result::command() const {
    const auto found = texts.find("command");
    return found == texts.end() ? std::string_view() : found->second;
}

Expected<void> read_results_text(std::string_view text, const std::string& server,
                                 Results& results) {
    simdjson::dom::parser parser;
    const simdjson::padded_string padded(text);
    simdjson::dom::document_stream documents;
    constexpr std::size_t batch_bytes_min = 1 << 20;
    if (parser.parse_many(padded, std::max(padded.size() + 1, batch_bytes_min)).get(documents) !=
        simdjson::SUCCESS)
        return fail("it is no JSON");
    std::size_t count = 0;
    for (auto document : documents) {
        element value;
        if (const auto code = document.get(value); code != simdjson::SUCCESS)
            return fail("it is no JSON: {}", simdjson::error_message(code));
        if (auto added = add_document(value, server, results); !added) return added;
        ++count;
    }
    if (count == 0 || documents.truncated_bytes() > 0) return fail("its JSON has no end");
    return {};
}

Expected<Results> read_results(std::span<const std::string> names) {
    Results results;
    for (const std::string& name : names) {
        const std::size_t equals = name.find('=');
        const std::string path = equals == std::string::npos ? name : name.substr(equals + 1);
        std::string server = equals == std::string::npos ? "" : name.substr(0, equals);
        if (server.empty() && names.size() > 1) server = std::filesystem::path(path).stem();
        const auto text = read_file(path);
        if (!text) return std::unexpected(text.error());
        if (auto read = read_results_text(*text, server, results); !read)
            return fail("{}: {}", path, read.error().message);
    }
    if (results.runs.empty() && results.micro.empty())
        return fail("there are no runs in what was named");
    return results;
}

Result result_of(const Report& report) {
    Result result;
    for (const Report::Figure& figure : report.figures()) {
        if (const auto* text = std::get_if<std::string>(&figure.value))
            result.texts.emplace(figure.key, *text);
        if (const auto* count = std::get_if<std::uint64_t>(&figure.value))
            result.figures.emplace_back(figure.key, static_cast<double>(*count));
        if (const auto* real = std::get_if<Report::Real>(&figure.value))
            result.figures.emplace_back(figure.key, real->value);
    }
    result.case_name = case_name_of(result);
    result.server = authority_of(result);
    return result;
}

std::string_view unit_of(std::string_view command) {
    if (command == "echo") return "message";
    if (command == "fanout") return "delivery";
    if (command == "connect") return "handshake";
    if (command == "churn") return "life";
    if (command == "publish") return "publication";
    return {};
}

std::string case_name_of(const Result& result) {
    const auto number = [&](std::string_view key) { return result.figure(key).value_or(0); };
    const auto text = [&](const char* key) {
        const auto found = result.texts.find(key);
        return found == result.texts.end() ? std::string() : found->second;
    };
    const std::string_view command = result.command();
    std::string name(command);
    if (command == "echo" || command == "fanout" || command == "churn" || command == "publish")
        name += ' ' + byte_text(number("message_bytes"));
    if (command == "fanout")
        name += fmt::format(" to {}", count_text(number("subscribers") + number("publishers")));
    if (number("publishers") > 1) name += ", " + counted(number("publishers"), "publisher");
    if (command == "echo" || command == "idle" || command == "churn" || command == "publish")
        name += ", " + counted(number("connections"), "connection");
    if (number("depth") > 1) name += fmt::format(", {} outstanding", count_text(number("depth")));
    if (number("channels") > 1) name += ", " + counted(number("channels"), "channel");
    if (number("topics") > 1) name += ", " + counted(number("topics"), "topic");
    if (command == "churn")
        name += fmt::format(", {}, {:g} abrupt", counted(number("messages_per_life"), "message"),
                            number("abrupt_share"));
    if (command == "topics")
        name += fmt::format(" of {}", counted(number("connections"), "connection"));
    if (command == "storm")
        name += fmt::format(" of {}, {} missed", counted(number("clients"), "client"),
                            counted(number("missed"), "publication"));
    if (command == "connect") name += ", " + text("close");
    if (number("inflight") > 1)
        name += fmt::format(", {} in flight", count_text(number("inflight")));
    for (const char* key : {"protocol", "opcode"}) {
        const std::string word = text(key);
        if (!word.empty() && word != "raw" && word != "binary") name += ", " + word;
    }
    if (const std::string subprotocol = text("subprotocol"); !subprotocol.empty())
        name += ", subprotocol " + subprotocol;
    if (text("verify") == "length") name += ", length compared";
    if (number("rate") > 0) name += fmt::format(", {}/s", count_text(number("rate")));
    if (text("url").starts_with("wss:")) name += ", TLS";
    if (const std::string compression = text("compression");
        !compression.empty() && compression != "off")
        name += ", " + compression + " compression";
    return name;
}

double median(std::vector<double> numbers) {
    RC_ASSERT(!numbers.empty());
    std::ranges::sort(numbers);
    const std::size_t middle = numbers.size() / 2;
    return numbers.size() % 2 == 1 ? numbers[middle] : (numbers[middle - 1] + numbers[middle]) / 2;
}

}  // namespace ringcast::bench

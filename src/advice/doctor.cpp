#include "advice/doctor.hpp"

#include <algorithm>
#include <array>
#include <fmt/core.h>
#include <span>
#include <string_view>
#include <utility>

#include "advice/checks.hpp"
#include "advice/own_flags.hpp"
#include "advice/text.hpp"

namespace ringcast::advice {
namespace {

struct PlaceName {
    Place place;
    std::string_view key;      ///< For machines.
    std::string_view heading;  ///< For people.
};
constexpr std::array places{
    PlaceName{Place::sysctl, "sysctl", "/etc/sysctl.d/60-ringcast.conf, then: sysctl --system"},
    PlaceName{Place::shell, "shell", "in the shell that starts the server, or as root"},
    PlaceName{Place::systemd, "systemd", "the unit of the server, under [Service]"},
    PlaceName{Place::docker, "docker", "flags of docker run"},
    PlaceName{Place::flags, "flags", "flags of ringcast, if the host stays as it is"},
};

/// All lines for that place, each once, in the order of the checks.
std::vector<std::string> lines_for(Place place, const Diagnosis& diagnosis) {
    std::vector<std::string> lines;
    for (const Finding& finding : diagnosis.findings) {
        for (const Remedy& remedy : finding.remedies) {
            const bool is_new = std::ranges::find(lines, remedy.line) == lines.end();
            if (remedy.place == place && is_new) lines.push_back(remedy.line);
        }
    }
    return lines;
}

std::string summary_of(const Diagnosis& diagnosis) {
    std::string text;
    for (const Verdict verdict :
         {Verdict::problem, Verdict::warning, Verdict::unknown, Verdict::note}) {
        const auto count = std::ranges::count(diagnosis.findings, verdict, &Finding::verdict);
        if (count == 0) continue;
        if (!text.empty()) text += ", ";
        // There is no plural of unknown.
        text += verdict == Verdict::unknown
                    ? fmt::format("{} unknown", count)
                    : counted(static_cast<std::uint64_t>(count), name_of(verdict));
    }
    return text.empty() ? "all is well" : text;
}

std::string help_text(std::span<const OwnFlag> flags) {
    return "ringcast doctor: checks this host for what a server would need\n\n"
           "Usage: ringcast doctor [flags of the server] [flags]\n\n"
           "Takes the flags, the environment and the --config file of the server that is meant, "
           "starts none, and\n"
           "changes nothing. Each check is ok, a note, a warning (it works, not as well as it "
           "could), a problem\n"
           "(it would not start, or not do what its flags ask for), or unknown. The lines to paste "
           "stand at the\n"
           "end. Run it where the server will run: in the container, or under the unit's limits. "
           "Exit code 0 if\n"
           "nothing is a problem, 1 if something is, 2 for wrong flags.\n\n"
           "Flags:\n" +
           help_rows(flags) + "\nThe flags of the server: ringcast --help\n";
}

}  // namespace

std::string_view name_of(Verdict verdict) noexcept {
    switch (verdict) {
        case Verdict::ok: return "ok";
        case Verdict::note: return "note";
        case Verdict::unknown: return "unknown";
        case Verdict::warning: return "warning";
        case Verdict::problem: return "problem";
    }
    std::unreachable();
}

std::string path_of_setting(std::string_view name) {
    std::string path = "/proc/sys/";
    for (const char character : name) path += character == '.' ? '/' : character;
    return path;
}

Finding unknown(std::string_view name, std::string_view source, std::string why) {
    return {.name = name,
            .verdict = Verdict::unknown,
            .what = fmt::format("cannot be told: no {}", source),
            .why = std::move(why)};
}

Verdict Diagnosis::verdict() const noexcept {
    Verdict worst = Verdict::ok;
    for (const Finding& finding : findings) worst = std::max(worst, finding.verdict);
    return worst;
}

Diagnosis examine(const server::Options& options, const Host& host) {
    const Needs needs = needs_of(options, host);
    Diagnosis diagnosis{
        .server = fmt::format(
            "Linux {}; a server with {} and up to {}{}",
            read_line(host, path_of_setting("kernel.osrelease")).value_or("of unknown version"),
            counted(needs.shards, "shard"), counted(needs.connections, "connection"),
            needs.tls ? " over TLS" : ""),
        .findings = {}};
    for (const auto checks : {resource_checks(), network_checks(), kernel_checks()}) {
        for (const Check check : checks) diagnosis.findings.push_back(check(host, needs));
    }
    return diagnosis;
}

std::string to_text(const Diagnosis& diagnosis) {
    std::string text = diagnosis.server + "\n\n";
    for (const Finding& finding : diagnosis.findings) {
        text += fmt::format("{:<8} {:<22} {}\n{:32}{}\n", name_of(finding.verdict), finding.name,
                            finding.what, "", finding.why);
    }
    text += fmt::format("\n{}\n", summary_of(diagnosis));
    for (const PlaceName& place : places) {
        const auto lines = lines_for(place.place, diagnosis);
        if (lines.empty()) continue;
        text += fmt::format("\n# {}\n", place.heading);
        for (const std::string& line : lines) text += line + "\n";
    }
    return text;
}

std::string to_json(const Diagnosis& diagnosis) {
    std::string checks;
    for (const Finding& finding : diagnosis.findings) {
        checks += fmt::format(R"({}{{"name":{},"verdict":{},"what":{},"why":{}}})",
                              checks.empty() ? "" : ",", json_text(finding.name),
                              json_text(name_of(finding.verdict)), json_text(finding.what),
                              json_text(finding.why));
    }
    std::string paste;
    for (const PlaceName& place : places) {
        std::string lines;
        for (const std::string& line : lines_for(place.place, diagnosis))
            lines += (lines.empty() ? "" : ",") + json_text(line);
        paste += fmt::format("{}{}:[{}]", paste.empty() ? "" : ",", json_text(place.key), lines);
    }
    return fmt::format(R"({{"server":{},"verdict":{},"checks":[{}],"paste":{{{}}}}})"
                       "\n",
                       json_text(diagnosis.server), json_text(name_of(diagnosis.verdict())), checks,
                       paste);
}

server::Exit answer_doctor(const server::OptionSources& sources, const Host& host) {
    bool json = false;
    bool help = false;
    const std::array flags{toggle("json", "answer in one line of JSON", json),
                           toggle("help", "print this and exit; -h does, too", help)};
    auto arguments = take_flags(sources.arguments, flags);
    if (!arguments) return server::mistake_of(arguments.error());
    if (help) return {0, help_text(flags)};
    server::OptionSources others = sources;
    others.arguments = *std::move(arguments);
    const auto options = server::load_options(others, server::Purpose::examine);
    if (!options) return options.error();
    const Diagnosis diagnosis = examine(*options, host);
    return {.code = diagnosis.verdict() == Verdict::problem ? 1 : 0,
            .text = json ? to_json(diagnosis) : to_text(diagnosis),
            .is_report = true};
}

}  // namespace ringcast::advice

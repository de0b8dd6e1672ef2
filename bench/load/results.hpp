#pragma once
// What runs have measured, read back from their JSON: single reports of ringcast-bench, one a line,
// and the files of scripts/bench, which hold many.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "error.hpp"
#include "report.hpp"

namespace ringcast::bench {

/// One run.
struct Result {
    std::string case_name;  ///< "echo 20 B, 50 connections"
    std::string server;
    std::int64_t round = 0;
    std::vector<std::pair<std::string, double>> figures;  ///< As they were reported.
    std::map<std::string, std::string> texts;             ///< Likewise what is no number.

    [[nodiscard]] std::optional<double> figure(std::string_view key) const;
    /// The sub-command.
    [[nodiscard]] std::string_view command() const;
};

/// What one function takes by itself.
struct MicroResult {
    std::string name;  ///< "mask: 64 octets"
    double cpu_ns = 0;
    std::optional<double> bytes_per_second;
};

/// How a server was started to speak a protocol.
struct ServerCommand {
    std::string server;
    std::string protocol;
    std::string command;
};

struct Results {
    std::vector<Result> runs;
    std::vector<MicroResult> micro;
    std::vector<std::string> failures;  ///< What could not be measured, and why.
    std::string base;  ///< The server that ratios refer to; empty if there is none.
    std::vector<std::pair<std::string, std::string>> facts;  ///< What is known of the machine.
    std::vector<ServerCommand> commands = {};
};

/// Reads files, each named as FILE or SERVER=FILE; without that name, servers are called by their
/// URL, or by their file where there are several. Fails at the first that is not what it should be.
[[nodiscard]] Expected<Results> read_results(std::span<const std::string> names);
/// The same from text; `server` may be empty.
[[nodiscard]] Expected<void> read_results_text(std::string_view text, const std::string& server,
                                               Results& results);
/// The result of the run that has just ended.
[[nodiscard]] Result result_of(const Report& report);

/// What a sub-command counts, as in its figures; empty if that is not one thing.
[[nodiscard]] std::string_view unit_of(std::string_view command);

/// What a run did, from what it reported: "echo 20 B, 50 connections".
[[nodiscard]] std::string case_name_of(const Result& result);

/// The median; there must be one number at least.
[[nodiscard]] double median(std::vector<double> numbers);

}  // namespace ringcast::bench

#include "comparison.hpp"

#include <algorithm>

namespace ringcast::bench {

namespace {

void add_new(std::vector<std::string>& names, const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

}  // namespace

Comparison::Comparison(const Results& results) : results_(results) {
    for (const Result& run : results.runs) {
        add_new(cases_, run.case_name);
        add_new(servers_, run.server);
    }
}

std::vector<std::string> Comparison::servers_of(std::string_view case_name) const {
    std::vector<std::string> servers;
    for (const std::string& server : servers_) {
        if (!runs(case_name, server).empty()) servers.push_back(server);
    }
    return servers;
}

std::vector<const Result*> Comparison::runs(std::string_view case_name,
                                            std::string_view server) const {
    std::vector<const Result*> runs;
    for (const Result& run : results_.runs) {
        if (run.case_name == case_name && run.server == server) runs.push_back(&run);
    }
    return runs;
}

std::optional<Spread> Comparison::spread(std::string_view case_name, std::string_view server,
                                         std::string_view key) const {
    std::vector<double> numbers;
    for (const Result* run : runs(case_name, server)) {
        if (const auto number = run->figure(key)) numbers.push_back(*number);
    }
    if (numbers.empty()) return std::nullopt;
    const auto [least, most] = std::ranges::minmax(numbers);
    return Spread{median(numbers), least, most};
}

std::optional<double> Comparison::ratio(std::string_view case_name, std::string_view server,
                                        std::string_view key) const {
    if (server == results_.base) return std::nullopt;
    std::vector<double> ratios;
    for (const Result* run : runs(case_name, server)) {
        for (const Result* base : runs(case_name, results_.base)) {
            const auto ours = run->figure(key);
            const auto theirs = base->figure(key);
            if (run->round == base->round && ours && theirs && *theirs != 0)
                ratios.push_back(*ours / *theirs);
        }
    }
    return ratios.empty() ? std::nullopt : std::optional(median(ratios));
}

}  // namespace ringcast::bench

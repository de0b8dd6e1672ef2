#pragma once
// Results by case and server: medians over rounds, and ratios within rounds, because absolute times
// drift from minute to minute while the servers of one round see the same weather.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "results.hpp"

namespace ringcast::bench {

struct Spread {
    double median = 0;
    double least = 0;
    double most = 0;
};

class Comparison {
public:
    /// `results` must outlive it.
    explicit Comparison(const Results& results);

    /// Both in the order in which they came.
    [[nodiscard]] const std::vector<std::string>& cases() const noexcept { return cases_; }
    [[nodiscard]] const std::vector<std::string>& servers() const noexcept { return servers_; }
    /// Those that have a run of the case.
    [[nodiscard]] std::vector<std::string> servers_of(std::string_view case_name) const;

    /// The runs of one server in one case.
    [[nodiscard]] std::vector<const Result*> runs(std::string_view case_name,
                                                  std::string_view server) const;
    /// Nothing if no run has the figure.
    [[nodiscard]] std::optional<Spread> spread(std::string_view case_name, std::string_view server,
                                               std::string_view key) const;
    /// The median of the figure over that of the base in the same round; nothing for the base
    /// itself, and where there is none.
    [[nodiscard]] std::optional<double> ratio(std::string_view case_name, std::string_view server,
                                              std::string_view key) const;

private:
    const Results& results_;
    std::vector<std::string> cases_;
    std::vector<std::string> servers_;
};

}  // namespace ringcast::bench

#pragma once
// The outcome of a run: named figures in order, printed as a table for people or as one line of
// JSON for scripts.

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "histogram.hpp"

namespace ringcast::bench {

class Report {
public:
    struct Real {
        double value;
        int decimals;
    };
    struct Missing {
        std::string reason;
    };
    struct Figure {
        std::string key;
        std::string label;
        std::variant<std::string, std::uint64_t, Real, Missing> value;
    };

    /// `key` names the figure in JSON and is a stable interface; `label` is for people and may say
    /// the unit.
    void add(std::string_view key, std::string_view label, std::string_view text);
    void add(std::string_view key, std::string_view label, std::uint64_t count);
    void add(std::string_view key, std::string_view label, double figure, int decimals);
    /// A figure that could not be had, and why: null in JSON.
    void add_missing(std::string_view key, std::string_view label, std::string_view reason);
    /// Quantiles of nanoseconds in microseconds, `latency_us_p50` to `latency_us_max` if `name` is
    /// "latency"; `label` says for people what it is. Missing where nothing was recorded.
    void add_latency(const Histogram& histogram, std::string_view name = "latency",
                     std::string_view label = "latency");

    void print_table(std::FILE* stream) const;
    void print_json(std::FILE* stream) const;
    [[nodiscard]] const std::vector<Figure>& figures() const noexcept { return figures_; }

private:
    std::vector<Figure> figures_;
};

}  // namespace ringcast::bench

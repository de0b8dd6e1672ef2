#pragma once
// Rows of charts, as HTML around SVG. Lengths are shares of the width and text is HTML, so that a
// page fits a phone as well as a desk; colours are classes, which page_style.hpp defines for light
// and for dark.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "comparison.hpp"

namespace ringcast::bench {

/// One bar. All numbers have one unit, and what is largest in a chart is as wide as it.
struct Bar {
    std::string name;
    std::size_t color = 0;  ///< The number of the server.
    Spread spread;
    std::optional<double> beside;  ///< A thinner bar below it: the load generator's.
    std::string value;             ///< In words.
    std::string note;              ///< Smaller, behind it.
};
[[nodiscard]] std::string bar_chart(const std::vector<Bar>& bars);

/// Percentiles of a latency, in microseconds.
struct Percentiles {
    std::string name;
    std::size_t color = 0;
    double p50 = 0, p90 = 0, p99 = 0, p999 = 0, max = 0;
};
/// An axis in powers of ten that holds all of `rows`.
struct LogAxis {
    int first = 0;  ///< The exponent at its beginning.
    int last = 1;

    [[nodiscard]] double share(double microseconds) const;
};
[[nodiscard]] LogAxis axis_of(const std::vector<Percentiles>& rows);
/// `title` may be empty.
[[nodiscard]] std::string percentile_chart(std::string_view title,
                                           const std::vector<Percentiles>& rows,
                                           const LogAxis& axis);

/// How a cost, in microseconds, depends on a number, which is 1 at least: one line of a chart.
struct Curve {
    struct Point {
        double at = 1;
        Spread spread;
    };
    std::string name;
    std::size_t color = 0;
    std::vector<Point> points;  ///< From left to right, one at least.
};
/// With a scale of powers of ten to the right and one that begins at 0 upwards, so that what does
/// not depend on the number is level. Below it a row for each curve.
[[nodiscard]] std::string curve_chart(const std::vector<Curve>& curves);

}  // namespace ringcast::bench

#include "charts.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/core.h>
#include <set>

#include "text.hpp"

namespace ringcast::bench {

namespace {

constexpr std::size_t color_count = 10;  // See page_style.hpp.

/// Begins a row: what it is about.
std::string row_name(std::string_view name, std::size_t color) {
    return fmt::format("<div class=row><div class=name><i class=c{}></i><span>{}</span></div>",
                       color % color_count, escaped(name));
}

std::string row_value(std::string_view value, std::string_view note) {
    std::string text = fmt::format("<div class=value><b>{}</b>", escaped(value));
    if (!note.empty()) text += fmt::format(" <span>{}</span>", escaped(note));
    return text + "</div></div>\n";
}

std::string grid(const LogAxis& axis) {
    std::string lines;
    for (int exponent = axis.first; exponent <= axis.last; ++exponent) {
        lines += fmt::format("<line class=grid x1={0:.2f}% x2={0:.2f}% y1=0 y2=100% />",
                             100 * axis.share(std::pow(10, exponent)));
    }
    return lines;
}

std::string axis_row(std::string_view title, const LogAxis& axis) {
    std::string text = fmt::format("<div class=\"row axis\"><h3 class=name>{}</h3><svg height=16>",
                                   escaped(title));
    for (int exponent = axis.first; exponent <= axis.last; ++exponent) {
        const double microseconds = std::pow(10, exponent);
        const char* anchor = exponent == axis.first  ? "start"
                             : exponent == axis.last ? "end"
                                                     : "middle";
        text += fmt::format("<text x={:.2f}% y=12 text-anchor={}>{}</text>",
                            100 * axis.share(microseconds), anchor, duration_text(microseconds));
    }
    return text + "</svg><div class=value></div></div>\n";
}

/// From the median over the other percentiles to the maximum, around the middle of a row.
std::string marks(const Percentiles& row, const LogAxis& axis) {
    const auto x = [&](double microseconds) { return 100 * axis.share(microseconds); };
    std::string marks = fmt::format(
        "<svg class=c{0} y=50%><line class=range x1={1:.2f}% x2={2:.2f}% y1=0 y2=0 />"
        "<line class=range x1={2:.2f}% x2={2:.2f}% y1=-5 y2=5 />",
        row.color % color_count, x(row.p50), x(row.max));
    constexpr std::array radii{3.0, 3.5, 4.0};
    const std::array middle{row.p999, row.p99, row.p90};
    for (std::size_t i = 0; i < middle.size(); ++i) {
        marks +=
            fmt::format("<circle class=hollow cx={:.2f}% cy=0 r={} />", x(middle[i]), radii[i]);
    }
    return marks + fmt::format("<circle cx={:.2f}% cy=0 r=5 /></svg>", x(row.p50));
}

/// The least of 1, 2, 5 and 10, times a power of ten, that is not below `number`.
double rounded_up(double number) {
    const double power = std::pow(10, std::floor(std::log10(number)));
    for (const double step : {1.0, 2.0, 5.0}) {
        if (number <= step * power) return step * power;
    }
    return 10 * power;
}

/// The inner of a chart of curves, whose numbers are shares of the height and the width.
class CurveFrame {
public:
    explicit CurveFrame(const std::vector<Curve>& curves) {
        double most = 0;
        for (const Curve& curve : curves) {
            for (const Curve::Point& point : curve.points) {
                most = std::max(most, point.spread.most);
                places_.insert(point.at);
            }
        }
        top_ = most > 0 ? rounded_up(most) : 1;
        decades_ = std::max(std::log10(*places_.rbegin()), 1e-3);
    }

    [[nodiscard]] std::string grid() const {
        std::string text;
        for (const double cost : {0.0, top_ / 2, top_}) {
            text += fmt::format(
                "<line class=grid x1=0 x2=100% y1={0:.2f}% y2={0:.2f}% />"
                "<text x=0 dx=-8 y={0:.2f}% dy=4 text-anchor=end>{1}</text>",
                y(cost), cost > 0 ? duration_text(cost) : "0");
        }
        for (const double at : places_) {
            text += fmt::format("<text x={:.2f}% y=100% dy=18 text-anchor=middle>{}</text>", x(at),
                                count_text(at));
        }
        return text;
    }

    [[nodiscard]] std::string line(const Curve& curve) const {
        std::string text = fmt::format("<g class=c{}>", curve.color % color_count);
        const Curve::Point* before = nullptr;
        for (const Curve::Point& point : curve.points) {
            const auto& [median, least, most] = point.spread;
            if (before != nullptr) text += stroke("range", *before, point);
            text += fmt::format(
                "<line class=whisker x1={0:.2f}% x2={0:.2f}% y1={1:.2f}% y2={2:.2f}% />"
                "<circle cx={0:.2f}% cy={3:.2f}% r=4><title>{4} at {5}</title></circle>",
                x(point.at), y(least), y(most), y(median), duration_text(median),
                count_text(point.at));
            before = &point;
        }
        return text + "</g>";
    }

private:
    [[nodiscard]] double x(double at) const { return 100 * std::log10(at) / decades_; }
    [[nodiscard]] double y(double cost) const { return 100 - 100 * cost / top_; }
    [[nodiscard]] std::string stroke(std::string_view style, const Curve::Point& from,
                                     const Curve::Point& to) const {
        return fmt::format("<line class={} x1={:.2f}% y1={:.2f}% x2={:.2f}% y2={:.2f}% />", style,
                           x(from.at), y(from.spread.median), x(to.at), y(to.spread.median));
    }

    std::set<double> places_;
    double top_ = 1;
    double decades_ = 1;
};

}  // namespace

std::string bar_chart(const std::vector<Bar>& bars) {
    double most = 0;
    for (const Bar& bar : bars) most = std::max({most, bar.spread.most, bar.beside.value_or(0)});
    if (most <= 0) most = 1;
    const auto percent = [&](double number) { return 100 * std::max(number, 0.0) / most; };
    std::string html = "<div class=chart>\n";
    for (const Bar& bar : bars) {
        html += row_name(bar.name, bar.color);
        html += fmt::format("<svg height={}><title>{} {}</title>", bar.beside ? 24 : 18,
                            escaped(bar.value), escaped(bar.note));
        html += fmt::format("<rect class=c{} x=0 y=2 width={:.2f}% height=14 rx=2 />",
                            bar.color % color_count, percent(bar.spread.median));
        if (bar.spread.most > bar.spread.least) {
            const double left = percent(bar.spread.least);
            const double right = percent(bar.spread.most);
            html += fmt::format(
                "<line class=whisker x1={0:.2f}% x2={1:.2f}% y1=9 y2=9 />"
                "<line class=whisker x1={0:.2f}% x2={0:.2f}% y1=6 y2=12 />"
                "<line class=whisker x1={1:.2f}% x2={1:.2f}% y1=6 y2=12 />",
                left, right);
        }
        if (bar.beside) {
            html += fmt::format("<rect class=beside x=0 y=18 width={:.2f}% height=4 rx=1 />",
                                percent(*bar.beside));
        }
        html += "</svg>" + row_value(bar.value, bar.note);
    }
    return html + "</div>\n";
}

std::string curve_chart(const std::vector<Curve>& curves) {
    const CurveFrame frame(curves);
    std::string html = "<div class=curves><svg height=170>" + frame.grid();
    for (const Curve& curve : curves) html += frame.line(curve);
    html += "</svg></div>\n<div class=chart>\n";
    for (const Curve& curve : curves) {
        double least = INFINITY;
        for (const Curve::Point& point : curve.points) least = std::min(least, point.spread.median);
        const Curve::Point& last = curve.points.back();
        html += row_name(curve.name, curve.color) + "<svg height=1></svg>" +
                row_value(duration_text(last.spread.median),
                          fmt::format("{:.2f} x least", last.spread.median / least));
    }
    return html + "</div>\n";
}

double LogAxis::share(double microseconds) const {
    const double exponent = std::log10(std::max(microseconds, 1e-3));
    return std::clamp((exponent - first) / (last - first), 0.0, 1.0);
}

LogAxis axis_of(const std::vector<Percentiles>& rows) {
    double least = INFINITY;
    double most = 0;
    for (const Percentiles& row : rows) {
        if (row.p50 > 0) least = std::min(least, row.p50);
        most = std::max(most, row.max);
    }
    if (!(least <= most)) return {};
    LogAxis axis{.first = static_cast<int>(std::floor(std::log10(least))),
                 .last = static_cast<int>(std::ceil(std::log10(most)))};
    axis.last = std::max(axis.last, axis.first + 1);
    return axis;
}

std::string percentile_chart(std::string_view title, const std::vector<Percentiles>& rows,
                             const LogAxis& axis) {
    std::string html = "<div class=chart>\n" + axis_row(title, axis);
    for (const Percentiles& row : rows) {
        html += row_name(row.name, row.color);
        html += fmt::format(
            "<svg class=stretched><title>p50 {}, p90 {}, p99 {}, p99.9 {}, max "
            "{}</title>{}{}</svg>",
            duration_text(row.p50), duration_text(row.p90), duration_text(row.p99),
            duration_text(row.p999), duration_text(row.max), grid(axis), marks(row, axis));
        html += row_value(duration_text(row.p50), "p99 " + duration_text(row.p99));
    }
    return html + "</div>\n";
}

}  // namespace ringcast::bench

#include "curves.hpp"

#include <algorithm>
#include <fmt/core.h>
#include <optional>
#include <vector>

#include "charts.hpp"
#include "text.hpp"

namespace ringcast::bench {

namespace {

std::string curve_of(const Result& run) {
    const auto found = run.texts.find("curve");
    return found == run.texts.end() ? std::string() : found->second;
}

std::vector<std::string> curve_names(const Results& results) {
    std::vector<std::string> names;
    for (const Result& run : results.runs) {
        const std::string name = curve_of(run);
        if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
    return names;
}

/// What one server's runs of `case_name` say, if they belong to the curve called `name`.
std::optional<Curve::Point> point_of(const Comparison& comparison, const std::string& name,
                                     const std::string& case_name, const std::string& server) {
    const auto runs = comparison.runs(case_name, server);
    if (runs.empty() || curve_of(*runs.front()) != name) return std::nullopt;
    const auto at = runs.front()->figure("curve_at");
    const auto spread = comparison.spread(
        case_name, server, fmt::format("server_cpu_us_per_{}", unit_of(runs.front()->command())));
    if (!at || *at < 1 || !spread) return std::nullopt;
    return Curve::Point{*at, *spread};
}

}  // namespace

std::string curve_section(const Results& results, const Comparison& comparison) {
    std::string charts;
    for (const std::string& name : curve_names(results)) {
        std::vector<Curve> curves;
        for (std::size_t color = 0; color < comparison.servers().size(); ++color) {
            const std::string& server = comparison.servers()[color];
            Curve curve{.name = server, .color = color, .points = {}};
            for (const std::string& case_name : comparison.cases()) {
                if (const auto point = point_of(comparison, name, case_name, server))
                    curve.points.push_back(*point);
            }
            std::ranges::sort(curve.points, {}, &Curve::Point::at);
            if (!curve.points.empty()) curves.push_back(std::move(curve));
        }
        if (!curves.empty())
            charts += fmt::format("<h3>{}</h3>\n", escaped(name)) + curve_chart(curves);
    }
    if (charts.empty()) return {};
    return "<section><h2>Cost over size</h2><p class=note>The server's CPU time per message or "
           "delivery, while the number below grows: a level line is what one wants. The figures "
           "are "
           "those of the last point, and how they compare with the least.</p>\n" +
           charts + "</section>\n";
}

}  // namespace ringcast::bench

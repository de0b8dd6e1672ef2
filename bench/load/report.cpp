#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/core.h>
#include <limits>
#include <utility>

namespace ringcast::bench {

namespace {

std::string json_string(std::string_view text) {
    std::string quoted = "\"";
    for (const char character : text) {
        if (character == '"' || character == '\\') {
            quoted += '\\';
            quoted += character;
        } else if (static_cast<unsigned char>(character) < 0x20) {
            quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(character));
        } else {
            quoted += character;
        }
    }
    return quoted + '"';
}

}  // namespace

void Report::add(std::string_view key, std::string_view label, std::string_view text) {
    figures_.push_back({std::string(key), std::string(label), std::string(text)});
}

void Report::add(std::string_view key, std::string_view label, std::uint64_t count) {
    figures_.push_back({std::string(key), std::string(label), count});
}

void Report::add(std::string_view key, std::string_view label, double figure, int decimals) {
    if (std::isfinite(figure)) {
        figures_.push_back({std::string(key), std::string(label), Real{figure, decimals}});
    } else {
        add_missing(key, label, "nothing was measured");
    }
}

void Report::add_missing(std::string_view key, std::string_view label, std::string_view reason) {
    figures_.push_back({std::string(key), std::string(label), Missing{std::string(reason)}});
}

void Report::add_latency(const Histogram& histogram, std::string_view name,
                         std::string_view label) {
    constexpr double nanoseconds_per_microsecond = 1000;
    const auto add_quantile = [&](std::string_view quantile, std::uint64_t value) {
        const bool is_empty = histogram.count() == 0;
        add(fmt::format("{}_us_{}", name, quantile), fmt::format("{} {}, us", label, quantile),
            is_empty ? std::numeric_limits<double>::quiet_NaN()
                     : static_cast<double>(value) / nanoseconds_per_microsecond,
            1);
    };
    add_quantile("p50", histogram.quantile(0.5));
    add_quantile("p90", histogram.quantile(0.9));
    add_quantile("p99", histogram.quantile(0.99));
    add_quantile("p999", histogram.quantile(0.999));
    add_quantile("max", histogram.max());
}

void Report::print_table(std::FILE* stream) const {
    std::size_t width = 0;
    for (const Figure& figure : figures_) width = std::max(width, figure.label.size());
    for (const Figure& figure : figures_) {
        std::string text;
        if (const auto* string = std::get_if<std::string>(&figure.value)) text = *string;
        if (const auto* count = std::get_if<std::uint64_t>(&figure.value))
            text = fmt::format("{}", *count);
        if (const auto* real = std::get_if<Real>(&figure.value)) {
            text = fmt::format("{:.{}f}", real->value, real->decimals);
        }
        if (const auto* missing = std::get_if<Missing>(&figure.value))
            text = "- (" + missing->reason + ")";
        fmt::print(stream, "{:<{}}  {}\n", figure.label, width, text);
    }
}

void Report::print_json(std::FILE* stream) const {
    std::string line = "{";
    for (const Figure& figure : figures_) {
        std::string text = "null";
        if (const auto* string = std::get_if<std::string>(&figure.value))
            text = json_string(*string);
        if (const auto* count = std::get_if<std::uint64_t>(&figure.value))
            text = fmt::format("{}", *count);
        if (const auto* real = std::get_if<Real>(&figure.value))
            text = fmt::format("{:.9g}", real->value);
        if (line.size() > 1) line += ", ";
        line += json_string(figure.key) + ": " + text;
    }
    fmt::print(stream, "{}}}\n", line);
}

}  // namespace ringcast::bench

#include "page.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fmt/chrono.h>
#include <fmt/core.h>
#include <memory>
#include <vector>

#include "charts.hpp"
#include "comparison.hpp"
#include "curves.hpp"
#include "page_style.hpp"
#include "text.hpp"

namespace ringcast::bench {

namespace {

/// Builds the sections. With one server, rows are cases and share a scale; with several, each case
/// is a chart of its own, and rows are servers.
class PageBuilder {
public:
    explicit PageBuilder(const Results& results)
        : results_(results), comparison_(results), is_single_(comparison_.servers().size() == 1) {}

    [[nodiscard]] std::string build(std::string_view made) const;

private:
    /// What a bar of one server in one case is; false if there is none.
    using BarOf = bool (PageBuilder::*)(const std::string&, const std::string&, Bar&) const;

    [[nodiscard]] std::string head(std::string_view made) const;
    [[nodiscard]] std::string tiles() const;
    [[nodiscard]] std::string bar_section(std::string_view title, std::string_view note,
                                          BarOf bar_of) const;
    [[nodiscard]] std::string latency_section() const;
    [[nodiscard]] std::string tables() const;
    [[nodiscard]] std::string table(const std::string& case_name) const;
    [[nodiscard]] std::string micro_section() const;
    [[nodiscard]] std::string failures() const;
    [[nodiscard]] std::string commands() const;

    bool throughput(const std::string& case_name, const std::string& server, Bar& bar) const;
    bool cost(const std::string& case_name, const std::string& server, Bar& bar) const;
    bool memory_per_connection(const std::string& case_name, const std::string& server,
                               Bar& bar) const {
        return memory_per("connection", case_name, server, bar);
    }
    bool memory_per_subscription(const std::string& case_name, const std::string& server,
                                 Bar& bar) const {
        return memory_per("subscription", case_name, server, bar);
    }
    bool memory_per(std::string_view unit, const std::string& case_name, const std::string& server,
                    Bar& bar) const;
    bool memory_of_run(const std::string& case_name, const std::string& server, Bar& bar) const;
    [[nodiscard]] std::vector<Percentiles> latencies(const std::string& case_name,
                                                     const std::string& server) const;

    [[nodiscard]] std::string_view command_of(const std::string& case_name,
                                              const std::string& server) const;
    [[nodiscard]] std::string ratio_note(const std::string& case_name, const std::string& server,
                                         std::string_view key) const;
    [[nodiscard]] std::size_t color_of(const std::string& server) const;

    const Results& results_;
    Comparison comparison_;
    bool is_single_;
};

std::string PageBuilder::build(std::string_view made) const {
    std::string html = head(made) + failures() + curve_section(results_, comparison_);
    if (results_.runs.size() == 1) {
        html += tiles();
    } else {
        html += bar_section("Throughput", "What the server and the load generator did together.",
                            &PageBuilder::throughput);
    }
    html += bar_section("CPU per message",
                        "User and system time of the server's process per message, delivery, "
                        "handshake or life; the thin bar is the load generator's own.",
                        &PageBuilder::cost);
    html += latency_section();
    html += bar_section("Memory per connection",
                        "Growth of the server's resident memory over connections that say nothing. "
                        "The kernel's memory for its sockets is not in it.",
                        &PageBuilder::memory_per_connection);
    html += bar_section("Memory per subscription",
                        "Likewise over subscriptions, each to a topic that nobody else is "
                        "subscribed to.",
                        &PageBuilder::memory_per_subscription);
    html += bar_section("Memory over a run",
                        "The server's resident memory at the end; the thin bar is the beginning.",
                        &PageBuilder::memory_of_run);
    return html + micro_section() + tables() + commands() + "</main></body></html>\n";
}

std::string PageBuilder::head(std::string_view made) const {
    std::string facts = fmt::format("{} run{}, {}", results_.runs.size(),
                                    results_.runs.size() == 1 ? "" : "s", escaped(made));
    for (const auto& [name, text] : results_.facts)
        facts += fmt::format(" &middot; {} {}", escaped(name), escaped(text));
    if (!is_single_ && !results_.base.empty())
        facts += fmt::format(" &middot; ratios are to {}, medians within rounds",
                             escaped(results_.base));
    const std::string title = is_single_ ? "Load on " + escaped(comparison_.servers().front())
                                         : "Servers beside each other";
    return fmt::format(
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n"
        "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src "
        "'unsafe-inline'\">\n<title>ringcast-bench: {0}</title>\n<style>{1}</style></head>\n"
        "<body><main{3}>\n<h1>{0}</h1>\n<p class=facts>ringcast-bench, {2}</p>\n",
        title, page_style, facts, is_single_ ? " class=single" : "");
}

/// The few figures that matter most, of the only run.
std::string PageBuilder::tiles() const {
    const Result& run = results_.runs.front();
    const std::string unit(unit_of(run.command()));
    std::string html = fmt::format("<p class=facts>{}</p>\n", escaped(run.case_name));
    std::string shown;
    const auto add = [&](std::string_view key, const std::string& label, auto&& text_of) {
        const auto number = run.figure(key);
        if (!number) return;
        shown += fmt::format("<div class=tile><b>{}</b><span>{}</span></div>\n",
                             escaped(text_of(*number)), escaped(label));
    };
    const std::string units = unit.empty() ? "messages" : plural_of(unit);
    add(units + "_per_second", units + " per second", rate_text);
    add("server_cpu_us_per_" + unit, "server CPU per " + unit, duration_text);
    add("latency_us_p50", "median latency", duration_text);
    add("latency_us_p99", "99th percentile", duration_text);
    add("server_rss_bytes_per_connection", "server memory per connection", byte_text);
    add("recovered", "clients recovered", count_text);
    add("not_recovered", "told that they are not", count_text);
    add("recovery_seconds", "until all were back",
        [](double seconds) { return duration_text(seconds * 1e6); });
    add("calm_us_p99", "99th percentile live, before", duration_text);
    add("storm_us_p99", "99th percentile live, during the storm", duration_text);
    add("subscriptions_per_second", "subscriptions per second", rate_text);
    add("server_rss_bytes_per_subscription", "server memory per subscription", byte_text);
    add("server_rss_growth_bytes", "growth of the server's memory", byte_text);
    return html + "<div class=tiles>\n" + shown + "</div>\n";
}

std::string PageBuilder::bar_section(std::string_view title, std::string_view note,
                                     BarOf bar_of) const {
    std::string charts;
    std::vector<Bar> all;
    for (const std::string& case_name : comparison_.cases()) {
        std::vector<Bar> bars;
        for (const std::string& server : comparison_.servers_of(case_name)) {
            Bar bar{.name = is_single_ ? case_name : server, .color = color_of(server)};
            if ((this->*bar_of)(case_name, server, bar)) bars.push_back(bar);
        }
        if (bars.empty()) continue;
        if (is_single_) {
            all.insert(all.end(), bars.begin(), bars.end());
        } else {
            charts += fmt::format("<h3>{}</h3>\n", escaped(case_name)) + bar_chart(bars);
        }
    }
    if (!all.empty()) charts = bar_chart(all);
    if (charts.empty()) return {};
    return fmt::format("<section><h2>{}</h2><p class=note>{}</p>\n{}</section>\n", title, note,
                       charts);
}

bool PageBuilder::throughput(const std::string& case_name, const std::string& server,
                             Bar& bar) const {
    const std::string units = plural_of(unit_of(command_of(case_name, server)));
    const std::string key = units + "_per_second";
    const auto spread = comparison_.spread(case_name, server, key);
    if (!spread) return false;
    bar.spread = *spread;
    bar.value = rate_text(spread->median);
    bar.note = is_single_ ? units + "/s" : ratio_note(case_name, server, key);
    return true;
}

bool PageBuilder::cost(const std::string& case_name, const std::string& server, Bar& bar) const {
    const std::string unit(unit_of(command_of(case_name, server)));
    const std::string key = "server_cpu_us_per_" + unit;
    const auto spread = comparison_.spread(case_name, server, key);
    if (!spread) return false;
    bar.spread = *spread;
    if (const auto client = comparison_.spread(case_name, server, "client_cpu_us_per_" + unit))
        bar.beside = client->median;
    bar.value = duration_text(spread->median);
    bar.note = is_single_ ? "per " + unit : ratio_note(case_name, server, key);
    return true;
}

bool PageBuilder::memory_per(std::string_view unit, const std::string& case_name,
                             const std::string& server, Bar& bar) const {
    const std::string key = fmt::format("server_rss_bytes_per_{}", unit);
    const auto spread = comparison_.spread(case_name, server, key);
    if (!spread) return false;
    bar.spread = *spread;
    bar.value = byte_text(spread->median);
    bar.note = ratio_note(case_name, server, key);
    return true;
}

bool PageBuilder::memory_of_run(const std::string& case_name, const std::string& server,
                                Bar& bar) const {
    const auto growth = comparison_.spread(case_name, server, "server_rss_growth_bytes");
    const auto before = comparison_.spread(case_name, server, "server_rss_bytes_before");
    const auto after = comparison_.spread(case_name, server, "server_rss_bytes");
    if (!growth || !before || !after) return false;
    bar.spread = *after;
    bar.beside = before->median;
    bar.value = byte_text(after->median);
    bar.note = (growth->median < 0 ? "" : "+") + byte_text(growth->median);
    return true;
}

std::vector<Percentiles> PageBuilder::latencies(const std::string& case_name,
                                                const std::string& server) const {
    // Besides `latency`, what each sub-command has, and what it is called.
    constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kinds{
        {{"latency", ""},
         {"first", "to the first subscriber"},
         {"last", "to the last subscriber"},
         {"life", "whole life"},
         {"delivery", "deliveries"},
         {"handshake", "handshakes"},
         {"calm", "live before the storm"},
         {"storm", "live during the storm"},
         {"recovery", "until clients were back"}}};
    std::vector<Percentiles> rows;
    for (const auto& [kind, name] : kinds) {
        const auto number = [&](std::string_view percentile) {
            const auto spread =
                comparison_.spread(case_name, server, fmt::format("{}_us_{}", kind, percentile));
            return spread ? spread->median : 0;
        };
        Percentiles row{.name = is_single_ ? case_name : server,
                        .color = color_of(server),
                        .p50 = number("p50"),
                        .p90 = number("p90"),
                        .p99 = number("p99"),
                        .p999 = number("p999"),
                        .max = number("max")};
        if (!name.empty()) row.name += fmt::format(", {}", name);
        if (row.max > 0) rows.push_back(row);
    }
    return rows;
}

std::string PageBuilder::latency_section() const {
    std::vector<std::pair<std::string, std::vector<Percentiles>>> groups;
    std::vector<Percentiles> all;
    for (const std::string& case_name : comparison_.cases()) {
        std::vector<Percentiles> rows;
        for (const std::string& server : comparison_.servers_of(case_name)) {
            const auto some = latencies(case_name, server);
            rows.insert(rows.end(), some.begin(), some.end());
        }
        all.insert(all.end(), rows.begin(), rows.end());
        if (!rows.empty()) groups.emplace_back(case_name, rows);
    }
    if (all.empty()) return {};
    const LogAxis axis = axis_of(all);
    std::string charts;
    if (is_single_) {
        charts = percentile_chart("", all, axis);
    } else {
        for (const auto& [case_name, rows] : groups) {
            charts += percentile_chart(case_name, rows, axis);
        }
    }
    return fmt::format(
        "<section><h2>Latency</h2><p class=note>From the full dot, the median, over the rings of "
        "p90, p99 and p99.9 to the line at the maximum. With a rate, from when a message was due. "
        "Each step of the scale is ten times as long.</p>\n{}</section>\n",
        charts);
}

std::string PageBuilder::micro_section() const {
    if (results_.micro.empty()) return {};
    std::string rows;
    for (const MicroResult& micro : results_.micro) {
        rows += fmt::format(
            "<tr><th>{}</th><td>{:.1f}</td><td>{}</td></tr>\n", escaped(micro.name), micro.cpu_ns,
            micro.bytes_per_second ? fmt::format("{:.1f}", *micro.bytes_per_second / 1e9) : "");
    }
    return fmt::format(
        "<section><h2>Micro benchmarks</h2><p class=note>CPU time of one call.</p>\n"
        "<div class=scroll><table><thead><tr><th></th><th>ns</th><th>GB/s</th></tr></thead>"
        "<tbody>\n{}</tbody></table></div></section>\n",
        rows);
}

std::string PageBuilder::failures() const {
    if (results_.failures.empty()) return {};
    std::string rows;
    for (const std::string& failure : results_.failures)
        rows += fmt::format("<li>{}</li>\n", escaped(failure));
    return fmt::format("<section><h2>Failures</h2><ul>\n{}</ul></section>\n", rows);
}

/// What somebody has to start who measures it again.
std::string PageBuilder::commands() const {
    std::string rows;
    for (const ServerCommand& command : results_.commands) {
        rows += fmt::format("<tr><th>{}</th><td>{}</td><td class=command>{}</td></tr>\n",
                            escaped(command.server), escaped(command.protocol),
                            escaped(command.command));
    }
    if (rows.empty()) return {};
    return "<section><h2>Servers</h2><p class=note>How each was started, for what it had to "
           "speak.</p>\n<div class=scroll><table><tbody>\n" +
           rows + "</tbody></table></div></section>\n";
}

std::string PageBuilder::tables() const {
    if (results_.runs.empty()) return {};
    const bool is_one = results_.runs.size() == 1;
    std::string html = "<section><h2>All figures</h2>\n";
    if (!is_one) html += "<p class=note>Medians over rounds.</p>\n";
    for (const std::string& case_name : comparison_.cases()) {
        html +=
            fmt::format("<details{}><summary>{}</summary><div class=scroll>{}</div></details>\n",
                        is_one ? " open" : "", escaped(case_name), table(case_name));
    }
    return html + "</section>\n";
}

std::string PageBuilder::table(const std::string& case_name) const {
    const auto servers = comparison_.servers_of(case_name);
    std::string html = "<table><thead><tr><th></th>";
    for (const std::string& server : servers) html += fmt::format("<th>{}</th>", escaped(server));
    html += "</tr></thead><tbody>\n";
    std::vector<std::string> keys;
    for (const std::string& server : servers) {
        for (const Result* run : comparison_.runs(case_name, server)) {
            for (const auto& [key, number] : run->figures) {
                if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
            }
        }
    }
    for (const std::string& key : keys) {
        html += fmt::format("<tr><th>{}</th>", escaped(key));
        for (const std::string& server : servers) {
            const auto spread = comparison_.spread(case_name, server, key);
            html += fmt::format("<td>{}</td>", spread ? number_text(spread->median) : "");
        }
        html += "</tr>\n";
    }
    return html + "</tbody></table>";
}

std::string_view PageBuilder::command_of(const std::string& case_name,
                                         const std::string& server) const {
    return comparison_.runs(case_name, server).front()->command();
}

std::string PageBuilder::ratio_note(const std::string& case_name, const std::string& server,
                                    std::string_view key) const {
    if (is_single_) return {};
    if (server == results_.base) return "base";
    const auto ratio = comparison_.ratio(case_name, server, key);
    return ratio ? fmt::format("{:.2f} x", *ratio) : "";
}

std::size_t PageBuilder::color_of(const std::string& server) const {
    const auto& servers = comparison_.servers();
    return static_cast<std::size_t>(std::ranges::find(servers, server) - servers.begin());
}

}  // namespace

std::string page_of(const Results& results, std::string_view made) {
    return PageBuilder(results).build(made);
}

Expected<void> check_page_path(const std::string& path) {
    const bool exists = std::filesystem::exists(std::filesystem::path(path));
    std::FILE* file = std::fopen(path.c_str(), "a");
    if (file == nullptr) return fail("cannot write {}: {}", path, errno_text(errno));
    std::fclose(file);
    if (!exists) std::remove(path.c_str());
    return {};
}

Expected<void> write_page(const std::string& path, const Results& results) {
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    const std::string page =
        page_of(results, fmt::format("{:%Y-%m-%d %H:%M}", fmt::localtime(now)));
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"),
                                                               &std::fclose);
    if (!file) return fail("cannot write {}: {}", path, errno_text(errno));
    if (std::fwrite(page.data(), 1, page.size(), file.get()) != page.size() ||
        std::fflush(file.get()) != 0)
        return fail("cannot write {}: {}", path, errno_text(errno));
    return {};
}

}  // namespace ringcast::bench

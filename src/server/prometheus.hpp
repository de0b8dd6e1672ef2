#pragma once
// The metrics as Prometheus reads them: text format 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/). What there is, what it is called
// and what it means stands in one table, in prometheus.cpp.

#include <span>
#include <string>
#include <string_view>

#include "server/process_figures.hpp"
#include "shard/metrics.hpp"

namespace ringcast::server {

inline constexpr std::string_view prometheus_content_type =
    "text/plain; version=0.0.4; charset=utf-8";

/// A line per figure and shard (label `shard`), with HELP and TYPE before each group. Never
/// labelled by topic or client: there may be any number of those.
[[nodiscard]] std::string prometheus_text(std::span<const shard::Metrics> shards,
                                          const ProcessFigures& process);

}  // namespace ringcast::server

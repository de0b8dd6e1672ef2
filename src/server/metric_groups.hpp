#pragma once
// The one table of what Prometheus is told of the shards. To add a metric: a member of
// shard::Metrics, a row in metric_groups.cpp.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "shard/metrics.hpp"

namespace ringcast::server {

/// Writes the lines of one group and shard.
class Samples {
public:
    Samples(std::string& text, std::string_view name, std::size_t shard)
        : text_{text}, name_{name}, shard_{shard} {}

    /// `name{shard="0"} 7`
    void add(std::uint64_t value);
    /// `name{shard="0",direction="received"} 7`; the label is one of ours and needs no escaping.
    void add(std::string_view label, std::string_view label_value, std::uint64_t value);
    /// Counted in nanoseconds, told in seconds, without losing one.
    void add_nanoseconds(std::uint64_t value);

private:
    std::string& text_;
    std::string_view name_;
    std::size_t shard_;
};

enum class MetricType : std::uint8_t { counter, gauge };

struct MetricGroup {
    std::string_view name;
    MetricType type;
    std::string_view help;
    void (*add)(Samples& samples, const shard::Metrics& metrics);
};

[[nodiscard]] std::span<const MetricGroup> metric_groups() noexcept;

}  // namespace ringcast::server

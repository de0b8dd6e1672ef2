#include "server/control_group.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <vector>

namespace ringcast::server {
namespace {

using Limit = std::optional<std::uint64_t>;

/// The number that `text` starts with, which the caller then skips.
std::optional<std::int64_t> take_number(std::string_view& text) {
    std::int64_t number = 0;
    const auto [rest, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (status != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    return number;
}

/// A quota or period that is not positive is no limit; nor is one of more CPUs than there are.
Limit thousandths_of(std::int64_t quota_us, std::int64_t period_us) {
    constexpr std::int64_t cpus_max = 1 << 20;
    constexpr std::int64_t period_max = std::int64_t{1} << 40;
    if (quota_us <= 0 || period_us <= 0 || period_us > period_max) return std::nullopt;
    if (quota_us / period_us >= cpus_max) return std::nullopt;
    const std::int64_t rest = quota_us % period_us * 1000;
    return static_cast<std::uint64_t>(quota_us / period_us * 1000 + rest / period_us +
                                      (rest % period_us == 0 ? 0 : 1));
}

Limit least(Limit a, Limit b) {
    if (!a || !b) return a ? a : b;
    return std::min(*a, *b);
}

/// `/proc/self/cgroup` has lines `id:controllers:path`; version 2 is the one with id 0 and no
/// controllers.
struct GroupLine {
    std::string_view controllers;
    std::string path;
    bool is_v2 = false;
};

std::vector<GroupLine> parse_group_lines(std::string_view text) {
    std::vector<GroupLine> lines;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const std::size_t first = line.find(':');
        if (first == std::string_view::npos) continue;
        const std::size_t second = line.find(':', first + 1);
        if (second == std::string_view::npos) continue;
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        lines.push_back({.controllers = controllers,
                         .path = std::string{line.substr(second + 1)},
                         .is_v2 = line.starts_with("0::")});
    }
    return lines;
}

bool names(std::string_view controllers, std::string_view controller) {
    while (!controllers.empty()) {
        const std::string_view name = controllers.substr(0, controllers.find(','));
        if (name == controller) return true;
        controllers.remove_prefix(std::min(controllers.size(), name.size() + 1));
    }
    return false;
}

/// `max` is no number, and so no limit.
Limit read_number(const ReadText& read_text, const std::string& path) {
    const auto text = read_text(path);
    if (!text) return std::nullopt;
    std::string_view rest = *text;
    const auto number = take_number(rest);
    if (!number || *number < 0) return std::nullopt;
    return static_cast<std::uint64_t>(*number);
}

Limit read_cpu_max(const ReadText& read_text, const std::string& folder) {
    const auto text = read_text(folder + "/cpu.max");
    return text ? parse_cpu_max(*text) : std::nullopt;
}

Limit read_cfs_quota(const ReadText& read_text, const std::string& folder) {
    const auto quota = read_text(folder + "/cpu.cfs_quota_us");
    const auto period = read_text(folder + "/cpu.cfs_period_us");
    return quota && period ? parse_cfs_quota(*quota, *period) : std::nullopt;
}

Limit read_memory_max(const ReadText& read_text, const std::string& folder) {
    return least(read_number(read_text, folder + "/memory.max"),
                 read_number(read_text, folder + "/memory.high"));
}

/// Without a limit version 1 has the largest number of whole pages here.
Limit read_memory_limit(const ReadText& read_text, const std::string& folder) {
    constexpr std::uint64_t unlimited = std::uint64_t{1} << 62;
    const Limit limit = read_number(read_text, folder + "/memory.limit_in_bytes");
    return limit && *limit < unlimited ? limit : std::nullopt;
}

Limit read_threads_left(const ReadText& read_text, const std::string& folder) {
    const Limit max = read_number(read_text, folder + "/pids.max");
    if (!max) return std::nullopt;
    const std::uint64_t current = read_number(read_text, folder + "/pids.current").value_or(0);
    return *max - std::min(*max, current);
}

/// A limit, and where it stands in either version.
struct Controller {
    std::string_view name;
    Limit ControlGroup::* limit;
    Limit (*read_v2)(const ReadText& read_text, const std::string& folder);
    Limit (*read_v1)(const ReadText& read_text, const std::string& folder);
};

constexpr std::array controllers{
    Controller{"cpu", &ControlGroup::cpu_thousandths, read_cpu_max, read_cfs_quota},
    Controller{"memory", &ControlGroup::memory_bytes, read_memory_max, read_memory_limit},
    Controller{"pids", &ControlGroup::threads_left, read_threads_left, read_threads_left},
};

/// The least of what `read` finds in `path` and its parents below `root`. Inside a container the
/// path may be the host's, which does not exist here; the walk then ends at `root`, where the
/// container's own files are.
template <class Read>
Limit least_upwards(const std::string& root, std::string path, Read read) {
    Limit result;
    while (true) {
        while (path.ends_with('/')) path.pop_back();
        result = least(result, read(root + path));
        if (path.empty()) return result;
        path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    }
}

}  // namespace

std::optional<std::string> read_text_file(const std::string& path) {
    std::ifstream file{path};
    if (!file) return std::nullopt;
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    if (file.bad()) return std::nullopt;
    return text;
}

ControlGroup read_control_group(const ReadText& read_text) {
    const auto text = read_text("/proc/self/cgroup");
    if (!text) return {};
    ControlGroup group{.is_known = true};
    for (const GroupLine& line : parse_group_lines(*text)) {
        for (const Controller& controller : controllers) {
            std::string root = "/sys/fs/cgroup";
            if (!line.is_v2) {
                if (!names(line.controllers, controller.name)) continue;
                root.append("/").append(controller.name);
            }
            Limit& limit = group.*controller.limit;
            limit = least(limit, least_upwards(root, line.path, [&](const std::string& folder) {
                              return (line.is_v2 ? controller.read_v2 : controller.read_v1)(
                                  read_text, folder);
                          }));
        }
    }
    return group;
}

std::optional<std::uint64_t> parse_cpu_max(std::string_view text) {
    const auto quota = take_number(text);
    if (!quota || !text.starts_with(' ')) return std::nullopt;
    text.remove_prefix(1);
    const auto period = take_number(text);
    return period ? thousandths_of(*quota, *period) : std::nullopt;
}

std::optional<std::uint64_t> parse_cfs_quota(std::string_view quota, std::string_view period) {
    const auto quota_us = take_number(quota);
    const auto period_us = take_number(period);
    return quota_us && period_us ? thousandths_of(*quota_us, *period_us) : std::nullopt;
}

}  // namespace ringcast::server

#include "server/control_group.hpp"

#include <doctest/doctest.h>
#include <map>

using namespace ringcast::server;

namespace {

ReadText files(std::map<std::string, std::string> texts) {
    return [texts = std::move(texts)](const std::string& path) -> std::optional<std::string> {
        const auto found = texts.find(path);
        if (found == texts.end()) return std::nullopt;
        return found->second;
    };
}

std::optional<std::uint64_t> quota(std::map<std::string, std::string> texts) {
    return read_control_group(files(std::move(texts))).cpu_thousandths;
}

}  // namespace

TEST_CASE("the quota of cpu.max is in thousandths of a CPU, rounded up") {
    CHECK(parse_cpu_max("max 100000\n") == std::nullopt);
    CHECK(parse_cpu_max("100000 100000\n") == 1000);
    CHECK(parse_cpu_max("150000 100000\n") == 1500);
    CHECK(parse_cpu_max("1000 100000\n") == 10);
    CHECK(parse_cpu_max("1 100000\n") == 1);
    CHECK(parse_cpu_max("100001 100000\n") == 1001);
    CHECK(parse_cpu_max("400000 50000") == 8000);
    for (const char* text : {"", "\n", "max", "100000", "100000 ", "100000 0", "0 100000",
                             "-1 100000", "x y", "99999999999999999999 1", "100000\t100000",
                             "9223372036854775807 1", "1 9223372036854775807"}) {
        CAPTURE(text);
        CHECK(parse_cpu_max(text) == std::nullopt);
    }
}

TEST_CASE("the quota of version 1 is -1 for none") {
    CHECK(parse_cfs_quota("-1\n", "100000\n") == std::nullopt);
    CHECK(parse_cfs_quota("250000\n", "100000\n") == 2500);
    CHECK(parse_cfs_quota("", "100000\n") == std::nullopt);
    CHECK(parse_cfs_quota("1", "") == std::nullopt);
}

TEST_CASE("in a container the limits stand at the root of what can be seen") {
    const ControlGroup v2 = read_control_group(files({{"/proc/self/cgroup", "0::/\n"},
                                                      {"/sys/fs/cgroup/cpu.max", "200000 100000\n"},
                                                      {"/sys/fs/cgroup/memory.max", "536870912\n"},
                                                      {"/sys/fs/cgroup/memory.high", "max\n"},
                                                      {"/sys/fs/cgroup/pids.max", "100\n"},
                                                      {"/sys/fs/cgroup/pids.current", "7\n"}}));
    CHECK(v2.is_known);
    CHECK(v2.cpu_thousandths == 2000);
    CHECK(v2.memory_bytes == 536'870'912);
    CHECK(v2.threads_left == 93);
    const ControlGroup v1 = read_control_group(
        files({{"/proc/self/cgroup", "3:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n"},
               {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000\n"},
               {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
               {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "1000000\n"},
               {"/sys/fs/cgroup/pids/pids.max", "5\n"}}));
    CHECK(v1.cpu_thousandths == 3000);
    CHECK(v1.memory_bytes == 1'000'000);
    CHECK(v1.threads_left == std::nullopt);  // Of a group that this process is not in.
}

TEST_CASE("the least limit of a group and those around it counts") {
    const std::map<std::string, std::string> texts{
        {"/proc/self/cgroup", "1:name=systemd:/\n0::/system.slice/ringcast.service\n"},
        {"/sys/fs/cgroup/system.slice/cpu.max", "400000 100000\n"},
        {"/sys/fs/cgroup/system.slice/memory.high", "1000\n"},
        {"/sys/fs/cgroup/system.slice/ringcast.service/memory.max", "2000\n"},
        {"/sys/fs/cgroup/system.slice/ringcast.service/cpu.max", "max 100000\n"}};
    CHECK(quota(texts) == 4000);
    CHECK(read_control_group(files(texts)).memory_bytes == 1000);
    auto tighter = texts;
    tighter["/sys/fs/cgroup/system.slice/ringcast.service/cpu.max"] = "150000 100000\n";
    CHECK(quota(tighter) == 1500);
}

TEST_CASE("a group that has used up its threads has none left") {
    CHECK(read_control_group(files({{"/proc/self/cgroup", "0::/\n"},
                                    {"/sys/fs/cgroup/pids.max", "5\n"},
                                    {"/sys/fs/cgroup/pids.current", "9\n"}}))
              .threads_left == 0);
}

TEST_CASE("without control groups, or with broken files, there are no limits") {
    CHECK_FALSE(read_control_group(files({})).is_known);
    for (const char* text : {"", "0", "0:", "::", "0::", "5:cpu:relative\n", "\n\n"}) {
        CAPTURE(text);
        const ControlGroup group = read_control_group(files({{"/proc/self/cgroup", text}}));
        CHECK(group.is_known);
        CHECK(group.cpu_thousandths == std::nullopt);
        CHECK(group.memory_bytes == std::nullopt);
        CHECK(group.threads_left == std::nullopt);
    }
    for (const char* text : {"", "max\n", "-1\n", "x", "9223372036854771712\n"}) {
        CAPTURE(text);
        CHECK(read_control_group(files({{"/proc/self/cgroup", "4:memory:/\n"},
                                        {"/sys/fs/cgroup/memory/memory.limit_in_bytes", text}}))
                  .memory_bytes == std::nullopt);
    }
    CHECK(quota({{"/proc/self/cgroup", "5:cpuset,cpuacct:/\n"},
                 {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "1\n"},
                 {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "1\n"}}) == std::nullopt);
}

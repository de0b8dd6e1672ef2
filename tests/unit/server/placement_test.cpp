#include "server/placement.hpp"

#include <doctest/doctest.h>
#include <map>

using namespace ringcast::server;

namespace {

using Cpus = std::vector<std::uint32_t>;

Cpus cpus(std::uint32_t count) {
    Cpus result;
    for (std::uint32_t cpu = 0; cpu < count; ++cpu) result.push_back(cpu);
    return result;
}

ReadText files(std::map<std::string, std::string> texts) {
    return [texts = std::move(texts)](const std::string& path) -> std::optional<std::string> {
        const auto found = texts.find(path);
        if (found == texts.end()) return std::nullopt;
        return found->second;
    };
}

}  // namespace

TEST_CASE("automatically there is one pinned shard for each CPU of the mask") {
    const Placement placement = place_shards({.cpus = {2, 5, 7}}, {}, Pinning::automatic);
    CHECK(placement.shards == 3);
    CHECK(placement.cpus == Cpus{2, 5, 7});
}

TEST_CASE("a quota below the mask means fewer shards, and none is pinned") {
    const Placement placement =
        place_shards({.cpus = cpus(64), .cpu_quota = 2}, {}, Pinning::automatic);
    CHECK(placement.shards == 2);
    CHECK(placement.cpus.empty());
}

TEST_CASE("a quota above the mask changes nothing") {
    const Placement placement =
        place_shards({.cpus = cpus(2), .cpu_quota = 8}, {}, Pinning::automatic);
    CHECK(placement.shards == 2);
    CHECK(placement.cpus == cpus(2));
}

TEST_CASE("there are at most 64 shards") {
    const Placement placement = place_shards({.cpus = cpus(96)}, {}, Pinning::automatic);
    CHECK(placement.shards == 64);
    CHECK(placement.cpus.empty());
    CHECK(place_shards({.cpus = cpus(64)}, {}, Pinning::automatic).cpus == cpus(64));
}

TEST_CASE("an explicit number of shards is kept, whatever the machine has") {
    CHECK(place_shards({.cpus = cpus(2), .cpu_quota = 1}, 8, Pinning::automatic).shards == 8);
    CHECK(place_shards({.cpus = cpus(2), .cpu_quota = 1}, 8, Pinning::automatic).cpus.empty());
    CHECK(place_shards({.cpus = cpus(4)}, 1, Pinning::automatic).cpus.empty());
    CHECK(place_shards({.cpus = cpus(4), .cpu_quota = 1}, 4, Pinning::automatic).cpus == cpus(4));
}

TEST_CASE("pinning is done or left out where that was asked for") {
    CHECK(place_shards({.cpus = {3, 4}}, {}, Pinning::off).cpus.empty());
    CHECK(place_shards({.cpus = {3, 4, 5}}, 2, Pinning::on).cpus == Cpus{3, 4});
    CHECK(place_shards({.cpus = {3, 4}}, 5, Pinning::on).cpus == Cpus{3, 4, 3, 4, 3});
}

TEST_CASE("the quota of cpu.max is rounded up to whole CPUs") {
    CHECK(parse_cpu_max("max 100000\n") == std::nullopt);
    CHECK(parse_cpu_max("100000 100000\n") == 1);
    CHECK(parse_cpu_max("150000 100000\n") == 2);
    CHECK(parse_cpu_max("1000 100000\n") == 1);
    CHECK(parse_cpu_max("400000 50000") == 8);
    for (const char* text : {"", "\n", "max", "100000", "100000 ", "100000 0", "0 100000",
                             "-1 100000", "x y", "99999999999999999999 1", "100000\t100000"}) {
        CAPTURE(text);
        CHECK(parse_cpu_max(text) == std::nullopt);
    }
    CHECK(parse_cpu_max("9223372036854775807 1").has_value());
}

TEST_CASE("the quota of version 1 is -1 for none") {
    CHECK(parse_cfs_quota("-1\n", "100000\n") == std::nullopt);
    CHECK(parse_cfs_quota("250000\n", "100000\n") == 3);
    CHECK(parse_cfs_quota("", "100000\n") == std::nullopt);
    CHECK(parse_cfs_quota("1", "") == std::nullopt);
}

TEST_CASE("in a container the quota stands at the root of what can be seen") {
    CHECK(read_cpu_quota(files({{"/proc/self/cgroup", "0::/\n"},
                                {"/sys/fs/cgroup/cpu.max", "200000 100000\n"}})) == 2);
    CHECK(read_cpu_quota(
              files({{"/proc/self/cgroup", "3:cpuset:/docker/abc\n4:cpu,cpuacct:/docker/abc\n"},
                     {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000\n"},
                     {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}})) == 3);
}

TEST_CASE("the least quota of a group and those around it counts") {
    const std::map<std::string, std::string> texts{
        {"/proc/self/cgroup", "1:name=systemd:/\n0::/system.slice/ringcast.service\n"},
        {"/sys/fs/cgroup/system.slice/cpu.max", "400000 100000\n"},
        {"/sys/fs/cgroup/system.slice/ringcast.service/cpu.max", "max 100000\n"}};
    CHECK(read_cpu_quota(files(texts)) == 4);
    auto tighter = texts;
    tighter["/sys/fs/cgroup/system.slice/ringcast.service/cpu.max"] = "150000 100000\n";
    CHECK(read_cpu_quota(files(tighter)) == 2);
}

TEST_CASE("without control groups, or with broken files, there is no quota") {
    CHECK(read_cpu_quota(files({})) == std::nullopt);
    for (const char* text : {"", "0", "0:", "::", "0::", "5:cpu:relative\n", "\n\n"}) {
        CAPTURE(text);
        CHECK(read_cpu_quota(files({{"/proc/self/cgroup", text}})) == std::nullopt);
    }
    CHECK(read_cpu_quota(files({{"/proc/self/cgroup", "5:cpuset,cpuacct:/\n"},
                                {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "1\n"},
                                {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "1\n"}})) == std::nullopt);
}

TEST_CASE("this machine has CPUs that a thread can be bound to, and others that it cannot") {
    const Machine machine = this_machine();
    REQUIRE_FALSE(machine.cpus.empty());
    if (machine.cpu_quota) CHECK(*machine.cpu_quota >= 1);
    if (machine.cpus.size() == 1) CHECK(pin_this_thread(machine.cpus.front()).has_value());
    const auto refused = pin_this_thread(8191);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == "cannot bind a thread to CPU 8191: Invalid argument");
}

#include "server/placement.hpp"

#include <doctest/doctest.h>

using namespace ringcast::server;

namespace {

using Cpus = std::vector<std::uint32_t>;

Cpus cpus(std::uint32_t count) {
    Cpus result;
    for (std::uint32_t cpu = 0; cpu < count; ++cpu) result.push_back(cpu);
    return result;
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

TEST_CASE("a quota is rounded up to whole CPUs") {
    CHECK(cpu_quota_of({}) == std::nullopt);
    CHECK(cpu_quota_of({.cpu_thousandths = 1}) == 1);
    CHECK(cpu_quota_of({.cpu_thousandths = 1000}) == 1);
    CHECK(cpu_quota_of({.cpu_thousandths = 1001}) == 2);
    CHECK(cpu_quota_of({.cpu_thousandths = 8000}) == 8);
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

#include "server/limits.hpp"

#include <doctest/doctest.h>

using namespace ringcast::server;

TEST_CASE("automatically the process takes what the file limit leaves, at most a million") {
    const FileNeeds needs{.file_limit = 65'536, .shards = 4, .listeners = 2};
    const auto plan = plan_connections(needs);
    REQUIRE(plan.has_value());
    CHECK(plan->connections_max + files_reserved(needs) == 65'536);
    CHECK(plan->warning.empty());
    CHECK(plan_connections({.file_limit = 1'073'741'816})->connections_max == 1'000'000);
}

TEST_CASE("a low file limit is warned about, with what to do") {
    const auto plan = plan_connections({.file_limit = 1024, .shards = 2});
    REQUIRE(plan.has_value());
    CHECK(plan->connections_max > 900);
    CHECK(plan->connections_max < 1024);
    CHECK(plan->warning.find("1024") != std::string::npos);
    CHECK(plan->warning.find("`ulimit -n ") != std::string::npos);
    CHECK(plan->warning.find("LimitNOFILE=") != std::string::npos);
}

TEST_CASE("an explicit number that fits is kept without a warning") {
    const FileNeeds needs{.file_limit = 1024, .shards = 1, .connections_max = 100};
    CHECK(plan_connections(needs)->connections_max == 100);
    CHECK(plan_connections(needs)->warning.empty());
    FileNeeds exact = needs;
    exact.connections_max = 1024 - files_reserved(needs);
    CHECK(plan_connections(exact).has_value());
    *exact.connections_max += 1;
    CHECK_FALSE(plan_connections(exact).has_value());
}

TEST_CASE("an explicit number that cannot fit is refused, with the limit that would do") {
    const FileNeeds needs{
        .file_limit = 1024, .shards = 2, .listeners = 1, .connections_max = 100'000};
    const auto plan = plan_connections(needs);
    REQUIRE_FALSE(plan.has_value());
    const std::string files = std::to_string(100'000 + files_reserved(needs));
    CHECK(plan.error() == "--connections-max 100000 needs " + files +
                              " open files, but the limit is 1024: raise it with `ulimit -n " +
                              files + "`, or LimitNOFILE=" + files + " in a systemd unit");
}

TEST_CASE("no room for a single connection is refused") {
    CHECK_FALSE(plan_connections({.file_limit = 16, .shards = 64}).has_value());
    CHECK_FALSE(plan_connections({.file_limit = 0}).has_value());
}

TEST_CASE("with direct descriptors the limit holds for each shard's table") {
    FileNeeds needs{.file_limit = 20'000, .shards = 6, .has_direct_descriptors = true};
    auto plan = plan_connections(needs);
    REQUIRE(plan.has_value());
    CHECK(plan->connections_max > 6 * 19'900);
    CHECK(plan->direct_descriptors == 20'000);
    CHECK(plan->warning.empty());
    // Connections of the administration are in the tables, too.
    needs.admin_connections = 16;
    const auto with_admin = plan_connections(needs);
    CHECK(with_admin->connections_max == plan->connections_max - 6 * 16);
    CHECK(with_admin->direct_descriptors == 20'000);

    needs.connections_max = 7;
    plan = plan_connections(needs);
    CHECK(plan->connections_max == 7);
    CHECK(plan->direct_descriptors == 2 + 16 + 64);
    CHECK(plan_connections({.file_limit = 20'000})->direct_descriptors == 0);
}

TEST_CASE("no table is larger than the kernel allows, nor more than a million taken unasked") {
    FileNeeds needs{.file_limit = 1'073'741'816, .has_direct_descriptors = true};
    CHECK(plan_connections(needs)->connections_max == 1'000'000);
    needs.connections_max = 1'000'000;
    CHECK(plan_connections(needs).has_value());
    needs.connections_max = 1'048'577;
    REQUIRE_FALSE(plan_connections(needs).has_value());
    CHECK(plan_connections(needs).error() ==
          "--connections-max 1048577 needs 1048641 direct descriptors for each of 1 shards, but "
          "the kernel lets a shard have 1048576: take more --shards");
    needs.shards = 2;
    CHECK(plan_connections(needs).has_value());
}

TEST_CASE("the lowest limit that does is the one that is advised") {
    for (const bool has_direct_descriptors : {false, true}) {
        for (const std::uint64_t connections : {1u, 5u, 100u, 100'000u}) {
            FileNeeds needs{.shards = 4,
                            .listeners = 2,
                            .admin_connections = 16,
                            .connections_max = connections,
                            .has_direct_descriptors = has_direct_descriptors};
            needs.file_limit = file_limit_for(needs, connections);
            CHECK(plan_connections(needs).has_value());
            needs.file_limit -= 1;
            const auto plan = plan_connections(needs);
            REQUIRE_FALSE(plan.has_value());
            const std::string advised = std::to_string(needs.file_limit + 1);
            CHECK(plan.error().find("`ulimit -n " + advised + "`") != std::string::npos);
        }
    }
}

TEST_CASE("with direct descriptors the process needs files of its own all the same") {
    const FileNeeds needs{.file_limit = 256, .shards = 64, .has_direct_descriptors = true};
    CHECK(files_reserved(needs) > 256);
    CHECK_FALSE(plan_connections(needs).has_value());
}

TEST_CASE("more shards and listeners need more descriptors") {
    CHECK(files_reserved({.shards = 2}) > files_reserved({.shards = 1}));
    CHECK(files_reserved({.shards = 2, .admin_connections = 16}) ==
          files_reserved({.shards = 2}) + 32);
    CHECK(files_reserved({.shards = 2, .listeners = 3}) >
          files_reserved({.shards = 2, .listeners = 1}));
}

TEST_CASE("the soft limit is raised to the hard one") {
    const auto first = raise_file_limit();
    REQUIRE(first.has_value());
    CHECK(*first > 0);
    CHECK(raise_file_limit() == first);
}

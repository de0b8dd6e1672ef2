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

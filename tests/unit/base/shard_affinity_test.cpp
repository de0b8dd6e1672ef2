#include "base/shard_affinity.hpp"

#include <doctest/doctest.h>
#include <thread>

using ringcast::ShardAffinity;

TEST_CASE("an object belongs to the thread that checks it first") {
    ShardAffinity affinity;
    bool here_before = false;
    bool here_after = true;
    std::thread owner{[&] {
        here_before = affinity.is_here();
        affinity.check();
        affinity.check();
    }};
    owner.join();
    // The owner has ended; a third thread that lives beside this one tells it apart from this one.
    affinity.rebind();
    affinity.check();
    std::thread stranger{[&] { here_after = affinity.is_here(); }};
    stranger.join();
    CHECK(here_before);
    CHECK_FALSE(here_after);
    CHECK(affinity.is_here());
}

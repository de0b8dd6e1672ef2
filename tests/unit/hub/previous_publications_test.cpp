// What topics keep of their last publications, all together.

#include "hub/previous_publications.hpp"

#include <deque>
#include <doctest/doctest.h>
#include <string>

#include "base/buffer_pool.hpp"

using namespace ringcast;
using namespace ringcast::hub;

namespace {

/// Publications of one block each.
struct KeptKit {
    static constexpr std::size_t block_bytes = 1024;

    explicit KeptKit(std::size_t places_count) : places(places_count) {}
    ~KeptKit() {
        for (PreviousPublications::Place& place : places) kept.forget(place);
        CHECK(kept.bytes() == 0);
    }
    PreviousPublication replace(std::size_t place, std::uint64_t blocks_max,
                                std::size_t size = block_bytes - 100) {
        return kept.replace(places[place], {.frame = {pool, size}, .payload_bytes = size},
                            blocks_max * block_bytes);
    }
    /// The places that have something; they have it no longer.
    std::string taken() {
        std::string taken;
        for (std::size_t place = 0; place < places.size(); ++place) {
            if (kept.replace(places[place], {}, kept.bytes()).frame)
                taken += (taken.empty() ? "" : " ") + std::to_string(place);
        }
        return taken;
    }

    BufferPool pool;
    PreviousPublications kept;
    std::deque<PreviousPublications::Place> places;
};

}  // namespace

TEST_CASE("the next publication of a topic gets the one before, and takes its place") {
    KeptKit kit{2};
    CHECK_FALSE(kit.replace(0, 2).frame);
    CHECK_FALSE(kit.replace(1, 2).frame);
    CHECK(kit.replace(0, 2, 900).payload_bytes == KeptKit::block_bytes - 100);
    CHECK(kit.kept.bytes() == 2 * KeptKit::block_bytes);
    CHECK(kit.pool.blocks_in_use() == 2);
    // One that is not kept lets go the one before all the same.
    CHECK(kit.kept.replace(kit.places[0], {}, 2 * KeptKit::block_bytes).payload_bytes == 900);
    CHECK(kit.kept.bytes() == KeptKit::block_bytes);
    CHECK(kit.taken() == "1");
}

TEST_CASE("beyond the budget the oldest is let go") {
    // The size of what comes last, in blocks: a large one takes the place of several, unless it is
    // too large by itself.
    for (const std::size_t blocks : {1uz, 2uz, 4uz}) {
        KeptKit kit{5};
        for (std::size_t i = 0; i < 3; ++i) (void)kit.replace(i, 3);
        (void)kit.replace(0, 3);  // Not the oldest any more.
        (void)kit.replace(3, 3);
        CHECK(kit.kept.bytes() == 3 * KeptKit::block_bytes);
        CHECK(kit.pool.blocks_in_use() == 3);
        (void)kit.replace(4, 3, blocks * KeptKit::block_bytes - 100);
        CHECK(kit.taken() == (blocks == 1 ? "0 3 4" : blocks == 2 ? "3 4" : "0 2 3"));
        CHECK(kit.pool.blocks_in_use() == 0);
    }
}

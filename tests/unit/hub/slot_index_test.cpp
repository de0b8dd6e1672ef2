#include "hub/slot_index.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <map>

#include "base/prng.hpp"

using namespace ringcast;
using namespace ringcast::hub;

namespace {

struct Indexed {
    std::uint64_t key;
    IndexLink link;
};

std::uint32_t slot_of(const SlotIndex<Indexed>& index, std::uint64_t key, std::uint64_t hash) {
    return index.find(hash, [&](const Indexed& each) { return each.key == key; });
}

}  // namespace

TEST_CASE(
    "an index finds what is in it, whatever is added and taken out and however it is hashed") {
    // Good hashes, few different ones, and all the same.
    for (const std::uint64_t hashes : {UINT64_MAX, std::uint64_t{5}, std::uint64_t{1}}) {
        CAPTURE(hashes);
        const auto hash_of = [&](std::uint64_t key) {
            return (key * 0x9e3779b97f4a7c15 >> 20) % hashes;
        };
        Prng prng{hashes};
        Slab<Indexed> slab{200};
        SlotIndex<Indexed> index{slab};
        std::map<std::uint64_t, std::uint32_t> naive;
        for (int step = 0; step < 4000; ++step) {
            const std::uint64_t key = prng.below(150);
            const bool is_there = naive.contains(key);
            REQUIRE(slot_of(index, key, hash_of(key)) == (is_there ? naive[key] : no_slot));
            if (is_there) {
                index.remove(naive[key]);
                slab.erase(naive[key]);
                naive.erase(key);
            } else {
                const Indexed* const object = slab.insert(key);
                REQUIRE(object != nullptr);
                std::uint32_t slot = 0;
                while (!slab.is_live(slot) || &slab.at(slot) != object) ++slot;
                index.insert(slot, hash_of(key));
                naive[key] = slot;
            }
            REQUIRE(index.size() == naive.size());
        }
        for (const auto& [key, slot] : naive) CHECK(slot_of(index, key, hash_of(key)) == slot);
    }
}

#pragma once
// What a simulated server offers of permessage-deflate, and what its clients ask for, drawn from
// the seed: in one run of four.

#include <string>
#include <vector>

#include "base/prng.hpp"
#include "shard/settings.hpp"

namespace ringcast::sim {

struct DrawnCompression {
    shard::CompressionSettings settings;
    /// By client and in turn; an empty one: that client makes none. None at all: a server without.
    std::vector<std::string> offers;

    /// Of the client `number`; empty: it makes none.
    [[nodiscard]] std::string offer(std::size_t number) const {
        return offers.empty() ? std::string{} : offers[number % offers.size()];
    }
};

/// From a source of its own, so that it leaves the rest of a seed as it was.
[[nodiscard]] DrawnCompression draw_compression(Prng prng);

}  // namespace ringcast::sim

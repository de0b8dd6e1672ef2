#include "sim/compression.hpp"

#include "sim/pick.hpp"

namespace ringcast::sim {

DrawnCompression draw_compression(Prng prng) {
    DrawnCompression drawn;
    if (!prng.chance(1, 4)) return drawn;
    drawn.settings = {.mode = prng.chance(1, 2) ? Compression::shared : Compression::dedicated,
                      .threshold_bytes = pick<std::uint64_t>(prng, {1, 30, 300}),
                      .memory_bytes_max = pick<std::uint64_t>(prng, {0, 400 << 10, 64u << 20})};
    constexpr const char* offers[] = {
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits=9",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; server_max_window_bits=12",
    };
    for (std::uint64_t i = 0, count = 1 + prng.below(12); i < count; ++i)
        drawn.offers.emplace_back(prng.chance(1, 3) ? "" : offers[prng.below(5)]);
    return drawn;
}

}  // namespace ringcast::sim

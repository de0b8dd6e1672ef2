#pragma once
// One of several values, drawn.

#include <cstddef>

#include "base/prng.hpp"

namespace ringcast::sim {

/// Each equally likely; naming one twice makes it twice as likely.
template <class T, std::size_t N>
[[nodiscard]] T pick(Prng& prng, const T (&values)[N]) {
    return values[prng.below(N)];
}

}  // namespace ringcast::sim

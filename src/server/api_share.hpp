#pragma once
// How much a call of the server API may take at a time.

#include <cstddef>

namespace ringcast::server {

/// What one call publishes in a turn: then others have theirs.
inline constexpr std::size_t share_bytes_max = 256 << 10;
/// What a publication counts for, beside its payload.
inline constexpr std::size_t publication_bytes = 1 << 10;
/// What a turn looks at of the table of topics.
inline constexpr std::size_t places_per_turn = 4096;
/// Channels of one answer. Whoever wants more asks for less.
inline constexpr std::size_t channels_max = 10'000;
/// A batch that has been answered this much gets no more lists.
inline constexpr std::size_t answer_bytes_max = 16 << 20;

}  // namespace ringcast::server

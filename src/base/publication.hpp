#pragma once
// What is published: some bytes under the name of a topic, of a kind that is decided once, when
// they are published. Part of the vocabulary of hub, dialects and shard.

#include <cstdint>

namespace ringcast {

/// Each dialect turns it into its own wire bytes. `json` and `text` are valid UTF-8, `json` is
/// besides one JSON value.
enum class PublicationKind : std::uint8_t { json, text, binary };

}  // namespace ringcast

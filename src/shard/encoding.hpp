#pragma once
// How the sessions of a shard are sent publications: those with an equal encoding share the bytes.

#include <cstddef>
#include <cstdint>

namespace ringcast::shard {

enum class Encoding : std::uint8_t {
    raw,                  ///< A message each (dialect/raw.hpp).
    centrifuge_json,      ///< A push in a text message (dialect/centrifuge/encoder.hpp).
    centrifuge_protobuf,  ///< Likewise in a binary one.
};
inline constexpr std::size_t encodings_count = 3;

}  // namespace ringcast::shard

#pragma once
// Makes the last block of DEFLATE data one that others may follow, for compressors that can only
// end a stream (RFC 1951 section 3.2.3, RFC 7692 section 7.2.1).
//
//   one block, final:      [1 10 codes ... end of block][0 to 7 zero bits]
//   payload of a message:  [0 10 codes ... end of block][000, the head of an empty one][zero bits]
//
// The compressor does not say at which bit its block ends. But before the padding there stands
// the end-of-block code, and the head of the block tells which that is: behind its last 1 it has
// a known number of zeros, and what zeros there are beyond them is padding. About 0.5 us for a
// block of JSON.

#include <cstddef>
#include <span>

namespace ringcast::ws {

/// `buffer` starts with `size` octets of DEFLATE data and has room for one more. Returns the size
/// of the payload that it is turned into: `size`, or one more. 0, and nothing is changed, if the
/// data is not a single block with codes of its own, or its end-of-block code is all zeros. The
/// data must be valid.
[[nodiscard]] std::size_t open_end(std::span<std::byte> buffer, std::size_t size) noexcept;

}  // namespace ringcast::ws

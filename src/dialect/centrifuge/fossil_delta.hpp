#pragma once
// Deltas between two publications in the format of the Fossil version control system, which clients
// of the Centrifuge protocol ask for with "delta":"fossil":
//
//   length LF { count @ offset , | count : octets } checksum ;
//
// `count@offset,` copies from the source, `count:` brings octets; numbers have the digits
// 0-9A-Z_a-z~ (0 to 63), the first one counting most; length is the target's, and the checksum is
// the sum of its 32-bit words, big-endian and filled up with zeros, modulo 2^32.
//
// One pass over the source, which puts where windows of it begin into a table, and one over the
// target, which looks the same windows up. The table has at most table_entries_max entries: of a
// longer source every second, third ... window is in it. So the cost is linear whatever the texts
// are, and what is found is any common run of 8 octets or a few more.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringcast::dialect::centrifuge {

/// Makes deltas, one after the other, with one table. Belongs to a shard.
class FossilDelta {
public:
    static constexpr std::size_t table_entries_max = std::size_t{1} << 16;

    /// Where the octets that a delta brings may begin and end. At characters, a delta of two texts
    /// is itself UTF-8, as a string of JSON has to be.
    enum class Cuts : std::uint8_t { anywhere, at_characters };

    /// Appends to `delta` what makes `target` of `source`, each shorter than 4 GiB. False, and
    /// `delta` is as before, if that is not shorter than `target`.
    [[nodiscard]] bool encode(std::string_view source, std::string_view target, Cuts cuts,
                              std::string& delta);

private:
    void index(std::string_view source);

    /// Position + 1 of a window by the hash of its octets; 0: none.
    std::vector<std::uint32_t> table_;
    unsigned hash_shift_ = 0;
};

}  // namespace ringcast::dialect::centrifuge

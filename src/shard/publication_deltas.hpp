#pragma once
// Makes publications that differ little from the one before them shorter, for clients that have
// asked for that and have that one. Deltas are of what a client's format has as data: the payload
// itself, or its JSON, which such clients get as the text of a string.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dialect/centrifuge/fossil_delta.hpp"
#include "dialect/centrifuge/payload.hpp"

namespace ringcast::shard {

/// One per shard, for its thread.
class PublicationDeltas {
public:
    using Format = dialect::centrifuge::Format;
    using Payload = dialect::centrifuge::Payload;

    /// Longer ones are sent whole: a delta takes about as long as some copies of both.
    static constexpr std::size_t payload_bytes_max = 256 << 10;
    /// What deltas are made to takes this part of a shard's memory for messages at most: an eighth,
    /// so that of many topics those with the most publications keep theirs, and nobody's queue
    /// lacks it.
    static constexpr std::uint64_t pool_share = 8;
    /// Work of one turn: 4 ms or so.
    static constexpr std::uint64_t work_per_turn = 4'000'000;

    /// What a client of that format has as data; `text` holds it where it is not the payload.
    [[nodiscard]] static std::string_view data_of(Format format, const Payload& payload,
                                                  std::string& text);
    /// The delta that makes the data of `target` of those of `source`; empty if it is not shorter.
    /// Valid until the next call.
    [[nodiscard]] std::string_view make(Format format, const Payload& source,
                                        const Payload& target);
    /// Work done since the start, about a nanosecond each.
    [[nodiscard]] std::uint64_t work() const noexcept { return work_; }

private:
    dialect::centrifuge::FossilDelta encoder_;
    std::string source_, target_, delta_;
    std::uint64_t work_ = 0;
};

}  // namespace ringcast::shard

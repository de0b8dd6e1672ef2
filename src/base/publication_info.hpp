#pragma once
// What goes with a publication beside its payload: the tags that its publisher has given it, and
// who that is. Packed once, and carried as bytes through queues and histories until an encoder
// unpacks it; where there is neither, as no bytes at all:
//
//   | tags bytes | tags ... | client ... |     a tag: | name bytes | value bytes | name | value |
//     2                       a packed ClientInfo       1            2
//
// The client stands last, so that it may be appended, and a channel's info to that.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/assert.hpp"
#include "base/bytes.hpp"

namespace ringcast {

/// A name and a value, both UTF-8.
using Tag = std::pair<std::string_view, std::string_view>;

/// A view of packed tags, in the order in which they were packed. Where a name is there twice the
/// last one counts, as in a map that is read from JSON or Protobuf.
class Tags {
public:
    static constexpr std::size_t count_max = 64;
    /// Of all names and values together: they are carried with every publication, and kept with it.
    static constexpr std::size_t bytes_max = 4 << 10;
    static constexpr std::size_t name_bytes_max = UINT8_MAX;
    static constexpr std::size_t head_bytes = 3;
    static constexpr std::size_t packed_bytes_max = bytes_max + count_max * head_bytes;

    Tags() = default;
    /// Of what pack() has made.
    explicit Tags(std::string_view packed) noexcept : packed_{packed} {}

    /// Whether they keep the limits.
    [[nodiscard]] static bool are_valid(std::span<const Tag> tags) noexcept;

    [[nodiscard]] bool is_empty() const noexcept { return packed_.empty(); }
    /// Calls `visit(name, value)` for each.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (std::string_view rest = packed_; !rest.empty();) {
            RC_ASSERT(rest.size() >= head_bytes);
            const std::size_t name_bytes = static_cast<std::uint8_t>(rest[0]);
            std::uint16_t value_bytes;
            std::memcpy(&value_bytes, rest.data() + 1, sizeof value_bytes);
            rest.remove_prefix(head_bytes);
            RC_ASSERT(rest.size() >= name_bytes + value_bytes);
            visit(rest.substr(0, name_bytes), rest.substr(name_bytes, value_bytes));
            rest.remove_prefix(name_bytes + value_bytes);
        }
    }
    /// The value of the tag of that name; empty if there is none.
    [[nodiscard]] std::string_view find(std::string_view name) const noexcept;

private:
    std::string_view packed_;
};

/// Views.
struct PublicationInfo {
    Tags tags;
    std::span<const std::byte> client;  ///< A packed ClientInfo; no bytes: nobody is named.
};

/// Of tags that are valid; a packed ClientInfo may be appended.
[[nodiscard]] std::string pack(std::span<const Tag> tags);
/// Of no tags: what a packed ClientInfo is appended to.
inline constexpr std::string_view untagged{"\0\0", 2};
/// Of what was packed here, or of no bytes: views of `packed`.
[[nodiscard]] PublicationInfo unpack_publication_info(std::span<const std::byte> packed) noexcept;

}  // namespace ringcast

#pragma once
// What the publications of a fan-out run say: which one it is, and then letters that follow from
// that, so that anybody who knows the identity knows every byte. All of it is ASCII, so that it may
// be text or binary.
//
//   |publisher, 4 letters|sequence, 8|check of both, 4|pattern ...
//
// A letter is one of the 64 from '0' to 'o': six bits.

#include <cstddef>
#include <cstdint>
#include <fmt/core.h>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "message_reader.hpp"

namespace ringcast::bench {

inline constexpr std::size_t publication_id_bytes = 16;
inline constexpr std::uint32_t publisher_count_max = 1U << 24U;

/// Publication `sequence` (counted from 0) of one publisher.
struct PublicationId {
    std::uint32_t publisher = 0;
    std::uint64_t sequence = 0;  ///< Below 2^48.

    friend bool operator==(const PublicationId&, const PublicationId&) = default;
};

/// "publication 7 of publisher 0"
[[nodiscard]] inline std::string name_of(PublicationId id) {
    return fmt::format("publication {} of publisher {}", id.sequence, id.publisher);
}

/// Fills `payload`, at least publication_id_bytes long.
void write_publication(PublicationId id, std::span<std::byte> payload) noexcept;

/// Whose payload starts with `bytes`; nullopt if that is no publication's.
[[nodiscard]] std::optional<PublicationId> read_publication_id(
    std::span<const std::byte, publication_id_bytes> bytes) noexcept;

/// Moves what `piece` has of the identity from there to `id`. True if that completes it.
[[nodiscard]] bool take_publication_id(Piece& piece,
                                       std::span<std::byte, publication_id_bytes> id) noexcept;

/// Fails with the first octet of `piece` that is not as `expected`, which is as long; `delivery`
/// says which one it is.
[[nodiscard]] Expected<void> compare_publication(std::uint64_t delivery, PublicationId id,
                                                 const Piece& piece,
                                                 std::span<const std::byte> expected);

/// Appends the frame in which a client sends publication `id` to `frames`, masked.
void append_publication(PublicationId id, const MessageShape& shape,
                        std::vector<std::byte>& frames);

}  // namespace ringcast::bench

#pragma once
// What the publications of a fan-out run say: which one it is, and then letters that follow from
// that, so that anybody who knows the identity knows every byte. All of it is ASCII, so that it may
// be text or binary, and stands in a string of JSON as it is.
//
//   |publisher, 4 letters|sequence, 8|check of both, 4|pattern ...
//
// A letter is one of the 64 from '0' to 'p' without the backslash: six bits.

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

/// What stands around a publication's payload in the message that carries it, on the way to the
/// server or from there; nothing unless there is a protocol on top of WebSocket (subprotocol.hpp).
/// From there, any octet may stand where `after` has `any`, any number of digits where it has
/// `digits`, and what it has between `optional` and `optional_end` need not be there: its first
/// octet differs from what comes behind it.
struct Envelope {
    static constexpr char any = '\0';
    static constexpr char digits = '\1';
    static constexpr char optional = '\2';
    static constexpr char optional_end = '\3';
    std::string before;
    std::string after;

    [[nodiscard]] std::size_t bytes() const noexcept { return before.size() + after.size(); }
};

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

/// Fills `message` with publication `id` in `envelope`; what that leaves is its payload.
void write_message(PublicationId id, const Envelope& envelope,
                   std::span<std::byte> message) noexcept;

/// Appends the frame in which a client sends publication `id` in `envelope` to `frames`, masked.
void append_publication(PublicationId id, const MessageShape& shape, const Envelope& envelope,
                        std::vector<std::byte>& frames);

}  // namespace ringcast::bench

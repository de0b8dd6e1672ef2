#include "publication.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/assert.hpp"
#include "simd/mask.hpp"
#include "ws/frame.hpp"

namespace ringcast::bench {

namespace {

constexpr unsigned letter_bits = 6;
constexpr std::uint64_t letter_values = 1U << letter_bits;
constexpr unsigned first_letter = '0';
constexpr unsigned letter_left_out = '\\';
constexpr std::size_t publisher_letters = 4;
constexpr std::size_t sequence_letters = 8;
constexpr std::size_t check_letters = 4;
static_assert(publisher_letters + sequence_letters + check_letters == publication_id_bytes);

/// Every bit of the result depends on every bit of `value` (the finaliser of SplitMix64).
constexpr std::uint64_t mix(std::uint64_t value) {
    value = (value ^ value >> 30U) * 0xbf58476d1ce4e5b9U;
    value = (value ^ value >> 27U) * 0x94d049bb133111ebU;
    return value ^ value >> 31U;
}

std::uint64_t seed_of(PublicationId id) {
    return mix(mix(id.publisher + 1) + id.sequence);
}

std::byte letter_of(std::uint64_t value) {
    const std::uint64_t letter = first_letter + value;
    return std::byte(letter + (letter >= letter_left_out ? 1 : 0));
}

std::uint64_t value_of(std::byte letter) {
    const auto code = std::to_integer<std::uint64_t>(letter);
    return (code - (code > letter_left_out ? 1 : 0) - first_letter) % letter_values;
}

/// Eight letters at once: each byte of `values` is below letter_values.
std::uint64_t letters_of(std::uint64_t values) {
    constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
    constexpr std::uint64_t to_highest_bit = 0x80 - (letter_left_out - first_letter);
    const std::uint64_t is_behind = (values + to_highest_bit * ones) >> 7U & ones;
    return values + first_letter * ones + is_behind;
}

std::byte* write_letters(std::byte* target, std::uint64_t value, std::size_t count) {
    for (; count > 0; --count, value >>= letter_bits) *target++ = letter_of(value % letter_values);
    return target;
}

/// Letters outside the alphabet give a value whose check does not fit.
std::uint64_t read_letters(std::span<const std::byte> letters) {
    std::uint64_t value = 0;
    for (std::size_t i = letters.size(); i-- > 0;)
        value = value << letter_bits | value_of(letters[i]);
    return value;
}

void write_id(PublicationId id, std::byte* target) {
    target = write_letters(target, id.publisher, publisher_letters);
    target = write_letters(target, id.sequence, sequence_letters);
    write_letters(target, seed_of(id), check_letters);
}

}  // namespace

void write_publication(PublicationId id, std::span<std::byte> payload) noexcept {
    RC_ASSERT(payload.size() >= publication_id_bytes);
    constexpr std::uint64_t lower_bits = 0x3f3f'3f3f'3f3f'3f3f;
    write_id(id, payload.data());
    std::uint64_t state = seed_of(id);
    for (auto rest = payload.subspan(publication_id_bytes); !rest.empty();) {
        state += 0x9e3779b97f4a7c15U;
        const std::uint64_t letters = letters_of(mix(state) & lower_bits);
        const std::size_t count = std::min(rest.size(), sizeof letters);
        std::memcpy(rest.data(), &letters, count);
        rest = rest.subspan(count);
    }
}

std::optional<PublicationId> read_publication_id(
    std::span<const std::byte, publication_id_bytes> bytes) noexcept {
    const PublicationId id{
        .publisher = static_cast<std::uint32_t>(read_letters(bytes.first(publisher_letters))),
        .sequence = read_letters(bytes.subspan(publisher_letters, sequence_letters))};
    std::array<std::byte, publication_id_bytes> expected{};
    write_id(id, expected.data());
    if (std::memcmp(bytes.data(), expected.data(), expected.size()) != 0) return std::nullopt;
    return id;
}

bool take_publication_id(Piece& piece, std::span<std::byte, publication_id_bytes> id) noexcept {
    if (piece.payload.empty() || piece.offset >= id.size()) return false;
    const auto missing = id.subspan(piece.offset);
    const std::size_t count = std::min(piece.payload.size(), missing.size());
    std::ranges::copy(piece.payload.first(count), missing.begin());
    piece.payload = piece.payload.subspan(count);
    piece.offset += count;
    return count == missing.size();
}

Expected<void> compare_publication(std::uint64_t delivery, PublicationId id, const Piece& piece,
                                   std::span<const std::byte> expected) {
    const std::span payload = piece.payload;
    RC_ASSERT(payload.size() == expected.size());
    if (payload.empty() || std::memcmp(payload.data(), expected.data(), payload.size()) == 0)
        return {};
    const auto differing = std::ranges::mismatch(payload, expected);
    return fail(
        "delivery {}: {} differs at byte {}: expected {:#04x}, got {:#04x}", delivery, name_of(id),
        piece.offset + static_cast<std::uint64_t>(differing.in1 - payload.begin()),
        std::to_integer<unsigned>(*differing.in2), std::to_integer<unsigned>(*differing.in1));
}

void write_message(PublicationId id, const Envelope& envelope,
                   std::span<std::byte> message) noexcept {
    RC_ASSERT(message.size() >= envelope.bytes());
    const auto before = std::as_bytes(std::span(envelope.before));
    const auto after = std::as_bytes(std::span(envelope.after));
    std::ranges::copy(before, message.begin());
    std::ranges::copy(after, message.last(after.size()).begin());
    write_publication(id, message.subspan(before.size(), message.size() - envelope.bytes()));
}

void append_publication(PublicationId id, const MessageShape& shape, const Envelope& envelope,
                        std::vector<std::byte>& frames) {
    const auto key_bits = static_cast<std::uint32_t>(seed_of(id) >> 32U);
    simd::MaskKey key{};
    std::memcpy(key.data(), &key_bits, sizeof key);
    const std::size_t message_bytes = shape.payload_bytes + envelope.bytes();
    const ws::FrameHeader fields{
        .opcode = shape.opcode, .fin = true, .payload_bytes = message_bytes, .key = key};
    const std::size_t start = frames.size();
    frames.resize(start + ws::client_header_bytes_max + message_bytes);
    const std::size_t header_bytes = ws::write_header(frames.data() + start, fields, &key);
    const std::span message = std::span(frames).subspan(start + header_bytes, message_bytes);
    write_message(id, envelope, message);
    simd::mask(message, key);
    frames.resize(start + header_bytes + message_bytes);
}

}  // namespace ringcast::bench

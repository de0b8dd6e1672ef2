#include "api/stream_id.hpp"

#include <array>
#include <charconv>
#include <system_error>

#include "base/hex.hpp"

namespace ringcast::api {

namespace {

constexpr std::size_t shard_digits = 2, slot_digits = 8, generation_digits = 4;
constexpr std::size_t place_digits = shard_digits + slot_digits + generation_digits;
constexpr std::size_t secret_bytes = 16;
constexpr std::size_t id_digits = place_digits + 2 * secret_bytes;

void append_number(std::string& text, std::uint64_t number, std::size_t digits_count) {
    for (std::size_t i = digits_count; i > 0; --i) text += hex_digit(number >> 4 * (i - 1));
}

/// Takes a number of so many digits off `text`.
template <class Number>
bool take_number(std::string_view& text, std::size_t digits_count, Number& number) noexcept {
    const char* const end = text.data() + digits_count;
    const auto [stop, error] = std::from_chars(text.data(), end, number, 16);
    text.remove_prefix(digits_count);
    return error == std::errc{} && stop == end;
}

}  // namespace

std::string draw_stream_id(const StreamId& id, const EntropySource& entropy) {
    std::array<std::byte, secret_bytes> secret;
    entropy(secret);
    std::string text;
    text.reserve(id_digits);
    append_number(text, id.shard, shard_digits);
    append_number(text, id.session.slot, slot_digits);
    append_number(text, id.session.generation, generation_digits);
    for (const std::byte octet : secret) append_number(text, std::to_integer<unsigned>(octet), 2);
    return text;
}

std::optional<StreamId> read_stream_id(std::string_view text) noexcept {
    if (text.size() != id_digits) return std::nullopt;
    StreamId id;
    const bool is_id = take_number(text, shard_digits, id.shard) &&
                       take_number(text, slot_digits, id.session.slot) &&
                       take_number(text, generation_digits, id.session.generation);
    return is_id ? std::optional{id} : std::nullopt;
}

bool are_equal(std::string_view secret, std::string_view said) noexcept {
    if (secret.size() != said.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < secret.size(); ++i)
        difference |= static_cast<unsigned char>(secret[i] ^ said[i]);
    return difference == 0;
}

}  // namespace ringcast::api

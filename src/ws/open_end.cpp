#include "ws/open_end.hpp"

#include <array>
#include <bit>
#include <cstdint>

#include "base/assert.hpp"

namespace ringcast::ws {

namespace {

constexpr std::size_t end_of_block = 256;
constexpr std::size_t length_codes = 19;
constexpr unsigned length_code_bits_max = 7, literal_code_bits_max = 15;

/// Reads bits, the lowest of an octet first. Behind the end there are zeros.
class BitReader {
public:
    explicit BitReader(std::span<const std::byte> data) noexcept : data_{data} {}
    [[nodiscard]] unsigned peek(unsigned count) const noexcept {
        const std::size_t at = position_ / 8;
        const auto octet = [this](std::size_t i) { return std::to_integer<unsigned>(data_[i]); };
        unsigned bits = 0;
        if (at + 3 <= data_.size()) {
            bits = octet(at) | octet(at + 1) << 8 | octet(at + 2) << 16;
        } else {
            for (std::size_t i = at; i < data_.size(); ++i) bits |= octet(i) << 8 * (i - at);
        }
        return bits >> position_ % 8 & ((1u << count) - 1);
    }
    [[nodiscard]] unsigned take(unsigned count) noexcept {
        const unsigned bits = peek(count);
        position_ += count;
        return bits;
    }
    void skip(unsigned count) noexcept { position_ += count; }

private:
    std::span<const std::byte> data_;
    std::size_t position_ = 0;
};

/// The code that the lengths of all other codes are written in: symbol and bits for each of the
/// next seven bits.
class LengthCode {
public:
    LengthCode(BitReader& bits, std::size_t count) noexcept {
        constexpr std::array<std::uint8_t, length_codes> order{16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                               11, 4,  12, 3, 13, 2, 14, 1, 15};
        std::array<std::uint8_t, length_codes> lengths{};
        for (std::size_t i = 0; i < count; ++i)
            lengths[order[i]] = static_cast<std::uint8_t>(bits.take(3));
        unsigned code = 0;
        for (unsigned length = 1; length <= length_code_bits_max; ++length, code <<= 1) {
            for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
                if (lengths[symbol] == length) fill(code++, length, symbol);
            }
        }
    }
    [[nodiscard]] unsigned take(BitReader& bits) const noexcept {
        const Entry entry = entries_[bits.peek(length_code_bits_max)];
        bits.skip(entry.bits);
        return entry.symbol;
    }

private:
    struct Entry {
        std::uint8_t symbol = 0, bits = 1;
    };
    /// Codes are sent with their highest bit first.
    void fill(unsigned code, unsigned length, std::size_t symbol) noexcept {
        unsigned reversed = 0;
        for (unsigned i = 0; i < length; ++i) reversed |= (code >> i & 1) << (length - 1 - i);
        for (std::size_t i = reversed; i < entries_.size(); i += std::size_t{1} << length)
            entries_[i] = {static_cast<std::uint8_t>(symbol), static_cast<std::uint8_t>(length)};
    }
    std::array<Entry, 1 << length_code_bits_max> entries_{};
};

/// The end-of-block code of a block with codes of its own, `bits` standing behind its type (RFC
/// 1951 sections 3.2.2 and 3.2.7).
unsigned end_of_block_code(BitReader bits) noexcept {
    const std::size_t literal_count = bits.take(5) + 257;
    (void)bits.take(5);
    const std::size_t length_count = bits.take(4) + 4;
    const LengthCode code{bits, length_count};
    std::array<unsigned, literal_code_bits_max + 1> counts{};  // Of codes, by their length.
    unsigned length = 0, length_of_end = 0, same_before_end = 0;
    for (std::size_t i = 0; i < literal_count;) {
        const unsigned symbol = code.take(bits);
        if (symbol > 16) {
            length = 0;
            i += symbol == 17 ? 3 + bits.take(3) : 11 + bits.take(7);
            continue;
        }
        if (symbol < 16) length = symbol;
        for (unsigned repeats = symbol == 16 ? 3 + bits.take(2) : 1; repeats > 0; --repeats, ++i) {
            if (i == end_of_block) {
                length_of_end = length;
                same_before_end = counts[length];
            }
            if (i < literal_count) ++counts[length];
        }
    }
    counts[0] = 0;
    unsigned first = 0;  // The first code of that length.
    for (unsigned shorter = 0; shorter < length_of_end; ++shorter)
        first = (first + counts[shorter]) << 1;
    return first + same_before_end;
}

}  // namespace

std::size_t open_end(std::span<std::byte> buffer, std::size_t size) noexcept {
    RC_ASSERT(size > 0 && size < buffer.size());
    constexpr unsigned final_with_own_codes = 1 | 2 << 1;
    BitReader bits{buffer.first(size)};
    if (bits.take(3) != final_with_own_codes) return 0;
    const unsigned code = end_of_block_code(bits);
    if (code == 0) return 0;
    std::size_t last = size - 1;
    std::size_t zeros = 0;
    while (buffer[last] == std::byte{0}) {
        RC_ASSERT(last > 0);
        --last;
        zeros += 8;
    }
    zeros +=
        static_cast<std::size_t>(std::countl_zero(std::to_integer<std::uint8_t>(buffer[last])));
    const auto zeros_of_code = static_cast<std::size_t>(std::countr_zero(code));
    RC_ASSERT(zeros >= zeros_of_code && zeros - zeros_of_code < 8);
    const std::size_t padding = zeros - zeros_of_code;
    buffer[0] &= ~std::byte{1};
    constexpr std::size_t head_bits = 3;
    if (padding >= head_bits) return size;
    buffer[size] = std::byte{0};
    return size + 1;
}

}  // namespace ringcast::ws

#pragma once
// DEFLATE data read the slow and obvious way, bit by bit from the start (RFC 1951), and what it
// means as the payload of a compressed message (RFC 7692 section 7.2.2). Shares nothing with zlib.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringcast::test {

struct Inflated {
    enum class End : std::uint8_t {
        between_blocks,  ///< The data ends with a block, and at an octet's end.
        inside,          ///< It ends somewhere else; it may go on.
        invalid,
    };
    std::string output;
    End end = End::inside;
    std::size_t distance_max = 0;  ///< How far back it refers.
};

namespace detail {

struct OutOfBits {};
struct InvalidData {};

class BitReader {
public:
    explicit BitReader(std::string_view data) : data_{data} {}
    /// The next bits, the lowest first.
    unsigned take(unsigned count) {
        if (at_ + count > data_.size() * 8) throw OutOfBits{};
        unsigned bits = 0;
        for (unsigned i = 0; i < count; ++i, ++at_)
            bits |= (static_cast<std::uint8_t>(data_[at_ / 8]) >> at_ % 8 & 1u) << i;
        return bits;
    }
    void skip_to_octet() { at_ = (at_ + 7) / 8 * 8; }
    [[nodiscard]] bool is_at_octet() const { return at_ % 8 == 0; }
    [[nodiscard]] bool is_at_end() const { return at_ == data_.size() * 8; }

private:
    std::string_view data_;
    std::size_t at_ = 0;
};

/// A Huffman code, given by the lengths of its codes (section 3.2.2).
class Code {
public:
    explicit Code(const std::vector<unsigned>& lengths) : lengths_{lengths} {
        for (const unsigned length : lengths) ++counts_[length];
        counts_[0] = 0;
        int left = 1;
        for (unsigned length = 1; length <= 15; ++length) {
            left = left * 2 - static_cast<int>(counts_[length]);
            if (left < 0) throw InvalidData{};
            if (counts_[length] != 0) longest_ = length;
        }
        is_complete_ = left == 0;
    }
    [[nodiscard]] bool is_complete() const { return is_complete_; }
    [[nodiscard]] unsigned longest() const { return longest_; }
    [[nodiscard]] unsigned take(BitReader& bits) const {
        unsigned code = 0, first = 0;
        for (unsigned length = 1; length <= 15; ++length) {
            code = code * 2 + bits.take(1);
            if (code - first < counts_[length]) return symbol_of(length, code - first);
            if (length >= longest_) throw InvalidData{};
            first = (first + counts_[length]) * 2;
        }
        throw InvalidData{};
    }

private:
    [[nodiscard]] unsigned symbol_of(unsigned length, unsigned position) const {
        for (unsigned symbol = 0;; ++symbol) {
            if (lengths_[symbol] == length && position-- == 0) return symbol;
        }
    }
    std::vector<unsigned> lengths_;
    std::array<unsigned, 16> counts_{};
    unsigned longest_ = 0;
    bool is_complete_ = false;
};

inline void read_stored(BitReader& bits, std::string& window) {
    bits.skip_to_octet();
    const unsigned size = bits.take(16), complement = bits.take(16);
    if ((size ^ 0xffff) != complement) throw InvalidData{};
    for (unsigned i = 0; i < size; ++i) window.push_back(static_cast<char>(bits.take(8)));
}

/// Section 3.2.5.
inline void read_compressed(BitReader& bits, const Code& literals, const Code& distances,
                            std::string& window, std::size_t& distance_max) {
    for (;;) {
        const unsigned symbol = literals.take(bits);
        if (symbol == 256) return;
        if (symbol < 256) {
            window.push_back(static_cast<char>(symbol));
            continue;
        }
        if (symbol > 285) throw InvalidData{};
        unsigned length = 258;
        if (symbol < 265) {
            length = symbol - 254;
        } else if (symbol < 285) {
            const unsigned extra = (symbol - 261) / 4;
            length = ((4 + (symbol - 265) % 4) << extra) + 3 + bits.take(extra);
        }
        const unsigned code = distances.take(bits);
        if (code > 29) throw InvalidData{};
        std::size_t distance = code + 1;
        if (code > 3) {
            const unsigned extra = code / 2 - 1;
            distance = ((2 + code % 2) << extra) + 1 + bits.take(extra);
        }
        if (distance > window.size()) throw InvalidData{};
        distance_max = distance > distance_max ? distance : distance_max;
        for (unsigned i = 0; i < length; ++i) window.push_back(window[window.size() - distance]);
    }
}

/// Section 3.2.6.
inline void read_fixed(BitReader& bits, std::string& window, std::size_t& distance_max) {
    std::vector<unsigned> literals(288, 8);
    for (std::size_t symbol = 144; symbol < 256; ++symbol) literals[symbol] = 9;
    for (std::size_t symbol = 256; symbol < 280; ++symbol) literals[symbol] = 7;
    read_compressed(bits, Code{literals}, Code{std::vector<unsigned>(32, 5)}, window, distance_max);
}

/// Section 3.2.7. Codes with unused places are allowed only where there is but one of one bit;
/// which of several violations of a block's head is found first is what zlib does.
inline void read_dynamic(BitReader& bits, std::string& window, std::size_t& distance_max) {
    const unsigned head = bits.take(14);
    const std::size_t literal_count = (head & 31) + 257, distance_count = (head >> 5 & 31) + 1,
                      length_count = (head >> 10) + 4;
    if (literal_count > 286 || distance_count > 30) throw InvalidData{};
    constexpr std::array<std::size_t, 19> order{16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                11, 4,  12, 3, 13, 2, 14, 1, 15};
    std::vector<unsigned> code_lengths(19, 0);
    for (std::size_t i = 0; i < length_count; ++i) code_lengths[order[i]] = bits.take(3);
    const Code code{code_lengths};
    if (!code.is_complete() && code.longest() != 0) throw InvalidData{};
    std::vector<unsigned> lengths;
    while (lengths.size() < literal_count + distance_count) {
        // Without any code each bit is read as a length of 0; there will be no end of block.
        const unsigned symbol = code.longest() == 0 ? bits.take(1) * 0 : code.take(bits);
        if (symbol < 16) {
            lengths.push_back(symbol);
            continue;
        }
        const unsigned extra = bits.take(symbol == 16 ? 2 : symbol == 17 ? 3 : 7);
        if (symbol == 16 && lengths.empty()) throw InvalidData{};
        const unsigned repeated = symbol == 16 ? lengths.back() : 0;
        const std::size_t count = extra + (symbol == 18 ? 11 : 3);
        if (lengths.size() + count > literal_count + distance_count) throw InvalidData{};
        lengths.insert(lengths.end(), count, repeated);
    }
    if (lengths[256] == 0) throw InvalidData{};
    const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(literal_count);
    const Code literals{{lengths.begin(), middle}};
    const Code distances{{middle, lengths.end()}};
    for (const Code* const each : {&literals, &distances})
        if (!each->is_complete() && each->longest() > 1) throw InvalidData{};
    read_compressed(bits, literals, distances, window, distance_max);
}

}  // namespace detail

/// What `data` expands to, where `context` has come before it. Behind a final block it goes on at
/// the next octet.
[[nodiscard]] inline Inflated reference_inflate(std::string_view data,
                                                std::string_view context = {}) {
    Inflated result;
    std::string window{context};
    try {
        for (detail::BitReader bits{data};;) {
            if (bits.is_at_end()) {
                result.end = Inflated::End::between_blocks;
                break;
            }
            const unsigned head = bits.take(3);
            switch (head >> 1) {
                case 0: detail::read_stored(bits, window); break;
                case 1: detail::read_fixed(bits, window, result.distance_max); break;
                case 2: detail::read_dynamic(bits, window, result.distance_max); break;
                default: throw detail::InvalidData{};
            }
            if ((head & 1) != 0) bits.skip_to_octet();
        }
    } catch (const detail::OutOfBits&) {
    } catch (const detail::InvalidData&) {
        result.end = Inflated::End::invalid;
    }
    result.output = window.substr(context.size());
    return result;
}

/// The message of which all of `payload` is there; `inside`: it is cut short.
[[nodiscard]] inline Inflated reference_inflate_message(std::string_view payload,
                                                        std::string_view context = {}) {
    Inflated result = reference_inflate(payload, context);
    if (result.end == Inflated::End::invalid) return result;
    const Inflated whole =
        reference_inflate(std::string{payload} + std::string{"\0\0\xff\xff", 4}, context);
    const bool is_whole =
        whole.end == Inflated::End::between_blocks && whole.output == result.output;
    result.end = is_whole ? Inflated::End::between_blocks : Inflated::End::inside;
    return result;
}

}  // namespace ringcast::test

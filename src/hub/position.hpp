#pragma once
// A place in a topic's stream of publications: so many of one incarnation. Clients keep it to ask
// for what they have missed.
//
//   epoch k3VxQ_9a:   1   2   3   4   5        position { 3, k3VxQ_9a }: 4 and 5 are missing
//
// A topic has its epoch from when its home first hears of it until it is forgotten there, whether
// its publications are kept or not. A number means nothing in another epoch.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

#include "base/prng.hpp"

namespace ringcast::hub {

/// The name of one incarnation: eight characters that may stand in URLs and JSON as they are. All
/// zeros: any incarnation.
class Epoch {
public:
    static constexpr std::size_t size = 8;

    Epoch() = default;
    /// A new one, of 48 random bits.
    [[nodiscard]] static Epoch draw(Prng& prng) noexcept {
        static constexpr char letters[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        Epoch epoch;
        std::uint64_t bits = prng.next() >> 16;
        for (char& letter : epoch.letters_) {
            letter = letters[bits % 64];
            bits /= 64;
        }
        return epoch;
    }
    /// What a client says. Empty: any. What no topic ever had for its epoch equals none.
    [[nodiscard]] static Epoch of(std::string_view text) noexcept {
        Epoch epoch;
        if (text.empty()) return epoch;
        epoch.letters_.fill('?');
        if (text.size() == size) std::ranges::copy(text, epoch.letters_.begin());
        return epoch;
    }

    [[nodiscard]] bool is_any() const noexcept { return letters_[0] == '\0'; }
    [[nodiscard]] std::string_view text() const noexcept {
        return is_any() ? std::string_view{} : std::string_view{letters_.data(), size};
    }
    /// As a number, for tables.
    [[nodiscard]] std::uint64_t number() const noexcept {
        return std::bit_cast<std::uint64_t>(letters_);
    }
    friend bool operator==(const Epoch&, const Epoch&) = default;

private:
    std::array<char, size> letters_{};
};
static_assert(sizeof(Epoch) == 8);

/// Behind the publication of that number; 0: before the first.
struct Position {
    std::uint64_t offset = 0;
    Epoch epoch;

    friend bool operator==(const Position&, const Position&) = default;
};

}  // namespace ringcast::hub

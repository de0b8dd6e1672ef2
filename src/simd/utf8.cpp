#include "simd/utf8.hpp"

#include <algorithm>
#include <array>
#include <simdjson.h>

namespace ringcast::simd {
namespace {

// The reference automaton (RFC 3629 section 4). A state says which octets may come next:
enum State : std::uint8_t {
    between,     // 00-7F, or the first octet of a longer character: C2-DF, E0-EF, F0-F4
    one_more,    // 80-BF, the last octet
    two_more,    // 80-BF, then one_more
    three_more,  // 80-BF, then two_more
    after_e0,    // A0-BF, then one_more: less would be overlong
    after_ed,    // 80-9F, then one_more: more would be a surrogate
    after_f0,    // 90-BF, then two_more: less would be overlong
    after_f4,    // 80-8F, then two_more: more would be beyond U+10FFFF
    failed,      // nothing
    state_count
};

constexpr State next_state(State state, unsigned octet) {
    const auto if_within = [octet](unsigned first, unsigned last, State next) {
        return first <= octet && octet <= last ? next : failed;
    };
    switch (state) {
        case between:
            if (octet <= 0x7f) return between;
            if (octet == 0xe0) return after_e0;
            if (octet == 0xed) return after_ed;
            if (octet == 0xf0) return after_f0;
            if (octet == 0xf4) return after_f4;
            if (octet >= 0xf1) return if_within(0xf1, 0xf3, three_more);
            if (octet >= 0xe1) return two_more;
            return if_within(0xc2, 0xdf, one_more);
        case one_more: return if_within(0x80, 0xbf, between);
        case two_more: return if_within(0x80, 0xbf, one_more);
        case three_more: return if_within(0x80, 0xbf, two_more);
        case after_e0: return if_within(0xa0, 0xbf, one_more);
        case after_ed: return if_within(0x80, 0x9f, one_more);
        case after_f0: return if_within(0x90, 0xbf, two_more);
        case after_f4: return if_within(0x80, 0x8f, two_more);
        case failed:
        case state_count: break;
    }
    return failed;
}

using Row = std::array<State, 256>;
constexpr std::array<Row, state_count> transitions = [] {
    std::array<Row, state_count> table{};
    for (unsigned state = 0; state < state_count; ++state) {
        for (unsigned octet = 0; octet < 256; ++octet) {
            table[state][octet] = next_state(static_cast<State>(state), octet);
        }
    }
    return table;
}();

/// Octets from here on are worth a call of the vector code.
constexpr std::size_t bulk_bytes_min = 64;

// Chosen once, before shards start. (The library's own entry points choose at their first use, and
// ask the environment.)
const simdjson::implementation& bulk =
    *simdjson::get_available_implementations().detect_best_supported();

bool is_valid_in_bulk(std::span<const std::byte> text) noexcept {
    return bulk.validate_utf8(reinterpret_cast<const char*>(text.data()), text.size());
}

/// Runs the automaton over `piece`, over ASCII in steps of 8 octets.
std::uint8_t run_automaton(std::uint8_t state, std::span<const std::byte> piece) noexcept {
    std::size_t position = 0;
    while (position < piece.size()) {
        if (state == between && piece.size() - position >= 8 &&
            detail::is_ascii(piece.subspan(position, 8))) {
            position += 8;
            continue;
        }
        state = transitions[state][static_cast<std::size_t>(piece[position++])];
        if (state == failed) break;
    }
    return state;
}

/// How many octets at the end of `piece`, which begins between characters, may belong to a
/// character that goes on behind it: 0 to 3. Whether they are valid is not looked at.
std::size_t unfinished_octets(std::span<const std::byte> piece) noexcept {
    const std::size_t count_max = std::min<std::size_t>(piece.size(), 3);
    for (std::size_t count = 1; count <= count_max; ++count) {
        const auto octet = static_cast<unsigned>(piece[piece.size() - count]);
        if (octet < 0x80) return 0;
        if (octet < 0xc0) continue;
        const std::size_t length = octet < 0xe0 ? 2 : octet < 0xf0 ? 3 : 4;
        return count < length ? count : 0;
    }
    return 0;
}

}  // namespace

bool Utf8Validator::feed(std::span<const std::byte> piece) noexcept {
    // Finish the character that the piece before began: at most three octets.
    while (state_ != between && !piece.empty()) {
        state_ = transitions[state_][static_cast<std::size_t>(piece.front())];
        piece = piece.subspan(state_ == failed ? piece.size() : 1);
    }
    if (state_ == between && piece.size() <= detail::ascii_bytes_max && detail::is_ascii(piece)) {
        return true;
    }
    if (piece.size() >= bulk_bytes_min) {
        const auto whole = piece.first(piece.size() - unfinished_octets(piece));
        if (!is_valid_in_bulk(whole)) state_ = failed;
        piece = piece.subspan(whole.size());
    }
    if (state_ != failed) state_ = run_automaton(state_, piece);
    return state_ != failed;
}

bool detail::is_utf8_general(std::span<const std::byte> text) noexcept {
    if (text.size() >= bulk_bytes_min) return is_valid_in_bulk(text);
    return run_automaton(between, text) == between;
}

}  // namespace ringcast::simd

#include "dialect/centrifuge/fossil_delta.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "base/assert.hpp"

namespace ringcast::dialect::centrifuge {

namespace {

constexpr std::size_t window_bytes = 8;

void append_number(std::string& delta, std::uint32_t number) {
    constexpr std::string_view digits =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
    char reversed[6];
    std::size_t count = 0;
    do {
        reversed[count++] = digits[number & 0x3f];
        number >>= 6;
    } while (number != 0);
    while (count > 0) delta += reversed[--count];
}

std::size_t number_bytes(std::size_t number) noexcept {
    std::size_t bytes = 1;
    while ((number >>= 6) != 0) ++bytes;
    return bytes;
}

std::uint32_t checksum_of(std::string_view text) noexcept {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        sum += static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])) << (24 - i % 4 * 8);
    }
    return sum;
}

std::uint64_t window_at(std::string_view text, std::size_t at) noexcept {
    std::uint64_t window;
    std::memcpy(&window, text.data() + at, sizeof window);
    return window;
}

/// Fibonacci hashing; the best bits are on top.
std::size_t hash_of(std::uint64_t window, unsigned shift) noexcept {
    return static_cast<std::size_t>((window * 0x9e37'79b9'7f4a'7c15) >> shift);
}

bool is_inside_character(std::string_view text, std::size_t at) noexcept {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

/// A run of octets that source and target share.
struct Run {
    std::size_t source_at = 0;
    std::size_t target_at = 0;
    std::size_t count = 0;

    /// Shorter in a delta than its octets, even if it breaks in two what is brought.
    [[nodiscard]] bool pays() const noexcept {
        constexpr std::size_t punctuation = 2;
        constexpr std::size_t second_header = 2;
        return count > number_bytes(count) + number_bytes(source_at) + punctuation + second_header;
    }
};

/// How far source and target are the same around one place; not before `target_begin`.
Run run_around(std::string_view source, std::string_view target, std::size_t source_at,
               std::size_t target_at, std::size_t target_begin) noexcept {
    const std::size_t ahead_max = std::min(source.size() - source_at, target.size() - target_at);
    std::size_t ahead = 0;
    while (ahead < ahead_max && source[source_at + ahead] == target[target_at + ahead]) ++ahead;
    const std::size_t behind_max = std::min(source_at, target_at - target_begin);
    std::size_t behind = 0;
    while (behind < behind_max && source[source_at - behind - 1] == target[target_at - behind - 1])
        ++behind;
    return {source_at - behind, target_at - behind, behind + ahead};
}

/// The part of `run` that begins and ends between characters of the target.
Run cut_at_characters(Run run, std::string_view target) noexcept {
    constexpr int followers_max = 3;  // Of a character's first octet.
    for (int i = 0; i < followers_max && run.count > 0; ++i) {
        if (!is_inside_character(target, run.target_at)) break;
        ++run.source_at;
        ++run.target_at;
        --run.count;
    }
    for (int i = 0; i < followers_max && run.count > 0; ++i) {
        if (!is_inside_character(target, run.target_at + run.count)) break;
        --run.count;
    }
    return run;
}

void append_octets(std::string& delta, std::string_view octets) {
    if (octets.empty()) return;
    append_number(delta, static_cast<std::uint32_t>(octets.size()));
    delta += ':';
    delta += octets;
}

void append_copy(std::string& delta, const Run& run) {
    append_number(delta, static_cast<std::uint32_t>(run.count));
    delta += '@';
    append_number(delta, static_cast<std::uint32_t>(run.source_at));
    delta += ',';
}

}  // namespace

void FossilDelta::index(std::string_view source) {
    const std::size_t windows = source.size() < window_bytes ? 0 : source.size() - window_bytes + 1;
    const std::size_t entries =
        std::clamp<std::size_t>(std::bit_ceil(windows * 2), 16, table_entries_max);
    table_.assign(entries, 0);
    hash_shift_ = 64 - static_cast<unsigned>(std::countr_zero(entries));
    const std::size_t stride = 1 + windows / (entries / 2 + 1);
    // Backwards, so that of equal windows the first one stays: its offset has the fewest digits.
    for (std::size_t i = (windows + stride - 1) / stride; i > 0; --i) {
        const std::size_t at = (i - 1) * stride;
        table_[hash_of(window_at(source, at), hash_shift_)] = static_cast<std::uint32_t>(at + 1);
    }
}

bool FossilDelta::encode(std::string_view source, std::string_view target, Cuts cuts,
                         std::string& delta) {
    RC_ASSERT(source.size() < std::numeric_limits<std::uint32_t>::max());
    RC_ASSERT(target.size() < std::numeric_limits<std::uint32_t>::max());
    index(source);
    const std::size_t before = delta.size();
    append_number(delta, static_cast<std::uint32_t>(target.size()));
    delta += '\n';

    std::size_t written = 0;  // Of the target.
    std::size_t shift = 0;    // From the target to where the last copy came from, modulo 2^64.
    std::size_t at = 0;
    while (at + window_bytes <= target.size()) {
        const std::uint64_t window = window_at(target, at);
        // What follows a changed number is most often what followed it before.
        const std::size_t parallel = at + shift;
        std::size_t source_at = source.size();
        if (parallel < source.size() && source.size() - parallel >= window_bytes &&
            window_at(source, parallel) == window) {
            source_at = parallel;
        } else if (const std::uint32_t entry = table_[hash_of(window, hash_shift_)];
                   entry != 0 && window_at(source, entry - 1) == window) {
            source_at = entry - 1;
        }
        Run run;
        if (source_at < source.size()) run = run_around(source, target, source_at, at, written);
        if (cuts == Cuts::at_characters) run = cut_at_characters(run, target);
        if (!run.pays()) {
            ++at;
            continue;
        }
        append_octets(delta, target.substr(written, run.target_at - written));
        append_copy(delta, run);
        written = run.target_at + run.count;
        at = written;
        shift = run.source_at - run.target_at;
        if (delta.size() - before >= target.size()) break;
    }
    append_octets(delta, target.substr(written));
    append_number(delta, checksum_of(target));
    delta += ';';
    if (delta.size() - before < target.size()) return true;
    delta.resize(before);
    return false;
}

}  // namespace ringcast::dialect::centrifuge

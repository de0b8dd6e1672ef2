#include "base/units.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <span>
#include <system_error>

namespace ringcast {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t scale;
};

// Largest first, the order in which printing tries them.
constexpr std::array<Unit, 5> byte_units{{{"TiB", std::uint64_t{1} << 40},
                                          {"GiB", std::uint64_t{1} << 30},
                                          {"MiB", std::uint64_t{1} << 20},
                                          {"KiB", std::uint64_t{1} << 10},
                                          {"", 1}}};
constexpr std::array<Unit, 6> duration_units{{{"h", 3'600'000'000'000},
                                              {"m", 60'000'000'000},
                                              {"s", 1'000'000'000},
                                              {"ms", 1'000'000},
                                              {"us", 1'000},
                                              {"ns", 1}}};

struct Kind {
    std::span<const Unit> units;
    std::uint64_t value_max;
    std::string_view name;
    std::string_view expected;
};

constexpr Kind bytes_kind{
    .units = byte_units,
    .value_max = std::numeric_limits<std::uint64_t>::max(),
    .name = "size",
    .expected = "a whole number of bytes, or one followed by KiB, MiB, GiB or TiB"};
constexpr Kind duration_kind{.units = duration_units,
                             .value_max = std::numeric_limits<std::int64_t>::max(),
                             .name = "duration",
                             .expected = "a whole number followed by ns, us, ms, s, m or h"};

std::expected<std::uint64_t, std::string> parse(std::string_view text, const Kind& kind) {
    const auto malformed = [&] {
        return std::unexpected{std::string{"'"}
                                   .append(text)
                                   .append("' is not a ")
                                   .append(kind.name)
                                   .append("; expected ")
                                   .append(kind.expected)};
    };
    const auto too_large = [&] {
        return std::unexpected{
            std::string{"'"}.append(text).append("' is too large a ").append(kind.name)};
    };

    std::uint64_t count = 0;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto [rest, status] = std::from_chars(begin, end, count);
    if (status == std::errc::invalid_argument) return malformed();
    const std::string_view unit_name{rest, static_cast<std::size_t>(end - rest)};
    for (const Unit& unit : kind.units) {
        if (unit.name != unit_name) continue;
        if (status == std::errc::result_out_of_range || count > kind.value_max / unit.scale)
            return too_large();
        return count * unit.scale;
    }
    return malformed();
}

std::string print(std::uint64_t value, std::span<const Unit> units) {
    std::size_t index = 0;
    while (value % units[index].scale != 0) ++index;  // Ends at the last unit, whose scale is 1.
    return std::to_string(value / units[index].scale).append(units[index].name);
}

}  // namespace

std::expected<std::uint64_t, std::string> parse_bytes(std::string_view text) {
    return parse(text, bytes_kind);
}

std::expected<Duration, std::string> parse_duration(std::string_view text) {
    const std::expected<std::uint64_t, std::string> count = parse(text, duration_kind);
    if (!count) return std::unexpected{count.error()};
    return Duration{static_cast<Duration::rep>(*count)};
}

std::string print_bytes(std::uint64_t bytes) {
    return bytes == 0 ? "0" : print(bytes, byte_units);
}

std::string print_duration(Duration duration) {
    if (duration == Duration::zero()) return "0s";
    const Duration::rep count = duration.count();
    // Negated as unsigned, so that the smallest duration of all has its magnitude too.
    if (count < 0)
        return std::string{"-"}.append(
            print(0 - static_cast<std::uint64_t>(count), duration_units));
    return print(static_cast<std::uint64_t>(count), duration_units);
}

}  // namespace ringcast

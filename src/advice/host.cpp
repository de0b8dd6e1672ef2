#include "advice/host.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace ringcast::advice {
namespace {

constexpr std::string_view blanks = " \t\n";

std::string_view trim(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

/// The next word, which is taken off `text`; empty at its end.
std::string_view take_word(std::string_view& text) {
    text = trim(text);
    const std::string_view word = text.substr(0, text.find_first_of(blanks));
    text.remove_prefix(word.size());
    return word;
}

std::string_view take_line(std::string_view& text) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    return line;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, status] = std::from_chars(text.data(), end, number);
    if (status != std::errc{} || rest != end) return std::nullopt;
    return number;
}

std::optional<std::uint64_t> parse_limit(std::string_view word) {
    return word == "unlimited" ? UINT64_MAX : parse_number(word);
}

}  // namespace

Host this_host() {
    return {.read_text = server::read_text_file, .probe_uring = ring::probe_uring};
}

std::optional<std::string> read_line(const Host& host, const std::string& path) {
    const auto text = host.read_text(path);
    if (!text) return std::nullopt;
    return std::string{trim(*text)};
}

std::optional<std::vector<std::uint64_t>> read_numbers(const Host& host, const std::string& path) {
    const auto text = host.read_text(path);
    if (!text) return std::nullopt;
    std::vector<std::uint64_t> numbers;
    std::string_view rest = *text;
    for (auto word = take_word(rest); !word.empty(); word = take_word(rest)) {
        const auto number = parse_number(word);
        if (!number) return std::nullopt;
        numbers.push_back(*number);
    }
    if (numbers.empty()) return std::nullopt;
    return numbers;
}

std::optional<std::uint64_t> read_number(const Host& host, const std::string& path) {
    const auto numbers = read_numbers(host, path);
    if (!numbers) return std::nullopt;
    return numbers->front();
}

std::optional<std::string> read_field(const Host& host, const std::string& path,
                                      std::string_view name) {
    const auto text = host.read_text(path);
    if (!text) return std::nullopt;
    std::string_view rest = *text;
    while (!rest.empty()) {
        const std::string_view line = take_line(rest);
        if (line.starts_with(name) && line.substr(name.size()).starts_with(':'))
            return std::string{trim(line.substr(name.size() + 1))};
    }
    return std::nullopt;
}

std::optional<ResourceLimit> read_limit(const Host& host, std::string_view name) {
    const auto text = host.read_text("/proc/self/limits");
    if (!text) return std::nullopt;
    std::string_view rest = *text;
    while (!rest.empty()) {
        std::string_view line = take_line(rest);
        if (!line.starts_with(name)) continue;
        line.remove_prefix(name.size());
        const auto soft = parse_limit(take_word(line));
        const auto hard = parse_limit(take_word(line));
        if (!soft || !hard) return std::nullopt;
        return ResourceLimit{*soft, *hard};
    }
    return std::nullopt;
}

std::optional<std::vector<std::uint32_t>> read_cpus(const Host& host) {
    const auto text = read_field(host, "/proc/self/status", "Cpus_allowed_list");
    return text ? parse_cpu_list(*text) : std::nullopt;
}

std::optional<std::uint64_t> read_memory(const Host& host) {
    const auto text = read_field(host, "/proc/meminfo", "MemTotal");
    if (!text || !text->ends_with(" kB")) return std::nullopt;
    const auto kib = parse_number(std::string_view{*text}.substr(0, text->size() - 3));
    if (!kib || *kib > UINT64_MAX / 1024) return std::nullopt;
    return *kib * 1024;
}

std::optional<std::vector<std::uint32_t>> parse_cpu_list(std::string_view text) {
    constexpr std::uint64_t cpu_max = 8191;
    std::vector<std::uint32_t> cpus;
    while (!text.empty()) {
        const std::string_view range = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), range.size() + 1));
        const std::size_t dash = range.find('-');
        const auto first = parse_number(range.substr(0, dash));
        const auto last =
            dash == std::string_view::npos ? first : parse_number(range.substr(dash + 1));
        if (!first || !last || *first > *last || *last > cpu_max) return std::nullopt;
        for (std::uint64_t cpu = *first; cpu <= *last; ++cpu)
            cpus.push_back(static_cast<std::uint32_t>(cpu));
    }
    if (cpus.empty()) return std::nullopt;
    return cpus;
}

}  // namespace ringcast::advice

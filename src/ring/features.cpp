#include "ring/features.hpp"

#include <algorithm>
#include <array>

namespace ringcast::ring {
namespace {

constexpr std::array table{
    NamedFeature{"defer-taskrun", &Features::defer_taskrun, "6.1"},
    NamedFeature{"multishot-accept", &Features::multishot_accept, "5.19"},
    NamedFeature{"multishot-recv", &Features::multishot_recv, "6.0"},
    NamedFeature{"incremental", &Features::incremental, "6.12"},
    NamedFeature{"min-wait", &Features::min_wait, "6.12"},
};

constexpr Features no_features{.defer_taskrun = false,
                               .multishot_accept = false,
                               .multishot_recv = false,
                               .incremental = false,
                               .min_wait = false};

/// Applies one word of the list. False if it is unknown.
[[nodiscard]] bool apply(std::string_view word, Features& features) noexcept {
    if (word == "all") {
        features = Features::all();
        return true;
    }
    if (word == "6.1") {
        features = Features::linux_6_1();
        return true;
    }
    if (word == "none") {
        features = no_features;
        return true;
    }
    if (word.empty() || (word.front() != '-' && word.front() != '+')) return false;
    const std::string_view name = word.substr(1);
    bool is_known = false;
    for (const NamedFeature& named : table) {
        // Both of them, which the kernel calls so.
        const bool is_meant =
            named.name == name || (name == "multishot" && named.name.starts_with("multishot-"));
        if (is_meant) features.*named.member = word.front() == '+';
        is_known |= is_meant;
    }
    return is_known;
}

}  // namespace

std::span<const NamedFeature> named_features() noexcept {
    return table;
}

Features Features::intersect(const Features& other) const noexcept {
    Features both;
    for (const NamedFeature& named : table)
        both.*named.member = this->*named.member && other.*named.member;
    return both;
}

std::string Features::to_string() const {
    std::string text;
    for (const NamedFeature& named : table) {
        if (!(this->*named.member)) continue;
        if (!text.empty()) text += ' ';
        text += named.name;
    }
    return text.empty() ? "none" : text;
}

std::expected<Features, std::string> parse_features(std::string_view text) {
    Features features = Features::all();
    while (true) {
        const std::size_t comma = text.find(',');
        const std::string_view word = text.substr(0, comma);
        if (!apply(word, features)) {
            std::string error = "unknown io_uring feature '" + std::string{word} +
                                "': expected all, 6.1, none, or -name or +name of";
            for (const NamedFeature& named : table) error += " " + std::string{named.name};
            return std::unexpected{std::move(error)};
        }
        if (comma == std::string_view::npos) return features;
        text.remove_prefix(comma + 1);
    }
}

}  // namespace ringcast::ring

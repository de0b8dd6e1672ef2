#include "ring/features.hpp"

#include <algorithm>
#include <array>

namespace ringcast::ring {
namespace {

struct NamedFeature {
    std::string_view name;
    bool Features::* member;
};

constexpr std::array named_features{
    NamedFeature{"defer-taskrun", &Features::defer_taskrun},
    NamedFeature{"multishot-accept", &Features::multishot_accept},
    NamedFeature{"multishot-recv", &Features::multishot_recv},
    NamedFeature{"incremental", &Features::incremental},
    NamedFeature{"min-wait", &Features::min_wait},
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
    const auto found =
        std::find_if(named_features.begin(), named_features.end(),
                     [&](const NamedFeature& named) { return named.name == word.substr(1); });
    if (found == named_features.end()) return false;
    features.*(found->member) = word.front() == '+';
    return true;
}

}  // namespace

Features Features::intersect(const Features& other) const noexcept {
    Features both;
    for (const NamedFeature& named : named_features)
        both.*named.member = this->*named.member && other.*named.member;
    return both;
}

std::string Features::to_string() const {
    std::string text;
    for (const NamedFeature& named : named_features) {
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
            for (const NamedFeature& named : named_features) error += " " + std::string{named.name};
            return std::unexpected{std::move(error)};
        }
        if (comma == std::string_view::npos) return features;
        text.remove_prefix(comma + 1);
    }
}

}  // namespace ringcast::ring

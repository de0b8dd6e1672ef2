#include "hub/topic_namespaces.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace ringcast::hub {

const TopicNamespaces no_namespaces;

bool TopicNamespaces::is_name(std::string_view name) noexcept {
    constexpr std::size_t bytes_max = 64;
    return !name.empty() && name.size() <= bytes_max && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    });
}

std::string_view TopicNamespaces::name_in(std::string_view topic) noexcept {
    if (topic.starts_with('$')) topic.remove_prefix(1);
    const std::size_t colon = topic.find(':');
    // A namespace alone names no topic.
    if (colon == std::string_view::npos || colon + 1 == topic.size()) return {};
    const std::string_view name = topic.substr(0, colon);
    return is_name(name) ? name : std::string_view{};
}

bool TopicNamespaces::add(std::string_view name, const TopicPolicy& policy) {
    RC_ASSERT(is_name(name));
    return policies_.try_emplace(std::string{name}, policy).second;
}

bool TopicNamespaces::has_open() const noexcept {
    return std::ranges::any_of(policies_, [](const auto& entry) {
        return entry.second.subscribe == TopicAudience::anyone ||
               entry.second.publish == TopicAudience::anyone;
    });
}

const TokenRate* TopicNamespaces::rate_of(std::string_view topic) const noexcept {
    const TopicPolicy* const policy = find(topic);
    return policy == nullptr || !policy->rate.is_limited() ? nullptr : &policy->rate;
}

const TopicPolicy* TopicNamespaces::find(std::string_view topic) const noexcept {
    if (policies_.empty()) return nullptr;
    const auto place = policies_.find(name_in(topic));
    return place == policies_.end() ? nullptr : &place->second;
}

}  // namespace ringcast::hub

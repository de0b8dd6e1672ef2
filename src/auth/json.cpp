#include "auth/json.hpp"

#include <algorithm>
#include <vector>

namespace ringcast::auth {

bool JsonTree::parse_any(std::string_view text) {
    return parser_.allocate(text.size(), json_depth_max) == simdjson::SUCCESS &&
           parser_.parse(text.data(), text.size()).error() == simdjson::SUCCESS;
}

std::optional<simdjson::dom::object> JsonTree::parse_object(std::string_view text) {
    simdjson::dom::object object;
    if (!parse_any(text) || root().get(object) != simdjson::SUCCESS || !has_unique_names(object))
        return std::nullopt;
    return object;
}

bool has_unique_names(const simdjson::dom::object& object) {
    std::vector<std::string_view> names;
    for (const auto field : object) names.push_back(field.key);
    std::ranges::sort(names);
    return std::ranges::adjacent_find(names) == names.end();
}

}  // namespace ringcast::auth

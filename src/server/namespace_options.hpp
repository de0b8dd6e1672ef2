#pragma once
// What the operator can say of one namespace of topics, in the --config file only:
//
//     [namespaces.news]
//     history-size = 100
//     subscribe = "anyone"

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringcast/topic_namespace.hpp"

namespace ringcast::server {

struct NamespaceRow {
    std::string_view name;  ///< The key.
    /// The error is one sentence that quotes `text`.
    std::expected<void, std::string> (*set)(TopicNamespace& space, std::string_view text) = nullptr;
    /// The value as text that `set` reads back, or none.
    std::vector<std::string> (*get)(const TopicNamespace& space) = nullptr;
};

[[nodiscard]] std::span<const NamespaceRow> namespace_table() noexcept;

/// The row called `name`, or null.
[[nodiscard]] const NamespaceRow* find_namespace_option(std::string_view name) noexcept;

/// As tables of a --config file, one behind the other.
[[nodiscard]] std::string to_toml(std::span<const TopicNamespace> namespaces);

}  // namespace ringcast::server

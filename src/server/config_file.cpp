#include "server/config_file.hpp"

#include <fmt/core.h>

// Compiled in, and without exceptions: Debian's shared library of toml++ is built with them.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <algorithm>
#include <optional>
#include <toml++/toml.h>

#include "hub/topic_namespaces.hpp"
#include "server/namespace_options.hpp"

namespace ringcast::server {
namespace {

std::string place(const std::string& path, const toml::source_region& region) {
    return fmt::format("{}:{}", path, region.begin.line);
}

/// Strings, integers and booleans as the text that a flag would have.
std::optional<std::string> text_of(const toml::node& node) {
    if (const auto* string = node.as_string()) return string->get();
    if (const auto* integer = node.as_integer()) return std::to_string(integer->get());
    if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
    return std::nullopt;
}

/// All values of `node`: itself, or for a list the elements of an array.
std::optional<std::vector<std::string>> texts_of(const toml::node& node, OptionRow::Form form) {
    std::vector<std::string> texts;
    const toml::array* const array = node.as_array();
    if (array == nullptr || form != OptionRow::Form::list) {
        auto text = text_of(node);
        if (!text) return std::nullopt;
        texts.push_back(*std::move(text));
        return texts;
    }
    for (const toml::node& element : *array) {
        auto text = text_of(element);
        if (!text) return std::nullopt;
        texts.push_back(*std::move(text));
    }
    return texts;
}

/// `rows` have the names of those that there are.
template <class Rows>
std::string unknown_key(std::string_view key, const Rows& rows) {
    std::vector<std::string> names;
    for (const auto& row : rows) names.emplace_back(row.name);
    return fmt::format("unknown key '{}'{}", key, suggestion(key, names));
}

constexpr std::string_view namespaces_key = "namespaces";

/// Or what is wrong, behind its place.
std::expected<TopicNamespace, std::string> namespace_of(std::string_view name,
                                                        const toml::table& table,
                                                        const std::string& path) {
    TopicNamespace space{.name = std::string{name}};
    for (const auto& [key, node] : table) {
        const NamespaceRow* const row = find_namespace_option(key.str());
        if (row == nullptr) {
            return std::unexpected{fmt::format("{}: {}", place(path, key.source()),
                                               unknown_key(key.str(), namespace_table()))};
        }
        const auto text = text_of(node);
        if (!text) {
            return std::unexpected{fmt::format("{}: {} takes a string, an integer or a boolean",
                                               place(path, node.source()), row->name)};
        }
        if (auto stored = row->set(space, *text); !stored) {
            return std::unexpected{
                fmt::format("{}: {}: {}", place(path, node.source()), row->name, stored.error())};
        }
    }
    if (space.history_mode == HistoryMode::cache && space.history_size == 0) {
        return std::unexpected{fmt::format("{}: history-mode cache needs a history-size",
                                           place(path, table.source()))};
    }
    if (space.history_ttl != TopicNamespace{}.history_ttl && space.history_size == 0) {
        return std::unexpected{
            fmt::format("{}: history-ttl needs a history-size", place(path, table.source()))};
    }
    if (space.rate > 0 && space.publish == TopicAudience::nobody) {
        return std::unexpected{fmt::format("{}: rate needs a publish that is not nobody",
                                           place(path, table.source()))};
    }
    if (space.burst > 0 && space.rate == 0)
        return std::unexpected{fmt::format("{}: burst needs a rate", place(path, table.source()))};
    if (space.force_push_join_leave && !space.join_leave) {
        return std::unexpected{
            fmt::format("{}: force-push-join-leave needs join-leave", place(path, table.source()))};
    }
    return space;
}

}  // namespace

std::expected<std::vector<Setting>, std::string> parse_config(std::string_view text,
                                                              const std::string& path) {
    const toml::parse_result parsed = toml::parse(text);
    if (!parsed) {
        return std::unexpected{fmt::format("{}: {}", place(path, parsed.error().source()),
                                           parsed.error().description())};
    }
    std::vector<Setting> settings;
    for (const auto& [key, node] : parsed.table()) {
        if (key.str() == namespaces_key) continue;
        const OptionRow* const option = find_option(key.str());
        if (option == nullptr) {
            return std::unexpected{fmt::format("{}: {}", place(path, key.source()),
                                               unknown_key(key.str(), option_table()))};
        }
        auto values = texts_of(node, option->form);
        if (!values) {
            return std::unexpected{fmt::format(
                "{}: {} takes {}", place(path, node.source()), option->name,
                option->form == OptionRow::Form::list ? "a string or an array of strings"
                                                      : "a string, an integer or a boolean")};
        }
        settings.push_back({option, *std::move(values), place(path, node.source())});
    }
    return settings;
}

std::expected<std::vector<TopicNamespace>, std::string> parse_namespaces(std::string_view text,
                                                                         const std::string& path) {
    const toml::parse_result parsed = toml::parse(text);
    std::vector<TopicNamespace> namespaces;
    const toml::node* const all = parsed ? parsed.table().get(namespaces_key) : nullptr;
    if (all == nullptr) return namespaces;  // What is no TOML is parse_config()'s to tell.
    const auto misuse = [&](const toml::source_region& where) {
        return std::unexpected{
            fmt::format("{}: namespaces are tables, like [namespaces.news]", place(path, where))};
    };
    if (!all->is_table()) return misuse(all->source());
    for (const auto& [key, node] : *all->as_table()) {
        if (!node.is_table()) return misuse(node.source());
        if (!hub::TopicNamespaces::is_name(key.str())) {
            return std::unexpected{
                fmt::format("{}: the name of a namespace has 1 to 64 letters, digits, '_', '-' and "
                            "'.'",
                            place(path, key.source()))};
        }
        auto space = namespace_of(key.str(), *node.as_table(), path);
        if (!space) return std::unexpected{std::move(space.error())};
        namespaces.push_back(*std::move(space));
    }
    return namespaces;
}

std::string toml_value(std::string_view text) {
    const auto is_digit = [](char character) { return character >= '0' && character <= '9'; };
    const bool is_number = !text.empty() && std::ranges::all_of(text, is_digit) &&
                           (text == "0" || text.front() != '0');
    if (is_number || text == "true" || text == "false") return std::string{text};
    std::string result = "\"";
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (character == '"' || character == '\\') {
            result += '\\';
            result += character;
        } else if (byte < 0x20 || byte == 0x7f) {
            result += fmt::format("\\u{:04X}", byte);
        } else {
            result += character;
        }
    }
    return result + '"';
}

}  // namespace ringcast::server

#include "server/config_file.hpp"

#include <fmt/core.h>

// Compiled in, and without exceptions: Debian's shared library of toml++ is built with them.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <algorithm>
#include <optional>
#include <toml++/toml.h>

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

std::string unknown_key(std::string_view key) {
    std::vector<std::string> names;
    for (const OptionRow& row : option_table()) names.emplace_back(row.name);
    return fmt::format("unknown key '{}'{}", key, suggestion(key, names));
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
        const OptionRow* const option = find_option(key.str());
        if (option == nullptr) {
            return std::unexpected{
                fmt::format("{}: {}", place(path, key.source()), unknown_key(key.str()))};
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

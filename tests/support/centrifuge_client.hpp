#pragma once
// Commands of the Centrifuge protocol as a client sends them, put together field by field.

#include <concepts>
#include <string>
#include <string_view>
#include <variant>

#include "dialect/centrifuge/command.hpp"
#include "support/protobuf_wire.hpp"

namespace ringcast::test {

/// Text as a string of JSON.
inline std::string json_string(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string string = "\"";
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') string += '\\';
        if (octet >= 0x20) {
            string += c;
        } else {
            string += "\\u00";
            string += digits[octet >> 4];
            string += digits[octet & 0xf];
        }
    }
    return string + "\"";
}

/// A struct as an object of JSON; payloads must be JSON.
class ClientJson {
public:
    template <class Message>
    static std::string of(const Message& message) {
        ClientJson writer;
        Message::fields(message, writer);
        return "{" + writer.members_ + "}";
    }
    static std::string of(std::string_view text) { return json_string(text); }

    void operator()(int, std::string_view name, std::string_view value) {
        if (!value.empty()) add(name, json_string(value));
    }
    void operator()(int, std::string_view name, const dialect::centrifuge::Payload& value) {
        if (!value.bytes.empty()) add(name, value.bytes);
    }
    void operator()(int, std::string_view name, bool value) {
        if (value) add(name, "true");
    }
    void operator()(int, std::string_view name, std::integral auto value) {
        if (value != 0) add(name, std::to_string(value));
    }
    template <class Value>
    void operator()(int, std::string_view name,
                    const dialect::centrifuge::Entries<Value>& entries) {
        std::string object;
        for (const auto& [key, value] : entries)
            object += (object.empty() ? "" : ",") + json_string(key) + ":" + of(value);
        if (!entries.empty()) add(name, "{" + object + "}");
    }
    template <class Element>
    void operator()(int, std::string_view name,
                    const dialect::centrifuge::List<Element>& elements) {
        std::string array;
        for (const auto& element : elements) array += (array.empty() ? "" : ",") + of(element);
        if (!elements.empty()) add(name, "[" + array + "]");
    }
    void bytes(int number, std::string_view name, std::string_view value) {
        (*this)(number, name, value);
    }
    void optional(int, std::string_view name, const auto& value, bool has_value) {
        if (has_value) add(name, of(value));
    }
    template <class Request>
    void one_of(int, std::string_view name, const auto& request) {
        if (const auto* const held = std::get_if<Request>(&request)) add(name, of(*held));
    }

private:
    void add(std::string_view name, std::string_view value) {
        members_ += (members_.empty() ? "" : ",") + json_string(name) + ":" + std::string{value};
    }
    std::string members_;
};

/// A struct as a message of Protobuf.
class ClientProtobuf {
public:
    template <class Message>
    static std::string of(const Message& message) {
        ClientProtobuf writer;
        Message::fields(message, writer);
        return writer.fields_;
    }
    static std::string of(std::string_view text) { return std::string{text}; }

    void operator()(int number, std::string_view, std::string_view value) {
        if (!value.empty()) fields_ += bytes_field(number, value);
    }
    void operator()(int number, std::string_view, const dialect::centrifuge::Payload& value) {
        (*this)(number, {}, value.bytes);
    }
    void operator()(int number, std::string_view, std::integral auto value) {
        if (value != 0) fields_ += number_field(number, static_cast<std::uint64_t>(value));
    }
    template <class Value>
    void operator()(int number, std::string_view,
                    const dialect::centrifuge::Entries<Value>& entries) {
        for (const auto& [key, value] : entries) fields_ += entry_field(number, key, of(value));
    }
    void bytes(int number, std::string_view, std::string_view value) { (*this)(number, {}, value); }
    void optional(int number, std::string_view, const auto& value, bool has_value) {
        if (has_value) fields_ += bytes_field(number, of(value));
    }
    template <class Request>
    void one_of(int number, std::string_view, const auto& request) {
        if (const auto* const held = std::get_if<Request>(&request))
            fields_ += bytes_field(number, of(*held));
    }

private:
    std::string fields_;
};

/// Commands as one message of that format.
inline std::string client_message(dialect::centrifuge::Format format,
                                  std::initializer_list<dialect::centrifuge::Command> commands) {
    std::string message;
    for (const auto& command : commands) {
        if (format == dialect::centrifuge::Format::json) {
            message += (message.empty() ? "" : "\n") + ClientJson::of(command);
        } else {
            message += delimited(ClientProtobuf::of(command));
        }
    }
    return message;
}

}  // namespace ringcast::test

#pragma once
// Commands of the Centrifuge protocol as text, the same from both formats, to be compared:
//   3 subscribe{channel=a recoverable=1}

#include <concepts>
#include <span>
#include <string>
#include <string_view>

#include "dialect/centrifuge/decoder.hpp"

namespace ringcast::test {

class CentrifugeText {
public:
    template <class Message>
    explicit CentrifugeText(const Message& message) {
        Message::fields(message, *this);
    }
    std::string text;

    void operator()(int, std::string_view name, std::string_view value) {
        if (!value.empty()) add(name, "=" + std::string{value});
    }
    void operator()(int, std::string_view name, const dialect::centrifuge::Payload& value) {
        if (!value.bytes.empty()) add(name, "=<" + std::string{value.bytes} + ">");
    }
    void operator()(int, std::string_view name, std::integral auto value) {
        if (value != 0) add(name, "=" + std::to_string(value));
    }
    template <class Value>
    void operator()(int, std::string_view name,
                    const dialect::centrifuge::Entries<Value>& entries) {
        for (const auto& [key, value] : entries)
            add(name, "[" + std::string{key} + "]" + of(value));
    }
    template <class Element>
    void operator()(int, std::string_view name,
                    const dialect::centrifuge::List<Element>& elements) {
        for (const auto& element : elements) add(name, "[]" + of(element));
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
    static std::string of(std::string_view text) { return "=" + std::string{text}; }
    static std::string of(const auto& message) { return "{" + CentrifugeText{message}.text + "}"; }
    void add(std::string_view name, const std::string& value) {
        text += (text.empty() ? "" : " ") + std::string{name} + value;
    }
};

/// The commands of a message, one a line; the last line is the fault, if there is one.
inline std::string decoded_text(dialect::centrifuge::Format format, std::string message) {
    // Memory of its own, so that a sanitizer sees an octet read too far.
    std::vector<char> memory(message.begin(), message.end());
    dialect::centrifuge::CommandDecoder decoder{format, memory};
    std::string text;
    while (decoder.next()) {
        text += decoder.command().is_pong() ? "pong" : CentrifugeText{decoder.command()}.text;
        text += "\n";
    }
    if (decoder.fault() != dialect::centrifuge::Malformed::none)
        text += "! " + std::string{to_string(decoder.fault())} + "\n";
    return text;
}

}  // namespace ringcast::test

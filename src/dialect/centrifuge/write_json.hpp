#pragma once
// Writes a struct that lists its fields (see reply.hpp) as JSON: an object without the fields that
// are zero or empty.

#include <concepts>
#include <span>
#include <string>
#include <string_view>

#include "dialect/centrifuge/output.hpp"
#include "dialect/centrifuge/reply.hpp"

namespace ringcast::dialect::centrifuge {

template <class Out>
class JsonWriter {
public:
    explicit JsonWriter(Out& out) noexcept : out_(out) {}

    template <class Message>
    void write(const Message& message) {
        out_.put('{');
        Members members{*this};
        Message::fields(message, members);
        out_.put('}');
    }

private:
    /// Walks a struct's list.
    struct Members {
        JsonWriter& writer;
        bool is_first = true;

        void put_name(std::string_view name) {
            writer.out_.put(is_first ? std::string_view{"\""} : std::string_view{",\""});
            is_first = false;
            writer.out_.put(name);
            writer.out_.put("\":");
        }
        void operator()(int, std::string_view name, std::integral auto value) {
            if (value == 0) return;
            put_name(name);
            writer.put(value);
        }
        void operator()(int, std::string_view name, std::string_view value) {
            if (value.empty()) return;
            put_name(name);
            writer.put(value);
        }
        template <class Element>
        void operator()(int, std::string_view name, std::span<const Element> elements) {
            if (elements.empty()) return;
            put_name(name);
            writer.put(elements);
        }
        void operator()(int, std::string_view name, const Payload& value) {
            // Empty text is text, nothing is no JSON.
            if (value.bytes.empty() && value.kind == PublicationKind::json) return;
            put_name(name);
            put_json_payload(writer.out_, value);
        }
        void data(int number, std::string_view name, const Payload& value, bool is_quoted) {
            is_quoted ? always(number, name, value.bytes) : (*this)(number, name, value);
        }
        /// Also what is zero or empty.
        void always(int, std::string_view name, const auto& value) {
            put_name(name);
            writer.put(value);
        }
        void message(int, std::string_view name, const auto& value) {
            put_name(name);
            writer.write(value);
        }
        void pointer(int number, std::string_view name, const auto* value) {
            if (value != nullptr) message(number, name, *value);
        }
        /// Those of our own stand beside them.
        void tags(int, std::string_view name, const Publication& of) {
            const bool is_base64 = of.data.kind == PublicationKind::binary;
            if (of.tags.is_empty() && of.skipped == 0 && !is_base64) return;
            put_name(name);
            Members members{writer};
            writer.out_.put('{');
            if (is_base64) members(0, base64_tag_name, base64_tag_value);
            of.tags.for_each([&](std::string_view tag, std::string_view value) {
                writer.put_entry(members, tag, value);
            });
            if (of.skipped > 0) members(0, skipped_tag_name, std::to_string(of.skipped));
            writer.out_.put('}');
        }
        template <class Alternative>
        void one_of(int number, std::string_view name, const auto& value) {
            if (const auto* const held = std::get_if<Alternative>(&value))
                message(number, name, *held);
        }
    };

    void put(bool) { out_.put("true"); }
    void put(std::integral auto number) { put_decimal(out_, number); }
    void put(std::string_view text) { put_json_string(out_, text); }
    void put_entry(Members& members, std::string_view key, const auto& value) {
        if (!members.is_first) out_.put(',');
        members.is_first = false;
        put(key);
        out_.put(':');
        put_value(value);
    }
    void put_value(std::string_view value) { put(value); }
    void put_value(const auto& message) { write(message); }
    template <class Value>
    void put(EntriesView<Value> entries) {
        out_.put('{');
        Members members{*this};
        for (const auto& [key, value] : entries) put_entry(members, key, value);
        out_.put('}');
    }
    template <class Message>
    void put(std::span<const Message> messages) {
        out_.put('[');
        bool is_first = true;
        for (const Message& message : messages) {
            if (!is_first) out_.put(',');
            is_first = false;
            write(message);
        }
        out_.put(']');
    }

    Out& out_;
};

}  // namespace ringcast::dialect::centrifuge

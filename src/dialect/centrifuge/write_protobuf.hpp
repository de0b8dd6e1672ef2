#pragma once
// Writes a struct that lists its fields (see reply.hpp) as a message of Protobuf, without the
// fields that are zero or empty. What is nested begins with its length, so it is counted first:
// that costs a look at each field, not at the bytes in it.

#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "dialect/centrifuge/output.hpp"
#include "dialect/centrifuge/reply.hpp"

namespace ringcast::dialect::centrifuge {

template <class Out>
class ProtobufWriter {
public:
    explicit ProtobufWriter(Out& out) noexcept : out_(out) {}

    template <class Message>
    void write(const Message& message) {
        Fields fields{*this};
        Message::fields(message, fields);
    }

    /// The message behind its length.
    template <class Message>
    void write_delimited(const Message& message) {
        Measure measure;
        ProtobufWriter<Measure>{measure}.write(message);
        put_varint(out_, measure.bytes);
        if constexpr (std::is_same_v<Out, Measure>) {
            out_.bytes += measure.bytes;
        } else {
            write(message);
        }
    }

private:
    enum WireType : std::uint8_t { varint = 0, length_delimited = 2 };

    /// An entry of a map is a message of two fields.
    template <class Value>
    struct Entry {
        std::string_view key;
        const Value& value;
        static void fields(auto& self, auto&& field) {
            field(1, "key", self.key);
            if constexpr (std::is_same_v<Value, std::string_view>) {
                field(2, "value", self.value);
            } else {
                field.message(2, "value", self.value);
            }
        }
    };

    /// Walks a struct's list.
    struct Fields {
        ProtobufWriter& writer;

        void put_tag(int number, WireType type) {
            put_varint(writer.out_, static_cast<std::uint64_t>(number) << 3 | type);
        }
        void operator()(int number, std::string_view, std::integral auto value) {
            if (value == 0) return;
            put_tag(number, varint);
            put_varint(writer.out_, static_cast<std::uint64_t>(value));
        }
        void operator()(int number, std::string_view, std::string_view value) {
            if (value.empty()) return;
            put_tag(number, length_delimited);
            put_varint(writer.out_, value.size());
            writer.out_.put(value);
        }
        template <class Value>
        void operator()(int number, std::string_view name, EntriesView<Value> entries) {
            for (const auto& [key, value] : entries)
                message(number, name, Entry<Value>{key, value});
        }
        void operator()(int number, std::string_view name,
                        std::span<const Publication> publications) {
            for (const Publication& publication : publications) message(number, name, publication);
        }
        void operator()(int number, std::string_view name, const Payload& value) {
            (*this)(number, name, value.bytes);
        }
        void data(int number, std::string_view name, const Payload& value, bool) {
            (*this)(number, name, value);
        }
        void message(int number, std::string_view, const auto& value) {
            put_tag(number, length_delimited);
            writer.write_delimited(value);
        }
        void pointer(int number, std::string_view name, const auto* value) {
            if (value != nullptr) message(number, name, *value);
        }
        void tags(int number, std::string_view name, const Publication& of) {
            const auto put_tag_entry = [&](std::string_view tag, std::string_view value) {
                message(number, name, Entry<std::string_view>{tag, value});
            };
            of.tags.for_each(put_tag_entry);
            if (of.skipped > 0) put_tag_entry(skipped_tag_name, std::to_string(of.skipped));
        }
        template <class Alternative>
        void one_of(int number, std::string_view name, const auto& value) {
            if (const auto* const held = std::get_if<Alternative>(&value))
                message(number, name, *held);
        }
    };

    Out& out_;
};

}  // namespace ringcast::dialect::centrifuge

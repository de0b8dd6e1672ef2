#include "sim/centrifuge_replies.hpp"

#include <algorithm>
#include <concepts>
#include <simdjson.h>

namespace ringcast::sim::told {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

/// The members of one object.
class JsonFields {
public:
    template <class Message>
    [[nodiscard]] static bool read(const element& from, Message& message) {
        object members;
        if (from.get(members) != simdjson::SUCCESS) return false;
        JsonFields fields{members};
        Message::fields(message, fields);
        return fields.is_sound_;
    }

    void operator()(int, std::string_view name, auto& value) {
        const auto member = members_[name];
        if (member.error() == simdjson::SUCCESS)
            is_sound_ = take(member.value_unsafe(), value) && is_sound_;
    }
    void payload(int, std::string_view name, std::string& value) {
        const auto member = members_[name];
        if (member.error() == simdjson::SUCCESS) value = simdjson::minify(member.value_unsafe());
    }

private:
    explicit JsonFields(object members) : members_{members} {}

    static bool take(const element& from, bool& value) {
        return from.get(value) == simdjson::SUCCESS;
    }
    static bool take(const element& from, std::string& value) {
        std::string_view text;
        if (from.get(text) != simdjson::SUCCESS) return false;
        value = text;
        return true;
    }
    static bool take(const element& from, std::unsigned_integral auto& value) {
        std::uint64_t number = 0;
        if (from.get(number) != simdjson::SUCCESS) return false;
        value = static_cast<std::remove_cvref_t<decltype(value)>>(number);
        return value == number;
    }
    template <class Message>
    static bool take(const element& from, std::optional<Message>& value) {
        return read(from, value.emplace());
    }
    template <class Message>
    static bool take(const element& from, std::vector<Message>& value) {
        simdjson::dom::array elements;
        if (from.get(elements) != simdjson::SUCCESS) return false;
        return std::ranges::all_of(
            elements, [&](const element& each) { return read(each, value.emplace_back()); });
    }
    template <class Value>
    static bool take(const element& from, std::map<std::string, Value>& value) {
        object members;
        if (from.get(members) != simdjson::SUCCESS) return false;
        for (const auto& [key, member] : members) {
            if (!take(member, value[std::string{key}])) return false;
        }
        return true;
    }
    static bool take(const element& from, auto& message) { return read(from, message); }

    object members_;
    bool is_sound_ = true;
};

/// The fields of one message; of a field that is there twice the last one counts, but for lists.
class ProtobufFields {
public:
    template <class Message>
    [[nodiscard]] static bool read(std::string_view bytes, Message& message) {
        ProtobufFields fields;
        if (!fields.split(bytes)) return false;
        Message::fields(message, fields);
        return fields.is_sound_;
    }

    void operator()(int number, std::string_view, auto& value) {
        for (const Field& field : fields_) {
            if (field.number == static_cast<std::uint64_t>(number))
                is_sound_ = take(field, value) && is_sound_;
        }
    }
    void payload(int number, std::string_view name, std::string& value) {
        (*this)(number, name, value);
    }

    /// Takes a number from the front; false if there is none.
    [[nodiscard]] static bool take_varint(std::string_view& bytes, std::uint64_t& number) {
        number = 0;
        for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
            const auto octet = static_cast<unsigned char>(bytes.front());
            bytes.remove_prefix(1);
            number |= std::uint64_t{octet & 0x7fu} << shift;
            if (octet < 0x80) return true;
        }
        return false;
    }
    [[nodiscard]] static bool take_delimited(std::string_view& bytes, std::string_view& taken) {
        std::uint64_t size = 0;
        if (!take_varint(bytes, size) || size > bytes.size()) return false;
        taken = bytes.substr(0, size);
        bytes.remove_prefix(size);
        return true;
    }

private:
    struct Field {
        std::uint64_t number = 0;
        bool is_bytes = false;
        std::uint64_t value = 0;
        std::string_view bytes;
    };

    [[nodiscard]] bool split(std::string_view bytes) {
        constexpr std::uint64_t varint_type = 0, bytes_type = 2;
        while (!bytes.empty()) {
            Field field;
            std::uint64_t key = 0;
            if (!take_varint(bytes, key)) return false;
            field.number = key >> 3;
            field.is_bytes = (key & 7) == bytes_type;
            if (!field.is_bytes && (key & 7) != varint_type) return false;
            if (!(field.is_bytes ? take_delimited(bytes, field.bytes)
                                 : take_varint(bytes, field.value)))
                return false;
            fields_.push_back(field);
        }
        return true;
    }

    static bool take(const Field& field, bool& value) {
        value = field.value != 0;
        return !field.is_bytes && field.value <= 1;
    }
    static bool take(const Field& field, std::string& value) {
        value = field.bytes;
        return field.is_bytes;
    }
    static bool take(const Field& field, std::unsigned_integral auto& value) {
        value = static_cast<std::remove_cvref_t<decltype(value)>>(field.value);
        return !field.is_bytes && value == field.value;
    }
    template <class Message>
    static bool take(const Field& field, std::optional<Message>& value) {
        return field.is_bytes && read(field.bytes, value.emplace());
    }
    template <class Message>
    static bool take(const Field& field, std::vector<Message>& value) {
        return field.is_bytes && read(field.bytes, value.emplace_back());
    }
    template <class Value>
    static bool take(const Field& field, std::map<std::string, Value>& value) {
        ProtobufFields entry;
        if (!field.is_bytes || !entry.split(field.bytes)) return false;
        std::string key;
        entry(1, {}, key);
        entry(2, {}, value[key]);
        return entry.is_sound_;
    }
    static bool take(const Field& field, auto& message) {
        return field.is_bytes && read(field.bytes, message);
    }

    std::vector<Field> fields_;
    bool is_sound_ = true;
};

}  // namespace

std::optional<std::vector<Reply>> read_json(std::string_view message) {
    std::vector<Reply> replies;
    simdjson::dom::parser parser;
    while (!message.empty()) {
        const std::string_view line = message.substr(0, message.find('\n'));
        message.remove_prefix(std::min(line.size() + 1, message.size()));
        element read;
        if (parser.parse(line.data(), line.size()).get(read) != simdjson::SUCCESS ||
            !JsonFields::read(read, replies.emplace_back()))
            return std::nullopt;
    }
    return replies;
}

std::optional<std::vector<Reply>> read_protobuf(std::string_view message) {
    std::vector<Reply> replies;
    while (!message.empty()) {
        std::string_view reply;
        if (!ProtobufFields::take_delimited(message, reply) ||
            !ProtobufFields::read(reply, replies.emplace_back()))
            return std::nullopt;
    }
    return replies;
}

std::optional<std::string> text_in_json(const std::string& value) {
    simdjson::dom::parser parser;
    std::string_view text;
    if (parser.parse(value).get(text) != simdjson::SUCCESS) return std::nullopt;
    return std::string{text};
}

}  // namespace ringcast::sim::told

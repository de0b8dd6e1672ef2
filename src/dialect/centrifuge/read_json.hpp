#pragma once
// Fills a struct that lists its fields (see command.hpp) from a JSON object.

#include <cstdint>
#include <string_view>

#include "dialect/centrifuge/command.hpp"
#include "dialect/centrifuge/malformed.hpp"
#include "dialect/json_reader.hpp"

namespace ringcast::dialect::centrifuge {

class JsonObjectReader {
public:
    explicit JsonObjectReader(std::span<char> text) noexcept : reader_(text) {}

    /// Reads all of the text as one object. `message` is as new.
    template <class Message>
    [[nodiscard]] Malformed read_all(Message& message) {
        read(message);
        reader_.finish();
        if (fault_ != Malformed::none) return fault_;
        switch (reader_.fault()) {
            case JsonFault::none: return Malformed::none;
            case JsonFault::malformed: return Malformed::not_json;
            case JsonFault::wrong_type: return Malformed::wrong_type;
            case JsonFault::out_of_range: return Malformed::out_of_range;
        }
        return Malformed::not_json;
    }

private:
    /// Walks a struct's list for one member of the object, and reads its value into the field that
    /// has its name. null is the same as no member, but in a payload.
    struct Member {
        JsonObjectReader& object;
        std::string_view name;
        std::uint64_t& seen;  // A bit for each field of the list.
        std::uint64_t bit = 1;
        bool is_known = false;

        /// True if the value is to be read.
        bool claims(std::string_view field_name) {
            const std::uint64_t field_bit = bit;
            bit <<= 1;
            if (is_known || name != field_name) return false;
            is_known = true;
            if ((seen & field_bit) != 0) {
                object.fail(Malformed::repeated_field);
                return false;
            }
            seen |= field_bit;
            return true;
        }
        void operator()(int, std::string_view field_name, Payload& value) {
            if (claims(field_name)) value.bytes = object.reader_.read_raw();
        }
        void operator()(int, std::string_view field_name, auto& value) {
            if (claims(field_name) && !object.reader_.read_null()) object.read(value);
        }
        void bytes(int, std::string_view field_name, std::string_view& value) {
            if (claims(field_name) && !object.reader_.read_null()) object.read(value);
        }
        void optional(int, std::string_view field_name, auto& value, bool& has_value) {
            if (!claims(field_name) || object.reader_.read_null()) return;
            has_value = true;
            object.read(value);
        }
        template <class Request>
        void one_of(int, std::string_view field_name, auto& request) {
            if (!claims(field_name) || object.reader_.read_null()) return;
            if (request.index() != 0) return object.fail(Malformed::several_methods);
            object.read(request.template emplace<Request>());
        }
    };

    void fail(Malformed fault) {
        if (fault_ == Malformed::none) fault_ = fault;
        reader_.fail(JsonFault::malformed);
    }

    void read(bool& value) { value = reader_.read_boolean(); }
    void read(std::string_view& value) { value = reader_.read_string(); }
    template <std::integral Integer>
    void read(Integer& value) {
        value = reader_.read_integer<Integer>();
    }
    template <class Value>
    void read(Entries<Value>& entries) {
        reader_.open_object();
        std::string_view name;
        while (reader_.next_name(name)) {
            if (entries.size() == map_entries_max) return fail(Malformed::too_many_entries);
            auto& [key, value] = entries.emplace_back();
            key = name;
            read(value);
        }
    }
    template <class Element>
    void read(List<Element>& list) {
        reader_.open_array();
        while (reader_.next_element()) {
            if (list.size() == list_elements_max) return fail(Malformed::too_many_entries);
            read(list.emplace_back());
        }
    }
    template <class Message>
    void read(Message& message) {
        std::uint64_t seen = 0;
        reader_.open_object();
        std::string_view name;
        while (reader_.next_name(name)) {
            Member member{*this, name, seen};
            Message::fields(message, member);
            if (!member.is_known) (void)reader_.read_raw();
        }
    }

    JsonReader reader_;
    Malformed fault_ = Malformed::none;
};

}  // namespace ringcast::dialect::centrifuge

#pragma once
// Fills a struct that lists its fields (see command.hpp) from a message of Protobuf. protozero
// reports what is malformed by exceptions; they are caught where the reading begins.

#include <cstdint>
#include <limits>
#include <protozero/exception.hpp>
#include <protozero/pbf_reader.hpp>
#include <span>
#include <string_view>

#include "base/bytes.hpp"
#include "dialect/centrifuge/command.hpp"
#include "dialect/centrifuge/malformed.hpp"
#include "simd/utf8.hpp"

namespace ringcast::dialect::centrifuge {

class ProtobufMessageReader {
public:
    /// Reads all of `bytes` as one message. `message` is as new.
    template <class Message>
    [[nodiscard]] Malformed read_all(std::string_view bytes, Message& message) {
        try {
            read({bytes.data(), bytes.size()}, message);
        } catch (const protozero::exception&) {
            fail(Malformed::not_protobuf);
        }
        return fault_;
    }

private:
    using Wire = protozero::pbf_reader;

    /// Walks a struct's list for one field of the message, and reads it into the one that has its
    /// number.
    struct Field {
        ProtobufMessageReader& message;
        Wire& wire;
        std::uint64_t& seen;  // A bit for each number.
        bool is_known = false;

        /// True if the value, which must be of that wire type, is to be read.
        bool claims(int number, protozero::pbf_wire_type type) {
            if (static_cast<int>(wire.tag()) != number) return false;
            is_known = true;
            const std::uint64_t bit = std::uint64_t{1} << number;
            if ((seen & bit) != 0) return message.fail(Malformed::repeated_field);
            seen |= bit;
            return wire.wire_type() == type || message.fail(Malformed::wrong_type);
        }
        bool claims_length(int number) {
            return claims(number, protozero::pbf_wire_type::length_delimited);
        }
        void operator()(int number, std::string_view, std::string_view& value) {
            if (claims_length(number)) message.read_text(wire, value);
        }
        void operator()(int number, std::string_view, Payload& value) {
            bytes(number, {}, value.bytes);
        }
        template <std::integral Integer>
        void operator()(int number, std::string_view, Integer& value) {
            if (claims(number, protozero::pbf_wire_type::varint)) message.read(wire, value);
        }
        template <class Value>
        void operator()(int number, std::string_view, Entries<Value>& entries) {
            if (static_cast<int>(wire.tag()) == number) seen &= ~(std::uint64_t{1} << number);
            if (claims_length(number)) message.read_entry(wire.get_message(), entries);
        }
        void bytes(int number, std::string_view, std::string_view& value) {
            if (claims_length(number)) value = view_of(wire);
        }
        void optional(int number, std::string_view, auto& value, bool& has_value) {
            if (!claims_length(number)) return;
            has_value = true;
            message.read(wire.get_message(), value);
        }
        template <class Request>
        void one_of(int number, std::string_view, auto& request) {
            if (!claims_length(number)) return;
            if (request.index() != 0) {
                (void)message.fail(Malformed::several_methods);
                return;
            }
            message.read(wire.get_message(), request.template emplace<Request>());
        }
    };

    /// An entry of a map is a message of two fields.
    template <class Value>
    struct Entry {
        std::string_view key;
        Value value;
        static void fields(auto& self, auto&& field) {
            field(1, "key", self.key);
            if constexpr (std::is_same_v<Value, std::string_view>) {
                field(2, "value", self.value);
            } else {
                bool has_value = false;
                field.optional(2, "value", self.value, has_value);
            }
        }
    };

    bool fail(Malformed fault) {
        if (fault_ == Malformed::none) fault_ = fault;
        return false;
    }
    static std::string_view view_of(Wire& wire) {
        const protozero::data_view view = wire.get_view();
        return {view.data(), view.size()};
    }
    void read_text(Wire& wire, std::string_view& value) {
        value = view_of(wire);
        if (!simd::is_utf8(as_bytes(value))) fail(Malformed::not_utf8);
    }
    /// Negative numbers are ten octets long whatever their type, as 64 bits in two's complement.
    template <std::integral Integer>
    void read(Wire& wire, Integer& value) {
        const std::uint64_t bits = wire.get_uint64();
        value = static_cast<Integer>(bits);
        if constexpr (!std::is_same_v<Integer, bool>) {
            if (static_cast<std::uint64_t>(value) != bits) fail(Malformed::out_of_range);
        }
    }
    template <class Value>
    void read_entry(Wire wire, Entries<Value>& entries) {
        if (entries.size() == map_entries_max) {
            fail(Malformed::too_many_entries);
            return;
        }
        Entry<Value> entry;
        read(wire, entry);
        entries.emplace_back(entry.key, std::move(entry.value));
    }
    template <class Message>
        requires(!std::is_integral_v<Message>)
    void read(Wire wire, Message& message) {
        std::uint64_t seen = 0;
        while (fault_ == Malformed::none && wire.next()) {
            Field field{*this, wire, seen};
            Message::fields(message, field);
            if (!field.is_known) wire.skip();
        }
    }

    Malformed fault_ = Malformed::none;
};

}  // namespace ringcast::dialect::centrifuge

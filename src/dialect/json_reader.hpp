#pragma once
// Reads JSON (RFC 8259) that has a known form, value by value, as the caller asks for them.
//
//   reader.open_object();
//   while (reader.next_name(name)) {
//       if (name == "channel") channel = reader.read_string(); else reader.read_raw();
//   }
//   reader.finish();
//
// Strings are views of the text, with escape sequences decoded in place: they never get longer.
// A fault is kept: from then on everything reads as empty and loops end, so that the caller asks
// once, at the end. The text must be valid UTF-8.

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ringcast::dialect {

enum class JsonFault : std::uint8_t {
    none,
    malformed,     ///< No JSON, or nested deeper than json_depth_max.
    wrong_type,    ///< A value of another type than was asked for.
    out_of_range,  ///< A number that the type asked for does not hold.
};

class JsonReader {
public:
    /// `text` outlives all views that are read.
    explicit JsonReader(std::span<char> text) noexcept
        : at_(text.data()), end_(text.data() + text.size()) {}

    /// Enters an object.
    void open_object() noexcept;
    /// The name of the object's next member, whose value is to be read next. False where the object
    /// ends, which is then left behind.
    [[nodiscard]] bool next_name(std::string_view& name) noexcept;
    /// The same for an array and its next element.
    void open_array() noexcept;
    [[nodiscard]] bool next_element() noexcept;

    /// True if a value follows that is null, which is then left behind.
    [[nodiscard]] bool read_null() noexcept;
    [[nodiscard]] bool read_boolean() noexcept;
    /// Lone surrogates become U+FFFD.
    [[nodiscard]] std::string_view read_string() noexcept;
    /// Digits only: 1.0 and 1e3 are of another type.
    template <std::integral Integer>
    [[nodiscard]] Integer read_integer() noexcept {
        const std::string_view digits = read_digits();
        Integer value{};
        if (digits.empty()) return value;
        const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (result.ec != std::errc{}) fail(JsonFault::out_of_range);
        return result.ec == std::errc{} ? value : Integer{};
    }
    /// Any one value as it is written, checked as is_json does.
    [[nodiscard]] std::string_view read_raw() noexcept;

    /// A fault, unless only white space is left.
    void finish() noexcept;
    void fail(JsonFault fault) noexcept;
    [[nodiscard]] JsonFault fault() const noexcept { return fault_; }

private:
    /// The first character of the next value; NUL (a fault) where there is none.
    char peek() noexcept;
    /// Takes the bracket that a value of the type asked for begins with.
    void open(char bracket) noexcept;
    [[nodiscard]] bool next_item(char bracket) noexcept;
    [[nodiscard]] std::string_view read_digits() noexcept;
    /// Moves on to `stop`, where it has been found; returns what was left behind.
    std::string_view take_to(const char* stop) noexcept;

    char* at_;
    char* end_;
    bool is_first_ = false;  // The container that was entered last has had no item yet.
    JsonFault fault_ = JsonFault::none;
};

}  // namespace ringcast::dialect

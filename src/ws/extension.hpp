#pragma once
// The list of extensions in Sec-WebSocket-Extensions (RFC 6455 section 9.1), read element by
// element. What an extension means is not known here.
//
//   foo, bar; a; b=1; c="2"    ->  extension foo, extension bar, parameters a, b=1 and c=2, end

#include <cstdint>
#include <optional>
#include <string_view>

namespace ringcast::ws {

/// Reads the value of one header field; views into it. Takes time linear in its length, allocates
/// nothing.
class ExtensionReader {
public:
    enum class Found : std::uint8_t { extension, parameter, end, malformed };

    explicit ExtensionReader(std::string_view value) noexcept : rest_{value} {}

    /// The next extension, the next parameter of the one before, or the end. White space is allowed
    /// between all parts, as the RFC's grammar implies; so are empty elements of the list. Must not
    /// be called again after `end` or `malformed`.
    [[nodiscard]] Found next() noexcept;

    /// Of the extension or parameter found last: a token. Names are compared ignoring case.
    [[nodiscard]] std::string_view name() const noexcept { return name_; }
    /// Of the parameter found last, if it has one. A quoted value comes without its quotes, but
    /// with the backslashes of its escapes; without these it is a token.
    [[nodiscard]] std::optional<std::string_view> value() const noexcept { return value_; }

private:
    [[nodiscard]] bool take(char expected) noexcept;
    void skip_white_space() noexcept;
    [[nodiscard]] std::string_view take_token() noexcept;
    [[nodiscard]] std::optional<std::string_view> take_quoted_token() noexcept;
    [[nodiscard]] Found next_parameter() noexcept;

    std::string_view rest_;
    std::string_view name_;
    std::optional<std::string_view> value_;
    bool in_extension_ = false;  // A name was read and no comma after it.
};

}  // namespace ringcast::ws

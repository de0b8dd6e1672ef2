#include "ws/extension.hpp"

#include "http/characters.hpp"

namespace ringcast::ws {

ExtensionReader::Found ExtensionReader::next() noexcept {
    skip_white_space();
    if (in_extension_ && take(';')) return next_parameter();
    if (in_extension_ && !rest_.empty() && rest_.front() != ',') return Found::malformed;
    while (take(',')) skip_white_space();
    if (rest_.empty()) return Found::end;
    name_ = take_token();
    value_.reset();
    in_extension_ = true;
    return name_.empty() ? Found::malformed : Found::extension;
}

ExtensionReader::Found ExtensionReader::next_parameter() noexcept {
    skip_white_space();
    name_ = take_token();
    value_.reset();
    if (name_.empty()) return Found::malformed;
    skip_white_space();
    if (!take('=')) return Found::parameter;
    skip_white_space();
    value_ = take('"') ? take_quoted_token() : take_token();
    return value_ && !value_->empty() ? Found::parameter : Found::malformed;
}

bool ExtensionReader::take(char expected) noexcept {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(1);
    return true;
}

void ExtensionReader::skip_white_space() noexcept {
    while (take(' ') || take('\t')) {
    }
}

/// Empty if there is none.
std::string_view ExtensionReader::take_token() noexcept {
    std::size_t size = 0;
    while (size < rest_.size() && http::is_token_character(rest_[size])) ++size;
    const std::string_view token = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return token;
}

/// The rest of a quoted-string behind its first quote. None if it does not end, or is no token once
/// its escapes are resolved (RFC 6455 section 9.1).
std::optional<std::string_view> ExtensionReader::take_quoted_token() noexcept {
    std::size_t size = 0;
    while (size < rest_.size() && rest_[size] != '"') {
        if (rest_[size] == '\\') ++size;
        if (size == rest_.size() || !http::is_token_character(rest_[size])) return std::nullopt;
        ++size;
    }
    if (size == rest_.size()) return std::nullopt;
    const std::string_view token = rest_.substr(0, size);
    rest_.remove_prefix(size + 1);
    return token;
}

}  // namespace ringcast::ws

#include "http/response.hpp"

#include <charconv>

#include "base/assert.hpp"
#include "http/characters.hpp"

namespace ringcast::http {

namespace {

void append_number(std::string& out, std::size_t number) {
    char digits[20];
    const std::to_chars_result written = std::to_chars(digits, digits + sizeof digits, number);
    out.append(digits, written.ptr);
}

/// `%XX` decoded once and, in query strings, `+` as a space.
enum class Plus : bool { literal, space };

Decoded decode(std::string_view text, Plus plus) {
    Decoded result;
    result.text.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '+' && plus == Plus::space) c = ' ';
        if (c == '%') {
            if (text.size() - i < 3 || !is_hex_digit(text[i + 1]) || !is_hex_digit(text[i + 2]))
                return {{}, false};
            c = static_cast<char>(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
            i += 2;
        }
        if (c == '\0') return {{}, false};
        result.text.push_back(c);
    }
    return result;
}

}  // namespace

void write_response(std::string& out, const Response& response) {
    // A line left open would let the next header, or the body, become part of it.
    RC_ASSERT(response.fields.empty() || response.fields.ends_with("\r\n"));
    RC_ASSERT(response.status >= 200 && response.status <= 599);
    out += "HTTP/1.1 ";
    append_number(out, response.status);
    out += ' ';
    out += reason_phrase(response.status);
    out += "\r\n";
    const bool has_content = response.status != static_cast<std::uint16_t>(Status::no_content);
    if (has_content) {
        if (!response.body.empty()) {
            out += "Content-Type: ";
            out += response.content_type;
            out += "\r\n";
        }
        out += "Content-Length: ";
        append_number(out, response.body.size());
        out += "\r\n";
    }
    out += "Connection: close\r\n";
    out += response.fields;
    out += "\r\n";
    if (has_content && response.body_policy == Response::Body::send) out += response.body;
}

Decoded percent_decode(std::string_view text) {
    return decode(text, Plus::literal);
}

std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view parameter = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);

        const std::size_t equals = parameter.find('=');
        const Decoded parameter_name = decode(parameter.substr(0, equals), Plus::space);
        if (!parameter_name.ok || parameter_name.text != name) continue;
        if (equals == std::string_view::npos) return std::string{};
        Decoded value = decode(parameter.substr(equals + 1), Plus::space);
        if (!value.ok) return std::nullopt;
        return std::move(value.text);
    }
    return std::nullopt;
}

}  // namespace ringcast::http

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

constexpr bool is_bodiless(std::uint16_t status) noexcept {
    return status == 204 || status == 304;
}

/// The Connection field, as far as something has to be said.
constexpr std::string_view connection_field(Persistence persistence) noexcept {
    switch (persistence) {
        case Persistence::close: return "Connection: close\r\n";
        case Persistence::keep_alive: return "Connection: keep-alive\r\n";
        case Persistence::persist: break;
    }
    return {};
}

/// And the Date.
void write_status_line(std::string& out, const Response& response) {
    RC_ASSERT(response.status >= 200 && response.status <= 599);
    out += "HTTP/1.1 ";
    append_number(out, response.status);
    out += ' ';
    out += reason_phrase(response.status);
    out += "\r\n";
    if (response.date.empty()) return;
    out += "Date: ";
    out += response.date;
    out += "\r\n";
}

void write_content_type(std::string& out, const Response& response) {
    out += "Content-Type: ";
    out += response.content_type;
    out += "\r\n";
}

/// And the end of the head.
void write_fields(std::string& out, const Response& response, const ResponseRules& rules) {
    // A line left open would let the next header, or the body, become part of it.
    RC_ASSERT(response.fields.empty() || response.fields.ends_with("\r\n"));
    RC_ASSERT(response.cross_origin.empty() || response.cross_origin.ends_with("\r\n"));
    out += connection_field(rules.persistence);
    out += response.fields;
    out += response.cross_origin;
    out += "\r\n";
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

bool takes_content(std::uint16_t status, const ResponseRules& rules) noexcept {
    return !rules.is_to_head && !is_bodiless(status);
}

void write_response_head(std::string& out, const Response& response, const ResponseRules& rules) {
    write_status_line(out, response);
    if (!is_bodiless(response.status)) {
        if (!response.body.empty()) write_content_type(out, response);
        out += "Content-Length: ";
        append_number(out, response.body.size());
        out += "\r\n";
    }
    write_fields(out, response, rules);
}

void write_stream_head(std::string& out, const Response& response, const ResponseRules& rules) {
    write_status_line(out, response);
    if (!is_bodiless(response.status)) {
        write_content_type(out, response);
        if (rules.takes_chunks) out += "Transfer-Encoding: chunked\r\n";
    }
    write_fields(out, response, rules);
}

void write_response(std::string& out, const Response& response, const ResponseRules& rules) {
    write_response_head(out, response, rules);
    if (takes_content(response.status, rules)) out += response.body;
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

#include "http/head_parser.hpp"

#include <charconv>
#include <cstddef>
#include <utility>

#include "base/assert.hpp"
#include "http/characters.hpp"

namespace ringcast::http {

namespace {

using Result = RequestParser::Result;

constexpr Result success{RequestParser::Found::request, Status::ok, Reason::none};

constexpr bool is_failure(const Result& result) noexcept {
    return result.found == RequestParser::Found::failure;
}

/// Takes the next line, without its CRLF, from the front of `rest`.
std::string_view take_line(std::string_view& rest) noexcept {
    const std::size_t line_feed = rest.find('\n');
    RC_ASSERT(line_feed != std::string_view::npos && line_feed != 0);
    const std::string_view line = rest.substr(0, line_feed - 1);
    rest.remove_prefix(line_feed + 1);
    return line;
}

Method method_of(std::string_view text) noexcept {
    static constexpr std::pair<std::string_view, Method> methods[] = {
        {"GET", Method::get},     {"HEAD", Method::head},       {"POST", Method::post},
        {"PUT", Method::put},     {"DELETE", Method::delete_},  {"OPTIONS", Method::options},
        {"PATCH", Method::patch}, {"CONNECT", Method::connect}, {"TRACE", Method::trace},
    };
    for (const auto& [name, method] : methods) {
        if (text == name) return method;
    }
    return Method::other;
}

/// HTTP-version (RFC 9112 section 2.3): case-sensitive, one digit on each side of the dot.
Result parse_version(std::string_view text, Request& request) noexcept {
    if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' ||
        !is_digit(text[7])) {
        return failed_head(Reason::malformed_request_line);
    }
    if (text[5] != '1' || text[7] > '1')
        return failed_head(Reason::unsupported_version, Status::version_not_supported);
    request.version_minor = static_cast<std::uint8_t>(text[7] - '0');
    return success;
}

/// True if every `%` in `text` starts an escape of two hexadecimal digits, and none is of octet 0:
/// no name can have it, and whoever passes one on may take it for the end.
bool has_valid_escapes(std::string_view text) noexcept {
    for (std::size_t i = text.find('%'); i != std::string_view::npos; i = text.find('%', i + 3)) {
        if (text.size() - i < 3 || !is_hex_digit(text[i + 1]) || !is_hex_digit(text[i + 2]))
            return false;
        if (text[i + 1] == '0' && text[i + 2] == '0') return false;
    }
    return true;
}

/// The inside of the brackets: IPv6 digits. Enough to keep two readers from disagreeing on where it
/// ends.
bool is_ip_literal(std::string_view text) noexcept {
    for (const char c : text) {
        if (!is_hex_digit(c) && c != ':' && c != '.') return false;
    }
    return text.size() >= 2;
}

bool is_port(std::string_view text) noexcept {
    unsigned port = 0;
    for (const char c : text) {
        if (!is_digit(c)) return false;
        port = port * 10 + static_cast<unsigned>(c - '0');
        if (port > 65535) return false;
    }
    return true;  // An empty port is allowed (RFC 3986 section 3.2.3).
}

/// uri-host [ ":" port ] (RFC 9110 section 7.2), without user information. An empty host is
/// refused: no http URI has one (RFC 9110 section 4.2.1).
bool is_authority(std::string_view text) noexcept {
    std::size_t host_end = 0;
    if (text.starts_with('[')) {
        const std::size_t bracket = text.find(']');
        if (bracket == std::string_view::npos || !is_ip_literal(text.substr(1, bracket - 1)))
            return false;
        host_end = bracket + 1;
    } else {
        while (host_end < text.size() &&
               (is_host_character(text[host_end]) || text[host_end] == '%'))
            ++host_end;
        if (host_end == 0 || !has_valid_escapes(text.substr(0, host_end))) return false;
    }
    return host_end == text.size() || (text[host_end] == ':' && is_port(text.substr(host_end + 1)));
}

/// The length of `scheme "://"` for the schemes that mean this server, 0 without.
std::size_t scheme_prefix_size(std::string_view target) noexcept {
    for (const std::string_view prefix : {"http://", "https://", "ws://", "wss://"}) {
        if (equals_ignoring_case(target.substr(0, prefix.size()), prefix)) return prefix.size();
    }
    return 0;
}

void split_path(std::string_view path_and_query, Request& request) noexcept {
    const std::size_t question_mark = path_and_query.find('?');
    request.path = path_and_query.substr(0, question_mark);
    if (question_mark != std::string_view::npos)
        request.query = path_and_query.substr(question_mark + 1);
    if (request.path.empty())
        request.path = "/";  // RFC 9110 section 4.2.3: an absolute target may leave it out.
}

/// The four forms of a target (RFC 9112 section 3.2).
Result parse_target(std::string_view target, Request& request) noexcept {
    for (const char c : target) {
        if (!is_target_character(c)) return failed_head(Reason::malformed_target);
    }
    if (target.empty() || !has_valid_escapes(target)) return failed_head(Reason::malformed_target);
    request.target = target;

    if (request.method == Method::connect) {  // authority-form, where the port is a must
        if (!is_authority(target) || target.ends_with(':') || !is_digit(target.back()) ||
            target.find(':') == std::string_view::npos) {
            return failed_head(Reason::malformed_target);
        }
        request.authority = target;
        return success;
    }
    if (target.front() == '/') {  // origin-form
        split_path(target, request);
        return success;
    }
    if (target == "*") {  // asterisk-form
        if (request.method != Method::options) return failed_head(Reason::malformed_target);
        request.path = target;
        return success;
    }
    const std::size_t prefix_size = scheme_prefix_size(target);  // absolute-form
    if (prefix_size == 0) return failed_head(Reason::malformed_target);
    const std::string_view rest = target.substr(prefix_size);
    const std::size_t authority_size = rest.find_first_of("/?");
    request.authority = rest.substr(0, authority_size);
    if (!is_authority(request.authority)) return failed_head(Reason::malformed_target);
    split_path(
        authority_size == std::string_view::npos ? std::string_view{} : rest.substr(authority_size),
        request);
    return success;
}

/// method SP request-target SP HTTP-version (RFC 9112 section 3), single spaces only.
Result parse_request_line(std::string_view line, Request& request) noexcept {
    if (line.find('\r') != std::string_view::npos) return failed_head(Reason::bare_line_break);
    const std::size_t method_end = line.find(' ');
    request.method_text = line.substr(0, method_end);
    if (!is_token(request.method_text)) return failed_head(Reason::malformed_method);
    if (method_end == std::string_view::npos) return failed_head(Reason::malformed_request_line);
    request.method = method_of(request.method_text);

    const std::string_view rest = line.substr(method_end + 1);
    const std::size_t target_end = rest.find(' ');
    if (target_end == std::string_view::npos) return failed_head(Reason::malformed_request_line);
    // The version first: it says by which rules the target is to be read.
    if (const Result version = parse_version(rest.substr(target_end + 1), request);
        is_failure(version))
        return version;
    return parse_target(rest.substr(0, target_end), request);
}

/// field-name ":" OWS field-value OWS (RFC 9112 section 5).
Result parse_field(std::string_view line, Field& field) noexcept {
    if (line.front() == ' ' || line.front() == '\t') return failed_head(Reason::obsolete_folding);
    std::size_t name_end = 0;
    while (name_end < line.size() && is_token_character(line[name_end])) ++name_end;
    if (name_end == 0 || name_end == line.size() || line[name_end] != ':')
        return failed_head(Reason::malformed_field_name);
    field.name = line.substr(0, name_end);
    field.value = trimmed(line.substr(name_end + 1));
    for (const char c : field.value) {
        if (is_field_value_character(c)) continue;
        return failed_head(c == '\r' ? Reason::bare_line_break : Reason::malformed_field_value);
    }
    return success;
}

/// RFC 9112 section 3.2: exactly one Host in HTTP/1.1, never two.
Result check_host(Request& request) noexcept {
    const std::size_t count = request.field_count("Host");
    if (count > 1) return failed_head(Reason::repeated_host);
    if (count == 0) return request.version_minor == 0 ? success : failed_head(Reason::missing_host);
    const std::string_view host = request.field("Host").value_or("");
    if (!is_authority(host)) return failed_head(Reason::malformed_host);
    if (request.authority.empty()) request.authority = host;
    return success;
}

/// RFC 9112 section 6: how long the body is, wherever two readers could disagree refused.
Result check_framing(Request& request) noexcept {
    const std::size_t length_count = request.field_count("Content-Length");
    if (length_count > 0) {
        const std::string_view text = request.field("Content-Length").value_or("");
        for (const char c : text) {
            if (!is_digit(c)) return failed_head(Reason::malformed_content_length);
        }
        const auto [end, error] =
            std::from_chars(text.data(), text.data() + text.size(), request.content_length);
        if (length_count > 1 || error != std::errc{})
            return failed_head(Reason::malformed_content_length);
    }
    constexpr std::string_view transfer_encoding = "Transfer-Encoding", chunked = "chunked";
    const std::size_t coding_lines = request.field_count(transfer_encoding);
    if (coding_lines == 0) return success;
    // HTTP/1.0 has no transfer codings; a forwarder in between would have read another length
    // (section 6.1).
    if (length_count > 0 || request.version_minor == 0)
        return failed_head(Reason::conflicting_framing);
    for (const Field& field : request.fields) {
        if (!equals_ignoring_case(field.name, transfer_encoding)) continue;
        for (std::string_view rest = field.value; !rest.empty();) {
            const std::string_view coding = take_list_element(rest);
            if (coding.empty() || equals_ignoring_case(coding, chunked)) continue;
            return failed_head(Reason::unsupported_transfer_encoding, Status::not_implemented);
        }
    }
    // Chunked once, in one line, and nothing around it.
    if (coding_lines != 1 ||
        !equals_ignoring_case(request.field(transfer_encoding).value_or(""), chunked)) {
        return failed_head(Reason::conflicting_framing);
    }
    request.is_chunked = true;
    return success;
}

}  // namespace

RequestParser::Result parse_head(std::string_view head, std::size_t fields_max,
                                 RequestStorage& storage) noexcept {
    RC_ASSERT(head.ends_with("\r\n\r\n") && fields_max <= storage.fields.size());
    Request& request = storage.request;
    request = Request{};
    request.head = head;
    if (const Result result = parse_request_line(take_line(head), request); is_failure(result))
        return result;
    std::size_t count = 0;
    for (std::string_view line = take_line(head); !line.empty(); line = take_line(head)) {
        if (count == fields_max)
            return failed_head(Reason::too_many_fields, Status::header_fields_too_large);
        if (const Result result = parse_field(line, storage.fields[count]); is_failure(result))
            return result;
        ++count;
    }
    RC_ASSERT(head.empty());
    request.fields = {storage.fields.data(), count};
    if (const Result result = check_host(request); is_failure(result)) return result;
    return check_framing(request);
}

}  // namespace ringcast::http

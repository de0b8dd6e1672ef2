#include "http/request_parser.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "http/characters.hpp"
#include "http/head_parser.hpp"

namespace ringcast::http {

namespace {

using Result = RequestParser::Result;

/// The bounds of a request line that is perhaps not complete; `line` goes up to its LF, exclusive.
/// What it says about a line it says about every longer one, so that the verdict does not depend on
/// how the bytes were cut. Looks at no more than method_bytes_max octets unless the target is about
/// to exceed its limit.
Result check_request_line_bounds(std::string_view line, const HeadLimits& limits) noexcept {
    const std::string_view method = line.substr(0, HeadLimits::method_bytes_max + 1);
    const std::size_t method_end = method.find(' ');
    if (method_end == std::string_view::npos) {
        if (method.size() <= HeadLimits::method_bytes_max) return {};
        return failed_head(Reason::malformed_method,
                           is_token(method) ? Status::not_implemented : Status::bad_request);
    }
    const std::string_view rest = line.substr(method_end + 1);
    if (rest.size() <= limits.target_bytes_max) return {};
    const std::size_t target_end =
        rest.substr(0, std::size_t{limits.target_bytes_max} + 1).find(' ');
    if (target_end == std::string_view::npos)
        return failed_head(Reason::target_too_long, Status::uri_too_long);
    constexpr std::size_t version_bytes = std::string_view{" HTTP/1.1\r"}.size();
    return rest.size() - target_end > version_bytes ? failed_head(Reason::malformed_request_line)
                                                    : Result{};
}

}  // namespace

std::string_view to_string(Reason reason) noexcept {
    switch (reason) {
        case Reason::none: return "no error";
        case Reason::head_too_large: return "request head too large";
        case Reason::target_too_long: return "request target too long";
        case Reason::too_many_fields: return "too many header fields";
        case Reason::malformed_request_line: return "malformed request line";
        case Reason::malformed_method: return "malformed or unknown method";
        case Reason::malformed_target: return "malformed request target";
        case Reason::unsupported_version: return "HTTP version not supported";
        case Reason::malformed_field_name: return "malformed header field name";
        case Reason::malformed_field_value: return "control character in a header field";
        case Reason::obsolete_folding: return "folded header field";
        case Reason::bare_line_break: return "CR or LF alone";
        case Reason::missing_host: return "missing Host";
        case Reason::repeated_host: return "repeated Host";
        case Reason::malformed_host: return "malformed Host";
        case Reason::malformed_content_length: return "malformed or repeated Content-Length";
        case Reason::conflicting_framing: return "ambiguous message length";
        case Reason::unsupported_transfer_encoding: return "unsupported Transfer-Encoding";
        case Reason::not_http: return "not HTTP";
    }
    return "unknown";
}

RequestParser::Result RequestParser::next(std::span<std::byte>& input, RequestStorage& storage,
                                          BufferPool& pool, const HeadLimits& limits) {
    if (size_ == 0) reset();
    const std::size_t before = size_;
    RC_ASSERT(before <= limits.head_bytes_max);
    const std::size_t taken = std::min<std::size_t>(input.size(), limits.head_bytes_max - before);
    const bool overflows = taken < input.size();

    std::string_view text = as_text(input.first(taken));
    if (before != 0) {
        gather(input.first(taken), pool);
        text = as_text({head_.data(), size_});
    }
    const Result result = scan(text, limits);
    switch (result.found) {
        case Found::failure: return result;
        case Found::request:
            input = input.subspan(line_start_ - before);
            return finish(text.substr(0, line_start_), storage, limits);
        case Found::need_more: break;
    }
    if (overflows) return failed_head(Reason::head_too_large, Status::header_fields_too_large);
    if (before == 0 && taken != 0) gather(input, pool);
    input = {};
    return {};
}

/// Looks at the lines that `text` completes. `request`: the head ends at line_start_. `text` starts
/// with all that was seen before.
RequestParser::Result RequestParser::scan(std::string_view text, const HeadLimits& limits) {
    for (;;) {
        if (!has_request_line_ && line_start_ < text.size()) {
            const char first = text[line_start_];
            if (first == '\n') return failed_head(Reason::bare_line_break);
            if (first != '\r' && !is_token_character(first)) return failed_head(Reason::not_http);
        }
        const std::size_t found = text.find('\n', scanned_);
        const std::size_t line_end = std::min(found, text.size());
        if (!has_request_line_) {
            const std::string_view line = text.substr(line_start_, line_end - line_start_);
            is_to_head_ = line.starts_with("HEAD ");
            if (const Result result = check_request_line_bounds(line, limits);
                result.found == Found::failure) {
                return result;
            }
        }
        scanned_ = static_cast<std::uint32_t>(line_end);
        if (found == std::string_view::npos) return {};
        if (found == line_start_ || text[found - 1] != '\r')
            return failed_head(Reason::bare_line_break);

        const bool is_empty_line = found - line_start_ == 1;
        line_start_ = scanned_ = static_cast<std::uint32_t>(found + 1);
        if (!is_empty_line) {
            has_request_line_ = true;
        } else if (has_request_line_) {
            return {Found::request, Status::ok, Reason::none};
        } else if (++empty_lines_ > HeadLimits::empty_lines_max) {
            return failed_head(Reason::malformed_request_line);
        }
    }
}

void RequestParser::gather(std::span<const std::byte> bytes, BufferPool& pool) {
    constexpr std::size_t usual_head_bytes = 1 << 10;
    const std::size_t size = size_ + bytes.size();
    if (!head_ || head_.capacity() < size) {
        const std::size_t wanted = std::max(size, usual_head_bytes);
        head_ = head_ ? pool.grow(std::move(head_), size_, wanted) : pool.get(wanted);
    }
    if (!bytes.empty()) std::memcpy(head_.data() + size_, bytes.data(), bytes.size());
    size_ = static_cast<std::uint32_t>(size);
}

/// Parses the complete head. Its bytes stay in head_, if they are there, until the next call.
RequestParser::Result RequestParser::finish(std::string_view head, RequestStorage& storage,
                                            const HeadLimits& limits) {
    const std::size_t empty_lines_bytes = 2 * std::size_t{empty_lines_};
    size_ = 0;
    return parse_head(head.substr(empty_lines_bytes), limits.fields_max, storage);
}

}  // namespace ringcast::http

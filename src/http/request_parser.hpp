#pragma once
// Request heads, pulled out of a byte stream: strict (RFC 9112; obsolete folding, bare CR or LF,
// white space before the colon and anything else that two parsers could read differently is
// refused) and bounded in every dimension. A head that arrives in one piece is parsed where it
// lies; otherwise its pieces are gathered in a pooled block.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/buffer_pool.hpp"
#include "http/request.hpp"

namespace ringcast::http {

/// Bounds of a request head. Safe on the open internet; browsers stay well below.
struct HeadLimits {
    std::uint32_t head_bytes_max = 16 << 10;   ///< Request line and fields: 431 beyond.
    std::uint32_t target_bytes_max = 8 << 10;  ///< Request target: 414 beyond.
    std::uint32_t fields_max = 100;            ///< 431 beyond. At most fields_capacity.
    static constexpr std::size_t fields_capacity = 256;
    /// 501 beyond (RFC 9112 section 3): almost twice the longest method registered.
    static constexpr std::size_t method_bytes_max = 32;
    static constexpr std::size_t empty_lines_max = 2;  ///< Before the request line.
};

/// Why a head was refused, one name per violated rule.
enum class Reason : std::uint8_t {
    none,
    head_too_large,
    target_too_long,
    too_many_fields,
    malformed_request_line,
    malformed_method,
    malformed_target,
    unsupported_version,
    malformed_field_name,
    malformed_field_value,
    obsolete_folding,
    bare_line_break,
    missing_host,
    repeated_host,
    malformed_host,
    malformed_content_length,
    conflicting_framing,
    unsupported_transfer_encoding,
    not_http,
};

/// A phrase for logs and response bodies. Static storage.
[[nodiscard]] std::string_view to_string(Reason reason) noexcept;

/// The storage of one parsed request: its fields lie beside it. Reused from request to request by
/// its shard.
struct RequestStorage {
    Request request;
    std::array<Field, HeadLimits::fields_capacity> fields;
};

class RequestParser {
public:
    enum class Found : std::uint8_t { need_more, request, failure };
    struct Result {
        Found found = Found::need_more;
        Status status = Status::bad_request;  ///< With failure: the response to give.
        Reason reason = Reason::none;
    };

    /// Consumes a prefix of `input`. `request`: the head ends there and `storage` describes it, in
    /// views into `input` or into this parser's block, valid until the next call and as long as
    /// those bytes live. `need_more`: all of `input` was taken. `failure`: answer and close; the
    /// parser must not be used again. Empty lines before the request line are skipped (RFC 9112
    /// section 2.2), at most two. Fails as early as it can: at the first octet if no method can
    /// start with it, at the octet that makes the target or the head too large, at a bare LF;
    /// everything else when the head is complete.
    [[nodiscard]] Result next(std::span<std::byte>& input, RequestStorage& storage,
                              BufferPool& pool, const HeadLimits& limits);
    /// True if part of a head has been taken and not yet returned as a request.
    [[nodiscard]] bool is_partial() const noexcept { return size_ != 0; }
    /// True as soon as HEAD is known to be the method, and after a failure, too: no answer to it
    /// has content (RFC 9110 section 9.3.2).
    [[nodiscard]] bool is_to_head() const noexcept { return is_to_head_; }
    /// Capacity of the block that it holds.
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept {
        return head_ ? head_.capacity() : 0;
    }

    /// Gives the gathered bytes back, and with them the views of the last request. The next call
    /// starts afresh.
    void reset() noexcept { *this = RequestParser{}; }

private:
    Result scan(std::string_view text, const HeadLimits& limits);
    void gather(std::span<const std::byte> bytes, BufferPool& pool);
    Result finish(std::string_view head, RequestStorage& storage, const HeadLimits& limits);

    Block head_;                 // Gathered bytes, only when the head came in pieces.
    std::uint32_t size_ = 0;     // Bytes gathered.
    std::uint32_t scanned_ = 0;  // Bytes known to hold no line end that has not been looked at.
    std::uint32_t line_start_ =
        0;  // Where the line under way starts; the head's end once that has been found.
    std::uint8_t empty_lines_ = 0;
    bool has_request_line_ = false;
    bool is_to_head_ = false;
};
static_assert(sizeof(RequestParser) == 24);

}  // namespace ringcast::http

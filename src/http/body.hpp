#pragma once
// Request bodies (RFC 9112 section 6): what the head alone says against them, and gathering one
// that arrives in pieces or in chunks.

#include <cstdint>
#include <optional>
#include <span>

#include "base/buffer_pool.hpp"
#include "http/chunked.hpp"
#include "http/request_parser.hpp"

namespace ringcast::http {

/// What a server takes as the content of one request.
struct BodyLimits {
    std::uint64_t body_bytes_max = 0;          ///< 413 beyond.
    std::uint64_t head_bytes_max = 16u << 10;  ///< Head and trailer fields together: 431 beyond.
    /// Bytes in use of the pool: beyond, a body that does not come in one piece with its head is
    /// answered with 503.
    std::uint64_t pool_bytes_max = 64u << 20;
};

/// Why a body is not taken, one name per rule.
enum class BodyReason : std::uint8_t {
    missing_length,       // 411: POST, PUT or PATCH with neither Content-Length nor chunks
    too_large,            // 413
    malformed_chunk,      // 400 (RFC 9112 section 7.1)
    trailers_too_large,   // 431
    unknown_expectation,  // 417: Expect, and not 100-continue (RFC 9110 section 10.1.1)
    out_of_memory,        // 503
};

struct BodyFailure {
    Status status = Status::bad_request;
    BodyReason reason = BodyReason::malformed_chunk;
};

/// A phrase for response bodies. Static storage.
[[nodiscard]] std::string_view to_string(BodyReason reason) noexcept;

/// What is wrong with the body that `request` announces, as far as its head tells; nothing if the
/// body may come.
[[nodiscard]] std::optional<BodyFailure> check_body(const Request& request,
                                                    const BodyLimits& limits) noexcept;

/// True if the client holds its body back until it has been told to go on: it is owed a 100 unless
/// the body has begun already, or a final answer (RFC 9110 section 10.1.1).
[[nodiscard]] bool expects_continue(const Request& request) noexcept;

/// The interim answer that it waits for.
inline constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";

/// A request whose body is still arriving. Keeps a copy of the head, since the one that was parsed
/// does not stay:
///
///     pooled block:  | head | body so far ...        grows with what has come, never ahead of it
///
/// Belongs to one connection; the block to its shard's pool.
class BodyParser {
public:
    /// `request` has passed check_body and announces content that has not all come, or chunks.
    /// Nothing if there is no memory for its head: answer with 503.
    [[nodiscard]] static std::optional<BodyParser> begin(const Request& request, BufferPool& pool,
                                                         const BodyLimits& limits);

    enum class Found : std::uint8_t { need_more, request, failure };
    struct Result {
        Found found = Found::need_more;
        BodyFailure failure{};      ///< With `failure`.
        std::span<std::byte> body;  ///< With `request`: all of it, without the framing of chunks.
    };

    /// Consumes a prefix of `input`. `request`: the body ends there, and `storage` describes the
    /// head again; both are views into this parser's block and live as long as it does.
    /// `need_more`: all of `input` was taken. `failure`: answer and close. After anything but
    /// `need_more` the parser must not be used again.
    [[nodiscard]] Result next(std::span<std::byte>& input, RequestStorage& storage,
                              BufferPool& pool, const BodyLimits& limits);

    /// True if no answer has content (RFC 9110 section 9.3.2).
    [[nodiscard]] bool is_to_head() const noexcept { return is_to_head_; }
    /// Memory that it holds.
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return block_.capacity(); }
    /// Bytes of the request that have come, its head included.
    [[nodiscard]] std::uint64_t held_bytes() const noexcept { return size_; }

private:
    BodyParser(const Request& request, Block block, std::uint64_t body_bytes) noexcept;
    Result next_chunks(std::span<std::byte>& input, RequestStorage& storage, BufferPool& pool,
                       const BodyLimits& limits);
    [[nodiscard]] bool gather(std::span<const std::byte> bytes, BufferPool& pool,
                              const BodyLimits& limits);
    [[nodiscard]] Result finish(RequestStorage& storage) const;

    Block block_;
    std::uint64_t body_bytes_;  // As announced; with chunks: what is taken at most.
    std::uint64_t size_;        // Head and body so far.
    ChunkedDecoder decoder_;
    std::uint32_t head_bytes_;
    bool is_chunked_;
    bool is_to_head_;
};
static_assert(sizeof(BodyParser) == 48);

}  // namespace ringcast::http

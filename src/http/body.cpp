#include "http/body.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "http/head_parser.hpp"

namespace ringcast::http {

namespace {

/// Methods whose request is about its content, so that leaving the length out is a mistake rather
/// than a way to say "none" (RFC 9110 section 8.6).
bool has_content_by_nature(Method method) noexcept {
    return method == Method::post || method == Method::put || method == Method::patch;
}

constexpr BodyFailure too_large{Status::content_too_large, BodyReason::too_large};
constexpr BodyFailure malformed_chunk{Status::bad_request, BodyReason::malformed_chunk};
constexpr BodyFailure trailers_too_large{Status::header_fields_too_large,
                                         BodyReason::trailers_too_large};
constexpr BodyFailure out_of_memory{Status::service_unavailable, BodyReason::out_of_memory};

constexpr BodyParser::Result fail(const BodyFailure& failure) noexcept {
    return {.found = BodyParser::Found::failure, .failure = failure, .body = {}};
}

}  // namespace

std::string_view to_string(BodyReason reason) noexcept {
    switch (reason) {
        case BodyReason::missing_length: return "Content-Length is missing";
        case BodyReason::too_large: return "request body too large";
        case BodyReason::malformed_chunk: return "malformed chunk";
        case BodyReason::trailers_too_large: return "trailer fields too large";
        case BodyReason::unknown_expectation: return "only 100-continue can be expected";
        case BodyReason::out_of_memory: return "no memory for more request bodies";
    }
    return "unknown";
}

std::optional<BodyFailure> check_body(const Request& request, const BodyLimits& limits) noexcept {
    if (has_content_by_nature(request.method) && !request.is_chunked &&
        request.field_count("Content-Length") == 0) {
        return BodyFailure{Status::length_required, BodyReason::missing_length};
    }
    if (request.content_length > limits.body_bytes_max) return too_large;
    // HTTP/1.0 knows no expectations; what it says there is not looked at.
    if (request.version_minor >= 1 && request.field_count("Expect") > 0 &&
        !expects_continue(request)) {
        return BodyFailure{Status::expectation_failed, BodyReason::unknown_expectation};
    }
    return std::nullopt;
}

bool expects_continue(const Request& request) noexcept {
    return request.version_minor >= 1 && request.field_count("Expect") == 1 &&
           equals_ignoring_case(request.field("Expect").value_or(""), "100-continue");
}

std::optional<BodyParser> BodyParser::begin(const Request& request, BufferPool& pool,
                                            const BodyLimits& limits) {
    if (pool.bytes_in_use() + request.head.size() > limits.pool_bytes_max) return std::nullopt;
    return BodyParser{request, pool.get(request.head.size()),
                      request.is_chunked ? limits.body_bytes_max : request.content_length};
}

BodyParser::BodyParser(const Request& request, Block block, std::uint64_t body_bytes) noexcept
    : block_{std::move(block)},
      body_bytes_{body_bytes},
      size_{request.head.size()},
      head_bytes_{static_cast<std::uint32_t>(request.head.size())},
      is_chunked_{request.is_chunked},
      is_to_head_{request.method == Method::head} {
    RC_ASSERT(request.has_body());
    std::memcpy(block_.data(), request.head.data(), request.head.size());
}

BodyParser::Result BodyParser::next(std::span<std::byte>& input, RequestStorage& storage,
                                    BufferPool& pool, const BodyLimits& limits) {
    if (is_chunked_) return next_chunks(input, storage, pool, limits);
    const std::uint64_t missing = head_bytes_ + body_bytes_ - size_;
    RC_ASSERT(missing > 0);
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(missing, input.size()));
    if (!gather(input.first(taken), pool, limits)) return fail(out_of_memory);
    input = input.subspan(taken);
    return taken < missing ? Result{} : finish(storage);
}

BodyParser::Result BodyParser::next_chunks(std::span<std::byte>& input, RequestStorage& storage,
                                           BufferPool& pool, const BodyLimits& limits) {
    for (;;) {
        const ChunkedDecoder::Result decoded = decoder_.next(
            input,
            {.content_bytes_max = head_bytes_ + body_bytes_ - size_,
             .trailer_bytes_max = limits.head_bytes_max -
                                  std::min<std::uint64_t>(limits.head_bytes_max, head_bytes_)});
        switch (decoded.found) {
            case ChunkedDecoder::Found::need_more: return {};
            case ChunkedDecoder::Found::content:
                if (!gather(decoded.content, pool, limits)) return fail(out_of_memory);
                break;
            case ChunkedDecoder::Found::end: return finish(storage);
            case ChunkedDecoder::Found::malformed: return fail(malformed_chunk);
            case ChunkedDecoder::Found::too_large: return fail(too_large);
            case ChunkedDecoder::Found::trailers_too_large: return fail(trailers_too_large);
        }
    }
}

/// False if there is no memory for it.
bool BodyParser::gather(std::span<const std::byte> bytes, BufferPool& pool,
                        const BodyLimits& limits) {
    const std::size_t size = size_ + bytes.size();
    if (block_.capacity() < size) {
        if (pool.bytes_in_use() + size > limits.pool_bytes_max) return false;
        block_ = pool.grow(std::move(block_), size_, size);
    }
    if (!bytes.empty()) std::memcpy(block_.data() + size_, bytes.data(), bytes.size());
    size_ = size;
    return true;
}

BodyParser::Result BodyParser::finish(RequestStorage& storage) const {
    const std::string_view head{reinterpret_cast<const char*>(block_.data()), head_bytes_};
    const RequestParser::Result parsed = parse_head(head, HeadLimits::fields_capacity, storage);
    RC_ASSERT(parsed.found == RequestParser::Found::request);  // As it was the first time.
    return {.found = Found::request,
            .failure = {},
            .body = {block_.data() + head_bytes_, static_cast<std::size_t>(size_ - head_bytes_)}};
}

}  // namespace ringcast::http

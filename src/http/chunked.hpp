#pragma once
// The chunked transfer coding (RFC 9112 section 7.1), both ways. Decoding is strict: what two
// readers could take for different lengths is refused, and every line is bounded.
//
//   5;name=value CRLF   hello   CRLF   0 CRLF   Field: value CRLF   CRLF
//   size, extensions    content        last     trailer fields
//
// Extensions and trailer fields are checked and ignored.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ringcast::http {

/// What may still come of one body.
struct ChunkedLimits {
    std::uint64_t content_bytes_max = 0;
    std::uint64_t trailer_bytes_max = 0;  ///< Of all trailer fields together.
};

/// Decodes one body. Owns nothing; content is handed out where it lies.
class ChunkedDecoder {
public:
    /// Of a line with a chunk's size, extensions included. Nobody is known to send any.
    static constexpr std::uint32_t size_line_bytes_max = 256;

    enum class Found : std::uint8_t {
        need_more,
        content,
        end,
        malformed,
        too_large,
        trailers_too_large,
    };
    struct Result {
        Found found = Found::need_more;
        std::span<std::byte> content;  ///< With `content`: the next octets of it, part of `input`.
    };

    /// Consumes a prefix of `input`. `end`: the body, trailer fields included, ends there.
    /// `need_more`: all of `input` was taken. `malformed`: nobody can tell where the body ends.
    /// `too_large`: a chunk is announced that is longer than what may still come.
    /// `trailers_too_large`: trailer fields are. After those and after `end` the decoder must not
    /// be used again.
    [[nodiscard]] Result next(std::span<std::byte>& input, const ChunkedLimits& limits) noexcept;

private:
    /// What comes next, or what the octet before belongs to.
    enum class State : std::uint8_t {
        size_begin,
        size,
        extension_begin,  // White space before a `;`.
        name_begin,
        name,
        name_end,  // White space before a `=` or `;`.
        value_begin,
        value,
        quoted,
        escaped,
        quoted_end,
        size_line_feed,
        content,
        content_return,
        content_line_feed,
        trailer_begin,
        trailer_name,
        trailer_value,
        trailer_line_feed,
        end_line_feed,
        end,
        malformed,
    };

    [[nodiscard]] State step(char c) noexcept;
    [[nodiscard]] static State extension_step(State state, char c) noexcept;
    [[nodiscard]] static State trailer_step(State state, char c) noexcept;

    std::uint64_t chunk_bytes_ = 0;  // Announced; then: still to come.
    std::uint32_t line_bytes_ = 0;   // Of the size line, or of all trailer fields, however many.
    State state_ = State::size_begin;
};
static_assert(sizeof(ChunkedDecoder) == 16);

/// Of what write_chunk_begin() writes.
inline constexpr std::size_t chunk_begin_bytes_max = 18;
/// Writes what stands before `size` octets of content, which is more than none, and returns how
/// much that is. Behind them stands a CRLF.
std::size_t write_chunk_begin(char* target, std::size_t size) noexcept;
inline constexpr std::string_view chunk_end = "\r\n";
/// What stands behind the last chunk.
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace ringcast::http

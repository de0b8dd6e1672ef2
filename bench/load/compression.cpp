#include "compression.hpp"

#include <algorithm>
#include <array>
#include <zlib.h>

#include "base/assert.hpp"

namespace ringcast::bench {

namespace {

constexpr int raw_window_bits = -15;  // DEFLATE without zlib's header.
constexpr std::size_t tail_bytes = 4;
constexpr std::array<std::byte, tail_bytes> tail{std::byte{0}, std::byte{0}, std::byte{0xff},
                                                 std::byte{0xff}};

Bytef* zlib_input(std::span<const std::byte> bytes) noexcept {
    return reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));  // Only read.
}

}  // namespace

std::string_view offer_field(Compression compression) noexcept {
    switch (compression) {
        case Compression::off: return "";
        case Compression::shared:
            return "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                   "client_no_context_takeover\r\n";
        case Compression::dedicated:
            return "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n";
    }
    return "";
}

std::vector<std::byte> deflate_message(std::span<const std::byte> message) {
    z_stream zlib{};
    const int started =
        deflateInit2(&zlib, Z_BEST_SPEED, Z_DEFLATED, raw_window_bits, 8, Z_DEFAULT_STRATEGY);
    RC_ASSERT(started == Z_OK);
    std::vector<std::byte> payload(message.size() + tail_bytes);
    zlib.next_in = zlib_input(message);
    zlib.avail_in = static_cast<uInt>(message.size());
    zlib.next_out = reinterpret_cast<Bytef*>(payload.data());
    zlib.avail_out = static_cast<uInt>(payload.size());
    const int result = deflate(&zlib, Z_SYNC_FLUSH);
    const bool is_smaller = result == Z_OK && zlib.avail_out > 0;
    payload.resize(is_smaller ? payload.size() - zlib.avail_out - tail_bytes : 0);
    deflateEnd(&zlib);
    return payload;
}

struct MessageInflater::Stream {
    Stream() {
        const int result = inflateInit2(&zlib, raw_window_bits);
        RC_ASSERT(result == Z_OK);
    }
    ~Stream() { inflateEnd(&zlib); }
    z_stream zlib{};
};

MessageInflater::MessageInflater(bool keeps_context)
    : keeps_context_{keeps_context}, stream_{std::make_unique<Stream>()} {}
MessageInflater::~MessageInflater() = default;

Expected<std::span<const std::byte>> MessageInflater::inflate(std::span<const std::byte> payload,
                                                              std::size_t bytes) {
    if (!keeps_context_) {
        if (!payload.empty() && std::ranges::equal(payload, last_payload_)) return message_;
        inflateReset(&stream_->zlib);
        last_payload_.clear();
    }
    z_stream& zlib = stream_->zlib;
    message_.resize(bytes + 1);  // One more tells a message that is too long.
    zlib.next_out = reinterpret_cast<Bytef*>(message_.data());
    zlib.avail_out = static_cast<uInt>(message_.size());
    for (const std::span<const std::byte> input : {payload, std::span<const std::byte>{tail}}) {
        zlib.next_in = zlib_input(input);
        zlib.avail_in = static_cast<uInt>(input.size());
        const int result = ::inflate(&zlib, Z_SYNC_FLUSH);
        if (result != Z_OK && result != Z_BUF_ERROR)
            return fail("a compressed payload of {} bytes is no DEFLATE data", payload.size());
    }
    if (zlib.avail_in != 0 || zlib.avail_out != 1) {
        return fail("a compressed payload of {} bytes carries {} bytes instead of {}",
                    payload.size(), message_.size() - zlib.avail_out, bytes);
    }
    message_.resize(bytes);
    if (!keeps_context_) last_payload_.assign(payload.begin(), payload.end());
    return message_;
}

}  // namespace ringcast::bench

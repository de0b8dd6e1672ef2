#pragma once
// Messages to compress, and plain zlib to compress them with, for tests.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <zlib.h>

#include "base/assert.hpp"

namespace ringcast::test {

/// Text that compresses like JSON does; the same for the same seed.
[[nodiscard]] inline std::string json_like(std::size_t size, unsigned seed = 1) {
    std::mt19937 random{seed};
    std::string text = "{\"users\":[";
    while (text.size() < size) {
        text += "{\"id\":" + std::to_string(random() % 100000) + ",\"name\":\"user " +
                std::to_string(random() % 1000) +
                "\",\"active\":" + (random() % 2 != 0 ? "true" : "false") + "},";
    }
    text.resize(size);
    return text;
}

/// Octets that do not compress.
[[nodiscard]] inline std::string noise(std::size_t size, unsigned seed = 1) {
    std::mt19937 random{seed};
    std::string octets(size, '\0');
    for (char& octet : octets) octet = static_cast<char>(random());
    return octets;
}

/// A client's compressor: one zlib stream, used as RFC 7692 section 7.2.1 says.
class ZlibSender {
public:
    explicit ZlibSender(int window_bits = 15, int level = 6, int strategy = Z_DEFAULT_STRATEGY) {
        RC_ASSERT(deflateInit2(&zlib_, level, Z_DEFLATED, -window_bits, 8, strategy) == Z_OK);
    }
    ~ZlibSender() { deflateEnd(&zlib_); }
    ZlibSender(const ZlibSender&) = delete;
    ZlibSender& operator=(const ZlibSender&) = delete;

    /// The payload of a compressed message.
    [[nodiscard]] std::string payload(std::string_view message) {
        // zlib flushes no second time if nothing came between.
        if (message.empty()) return std::string(1, '\0');
        std::string out = run(message, Z_SYNC_FLUSH);
        RC_ASSERT(out.ends_with(std::string_view{"\0\0\xff\xff", 4}));
        out.resize(out.size() - 4);
        return out;
    }
    /// The same in a final block (section 7.2.3.4).
    [[nodiscard]] std::string final_payload(std::string_view message) {
        std::string out = run(message, Z_FINISH);
        deflateReset(&zlib_);
        return out + '\0';
    }
    void reset() { deflateReset(&zlib_); }

private:
    std::string run(std::string_view message, int flush) {
        std::string out(message.size() + message.size() / 8 + 256, '\0');
        zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(message.data()));
        zlib_.avail_in = static_cast<uInt>(message.size());
        zlib_.next_out = reinterpret_cast<Bytef*>(out.data());
        zlib_.avail_out = static_cast<uInt>(out.size());
        deflate(&zlib_, flush);
        RC_ASSERT(zlib_.avail_in == 0 && zlib_.avail_out != 0);
        out.resize(out.size() - zlib_.avail_out);
        return out;
    }
    z_stream zlib_{};
};

/// A client's decompressor: one zlib stream for all messages, or, by reset(), for one.
class ZlibReceiver {
public:
    explicit ZlibReceiver(int window_bits = 15) {
        RC_ASSERT(inflateInit2(&zlib_, -window_bits) == Z_OK);
    }
    ~ZlibReceiver() { inflateEnd(&zlib_); }
    ZlibReceiver(const ZlibReceiver&) = delete;
    ZlibReceiver& operator=(const ZlibReceiver&) = delete;

    /// The message of a payload; nothing if it is none.
    [[nodiscard]] std::optional<std::string> message(std::string payload) {
        payload.append("\0\0\xff\xff", 4);
        zlib_.next_in = reinterpret_cast<Bytef*>(payload.data());
        zlib_.avail_in = static_cast<uInt>(payload.size());
        std::string out;
        std::string piece(1 << 16, '\0');
        do {
            zlib_.next_out = reinterpret_cast<Bytef*>(piece.data());
            zlib_.avail_out = static_cast<uInt>(piece.size());
            const int result = inflate(&zlib_, Z_SYNC_FLUSH);
            if (result != Z_OK && result != Z_BUF_ERROR) return std::nullopt;
            out.append(piece, 0, piece.size() - zlib_.avail_out);
        } while (zlib_.avail_out == 0);
        if (zlib_.avail_in != 0) return std::nullopt;
        return out;
    }
    void reset() { inflateReset(&zlib_); }

private:
    z_stream zlib_{};
};

}  // namespace ringcast::test

#pragma once
// Compression of messages (RFC 7692 section 7.2.1): whole messages in, payloads out.
//
// A stream without earlier context is understood by every client whose window is as large, whatever
// else was agreed. So there is one compressor per shard and window size for all of them, and a
// publication is compressed once for each window_class() among its subscribers:
//
//   message -> Deflaters::deflate(.., window) -> payload -> all connections of that window_class
//
// Where the server's context is taken over a connection may have a compressor of its own, for
// messages to it alone. It costs what its window and memory level ask for: 262 KiB at 15 and 8, 38
// KiB at 12 and 5. One that would exceed the budget is not made: the shared one does its work.
//
// Without context libdeflate takes 0.9 to 0.6 of zlib's time from 512 octets up, at level 1,
// where it writes one block. It knows no window, so it gets no message that is longer than the
// window; and it ends with a final block. That would be legal (section 7.2.3.4), but a client
// that goes on with the same Python decompressor reads nothing behind one: ws/open_end makes
// another block of it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "ws/permessage_deflate.hpp"

struct libdeflate_compressor;

namespace ringcast::ws {

/// One DEFLATE stream being written. Belongs to one shard.
class Deflater {
public:
    struct Settings {
        std::uint8_t window_bits = window_bits_max;  ///< 8 to 15.
        std::uint8_t memory_level = 8;               ///< 1 to 9, as zlib knows it.
        std::uint8_t level = 1;                      ///< 1, the quickest, to 9.
    };

    /// `total_bytes` counts the memory of all deflaters that are given it; it must outlive them.
    Deflater(const Settings& settings, std::size_t& total_bytes);
    ~Deflater();
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;

    /// Compresses `message` with what went before as its context, writes the payload to `target`
    /// and returns its size, which is smaller than the message's. 0: it would not be, or `target`
    /// has no room for it and four octets more; then the message is to be sent as it is, and the
    /// context is forgotten. A payload that was returned must be sent, or restart() be called: the
    /// client's context must be the same. Allocates nothing.
    [[nodiscard]] std::size_t deflate(std::span<const std::byte> message,
                                      std::span<std::byte> target) noexcept;
    /// Forgets the context: what comes refers to nothing before.
    void restart() noexcept;

    [[nodiscard]] std::size_t memory_bytes() const noexcept;

private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
};

struct DeflatersSettings {
    std::uint8_t level = 1;
    std::uint8_t dedicated_memory_level = 8;
    /// For compressors of single connections, and what is reserved beside them.
    std::size_t dedicated_bytes_max = 64u << 20;
};

/// The compressors of a shard. The shared ones are made when they are first needed, twelve at most,
/// 1.5 MiB in all and what libdeflate's takes (0.2 MiB, not counted), and stay.
class Deflaters {
public:
    /// All of the shared ones.
    static constexpr std::size_t shared_bytes_max = 1700 << 10;
    /// Windows that zlib knows, 9 to 15 bits: as many window classes.
    static constexpr std::size_t windows = 7;
    static constexpr std::uint8_t window_class_min = 9;

    explicit Deflaters(const DeflatersSettings& settings) noexcept : settings_{settings} {}
    ~Deflaters();
    Deflaters(const Deflaters&) = delete;
    Deflaters& operator=(const Deflaters&) = delete;

    /// The window that a message of that size is compressed with for clients that agreed on
    /// `window_bits`. Where it is the same the payload is the same.
    [[nodiscard]] static std::uint8_t window_class(std::uint8_t window_bits,
                                                   std::size_t message_bytes) noexcept;
    /// Deflater::deflate without any context, for all clients with a window of `window_bits` or
    /// more.
    [[nodiscard]] std::size_t deflate(std::span<const std::byte> message,
                                      std::span<std::byte> target, std::uint8_t window_bits);

    /// A compressor for one connection, to die before this; none if that would exceed the budget.
    [[nodiscard]] std::unique_ptr<Deflater> make_dedicated(std::uint8_t window_bits);
    /// What it is expected to cost.
    [[nodiscard]] std::size_t dedicated_bytes_of(std::uint8_t window_bits) const noexcept;
    /// True if that much of the budget is left.
    [[nodiscard]] bool has_room(std::size_t bytes) const noexcept;
    /// Takes part of the budget, also more than is left, for something else that connections keep.
    void reserve(std::size_t bytes) noexcept { reserved_bytes_ += bytes; }
    void give_back(std::size_t bytes) noexcept { reserved_bytes_ -= bytes; }

    [[nodiscard]] std::size_t shared_bytes() const noexcept { return shared_bytes_; }
    [[nodiscard]] std::size_t dedicated_bytes() const noexcept { return dedicated_bytes_; }
    [[nodiscard]] const DeflateCounts& counts() const noexcept { return counts_; }

private:
    friend class Deflation;
    struct FreeLibdeflate {
        void operator()(libdeflate_compressor* compressor) const noexcept;
    };

    std::size_t count(std::size_t message_bytes, std::size_t payload_bytes) noexcept;
    /// Nothing: this message is better left to zlib.
    [[nodiscard]] std::optional<std::size_t> deflate_at_once(std::span<const std::byte> message,
                                                             std::span<std::byte> target,
                                                             std::uint8_t window_bits);

    DeflatersSettings settings_;
    DeflateCounts counts_;
    std::size_t shared_bytes_ = 0, dedicated_bytes_ = 0, reserved_bytes_ = 0;
    /// By window, for small messages and for others.
    std::array<std::array<std::unique_ptr<Deflater>, windows>, 2> shared_;
    std::unique_ptr<libdeflate_compressor, FreeLibdeflate> at_once_;
};

/// The server's side of one connection that has agreed on permessage-deflate. Dies before the
/// Deflaters.
class Deflation {
public:
    Deflation(Deflaters& deflaters, const DeflateParameters& agreed) noexcept
        : deflaters_{deflaters},
          window_bits_{agreed.server_window_bits()},
          keeps_context_{!agreed.server_no_context_takeover} {}
    Deflation(const Deflation&) = delete;
    Deflation& operator=(const Deflation&) = delete;

    /// Compresses a message to this connection alone: Deflater::deflate, with a context where one
    /// is kept. What is returned must be sent, in this order.
    [[nodiscard]] std::size_t deflate(std::span<const std::byte> message,
                                      std::span<std::byte> target);
    /// A payload from Deflaters::deflate is sent, so that the client's context is no longer that of
    /// a compressor kept here.
    void sent_without_context() noexcept { must_restart_ = true; }

    [[nodiscard]] std::uint8_t window_bits() const noexcept { return window_bits_; }
    /// What the connection holds now.
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return deflater_ ? deflater_->memory_bytes() : 0;
    }

private:
    Deflaters& deflaters_;
    std::unique_ptr<Deflater> deflater_;
    std::uint8_t window_bits_;
    bool keeps_context_;
    bool must_restart_ = false;  // Lazily: to clear the tables costs a microsecond for each.
};

}  // namespace ringcast::ws

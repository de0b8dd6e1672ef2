#pragma once
// Decompression of messages (RFC 7692 section 7.2.2), between unmasking and the UTF-8 check: pulled
// by ws/assembler, piece by piece as frames arrive, into the block that the message is put together
// in.
//
// A stream costs 7 KiB and its window: 32 KiB, or what was agreed on. So a connection holds one
// only while it needs it: during a message, from its first octet to its last, or, where the
// client's context is taken over, from the first compressed message to the end of the connection.
// Between times streams lie here, last-in-first-out, for whoever is next.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ws/permessage_deflate.hpp"

namespace ringcast::ws {

/// One DEFLATE stream being read (RFC 1951). Belongs to one shard.
class Inflater {
public:
    /// `total_bytes` counts the memory of all inflaters that are given it; it must outlive them.
    explicit Inflater(std::size_t& total_bytes);
    ~Inflater();
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    /// Forgets everything: what comes refers to nothing before, and not farther back than a window
    /// of that many bits (more does no harm).
    void restart(std::uint8_t window_bits) noexcept;

    struct Step {
        std::size_t consumed = 0;  ///< Octets of the input.
        std::size_t produced = 0;  ///< Octets of the room that were written, also before an error.
        bool is_valid = true;      ///< False: that is no DEFLATE data; the stream is unusable.
    };
    /// Decompresses until the input is used up or the room is full; only if the room is not full is
    /// there nothing more to come of that input. Data may go on behind a final block, at the next
    /// octet, and refer to what was before it (section 7.2.3.4).
    [[nodiscard]] Step inflate(std::span<const std::byte> input,
                               std::span<std::byte> room) noexcept;
    /// Supplies the four octets that the sender has removed from the end of a message. False: it
    /// does not end with a whole empty block that they belong to (section 7.2.1); the stream is
    /// unusable.
    [[nodiscard]] bool end_message() noexcept;

    [[nodiscard]] std::size_t memory_bytes() const noexcept;
    /// At most that, once it has been restarted with so many bits.
    [[nodiscard]] static std::size_t memory_bytes_max(std::uint8_t window_bits) noexcept;

private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
};

/// The inflaters of a shard. Whoever takes one gives it back, before this dies.
class Inflaters {
public:
    static constexpr std::size_t idle_max_default = 16;

    /// Keeps up to `idle_max` for reuse.
    explicit Inflaters(std::size_t idle_max = idle_max_default);
    ~Inflaters();
    Inflaters(const Inflaters&) = delete;
    Inflaters& operator=(const Inflaters&) = delete;

    /// A restarted one. Never fails; what all of them may cost is the caller's limit, kept with
    /// memory_bytes().
    [[nodiscard]] std::unique_ptr<Inflater> take(std::uint8_t window_bits);
    void give_back(std::unique_ptr<Inflater> inflater) noexcept;

    [[nodiscard]] std::size_t taken_count() const noexcept { return taken_count_; }
    /// Of all, taken and idle.
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return memory_bytes_; }
    [[nodiscard]] const DeflateCounts& counts() const noexcept { return counts_; }

private:
    friend class Inflation;

    DeflateCounts counts_;
    std::size_t memory_bytes_ = 0;
    std::size_t taken_count_ = 0;
    std::size_t idle_max_;
    std::vector<std::unique_ptr<Inflater>> idle_;
};

/// The client's side of one connection that has agreed on permessage-deflate. Holds an inflater
/// while a compressed message is under way, and between messages if the context is taken over.
/// Dies before the Inflaters; dropped early, it gives its memory back early.
class Inflation {
public:
    Inflation(Inflaters& inflaters, const DeflateParameters& agreed) noexcept;
    ~Inflation();
    Inflation(const Inflation&) = delete;
    Inflation& operator=(const Inflation&) = delete;

    /// A frame of a compressed message has a payload of that size. False: in all it is more than
    /// any encoding of a message of `message_bytes_max` needs.
    [[nodiscard]] bool announce(std::uint64_t payload_bytes,
                                std::uint64_t message_bytes_max) noexcept;
    /// Inflater::inflate, for the message under way.
    [[nodiscard]] Inflater::Step inflate(std::span<const std::byte> input,
                                         std::span<std::byte> room);
    /// Inflater::end_message. Keeps the inflater only if its context is taken over.
    [[nodiscard]] bool end_message();

    /// What the connection holds now.
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return inflater_ ? inflater_->memory_bytes() : 0;
    }
    /// Payload that has come of the message under way: what its client had to send for it.
    [[nodiscard]] std::uint64_t received_bytes() const noexcept { return received_bytes_; }

private:
    Inflater& inflater();

    Inflaters& inflaters_;
    std::unique_ptr<Inflater> inflater_;
    std::uint64_t announced_bytes_ = 0;  // Of the message under way.
    std::uint64_t received_bytes_ = 0;
    std::uint8_t window_bits_;
    bool keeps_context_;
};

}  // namespace ringcast::ws

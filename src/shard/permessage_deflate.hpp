#pragma once
// permessage-deflate in a shard (RFC 7692): what its connections share, what one of them has, and
// how much memory and time that may take.
//
// Memory: what is kept between messages has one budget. A client whose context is taken over is
// promised an inflater when it connects; compressors of single connections are made from what is
// left, when they are first needed. When the budget does not have room for both, clients are
// offered `shared`, which keeps nothing.
//
// Time: an octet on the wire can stand for a thousand, so what comes in a turn says nothing about
// the work that it is. So work is counted here, roughly in nanoseconds, and each connection stops
// after its share of it, and all of them after all of it (Shard::resume_worked).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>

#include "http/request.hpp"
#include "shard/settings.hpp"
#include "ws/deflate.hpp"
#include "ws/inflate.hpp"
#include "ws/permessage_deflate.hpp"

namespace ringcast::shard {

class PermessageDeflate;

/// One connection's part, from the negotiation until nobody reads its input any more. Dies before
/// the PermessageDeflate.
struct DeflateSession {
    DeflateSession(PermessageDeflate& shared, const ws::DeflateParameters& parameters);
    ~DeflateSession();
    DeflateSession(const DeflateSession&) = delete;
    DeflateSession& operator=(const DeflateSession&) = delete;

    const ws::DeflateParameters agreed;
    ws::Inflation inflation;
    ws::Deflation deflation;

private:
    friend class PermessageDeflate;

    PermessageDeflate& shared_;
    std::uint64_t worked_in_ = 0;  // The turn in which it was last worked for ...
    std::uint64_t work_ = 0;       // ... and how much.
};

/// One per shard.
class PermessageDeflate {
public:
    /// Work of one turn: 4 ms or so. What publications are compressed for comes on top, up to as
    /// much again.
    static constexpr std::uint64_t work_per_turn = 4'000'000;
    /// Of it, of one connection. One message is never divided.
    static constexpr std::uint64_t work_per_connection = work_per_turn / 16;

    explicit PermessageDeflate(const CompressionSettings& settings) noexcept
        : settings_{settings},
          deflaters_{{.dedicated_bytes_max = static_cast<std::size_t>(settings.memory_bytes_max)}} {
    }

    /// Answers the offers of a handshake: null if there is no compression with this client. Fails
    /// if they are malformed.
    [[nodiscard]] std::expected<std::unique_ptr<DeflateSession>, ws::HandshakeFailure> negotiate(
        const http::Request& request);

    [[nodiscard]] bool is_on() const noexcept { return settings_.mode != Compression::off; }
    /// Whether a message of that size is compressed.
    [[nodiscard]] bool is_worth(std::size_t message_bytes) const noexcept {
        return message_bytes >= settings_.threshold_bytes;
    }

    [[nodiscard]] ws::Inflaters& inflaters() noexcept { return inflaters_; }
    [[nodiscard]] ws::Deflaters& deflaters() noexcept { return deflaters_; }
    [[nodiscard]] const ws::Inflaters& inflaters() const noexcept { return inflaters_; }
    [[nodiscard]] const ws::Deflaters& deflaters() const noexcept { return deflaters_; }
    /// Of everything that compresses or decompresses here.
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return inflaters_.memory_bytes() + deflaters_.shared_bytes() + deflaters_.dedicated_bytes();
    }
    /// Every second or so. When that has become much less, crowds have gone, whose contexts the
    /// allocator keeps until it is told to give them back.
    void on_tick() noexcept;
    /// A session is about to give back what it has.
    void note_peak() noexcept { memory_peak_ = std::max(memory_peak_, memory_bytes()); }
    /// Times somebody was offered `shared` for want of memory.
    [[nodiscard]] std::uint64_t contexts_refused() const noexcept { return contexts_refused_; }

    /// Work done since the start, about a nanosecond each.
    [[nodiscard]] std::uint64_t work() const noexcept;
    void begin_turn() noexcept { turn_begin_ = work(); }
    /// What work() would have been before all that was done for `session` in this turn, if nothing
    /// had been done for others meanwhile: from there its share counts.
    [[nodiscard]] std::uint64_t begin_share(const DeflateSession& session) const noexcept {
        return work() - (session.worked_in_ == turn_begin_ ? session.work_ : 0);
    }
    /// `begin` is what begin_share() said; nothing was done for others since.
    void end_share(DeflateSession& session, std::uint64_t begin) const noexcept {
        session.worked_in_ = turn_begin_;
        session.work_ = work() - begin;
    }
    /// True if connections have done all the work that there may be in this turn.
    [[nodiscard]] bool is_turn_over() const noexcept {
        return work() - turn_begin_ >= work_per_turn;
    }

private:
    const CompressionSettings settings_;
    ws::Inflaters inflaters_;
    ws::Deflaters deflaters_;
    std::uint64_t contexts_refused_ = 0;
    std::size_t memory_peak_ = 0;   // Since on_tick() last gave something back.
    std::uint64_t turn_begin_ = 0;  // work() then. Tells turns apart in which any was done.
};

}  // namespace ringcast::shard

#pragma once
// Reads a topic's stream, one publication at a time, while the stream goes on: what is asked for,
// and how far it has been handed out.
//
//   kept:   [ 103 ][ 104 ][ 105 ][ 106 ][ 107 ] <- 108, 109 come while 104 is handed out
//   since 103, follows:    ^ next ----------------------------> end, when next is behind the top
//
// One that follows ends exactly at the top: whoever is told of the end in the same step sees what
// comes behind it, and misses nothing.

#include <cstdint>

#include "hub/stream.hpp"

namespace ringcast::hub {

/// What somebody wants of a stream. Crosses the mesh as bytes.
struct StreamQuery {
    enum class Start : std::uint8_t {
        oldest,  ///< With the oldest one that is kept.
        newest,  ///< With the newest `count_max`; backward with the newest one.
        since,   ///< Next to `since`, which is not part of it.
    };
    enum class Order : std::uint8_t { forward, backward };

    Start start = Start::newest;
    Order order = Order::forward;
    /// All up to the top, or none: for a subscription, which is live from the end on.
    bool follows = false;
    /// What comes while older ones are handed out to somebody who follows counts, too. Except that
    /// whoever wants the newest gets these, and what comes meanwhile: up to overrun_max more, and
    /// as many bytes again.
    std::uint32_t count_max = 0;
    /// Of payloads and what goes with them; a single publication may be larger.
    std::uint32_t bytes_max = UINT32_MAX;
    Position since;
};

/// How it ended.
enum class StreamResult : std::uint8_t {
    complete,
    missing,      ///< Of another epoch, not kept any more, or more than may be handed out.
    unavailable,  ///< There is no such topic.
};

class StreamCursor {
public:
    enum class Step : std::uint8_t { publication, end };

    explicit StreamCursor(const StreamQuery& query) noexcept : query_{query} {}

    /// publication: the one of number offset() is next. end: see result().
    Step step(const Stream& stream) noexcept;
    [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
    [[nodiscard]] StreamResult result() const noexcept { return result_; }

    /// Who wants the newest one of a busy topic would else get none whenever two come before the
    /// home has its next turn. Without any bound it might never come to an end.
    static constexpr std::uint32_t overrun_max = 1024;

private:
    void begin(const Stream& stream) noexcept;
    void begin_behind(const Stream& stream) noexcept;
    void begin_before(const Stream& stream) noexcept;
    [[nodiscard]] std::uint64_t newest_that_fit(const Stream& stream) const noexcept;
    [[nodiscard]] bool fits(const Stream& stream, std::uint64_t offset) noexcept;
    Step end(StreamResult result) noexcept;

    StreamQuery query_;
    bool has_begun_ = false;
    Epoch epoch_;  // Of the stream that it began with.
    StreamResult result_ = StreamResult::complete;
    std::uint64_t offset_ = 0;
    std::uint64_t next_ = 0;
    std::uint64_t left_ = 0;
    std::uint64_t bytes_max_ = 0;
    std::uint64_t bytes_ = 0;  // Of what was handed out.
};

}  // namespace ringcast::hub

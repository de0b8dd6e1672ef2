#pragma once
// What connections with short lives say and hear between their handshake and their end (see
// churn_clients.hpp), and whether it is right. There is one conversation in each slot at a time.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "error.hpp"
#include "message_reader.hpp"

namespace ringcast::bench {

class Conversation {
public:
    enum class Next : std::uint8_t { receive, send, end };

    virtual ~Conversation() = default;
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

    /// Life `number` has its 101.
    virtual void begin(std::uint32_t slot, std::uint64_t number) = 0;
    [[nodiscard]] virtual StreamState& stream(std::uint32_t slot) = 0;
    /// Verifies all of `bytes`. Answers to pings are appended to `pongs` as masked frames.
    [[nodiscard]] virtual Expected<void> consume(std::uint32_t slot,
                                                 std::span<const std::byte> bytes,
                                                 std::vector<std::byte>& pongs) = 0;

    /// What comes next; `leaves_unanswered` if the last message is left to last_message().
    [[nodiscard]] virtual Next next(std::uint32_t slot, bool leaves_unanswered) const = 0;
    /// The message to be sent, when that comes next; valid as long as this.
    [[nodiscard]] virtual std::span<const std::byte> take_message(std::uint32_t slot) = 0;
    /// The message that is sent by a life that does not wait for the answer.
    [[nodiscard]] virtual std::span<const std::byte> last_message(std::uint32_t slot) const = 0;

    /// The server has not yet said all that it must.
    [[nodiscard]] virtual bool is_owed(std::uint32_t slot) const = 0;
    /// From now on lives end as soon as they are owed nothing.
    virtual void stop() noexcept {}

    /// Messages that have come, in all slots.
    [[nodiscard]] virtual std::uint64_t message_count() const noexcept = 0;
    /// "after 2 of 4 replies"
    [[nodiscard]] virtual std::string describe(std::uint32_t slot) const = 0;

protected:
    Conversation() = default;
};

}  // namespace ringcast::bench

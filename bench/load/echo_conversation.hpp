#pragma once
// Lives that send messages one by one and wait for each reply.

#include <cstdint>
#include <vector>

#include "conversation.hpp"
#include "messages.hpp"
#include "reply_checker.hpp"

namespace ringcast::bench {

class EchoConversation final : public Conversation {
public:
    /// Of `messages_per_life` messages each; `messages` must outlive it.
    EchoConversation(const Messages& messages, std::uint32_t messages_per_life,
                     std::uint32_t slot_count)
        : messages_(messages),
          checker_(messages, Verify::full),
          messages_per_life_(messages_per_life),
          exchanges_(slot_count) {}

    void begin(std::uint32_t slot, std::uint64_t number) override;
    [[nodiscard]] StreamState& stream(std::uint32_t slot) override {
        return exchanges_[slot].reply;
    }
    [[nodiscard]] Expected<void> consume(std::uint32_t slot, std::span<const std::byte> bytes,
                                         std::vector<std::byte>& pongs) override;
    [[nodiscard]] Next next(std::uint32_t slot, bool leaves_unanswered) const override;
    [[nodiscard]] std::span<const std::byte> take_message(std::uint32_t slot) override;
    [[nodiscard]] std::span<const std::byte> last_message(std::uint32_t slot) const override;
    [[nodiscard]] bool is_owed(std::uint32_t slot) const override;
    [[nodiscard]] std::uint64_t message_count() const noexcept override { return replies_; }
    [[nodiscard]] std::string describe(std::uint32_t slot) const override;

private:
    struct Exchange {
        std::uint32_t sent = 0;     ///< Messages so far.
        std::uint32_t request = 0;  ///< Index of the next message in the cycle.
        ReplyState reply;
    };

    const Messages& messages_;
    ReplyChecker checker_;
    std::uint32_t messages_per_life_;
    std::vector<Exchange> exchanges_;
    std::uint64_t replies_ = 0;
};

}  // namespace ringcast::bench

#include "echo_conversation.hpp"

#include <fmt/core.h>

namespace ringcast::bench {

void EchoConversation::begin(std::uint32_t slot, std::uint64_t number) {
    Exchange& exchange = exchanges_[slot];
    exchange = {};
    // Neighbours start at different messages, so a reply to the wrong connection differs.
    exchange.request = static_cast<std::uint32_t>(number % messages_.cycle_count());
    exchange.reply.expected_index = exchange.request;
}

Expected<void> EchoConversation::consume(std::uint32_t slot, std::span<const std::byte> bytes,
                                         std::vector<std::byte>& pongs) {
    Exchange& exchange = exchanges_[slot];
    const auto completed = checker_.consume(exchange.reply, bytes, pongs);
    if (!completed) return std::unexpected(completed.error());
    if (exchange.reply.messages > exchange.sent)
        return fail("the server sent more replies than there were messages");
    replies_ += *completed;
    return {};
}

Conversation::Next EchoConversation::next(std::uint32_t slot, bool leaves_unanswered) const {
    if (is_owed(slot)) return Next::receive;
    const std::uint32_t answered = messages_per_life_ - (leaves_unanswered ? 1 : 0);
    return exchanges_[slot].sent < answered ? Next::send : Next::end;
}

std::span<const std::byte> EchoConversation::take_message(std::uint32_t slot) {
    const auto message = last_message(slot);
    Exchange& exchange = exchanges_[slot];
    exchange.request = static_cast<std::uint32_t>((exchange.request + 1) % messages_.cycle_count());
    ++exchange.sent;
    return message;
}

std::span<const std::byte> EchoConversation::last_message(std::uint32_t slot) const {
    return messages_.requests(exchanges_[slot].request, 1);
}

bool EchoConversation::is_owed(std::uint32_t slot) const {
    return exchanges_[slot].reply.messages < exchanges_[slot].sent;
}

std::string EchoConversation::describe(std::uint32_t slot) const {
    return fmt::format("after {} of {} replies", exchanges_[slot].reply.messages,
                       messages_per_life_);
}

}  // namespace ringcast::bench

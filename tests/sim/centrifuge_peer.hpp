#pragma once
// Plays one CentrifugeVisit on a virtual connection: frames, pauses and ends. What the messages
// mean is the conversation's.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "sim/centrifuge_conversation.hpp"
#include "sim/centrifuge_visit.hpp"
#include "sim/network.hpp"
#include "support/ws_client.hpp"

namespace ringcast::sim {

/// Publications are so large that they fill the queue of a client that reads.
[[nodiscard]] bool may_overflow(const TopicScenario& scenario) noexcept;
/// Bad weather, or a shard that stands still, may make a pong late.
[[nodiscard]] bool may_miss_pongs(const TopicScenario& scenario) noexcept;

class CentrifugePeer final : public Peer {
public:
    /// All of them outlive it.
    CentrifugePeer(std::uint32_t number, const CentrifugeVisit& visit, CentrifugeStage& stage,
                   CentrifugeCounts& counts);

    void run(Wire wire, Instant now) override;

    [[nodiscard]] bool is_done() const noexcept { return is_done_; }
    /// Nothing is left for it to do until the server shuts down.
    [[nodiscard]] bool is_waiting() const noexcept;
    /// The network or the client itself broke the connection.
    [[nodiscard]] bool was_spoiled() const noexcept { return was_severed_ || visit_.may_break(); }
    [[nodiscard]] bool was_reset() const noexcept { return was_reset_; }
    /// Of the response; 0: there is none.
    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] bool has_closed() const noexcept { return has_closed_; }
    [[nodiscard]] bool is_present() const noexcept {
        return conversation_.is_connected() && !is_done_ && !has_closed_;
    }
    /// What it would name with that.
    [[nodiscard]] std::optional<TopicBook::Standing> place_of(
        const CentrifugeAction& action) const {
        return conversation_.place_of(action);
    }
    /// Null: it is not there, or hears of nobody.
    [[nodiscard]] const Company* company(std::uint32_t topic) const {
        return is_done_ || has_closed_ ? nullptr : conversation_.company(topic);
    }

private:
    [[nodiscard]] std::string request() const;
    void read(Wire wire);
    void take(const test::ServerFrame& frame);
    void take_close(const test::ServerFrame& frame);
    [[nodiscard]] bool is_legal(std::uint16_t code, std::string_view reason) const;
    void play(Wire wire);
    /// True if the current action, or some of them, are over.
    bool play_action(Wire wire);
    void say();
    void end(Wire wire);
    [[nodiscard]] std::string frame_of(std::string_view message, bool is_binary) const;
    [[noreturn]] void fail(Rule rule, const std::string& text) const;

    const std::uint32_t number_;
    const CentrifugeVisit& visit_;
    CentrifugeStage& stage_;
    CentrifugeConversation conversation_;
    test::ServerReader reader_;
    int status_ = 0;
    std::size_t action_ = 0;
    bool action_begun_ = false;
    std::string output_;   // What the network has not taken yet.
    std::string answers_;  // Pongs and a Close; go out between two actions.
    Instant now_{}, pause_until_{}, read_after_{}, closed_at_{};
    bool has_begun_ = false, is_hushed_ = false, has_sent_close_ = false, has_closed_ = false;
    bool was_severed_ = false, was_reset_ = false, is_done_ = false;
};

}  // namespace ringcast::sim

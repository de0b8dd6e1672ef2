#pragma once
// Lives that join a topic in the middle of a fan-out run and only listen: from the 101 on each must
// get every publication of the topic, byte for byte, each publisher's in its order and without a
// gap, unless the server says that it left some out.

#include <array>
#include <cstdint>
#include <vector>

#include "conversation.hpp"
#include "fanout_load.hpp"
#include "publication.hpp"

namespace ringcast::bench {

class FollowConversation final : public Conversation {
public:
    /// A life ends after so many deliveries, with 0 not before stop(). The topic of life `number`
    /// is `number % topics`. `load` must outlive it.
    FollowConversation(const FanoutLoad& load, const MessageShape& shape,
                       std::uint64_t deliveries_per_life, std::uint32_t slot_count);

    void begin(std::uint32_t slot, std::uint64_t number) override;
    [[nodiscard]] StreamState& stream(std::uint32_t slot) override { return followers_[slot]; }
    [[nodiscard]] Expected<void> consume(std::uint32_t slot, std::span<const std::byte> bytes,
                                         std::vector<std::byte>& pongs) override;
    [[nodiscard]] Next next(std::uint32_t slot, bool leaves_unanswered) const override;
    [[nodiscard]] std::span<const std::byte> take_message(std::uint32_t) override { return {}; }
    [[nodiscard]] std::span<const std::byte> last_message(std::uint32_t) const override {
        return {};
    }
    /// Something was published on its topic that has not come.
    [[nodiscard]] bool is_owed(std::uint32_t slot) const override;
    void stop() noexcept override { stopped_ = true; }
    [[nodiscard]] std::uint64_t message_count() const noexcept override { return deliveries_; }
    [[nodiscard]] std::string describe(std::uint32_t slot) const override;

    /// Publications that the server said it left out.
    [[nodiscard]] std::uint64_t skipped() const noexcept { return skipped_; }

private:
    /// What has come of one publisher.
    struct Thread {
        std::uint64_t next =
            0;  ///< The publication that is due; until one has come, at the latest.
        bool has_begun = false;
    };
    struct Follower : StreamState {
        std::uint32_t topic = 0;
        std::uint64_t explained = 0;  ///< Missing publications that were said to be left out.
        std::vector<Thread> threads;  ///< Of each publisher of the topic.
        std::array<std::byte, publication_id_bytes> id{};  ///< Of the message under way.
        PublicationId current;                             ///< Likewise, when `id` is complete.
    };

    [[nodiscard]] std::uint32_t publisher_of(const Follower& follower, std::size_t thread) const;
    [[nodiscard]] std::uint64_t missing(const Follower& follower) const;
    [[nodiscard]] Expected<void> check_payload(Follower& follower, const Piece& piece);
    [[nodiscard]] Expected<void> check_id(Follower& follower);

    const FanoutLoad& load_;
    MessageReader reader_;
    std::uint64_t deliveries_per_life_;
    std::vector<Follower> followers_;
    std::vector<std::byte> expected_;  ///< The payload of `expected_id_`.
    PublicationId expected_id_;
    bool stopped_ = false;
    std::uint64_t deliveries_ = 0;
    std::uint64_t skipped_ = 0;
};

}  // namespace ringcast::bench

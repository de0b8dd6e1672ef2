#pragma once
// A thread of the simulated server that is no shard and publishes now and then.

#include <memory>
#include <vector>

#include "api/publisher.hpp"
#include "shard/mesh.hpp"
#include "sim/topic_book.hpp"
#include "sim/topic_scenario.hpp"

namespace ringcast::sim {

class TopicThread {
public:
    /// Its lane goes into the shard `carrier`. Draws what it will publish.
    TopicThread(Prng& prng, const TopicScenario& scenario, TopicBook& book, shard::Mesh& mesh,
                std::uint32_t carrier)
        : scenario_{scenario}, book_{book} {
        auto* const lane =
            shard::PublisherLane::make(4096, mesh.inbox(carrier), hub::set_of(carrier));
        auto note = std::make_unique<shard::Note>();
        note->kind = shard::Note::Kind::publisher;
        note->publisher = lane;
        lane->acquire();
        RC_ASSERT(mesh.inbox(carrier).post(std::move(note)));
        publisher_ = Publisher{new Publisher::Impl{*lane}};
        for (std::uint64_t count = prng.below(40); count > 0; --count) {
            const auto topic = static_cast<std::uint32_t>(prng.below(scenario.shared_topics_count));
            publications_.push_back(book.add_publication(
                {.topic = topic, .is_text = prng.chance(1, 2), .size = prng.below(200)}));
        }
    }

    [[nodiscard]] bool is_done() const noexcept { return next_ == publications_.size(); }
    [[nodiscard]] std::size_t accepted() const noexcept { return accepted_; }

    /// Publishes one.
    void publish_one(Instant now) {
        const std::uint32_t id = publications_[next_];
        const TopicBook::Publication& publication = book_.publication(id);
        const std::string payload = book_.payload_of(id);
        const MessageKind kind = publication.is_text ? MessageKind::text : MessageKind::binary;
        book_.on_written(id);
        const auto status =
            publisher_.publish(scenario_.topics[publication.topic], Message{payload, kind});
        if (status == PublishStatus::full) return;  // Later.
        ++next_;
        if (status != PublishStatus::accepted) return;
        book_.on_written_whole(id, now);
        book_.on_accepted(id);
        ++accepted_;
    }

private:
    const TopicScenario& scenario_;
    TopicBook& book_;
    Publisher publisher_{nullptr};
    std::vector<std::uint32_t> publications_;
    std::size_t next_ = 0, accepted_ = 0;
};

}  // namespace ringcast::sim

#include "sim/topic_application.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/publication_info.hpp"
#include "dialect/raw.hpp"
#include "shard/session.hpp"
#include "shard/shard.hpp"

namespace ringcast::sim {

namespace {

/// Drawn from its tag.
shard::HistoryQuery query_of(std::uint32_t tag) {
    using Order = hub::StreamQuery::Order;
    return {.order = tag % 2 == 0 ? Order::forward : Order::backward,
            .count_max = tag % 7,
            .since = {}};
}

}  // namespace

void OverheardTopics::on_message(shard::Session session, std::string_view payload,
                                 MessageKind kind) {
    const auto publication = book_.read(payload);
    RC_ASSERT(publication);
    const std::uint64_t before = session.shard().metrics().publications;
    publish(session, payload, kind, book_.publication(*publication).key);
    if (session.shard().metrics().publications != before) book_.on_accepted(*publication);
    if (asks_ && *publication % 3 == 0) {
        // May be refused, to a session that closes.
        (void)session.history(session.newest_topic(), query_of(*publication), *publication);
    }
}

/// The raw dialect has no word for a key: it is put on its publications here.
void OverheardTopics::publish(shard::Session session, std::string_view payload, MessageKind kind,
                              std::uint32_t key) {
    if (key == 0) return topics_.on_message(session, payload, kind);
    const std::string name = std::to_string(mixes_keys_ ? 1 : key);
    const Tag tags[] = {{"key", name}};
    const std::string info = pack(tags);
    const auto status = session.publish(session.newest_topic(), dialect::raw::kind_of(kind),
                                        as_bytes(payload), as_bytes(info));
    if (status == PublishStatus::full)
        session.close(CloseCode::try_again_later, "no room for the publication");
}

/// What it gets is a piece of the topic, in the order asked for. The book knows what belongs where.
void OverheardTopics::on_history(shard::Session&, const shard::HistoryAnswer& answer) {
    const shard::HistoryQuery query = query_of(static_cast<std::uint32_t>(answer.tag));
    const auto publications = answer.publications;
    const bool is_forward = query.order == hub::StreamQuery::Order::forward;
    bool is_piece = publications.size() <= query.count_max;
    for (std::size_t i = 0; i < publications.size(); ++i) {
        const std::uint64_t offset = publications[i].offset;
        const std::uint64_t expected = i == 0       ? offset
                                       : is_forward ? publications[i - 1].offset + 1
                                                    : publications[i - 1].offset - 1;
        is_piece = is_piece && offset == expected && offset <= answer.position.offset;
        const std::span<const std::byte> bytes = publications[i].payload();
        book_.on_kept({.epoch = std::string{answer.position.epoch.text()}, .offset = offset},
                      publications[i].kind != PublicationKind::binary,
                      {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    if (!is_piece) throw Violation{Rule::positions_true, "history is no piece of its topic"};
}

void Rooms::on_message(Session<>& session, Message message) {
    const std::string_view payload = message.payload;
    if (const auto publication = book_.read(payload))
        return publish(session, message, *publication);
    RC_ASSERT(payload.size() > 1);
    const char word = payload.front();
    if (word == rooms::enter) return enter(session, {payload.substr(1), message.kind});
    const std::size_t topic = std::stoul(std::string{payload.substr(1)});
    if (word == rooms::subscribe) return subscribe(session, topic);
    const bool was_subscribed = session.unsubscribe(scenario_.topics[topic]);
    answer(session, was_subscribed ? word : rooms::refused, topic);
}

void Rooms::enter(Session<>& session, const Message& message) {
    const auto publication = book_.read(message.payload);
    RC_ASSERT(publication);
    if (publishes_first_) publish(session, message, *publication);
    subscribe(session, book_.publication(*publication).topic);
    if (!publishes_first_) publish(session, message, *publication);
}

/// Answered in its place among the publications, so that the client knows which ones it may get.
void Rooms::subscribe(Session<>& session, std::size_t topic) {
    const bool is_new = session.subscribe(scenario_.topics[topic]) == SubscribeStatus::accepted;
    answer(session, is_new ? rooms::subscribe : rooms::refused, topic);
}

void Rooms::publish(Session<>& session, const Message& message, std::uint32_t publication) {
    const std::string& name = scenario_.topics[book_.publication(publication).topic];
    const auto status = session.publish(name, message);
    if (status == PublishStatus::accepted) return book_.on_accepted(publication);
    RC_ASSERT(status == PublishStatus::full || status == PublishStatus::closed);
    book_.on_refused(publication);
}

std::string rooms::answer(const TopicScenario& scenario, char word, std::size_t topic) {
    std::string text = word + std::to_string(topic);
    // Gets smaller by itself, and is much like the answer before: a context that is kept is made
    // use of.
    if (scenario.compression.offers.empty()) return text;
    return text + " is what you get, is what you get, is what you get, is what you get";
}

void Rooms::answer(Session<>& session, char word, std::size_t topic) {
    if (session.send(rooms::answer(scenario_, word, topic)) == SendStatus::dropped)
        session.close(CloseCode::try_again_later, "too slow");
}

}  // namespace ringcast::sim

#include "sim/topic_application.hpp"

#include "base/assert.hpp"
#include "dialect/raw.hpp"
#include "shard/session.hpp"
#include "shard/shard.hpp"

namespace ringcast::sim {

void OverheardTopics::on_message(shard::Session session, std::string_view payload,
                                 MessageKind kind) {
    const auto publication = book_.read(payload);
    RC_ASSERT(publication);
    const std::uint64_t before = session.shard().metrics().publications;
    topics_.on_message(session, payload, kind);
    if (session.shard().metrics().publications != before) book_.on_accepted(*publication);
}

void Rooms::on_message(shard::Session session, std::string_view payload, MessageKind kind) {
    if (const auto publication = book_.read(payload))
        return publish(session, {payload, kind}, *publication);
    RC_ASSERT(payload.size() > 1);
    const char word = payload.front();
    const std::size_t topic = std::stoul(std::string{payload.substr(1)});
    const std::string& name = scenario_.topics[topic];
    if (word == rooms::unsubscribe)
        return answer(session, session.unsubscribe(name) ? word : rooms::refused, topic);
    const bool is_new = session.subscribe(name) == SubscribeStatus::accepted;
    answer(session, is_new ? word : rooms::refused, topic);
}

void Rooms::publish(shard::Session& session, const Message& message, std::uint32_t publication) {
    const std::string& name = scenario_.topics[book_.publication(publication).topic];
    const auto status = session.publish(name, dialect::raw::kind_of(message.kind), message.bytes());
    if (status == PublishStatus::accepted) return book_.on_accepted(publication);
    RC_ASSERT(status == PublishStatus::full);
    book_.on_refused(publication);
    ++refusals_;
}

/// In its place among the publications, so that the client knows which ones it may get.
void Rooms::answer(shard::Session& session, char word, std::size_t topic) {
    const std::string text = word + std::to_string(topic);
    if (session.send({.payload = text, .kind = MessageKind::text}) == SendStatus::dropped)
        session.close(CloseCode::try_again_later, "too slow");
}

}  // namespace ringcast::sim

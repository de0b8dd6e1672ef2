#pragma once
// Topics for clients: what a plain WebSocket client may do under a mounted path, and how a thread
// of the program publishes.
//
//     server.mount_topics("/topics", {.anonymous = ringcast::TopicAccess::subscribe});
//     ...
//     auto prices = server.make_publisher();           // after start(); one thread, one publisher
//     prices.publish("EURUSD", "1.0842");
//
// A client of ws://host/topics/EURUSD is subscribed to EURUSD from the 101 on: each message that it
// receives is one publication, each that it sends is one, if it may. See topic.hpp for names. With
// `?offset=41&epoch=k3VxQ_9a` it gets what it has missed first, with `?last=20` the newest ones, if
// Settings::history_size says that they are kept; before them a text tells where it is:
// {"epoch":"k3VxQ_9a","offset":41}, and `"recovered"`: whether nothing is missing.
//
// The same paths are served to plain HTTP clients: GET with `Accept: text/event-stream`, as an
// EventSource of a browser sends it, is answered with a stream of events, which goes on behind
// `Last-Event-ID`; POST publishes its body. Of pages as of those that connect by WebSocket:
// Settings::allowed_origins.

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "ringcast/message.hpp"
#include "ringcast/topic.hpp"
#include "ringcast/upgrade.hpp"

namespace ringcast {

/// Who may do what under one mounted path.
struct TopicsPolicy {
    /// What everybody may do, when there is no `authorize`. By default nothing: 403.
    TopicAccess anonymous = TopicAccess::none;
    /// What those may do whose token names a user, at least, if Settings::tokens has keys. Whatever
    /// stands here and above, a token's `channels` and `subs` may be subscribed to.
    TopicAccess users = TopicAccess::none;
    /// Asked about each client before its 101, and about each plain request: its access, a
    /// refusal, or `pending` with a Ticket<TopicAccess>. Called on the shards' threads, several at
    /// a time. An exception refuses with 500.
    std::function<Admission<TopicAccess>(Upgrade&, std::string_view topic)> authorize{};
    /// Events by GET, publications by POST.
    PlainHttp plain_http = PlainHttp::on;
};

/// The lane of one thread into the topics. Never blocks. What is published through one publisher
/// keeps its order, over all topics: while the home of one stands still, what follows waits as
/// well, so independent streams want publishers of their own. Move-only; may outlive the server.
/// One thread at a time uses it.
class Publisher {
public:
    struct Impl;
    explicit Publisher(Impl* impl) noexcept : impl_{impl} {}
    Publisher(Publisher&& other) noexcept : impl_{std::exchange(other.impl_, nullptr)} {}
    Publisher& operator=(Publisher&& other) noexcept {
        std::swap(impl_, other.impl_);
        return *this;
    }
    ~Publisher();

    /// Bytes of the longest message that a publisher takes: too_large beyond.
    static constexpr std::size_t message_bytes_max = std::size_t{200} << 10;

    /// The message is copied. `full`: the shards do not keep up; try again later, nothing was
    /// published. `accepted` ones are delivered unless the server is stopped meanwhile, and those
    /// accepted before stop() was called are delivered even then.
    PublishStatus publish(std::string_view topic, const Message& message);
    PublishStatus publish(std::string_view topic, std::string_view text) {
        return publish(topic, Message{text, MessageKind::text});
    }

private:
    Impl* impl_;
};

}  // namespace ringcast

#pragma once
// The words of publish and subscribe that the public API and every layer of the server share.
//
// A topic's name is 1 to 255 bytes of valid UTF-8 without control characters. Names that contain
// `:` and names that begin with `$` or `#` are reserved for namespaces: see topic_namespace.hpp.

#include <cstddef>
#include <cstdint>

namespace ringcast {

/// Longest name of a topic, in bytes.
inline constexpr std::size_t topic_bytes_max = 255;

/// What a client may do with a topic; each includes the ones before it.
enum class TopicAccess : std::uint8_t { none, subscribe, publish };

/// Who may do something with the topics of a namespace; each includes the ones before it. `token`:
/// whose subscription token names the topic. `users`: whoever has proven who it is.
enum class TopicAudience : std::uint8_t { nobody, token, users, anyone };

/// Whether clients that speak no WebSocket are served beside those that do.
enum class PlainHttp : std::uint8_t { off, on };

/// What happens to a subscriber whose send queue has no room for a publication. `close`: it is
/// closed with 1013. `drop`: it misses the publication; that is counted and logged, and clients
/// that connected with `?gaps=1` are told how many they missed. `latest`: the newest publication of
/// each of its topics waits until it has caught up, and the ones before are missed, as by `drop`;
/// a Centrifuge client finds their number as the tag `skipped` of what it gets. Other dialects
/// than these close where `drop` is said.
enum class SlowConsumer : std::uint8_t { close, drop, latest };

/// Whether subscribers that ask for it are sent publications as the difference to the one before,
/// where that is shorter: clients of the Centrifuge protocol, in the format of Fossil.
enum class TopicDelta : std::uint8_t { off, fossil };

/// What became of a publication. Only `accepted` ones are delivered: to everybody who was
/// subscribed when the topic's turn came, in the topic's one order.
enum class PublishStatus : std::uint8_t {
    accepted,  ///< On its way to the topic's home.
    full,  ///< Not taken: the way there has no room now. In a handler the session's own input waits
           ///< until there is.
    invalid_topic,  ///< Not taken: no name of a topic, or a reserved one.
    too_large,  ///< Not taken: longer than message_bytes_ceiling, or than a Publisher's lane takes.
    closed,     ///< Not taken: the server is stopping, or the publishing session is closing.
};

/// What became of a wish to subscribe.
enum class SubscribeStatus : std::uint8_t {
    accepted,       ///< Publications follow once the topic's home has confirmed.
    already,        ///< The session is subscribed to that topic; nothing changes.
    invalid_topic,  ///< No name of a topic, or a reserved one.
    limit,          ///< The session has as many subscriptions as it may.
    closed,         ///< The session is closing, or the server is stopping.
};

}  // namespace ringcast

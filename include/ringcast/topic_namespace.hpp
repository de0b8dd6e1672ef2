#pragma once
// Topics that belong together, and what holds for them: `news:today` is a topic of the namespace
// `news`.
//
//     ringcast::Settings settings{.port = 9001};
//     settings.namespaces.push_back({.name = "news",
//                                    .history_size = 100,
//                                    .subscribe = ringcast::TopicAudience::anyone});
//
// Names begin with `$` where whoever subscribes needs a token for that very topic, and end with
// `#7,9` where they are for the users 7 and 9 only. Topics of a namespace that is not there are
// refused, and so are names with these characters that have none.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "ringcast/topic.hpp"

namespace ringcast {

/// What of a topic's history counts. `stream`: each publication. `cache`: the newest one says all,
/// and whoever comes back gets that one, however much it has missed.
enum class HistoryMode : std::uint8_t { stream, cache };

struct TopicNamespace {
    /// 1 to 64 letters, digits, `_`, `-` and `.`.
    std::string name{};
    /// Publications that each topic keeps; 0: none.
    std::uint32_t history_size = 0;
    /// How long each is kept, from 1 s to a year; by default where none is.
    std::chrono::nanoseconds history_ttl = std::chrono::minutes{5};
    HistoryMode history_mode = HistoryMode::stream;
    /// Whether subscribers may ask who is in a topic: clients of a protocol in which they are
    /// somebody.
    bool presence = false;
    /// Whether subscribers that want to know are told who comes and who goes ...
    bool join_leave = false;
    /// ... or all of them, if their protocol has a place for that.
    bool force_push_join_leave = false;
    /// Whether subscribers may be sent only what differs from the publication before.
    TopicDelta delta = TopicDelta::off;
    /// Who may subscribe, and see what is kept. Not more than known users unless that is said.
    TopicAudience subscribe = TopicAudience::users;
    /// Who of the clients may publish, whether or not they may subscribe; the server's own may in
    /// any case. Where nobody may subscribe a raw session publishes, and is sent nothing.
    TopicAudience publish = TopicAudience::nobody;
    /// Publications that one client may make to one of these topics in a second, up to 10'000; 0:
    /// any number. A user is one client however it comes; somebody whom nobody knows is one by each
    /// session, or by its address where it posts. Beyond, a raw session is not read from until it
    /// may again, a Centrifuge client gets error 111, and a POST 429. The server's own are not
    /// counted.
    std::uint32_t rate = 0;
    /// So many of them at once, up to 10'000; 0: as many as in a second.
    std::uint32_t burst = 0;
    /// A subscriber that falls behind with one of these topics; without a value as in Settings.
    std::optional<SlowConsumer> slow_consumer{};
};

}  // namespace ringcast

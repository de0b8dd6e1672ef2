#pragma once
// Subscriptions that a connection's token makes: the connect reply waits until all of them are
// live, and brings them.
//
//   connect -> a, b asked for -> b live -> publication of b -> a live -> reply {a, b}, publication
//                                          `- kept: nobody knows b yet         of b, the rest

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "api/centrifuge_endpoint.hpp"
#include "auth/claims.hpp"
#include "shard/history_query.hpp"

namespace ringcast::api {

/// There while they are on their way.
struct CentrifugeEndpoint::Joining {
    struct Channel {
        std::string name;
        auth::Payload data;                ///< What the token has for its subscriber; or empty.
        std::uint64_t recovered_from = 0;  ///< What the client asked for.
        // Once it is live:
        bool was_recovering = false;
        bool recovered = false;
        hub::Position position{};
        std::vector<shard::MissedPublication> missed{};  ///< With a reference each.
    };

    Joining() = default;
    Joining(const Joining&) = delete;
    Joining& operator=(const Joining&) = delete;
    ~Joining() {
        for (const Channel& channel : channels) {
            for (const shard::MissedPublication& missed : channel.missed) missed.block->release();
        }
    }

    std::vector<Channel> channels;        ///< In the order of their names, as the grants were.
    std::size_t missing_count = 0;        ///< Not live yet.
    TimeToLive ttl;                       ///< Of the connection.
    std::vector<std::uint64_t> orders{};  ///< Of the application: works that are postponed.
    std::uint64_t missed_bytes = 0;
    std::string pushes;       ///< What was published to those that are live.
    bool is_overrun = false;  ///< That was too much.
};

}  // namespace ringcast::api

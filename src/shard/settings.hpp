#pragma once
// What a shard is told about limits and time. What a client can exceed has a flag on the command
// line; shares of a turn, which only decide who is next, have none. Defaults are safe on the open
// internet.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.hpp"
#include "base/token_bucket.hpp"
#include "http/date.hpp"
#include "http/forwarded.hpp"
#include "http/request_parser.hpp"
#include "hub/home_topics.hpp"
#include "hub/local_topics.hpp"
#include "hub/presence.hpp"
#include "hub/publish_keys.hpp"
#include "ringcast/compression.hpp"
#include "ringcast/topic.hpp"
#include "shard/origin.hpp"
#include "shard/trusted_proxies.hpp"

namespace ringcast::shard {

/// Whether every connection through a client listener has to begin with a PROXY header, and come
/// from a trusted proxy.
enum class ProxyProtocol : std::uint8_t { off, required };

/// Limits of one mounted endpoint's sessions.
struct SessionLimits {
    std::uint64_t message_bytes_max = 64 << 10;  ///< Payload of a received message: 1009 beyond.
    std::uint64_t send_queue_bytes_max =
        1 << 20;  ///< Bytes waiting for a slow peer; sends are dropped beyond.
    Duration idle_timeout =
        std::chrono::seconds{120};  ///< Nothing received for that long: closed. Zero: never.
    Duration ping_interval =
        std::chrono::seconds{25};  ///< Nothing received for that long: a ping. Zero: never.
    /// From the first octet of a message to its last, or to each further 64 KiB of it: closed
    /// beyond. While a session is suspended, the time stands still. Zero: never.
    Duration message_timeout = std::chrono::seconds{30};
    SlowConsumer slow_consumer = SlowConsumer::close;
    /// Messages and control frames of one session per second, and bytes as TCP carries them:
    /// beyond, its input waits until there are tokens again.
    TokenRate message_rate;
    TokenRate byte_rate;

    /// Above this a session is "behind": its own input waits, and `send` says so.
    [[nodiscard]] std::uint64_t high_water_bytes() const noexcept {
        return send_queue_bytes_max / 2;
    }
    /// Below this it has caught up again.
    [[nodiscard]] std::uint64_t low_water_bytes() const noexcept {
        return send_queue_bytes_max / 4;
    }
    /// A session that has published so much waits until that is in the send queues: so what comes
    /// back to itself, below the high water, fits its own.
    [[nodiscard]] std::uint64_t publish_window_bytes() const noexcept {
        return send_queue_bytes_max / 4;
    }
    /// Of publications that a subscriber gets in one go: whoever is below the high water has room
    /// for that and for what it publishes itself.
    [[nodiscard]] std::uint64_t delivery_burst_bytes() const noexcept {
        return send_queue_bytes_max / 4;
    }
};

/// permessage-deflate (RFC 7692).
struct CompressionSettings {
    Compression mode = Compression::off;
    /// Messages that are shorter are sent as they are.
    std::uint64_t threshold_bytes = 512;
    /// For contexts that are kept from one message to the next: what clients were promised, and
    /// compressors of single sessions. Beyond, new sessions get `shared`.
    std::uint64_t memory_bytes_max = 64u << 20;
};

/// A shard's part in topics. Equal on all shards of a server, but for epoch_seed.
struct TopicSettings {
    std::uint64_t seed = 0;  ///< Of the names' hashes; secret, or clients could choose the home.
    /// Of this shard alone: what epochs are drawn from. Apart from `seed`, which nobody may learn
    /// from them.
    std::uint64_t epoch_seed = 0;
    hub::HomeTopics::Limits home;
    hub::LocalTopics::Limits local;
    hub::Presence::Limits presence;
    hub::PublishKeys::Limits keys;
    /// So long a shard lets publications wait for others before it delivers all of them together:
    /// each subscriber is sent its own at once. Nothing else waits. 0: they do not wait, either.
    Duration delivery_window{0};
    /// How long a shard may have no room for deliveries before they are dropped.
    Duration mesh_stall_timeout = std::chrono::seconds{2};
    /// How long an orderly end waits for publications on their way.
    Duration flush_timeout = std::chrono::seconds{2};
    std::uint32_t requests_per_turn = 1024;    ///< Of each shard, taken by a home.
    std::uint32_t deliveries_per_turn = 1024;  ///< Handed to send queues ...
    std::uint32_t deliveries_quantum = 256;  ///< ... of one topic, before it is another one's turn.
    /// Publications of one topic that a client may get that has missed them, or asks for them, with
    /// those that come while it is given them. Whoever has missed more begins anew. Beyond that go
    /// those alone that come while somebody is given the newest: hub::StreamCursor::overrun_max.
    std::uint32_t recovered_max = 300;
    std::uint32_t recovered_bytes_max = 768 << 10;  ///< Of their payloads, unless it is one.
    std::uint32_t recovered_per_turn = 256;         ///< Of these, to each shard, by a home.
    std::uint32_t items_max = 4096;                 ///< Publications waiting for their fan-out.
};

/// Plain HTTP: what one connection may ask for, and how long it may take.
struct HttpSettings {
    std::uint16_t requests_max = 10'000;   ///< Of one connection; the last answer closes it.
    std::uint32_t requests_per_turn = 16;  ///< Of one connection, before it is others' turn.
    /// Requests that came before the one under way was answered: no more is read beyond, so that
    /// the client's going away is not seen either.
    std::uint32_t pipelined_bytes_max = 16 << 10;
    /// Answers waiting for a slow client: above half of it no further request is looked at, and
    /// pieces of an answer that do not fit are dropped.
    std::uint64_t send_queue_bytes_max = 1 << 20;
    /// From a request's first octet to its last, or to each further 64 KiB of its body: 408 beyond.
    /// The first head of a connection has handshake_timeout.
    Duration request_timeout = std::chrono::seconds{10};
    /// From a request to its answer, or to its begin, where an endpoint takes its time: 503 beyond.
    Duration answer_timeout = std::chrono::seconds{60};
    /// From the begin of an answer that goes on in pieces to its end. 0: none.
    Duration stream_timeout = std::chrono::hours{24};
    /// Without a request, or without progress in reading answers: closed.
    Duration idle_timeout = std::chrono::seconds{60};

    [[nodiscard]] std::uint64_t high_water_bytes() const noexcept {
        return send_queue_bytes_max / 2;
    }
    [[nodiscard]] std::uint64_t low_water_bytes() const noexcept {
        return send_queue_bytes_max / 4;
    }
};

struct Settings {
    std::uint32_t index = 0;  ///< Which shard this is.
    std::uint64_t seed = 0;   ///< For jitter only.
    std::uint32_t connections_max =
        10'000;  ///< Of this shard: accepted ones beyond are told 503 and closed.
    /// Of all shards together, to be logged beside it. 0: there are no others.
    std::uint64_t server_connections_max = 0;
    /// Beside connections_max, through admin listeners: whoever looks after the server gets in when
    /// nobody else does.
    std::uint32_t admin_connections_max = 16;
    http::HeadLimits head;
    /// Input and output of this shard together. Beyond, sends to sessions that have a backlog are
    /// dropped, and clients that leave replies unread are suspended. Nobody else is held up.
    std::uint64_t pool_bytes_max = 256u << 20;
    /// Of it, input that has begun and not ended: heads and messages that came in part, and what
    /// suspended connections had sent already. Beyond, at the end of each turn, the connection that
    /// has held its part for longest without progress fails: with 1013, or before the 101 with
    /// 503. So a client is served unless others, while it sends its message (or 64 KiB of it),
    /// begin new ones that fill all of this: at least input_bytes_max / 8 of traffic, or as many
    /// connections as there are blocks of 4 KiB in it.
    std::uint64_t input_bytes_max = 128u << 20;
    std::size_t pool_retain_bytes_max = 16u << 20;  ///< Free memory kept for reuse.
    CompressionSettings compression;
    TrustedProxies trusted_proxies;  ///< Their clients' addresses are believed, nobody else's.
    ProxyProtocol proxy_protocol = ProxyProtocol::off;
    http::ForwardedField forwarded_field = http::ForwardedField::x_forwarded_for;
    /// Of browsers' pages that may connect, besides those of the same origin.
    std::vector<OriginPattern> allowed_origins;
    HttpSettings http;
    /// For the Date of answers (RFC 9110 section 6.6.1). Null: there is no clock, and no Date.
    http::UnixSeconds (*wall_clock)() noexcept = nullptr;
    Duration handshake_timeout = std::chrono::seconds{10};  ///< From accept to the 101.
    Duration close_timeout =
        std::chrono::seconds{5};  ///< For the peer's Close after ours, and its FIN after ours.
    Duration tick_interval = std::chrono::seconds{1};  ///< Of Endpoint::on_tick.
    std::uint32_t early_flush_bytes =
        256 << 10;  ///< Output queued in a turn is handed to the kernel beyond this.
    Duration gather_per_send = std::chrono::microseconds{4};  ///< See pacing.hpp.
    Duration gather_max = std::chrono::milliseconds{1};
    /// What one connection's messages may take of a turn before its input waits for the next one:
    /// 1 for each frame, and for each 4 KiB of it; of compressed ones, for each KiB. At most 65535.
    std::uint32_t work_per_turn = 1024;
    std::uint32_t timers_per_turn =
        1024;  ///< Timers served before the loop looks at the ring again.
    /// Connections that a turn begins to read, of those that were accepted. The handshakes of so
    /// many take 2 ms or so; with 256, 8 ms. With 16 they take no longer all together, either, but
    /// each turn has its costs.
    std::uint32_t newcomers_per_turn = 64;
    std::uint32_t tls_handshakes_per_turn = 4;  ///< Steps of TLS handshakes, of 0.1 to 0.5 ms each.
    bool access_log = false;                    ///< One line for each session opened and closed.
    TopicSettings topics;
};

}  // namespace ringcast::shard

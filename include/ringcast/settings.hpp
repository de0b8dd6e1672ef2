#pragma once
// What a server is told before it starts. Plain aggregates: set what differs, leave the rest.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ringcast/compression.hpp"
#include "ringcast/tls.hpp"
#include "ringcast/tokens.hpp"
#include "ringcast/topic.hpp"
#include "ringcast/topic_namespace.hpp"

namespace ringcast {

/// How to talk to the kernel. `automatic`: io_uring where it is allowed, else epoll, with one line
/// in the log.
enum class Io : std::uint8_t { automatic, uring, epoll };

/// Whether each shard's thread stays on one CPU. `automatic`: only if there are as many shards as
/// CPUs to run on.
enum class Pinning : std::uint8_t { automatic, on, off };

/// Whether each connection through `listen` has to begin with a PROXY header (version 1 or 2), and
/// to come from a trusted proxy; others are closed.
enum class ProxyProtocol : std::uint8_t { off, required };

/// The field in which trusted proxies say whose request they pass on.
enum class ForwardedField : std::uint8_t { x_forwarded_for, forwarded };

enum class LogLevel : std::uint8_t { error, warn, info, debug };
enum class LogFormat : std::uint8_t { logfmt, json };
enum class AccessLog : std::uint8_t { off, on };
enum class DirectDescriptors : std::uint8_t { off, on };

/// Sizes are in bytes. Times may be zero where it says "never".
struct Settings {
    // Where to listen.

    /// On 127.0.0.1; only used while `listen` is empty. 0: the kernel chooses.
    std::uint16_t port = 9001;
    /// `ws://0.0.0.0:9001`, `ws://[::1]:0`, `wss://0.0.0.0:443`, `unix:/run/ringcast.sock`
    std::vector<std::string> listen{};
    /// Where `/live`, `/ready`, `/metrics` and `POST /publish/{topic}` are served, apart from all
    /// else: `http://127.0.0.1:9090`, `http://[::1]:0`, `unix:/run/ringcast-admin.sock`. By default
    /// nowhere. There is no authentication: keep it on loopback, anything else is warned about.
    std::vector<std::string> admin_listen{};
    /// Keys of applications, one a line: with any of them `POST /api/publish` and its like are
    /// served there, too, as Centrifugo's server SDKs use them. Empty: they are not.
    std::string api_key_file{};
    /// Connections that the kernel queues; capped by net.core.somaxconn.
    std::uint32_t listen_backlog = 4096;
    /// Of listeners at `wss://`, which need at least one certificate.
    TlsSettings tls{};
    /// Keys for clients' tokens, and where a token is looked for. A client that shows a token
    /// which is not in order is refused with 401, wherever it connects to.
    TokenSettings tokens{};

    // Threads and the kernel.

    /// Threads; 0: one for each CPU that this process may use. At most 64.
    std::uint32_t shards = 0;
    Pinning pinning = Pinning::automatic;
    Io io = Io::automatic;
    /// As `--uring-features`: `all`, `6.1`, `-incremental,-min-wait`.
    std::string uring_features = "all";
    /// On: connections are not among the process's open files but in a table of each shard's ring
    /// (io_uring on Linux 6.13 or newer, or the server does not start). The limit on open files
    /// holds for each table, so that more shards hold more connections.
    DirectDescriptors direct_descriptors = DirectDescriptors::off;
    /// Receive buffers of a shard, a power of two from 2 to 32768. 0: by what the kernel can do.
    std::uint32_t buffers_count = 0;
    /// Of one of them, 512 to 4 MiB; all of a shard at most 2 GiB. 0: by what the kernel can do.
    std::uint32_t buffer_bytes = 0;
    /// Operations handed to the kernel at once, a power of two up to 32768. 0: 4096.
    std::uint32_t ring_submissions = 0;
    /// Room for the kernel's answers, a power of two from 2 to 65536, at least ring_submissions. 0:
    /// 32768.
    std::uint32_t ring_completions = 0;

    // Limits.

    /// Of the whole server, shared out evenly among the shards and rounded up there: 1 for 2 shards
    /// admits 2. Connections beyond a shard's part are answered with 503, over TLS closed. 0:
    /// what the limit on open files allows, at most a million.
    std::uint32_t connections_max = 0;
    /// Of each shard through the admin listeners, beside connections_max: at most 65535. More are
    /// answered with 503.
    std::uint32_t admin_connections_max = 16;
    /// Request line and fields: 431 beyond.
    std::uint32_t header_bytes_max = 16 << 10;
    /// Of it, the target of the request: 414 beyond.
    std::uint32_t target_bytes_max = 8 << 10;
    /// Header fields of a request, at most 256: 431 beyond.
    std::uint32_t header_fields_max = 100;
    /// Of a received message: close code 1009 beyond.
    std::uint64_t message_bytes_max = 64 << 10;
    /// Of a shard: input that has begun and not ended and unsent output together; at least 4 times
    /// the longest message_bytes_max and 2 times the receive buffers. Beyond, `send` drops what is
    /// for sessions that have output waiting, and clients that leave replies unread are not read
    /// from until they take them. Input has half of it at most: when that is used up, the client
    /// that has made no progress with its message for longest is closed with 1013 (before the 101:
    /// answered with 503). So clients that finish what they begin are served, unless others send an
    /// eighth of that half anew in the meantime, or have a connection for each 4 KiB of it.
    std::uint64_t message_memory_max = 256u << 20;
    /// Plain HTTP requests of one connection, 1 to 65535; the last answer closes it.
    std::uint32_t http_requests_max = 10'000;
    /// Of one connection, answered before the others have their turn.
    std::uint32_t http_requests_per_turn = 16;
    /// Of requests that a client pipelines behind one that is still being answered.
    std::uint32_t http_pipelined_bytes_max = 16 << 10;
    /// Of a session, or of a connection's answers: `send` drops beyond.
    std::uint64_t send_queue_bytes_max = 1 << 20;

    /// permessage-deflate (RFC 7692), with clients that offer it: it costs time and memory, so it
    /// is off. `shared`: about 7 KiB and a window of 32 KiB for each message that is arriving, and
    /// up to 2 MiB for each shard. `dedicated`: besides, for each session that keeps its contexts,
    /// 39 KiB for what it sends and 262 KiB for what is sent to it alone; publications are
    /// compressed once for all subscribers in any case.
    Compression compression = Compression::off;
    /// Messages that are shorter are sent as they are: they would save less than they cost.
    std::uint64_t compression_threshold = 512;
    /// Of a shard, for contexts that are kept from one message to the next. When it is used up, new
    /// sessions are compressed as with `shared`.
    std::uint64_t compression_memory_max = 64u << 20;

    /// Messages and control frames that a session may send in a second; its input waits beyond, and
    /// nothing is lost. 0: any number. At most 1000000.
    std::uint32_t message_rate = 0;
    /// So many at once; 0: as many as in a second.
    std::uint32_t message_burst = 0;
    /// Bytes that a session may send in a second, as TCP carries them. 0: any number. At most
    /// 4 GiB, like the burst.
    std::uint64_t byte_rate = 0;
    std::uint64_t byte_burst = 0;
    /// A subscriber that falls behind.
    SlowConsumer slow_consumer = SlowConsumer::close;
    /// Of the whole server: those with subscribers, and those that have been idle for less than
    /// topic_idle_timeout. Beyond, who wants another one is refused with 503.
    std::uint32_t topics_max = 1'000'000;
    /// Of one session.
    std::uint32_t subscriptions_max = 128;
    /// Publications that each topic keeps for those who come later or come back, its newest ones.
    /// 0: none.
    std::uint32_t history_size = 0;
    /// As of TopicNamespace, for topics without one.
    bool presence = false;
    bool join_leave = false;
    bool force_push_join_leave = false;
    TopicDelta delta = TopicDelta::off;
    /// Clients of one topic that has presence, or joins and leaves, and bytes of all that one shard
    /// knows of such clients: beyond, a subscription to such a topic is refused with error 106.
    std::uint32_t presence_clients_max = 10'000;
    std::uint64_t presence_bytes_max = 64u << 20;
    /// What differs for topics of the name `namespace:rest`. Other namespaces are refused.
    std::vector<TopicNamespace> namespaces{};
    /// For all that one shard keeps: over it, the topics that were published to longest ago are
    /// emptied.
    std::uint64_t history_bytes_max = 64u << 20;
    /// For all queues between shards together, shared out among them: each gets 4 KiB to 1 MiB.
    std::uint64_t mesh_bytes = 32u << 20;

    // Time.

    /// How long a shard lets publications wait for others, at most 1 s; then each subscriber is
    /// sent all of its own at once. Several of them cost a fraction that way, and each arrives so
    /// much later at most. Nothing else waits; nor do they when a session waits for what it has
    /// published, or when a quarter of the smallest send_queue_bytes_max is there. 0: off.
    std::chrono::nanoseconds delivery_window{0};
    /// How long a shard may have no room for what others bring before they go on without it; its
    /// subscribers are closed with 1013 then.
    std::chrono::nanoseconds mesh_stall_timeout = std::chrono::seconds{2};
    /// How long a publication is kept, from 1 s to a year.
    std::chrono::nanoseconds history_ttl = std::chrono::minutes{5};
    /// How long a topic without subscribers is remembered, if it keeps no publications.
    std::chrono::nanoseconds topic_idle_timeout = std::chrono::seconds{60};
    /// From accept to the 101.
    std::chrono::nanoseconds handshake_timeout = std::chrono::seconds{10};
    /// From the first octet of a plain HTTP request to its last, or to each further 64 KiB of its
    /// body: answered with 408 beyond. A connection's first head has handshake_timeout.
    std::chrono::nanoseconds http_request_timeout = std::chrono::seconds{10};
    /// From a plain HTTP request to the begin of its answer, where that waits for something: 503
    /// beyond.
    std::chrono::nanoseconds http_answer_timeout = std::chrono::seconds{60};
    /// From the begin of an answer that goes on in pieces to its end. 0: none.
    std::chrono::nanoseconds http_stream_timeout = std::chrono::hours{24};
    /// Between plain HTTP requests, and without progress in reading answers: closed.
    std::chrono::nanoseconds http_idle_timeout = std::chrono::seconds{60};
    /// Nothing received for so long: closed with 1001. 0: never.
    std::chrono::nanoseconds idle_timeout = std::chrono::seconds{120};
    /// Nothing received for so long: a ping. 0: never.
    std::chrono::nanoseconds ping_interval = std::chrono::seconds{25};
    /// From the first octet of a message to its last, or to each further 64 KiB of it: closed with
    /// 1008 beyond. So whoever holds memory with a message has to send at least 2 KiB a second. 0:
    /// never.
    std::chrono::nanoseconds message_timeout = std::chrono::seconds{30};
    /// For what was sent to be acknowledged by the client's kernel, or for a client that reads
    /// nothing to read on: broken beyond (TCP_USER_TIMEOUT). 0: what the kernel does by itself,
    /// about a quarter of an hour.
    std::chrono::nanoseconds tcp_user_timeout = std::chrono::seconds{60};
    /// For the peer's half of a close, from when ours has left.
    std::chrono::nanoseconds close_timeout = std::chrono::seconds{5};
    /// From stop() until wait(), run() or the destructor cuts the connections that are left.
    std::chrono::nanoseconds shutdown_timeout = std::chrono::seconds{10};
    /// Of the handlers' on_tick.
    std::chrono::nanoseconds tick_interval = std::chrono::seconds{1};

    // Who may connect, and what is told about it.

    /// Of one client, on all shards together; beyond, it is answered with 429, over TLS closed. A
    /// client is an IPv4 address or the first 64 bits of an IPv6 one. 0: any number, as behind a
    /// proxy that is not trusted here all clients are one. At most 16777215.
    std::uint32_t connections_per_ip_max = 0;
    /// Connections that one client makes in a second, ten seconds' worth at once; beyond, it is
    /// answered with 429, over TLS closed. 0: any number. At most 10000.
    std::uint32_t handshakes_per_ip = 0;
    /// Whose word is taken for whom they connect for, and who has no limits of its own:
    /// `10.0.0.0/8`, `2001:db8::/32`, one address, or `unix` for whoever comes through a Unix
    /// socket. A client is then the last address in forwarded_field that is none of these.
    std::vector<std::string> trusted_proxies{};
    ProxyProtocol proxy_protocol = ProxyProtocol::off;
    ForwardedField forwarded_field = ForwardedField::x_forwarded_for;
    /// Web pages that may connect besides those served from the host and port that they connect to
    /// (clients that are no browsers have no origin); others get 403 (RFC 6455 section 10.2).
    /// `https://example.org`, or `https://*.example.org:*`: a `*` stands for any port, or for one
    /// or more letters, digits, `-` or `_` of one label, never for a dot. `*` alone: all pages.
    std::vector<std::string> allowed_origins{};
    LogLevel log_level = LogLevel::info;
    LogFormat log_format = LogFormat::logfmt;
    /// A line for each session opened and closed.
    AccessLog access_log = AccessLog::off;
};

/// What differs for one mounted path; what is not set is as in Settings.
struct RouteOptions {
    std::optional<std::uint64_t> message_bytes_max = std::nullopt;
    std::optional<std::uint64_t> send_queue_bytes_max = std::nullopt;
    std::optional<std::chrono::nanoseconds> idle_timeout = std::nullopt;
    std::optional<std::chrono::nanoseconds> ping_interval = std::nullopt;
    std::optional<std::chrono::nanoseconds> message_timeout = std::nullopt;
    std::optional<SlowConsumer> slow_consumer = std::nullopt;
    std::optional<std::uint32_t> message_rate = std::nullopt;
    std::optional<std::uint32_t> message_burst = std::nullopt;
    std::optional<std::uint64_t> byte_rate = std::nullopt;
    std::optional<std::uint64_t> byte_burst = std::nullopt;
};

inline namespace literals {

/// `16_KiB` is 16 * 1024 bytes.
constexpr std::uint64_t operator""_KiB(unsigned long long count) noexcept {
    return count << 10;
}
/// `1_MiB` is 1024 * 1024 bytes.
constexpr std::uint64_t operator""_MiB(unsigned long long count) noexcept {
    return count << 20;
}

}  // namespace literals

}  // namespace ringcast

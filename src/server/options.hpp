#pragma once
// What the operator can say to the edge binary, as one plain aggregate. The defaults stand here and
// nowhere else; names, units, ranges and help stand in option_table.cpp and nowhere else.
// Everything the operator meets (flags, environment, configuration file, help, flags.md,
// --print-config) is derived from these two.
//
// Where a value comes from: flag > RINGCAST_* environment > --config file > default.

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "http/forwarded.hpp"
#include "ring/address.hpp"
#include "ring/features.hpp"
#include "ringcast/compression.hpp"
#include "ringcast/tls.hpp"
#include "ringcast/topic.hpp"
#include "ringcast/topic_namespace.hpp"
#include "shard/log.hpp"

namespace ringcast::server {

enum class Pinning : std::uint8_t { automatic, on, off };
enum class IoChoice : std::uint8_t { automatic, uring, epoll };
enum class LogFormat : std::uint8_t { logfmt, json };

/// One --listen: the text as the operator wrote it, and what it means.
struct ListenUrl {
    std::string text;
    ring::Address address;
};

/// Sizes are bytes. A number of 0 in the ring sizes means: chosen by what the kernel can do.
struct Options {
    // Listening
    std::vector<ListenUrl> listen;
    std::vector<ListenUrl> admin_listen;
    std::string api_key_file;
    std::uint32_t listen_backlog = 4096;
    bool echo = false;  ///< Mount /echo. Set by --dev too.
    bool dev = false;   ///< And a page at /. Set by --demo too.
    bool demo = false;  ///< And another one, with prices for it.

    // TLS. What is empty is not given, or has a default of its own.
    std::vector<std::string> tls_certs;
    std::vector<std::string> tls_keys;  ///< In the order of tls_certs, or none.
    std::string tls_directory;
    std::string tls_client_ca;
    ClientCertificates tls_client_certificates = ClientCertificates::required;
    TlsVersion tls_version_min = TlsVersion::tls_1_2;
    std::string tls_ciphers;
    std::string tls_cipher_suites;
    Duration tls_ticket_lifetime = std::chrono::hours{12};
    std::uint32_t tls_handshakes_per_turn = 4;

    // Tokens. What is empty is not given.
    std::vector<std::string> token_hmac_secret_files;
    std::vector<std::string> token_public_key_files;
    std::string token_jwks_file;
    std::string token_issuer;
    std::string token_audience;
    Duration token_leeway{0};
    std::vector<std::string> token_previous_hmac_secret_files;
    std::vector<std::string> token_previous_public_key_files;
    std::chrono::sys_seconds token_previous_until{};  ///< 1970: not given.
    std::string token_cookie;
    std::string token_query;
    std::string token_subprotocol;  ///< What it begins with.

    // Topics
    TopicAccess anonymous = TopicAccess::none;  ///< Set by --dev too.
    TopicAccess users = TopicAccess::none;
    bool plain_http = true;
    SlowConsumer slow_consumer = SlowConsumer::close;
    Duration delivery_window{0};
    std::uint32_t topics_max = 1'000'000;
    std::uint32_t subscriptions_max = 128;
    Duration topic_idle_timeout = std::chrono::seconds{60};
    std::uint32_t history_size = 0;
    Duration history_ttl = std::chrono::minutes{5};
    std::uint64_t history_bytes_max = 64 << 20;
    bool presence = false;
    bool join_leave = false;
    bool force_push_join_leave = false;
    TopicDelta delta = TopicDelta::off;
    std::uint32_t presence_clients_max = 10'000;  ///< Of one topic.
    std::uint64_t presence_bytes_max = 64 << 20;  ///< Of one shard.
    std::uint64_t mesh_bytes = 32 << 20;
    Duration mesh_stall_timeout = std::chrono::seconds{2};

    // Shards and I/O
    std::optional<std::uint32_t> shards;  ///< Without a value: auto, see placement.hpp.
    Pinning pin = Pinning::automatic;
    IoChoice io = IoChoice::automatic;
    ring::Features uring_features = ring::Features::all();
    bool direct_descriptors = false;
    std::uint32_t ring_submissions = 0;
    std::uint32_t ring_completions = 0;
    std::uint32_t buffers_count = 0;
    std::uint32_t buffer_bytes = 0;

    // Limits
    std::optional<std::uint64_t>
        connections_max;  ///< Per process. Without a value: auto, see limits.hpp.
    std::uint32_t admin_connections_max = 16;  ///< Per shard, beside those.
    std::uint64_t message_bytes_max = 64 << 10;
    std::uint64_t header_bytes_max = 16 << 10;
    std::uint64_t target_bytes_max = 8 << 10;
    std::uint32_t header_fields_max = 100;
    std::uint32_t http_requests_max = 10'000;  ///< Per connection.
    std::uint32_t http_requests_per_turn = 16;
    std::uint64_t http_pipelined_bytes_max = 16 << 10;  ///< Per connection.
    std::uint64_t send_queue_bytes_max = 1 << 20;       ///< Per session.
    std::uint64_t message_memory_max = 256 << 20;  ///< Per shard: messages under way and backlogs.

    // Compression
    Compression compression = Compression::off;
    std::uint64_t compression_threshold = 512;
    std::uint64_t compression_memory_max = 64 << 20;  ///< Per shard: contexts that are kept.

    // Timeouts
    Duration handshake_timeout = std::chrono::seconds{10};
    Duration http_request_timeout = std::chrono::seconds{10};
    Duration http_answer_timeout = std::chrono::seconds{60};
    Duration http_stream_timeout = std::chrono::hours{24};  ///< 0: never.
    Duration http_idle_timeout = std::chrono::seconds{60};
    Duration idle_timeout = std::chrono::seconds{120};
    Duration ping_interval = std::chrono::seconds{25};     ///< 0: no pings.
    Duration message_timeout = std::chrono::seconds{30};   ///< 0: none.
    Duration tcp_user_timeout = std::chrono::seconds{60};  ///< 0: the kernel's own.
    Duration close_timeout = std::chrono::seconds{5};
    Duration shutdown_timeout = std::chrono::seconds{10};

    // Defences
    std::uint32_t connections_per_ip_max = 0;  ///< 0: no limit, as with the next ones.
    std::uint32_t handshakes_per_ip = 0;
    std::uint32_t message_rate = 0;
    std::uint32_t message_burst = 0;  ///< 0: as many as in a second.
    std::uint64_t byte_rate = 0;
    std::uint64_t byte_burst = 0;
    std::vector<std::string> trusted_proxies;  ///< See shard/trusted_proxies.hpp.
    bool proxy_protocol = false;
    http::ForwardedField forwarded_field = http::ForwardedField::x_forwarded_for;
    std::vector<std::string> allow_origin;  ///< Patterns, see shard/origin.hpp.

    // Logging
    shard::LogLevel log_level = shard::LogLevel::info;
    LogFormat log_format = LogFormat::logfmt;
    bool access_log = false;

    /// Of the --config file; no option, and nowhere else.
    std::vector<TopicNamespace> namespaces;

    /// One sentence each, to be logged once the log exists. Not an option: filled by
    /// load_options().
    std::vector<std::string> warnings;
    /// --check-config: serve nothing, and say whether the files named are in order, too.
    bool check_config = false;
};

/// The program ends here: print `text` (to stdout when `code` is 0 or this is a report, else to
/// stderr) and return `code`. 0 when the operator asked for something to be printed, 2 for a
/// mistake, 1 for what keeps the server from starting, or for a report of bad news; a mistake is
/// explained in one line.
struct [[nodiscard]] Exit {
    static constexpr int usage = 2;
    int code = 0;
    std::string text;        ///< Ends with a line feed.
    bool is_report = false;  ///< Was asked for, and goes to stdout whatever the code.
};

/// The end for a mistake that `sentence` explains, without its full stop.
[[nodiscard]] Exit mistake_of(std::string_view sentence);

/// Everything that options are read from, so that tests can hand in their own.
struct OptionSources {
    std::vector<std::string> arguments;              ///< Without the name of the program.
    std::map<std::string, std::string> environment;  ///< Only RINGCAST_* is looked at.
    /// The text of a file, or the reason why it cannot be read (`No such file or directory`).
    std::function<std::expected<std::string, std::string>(const std::string& path)> read_file;
};

/// The sources of this process: its arguments, its environment and the file system.
[[nodiscard]] OptionSources process_sources(int argument_count, const char* const* arguments);

/// Whether clients may have tokens: there are keys to check them with.
[[nodiscard]] inline bool takes_tokens(const Options& options) noexcept {
    return !options.token_hmac_secret_files.empty() || !options.token_public_key_files.empty() ||
           !options.token_jwks_file.empty();
}

/// Whether there is anybody who may do anything with any topic.
[[nodiscard]] inline bool has_topic_clients(const Options& options) noexcept {
    return options.anonymous != TopicAccess::none || takes_tokens(options) ||
           !options.namespaces.empty();
}

/// Of the Centrifuge protocol, which counts in whole seconds; 0: none.
[[nodiscard]] inline std::chrono::seconds centrifuge_ping_interval(const Options& options) {
    using std::chrono::seconds;
    if (options.ping_interval == Duration{}) return seconds{0};
    return std::max(std::chrono::floor<seconds>(options.ping_interval), seconds{1});
}

/// What options are for. To serve there has to be an address to listen on, and an effect of
/// whatever is set; to examine a host before that, only the latter; who only reckons needs neither.
enum class Purpose : std::uint8_t { serve, examine, reckon };

/// Reads and checks all options, each alone and all together. Prints nothing and ends nothing
/// itself.
[[nodiscard]] std::expected<Options, Exit> load_options(const OptionSources& sources,
                                                        Purpose purpose = Purpose::serve);

}  // namespace ringcast::server

#include "server/limit_options.hpp"

#include <array>

#include "http/request_parser.hpp"
#include "server/option_values.hpp"

namespace ringcast::server {
namespace {

using namespace option_values;

constexpr std::array compression_words{Word<Compression>{"off", Compression::off},
                                       Word<Compression>{"shared", Compression::shared},
                                       Word<Compression>{"dedicated", Compression::dedicated},
                                       Word<Compression>{"false", Compression::off, false}};

constexpr OptionNeed admins{"--admin-listen",
                            [](const Options& o) { return !o.admin_listen.empty(); }};
constexpr OptionNeed longer_heads{"--header-bytes-max of at least as much", [](const Options& o) {
                                      return o.target_bytes_max <= o.header_bytes_max;
                                  }};
constexpr OptionNeed any_compression{"--compression shared or dedicated", [](const Options& o) {
                                         return o.compression != Compression::off;
                                     }};
constexpr OptionNeed kept_contexts{"--compression dedicated", [](const Options& o) {
                                       return o.compression == Compression::dedicated;
                                   }};

constexpr std::string_view limits = "Limits";
constexpr std::string_view compression = "Compression";
constexpr std::string_view timeouts = "Timeouts";

constexpr std::array table{
    OptionRow{
        .section = limits,
        .name = "connections-max",
        .value_name = "N|auto",
        .help = "connections of the whole process, shared out evenly among the shards and "
                "rounded up there; more are answered with status 503, over TLS closed and counted; "
                "auto: what the limit on open files allows, at most a million",
        .set = set_count_or_auto<&Options::connections_max, 1, 16'777'216>,
        .get = get_count_or_auto<&Options::connections_max>},
    OptionRow{.section = limits,
              .name = "admin-connections-max",
              .value_name = "N",
              .help = "connections of each shard through --admin-listen, beside --connections-max; "
                      "more are answered with status 503",
              .set = set_count<&Options::admin_connections_max, 1, 65'535>,
              .get = get_count<&Options::admin_connections_max>,
              .needs = {&admins}},
    OptionRow{.section = limits,
              .name = "message-bytes-max",
              .value_name = "SIZE",
              .help = "longest message taken from a client; a longer one closes with code 1009",
              .set = set_bytes<&Options::message_bytes_max, 1, gib>,
              .get = get_bytes<&Options::message_bytes_max>},
    OptionRow{.section = limits,
              .name = "header-bytes-max",
              .value_name = "SIZE",
              .help =
                  "longest head of an HTTP request, with the trailer fields of its body; a longer "
                  "one is answered with status 431",
              .set = set_bytes<&Options::header_bytes_max, 512, mib>,
              .get = get_bytes<&Options::header_bytes_max>},
    OptionRow{.section = limits,
              .name = "target-bytes-max",
              .value_name = "SIZE",
              .help = "longest target of a request, within that; a longer one is answered with "
                      "status 414",
              .set = set_bytes<&Options::target_bytes_max, 64, mib>,
              .get = get_bytes<&Options::target_bytes_max>,
              .needs = {&longer_heads}},
    OptionRow{.section = limits,
              .name = "header-fields-max",
              .value_name = "N",
              .help = "header fields of a request; more are answered with status 431",
              .set = set_count<&Options::header_fields_max, 8, http::HeadLimits::fields_capacity>,
              .get = get_count<&Options::header_fields_max>},
    OptionRow{.section = limits,
              .name = "http-requests-max",
              .value_name = "N",
              .help = "plain HTTP requests that one connection may make; the last answer closes it",
              .set = set_count<&Options::http_requests_max, 1, 65'535>,
              .get = get_count<&Options::http_requests_max>},
    OptionRow{.section = limits,
              .name = "http-requests-per-turn",
              .value_name = "N",
              .help = "plain HTTP requests of one connection that are answered before the others "
                      "have their turn",
              .set = set_count<&Options::http_requests_per_turn, 1, 65'535>,
              .get = get_count<&Options::http_requests_per_turn>},
    OptionRow{.section = limits,
              .name = "http-pipelined-bytes-max",
              .value_name = "SIZE",
              .help = "requests that a client sends ahead while one is still being answered; "
                      "beyond, they wait in its kernel",
              .set = set_bytes<&Options::http_pipelined_bytes_max, 1, gib>,
              .get = get_bytes<&Options::http_pipelined_bytes_max>},
    OptionRow{.section = limits,
              .name = "send-queue-bytes-max",
              .value_name = "SIZE",
              .help = "bytes that may wait for one slow client; one message is always admitted",
              .set = set_bytes<&Options::send_queue_bytes_max, 4 * kib, gib>,
              .get = get_bytes<&Options::send_queue_bytes_max>},
    OptionRow{
        .section = limits,
        .name = "message-memory-max",
        .value_name = "SIZE",
        .help = "memory of one shard for messages under way, half of it at most, and for what slow "
                "clients still have to take; at least 4 times --message-bytes-max, and 2 times "
                "--buffers-count times --buffer-bytes",
        .set = set_bytes<&Options::message_memory_max, mib, 1024 * gib>,
        .get = get_bytes<&Options::message_memory_max>},

    OptionRow{
        .section = compression,
        .name = "compression",
        .value_name = "off|shared|dedicated",
        .help = "permessage-deflate with clients that offer it; shared: no context is kept between "
                "messages, which costs no memory per client; dedicated: one is, where the client "
                "wants it",
        .set = set_word<&Options::compression, compression_words>,
        .get = get_word<&Options::compression, compression_words>},
    OptionRow{.section = compression,
              .name = "compression-threshold",
              .value_name = "SIZE",
              .help = "shorter messages are sent as they are",
              .set = set_bytes<&Options::compression_threshold, 1, gib>,
              .get = get_bytes<&Options::compression_threshold>,
              .needs = {&any_compression}},
    OptionRow{.section = compression,
              .name = "compression-memory-max",
              .value_name = "SIZE",
              .help = "memory of one shard for contexts that are kept, about 300KiB for each "
                      "client; when it is used up, new ones are served as with --compression "
                      "shared",
              .set = set_bytes<&Options::compression_memory_max, mib, 1024 * gib>,
              .get = get_bytes<&Options::compression_memory_max>,
              .needs = {&kept_contexts}},

    OptionRow{.section = timeouts,
              .name = "handshake-timeout",
              .value_name = "DURATION",
              .help = "from the accepted connection to the end of the opening handshake",
              .set = set_duration<&Options::handshake_timeout, ms, hour>,
              .get = get_duration<&Options::handshake_timeout>},
    OptionRow{.section = timeouts,
              .name = "http-request-timeout",
              .value_name = "DURATION",
              .help =
                  "from the first octet of a plain HTTP request to its last, or to each further "
                  "64KiB of its body; beyond, it is answered with status 408; the first head "
                  "of a connection has --handshake-timeout",
              .set = set_duration<&Options::http_request_timeout, ms, hour>,
              .get = get_duration<&Options::http_request_timeout>},
    OptionRow{.section = timeouts,
              .name = "http-answer-timeout",
              .value_name = "DURATION",
              .help = "how long a plain HTTP request may be held before it is answered with status "
                      "503",
              .set = set_duration<&Options::http_answer_timeout, ms, 24 * hour>,
              .get = get_duration<&Options::http_answer_timeout>},
    OptionRow{.section = timeouts,
              .name = "http-stream-timeout",
              .value_name = "DURATION",
              .help = "how long the answer to a plain HTTP request may go on in pieces before it "
                      "is ended; 0: as long as its client reads",
              .set = set_duration<&Options::http_stream_timeout, ms, 24 * hour, Zero::allowed>,
              .get = get_duration<&Options::http_stream_timeout>},
    OptionRow{.section = timeouts,
              .name = "http-idle-timeout",
              .value_name = "DURATION",
              .help = "how long a connection may wait with its next plain HTTP request, or with "
                      "reading its answers",
              .set = set_duration<&Options::http_idle_timeout, ms, 24 * hour>,
              .get = get_duration<&Options::http_idle_timeout>},
    OptionRow{
        .section = timeouts,
        .name = "idle-timeout",
        .value_name = "DURATION",
        .help = "a client that sends nothing for so long, not even a pong, is closed; 0: never",
        .set = set_duration<&Options::idle_timeout, ms, 24 * hour, Zero::allowed>,
        .get = get_duration<&Options::idle_timeout>},
    OptionRow{.section = timeouts,
              .name = "ping-interval",
              .value_name = "DURATION",
              .help = "a client that sends nothing for so long is sent a ping, a Centrifuge client "
                      "every so many seconds, at least 1; 0: never",
              .set = set_duration<&Options::ping_interval, ms, 24 * hour, Zero::allowed>,
              .get = get_duration<&Options::ping_interval>},
    OptionRow{.section = timeouts,
              .name = "message-timeout",
              .value_name = "DURATION",
              .help =
                  "from the start of a client's message to its end, or to each further 64KiB of "
                  "it; beyond, it is closed with code 1008; 0: never",
              .set = set_duration<&Options::message_timeout, ms, 24 * hour, Zero::allowed>,
              .get = get_duration<&Options::message_timeout>},
    OptionRow{.section = timeouts,
              .name = "tcp-user-timeout",
              .value_name = "DURATION",
              .help =
                  "how long a client's kernel may acknowledge nothing, or a client take nothing, "
                  "of what was sent before the connection is broken; 0: as the kernel does",
              .set = set_duration<&Options::tcp_user_timeout, ms, 24 * hour, Zero::allowed>,
              .get = get_duration<&Options::tcp_user_timeout>},
    OptionRow{.section = timeouts,
              .name = "close-timeout",
              .value_name = "DURATION",
              .help = "how long a client may take to answer our Close",
              .set = set_duration<&Options::close_timeout, ms, hour>,
              .get = get_duration<&Options::close_timeout>},
    OptionRow{.section = timeouts,
              .name = "shutdown-timeout",
              .value_name = "DURATION",
              .help = "how long a shutdown may take before the remaining connections are cut",
              .set = set_duration<&Options::shutdown_timeout, ms, 24 * hour, Zero::allowed>,
              .get = get_duration<&Options::shutdown_timeout>},

};

}  // namespace

std::span<const OptionRow> limit_options() noexcept {
    return table;
}

}  // namespace ringcast::server

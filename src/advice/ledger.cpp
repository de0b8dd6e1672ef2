#include "advice/ledger.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/core.h>
#include <span>

#include "advice/text.hpp"
#include "hub/home_topics.hpp"
#include "hub/local_topics.hpp"
#include "hub/publish_keys.hpp"
#include "server/listeners.hpp"
#include "shard/connection.hpp"
#include "shard/log.hpp"
#include "shard/mesh.hpp"
#include "shard/permessage_deflate.hpp"
#include "shard/settings.hpp"
#include "shard/turn_output.hpp"
#include "tls/output.hpp"
#include "ws/deflate.hpp"
#include "ws/frame.hpp"
#include "ws/inflate.hpp"

namespace ringcast::advice {
namespace {

constexpr Source code{"code", "sizes, limits and defaults in the code of this program"};

// What was measured are medians of three rounds. Server and benchmark had a core each. Where a
// connection's memory is more than a quarter off, tests/edge/capacity_tests.py fails.

constexpr Source start{"start",
                       "measured: VmRSS in /proc/PID/status of ringcast --echo --shards 1 once it "
                       "has served, without what its shard has"};
constexpr std::uint64_t program_bytes = 11 << 20;

constexpr Source idle_tls{"idle-tls",
                          "measured: ringcast-bench idle --url wss://ADDRESS:PORT/echo "
                          "--connections N --pid PID, with 5,000 and with 19,000"};
constexpr std::uint64_t openssl_bytes = 14'300;

constexpr Source slab{"slab",
                      "measured: what /proc/slabinfo grows by during ringcast-bench idle "
                      "--connections 9000 on the same host; half of it, for it holds both ends"};
constexpr std::uint64_t socket_bytes_uring = 4'800;
constexpr std::uint64_t socket_bytes_epoll = 4'100;

constexpr Source deflate{"deflate",
                         "measured: ringcast_deflate_bytes_total of /metrics during ringcast-bench "
                         "--compression shared echo --message-bytes 1KiB: its JSON"};
constexpr double compressed_share = 0.30;

/// Server CPU time per message of so many bytes.
struct Point {
    std::uint64_t bytes;
    double uring_us;
    double epoll_us;
};

constexpr Source echo{"echo",
                      "measured: ringcast-bench [--compression MODE] echo --connections 1000 (50 "
                      "from 16 KiB on) --message-bytes SIZE --pid PID"};
constexpr std::array echo_plain{Point{20, 3.2, 3.5}, Point{1024, 3.3, 3.6}, Point{16384, 5.6, 5.8},
                                Point{65536, 18.5, 19.1}};
constexpr std::array echo_tls{Point{20, 5.8, 6.3}, Point{1024, 6.9, 7.3}, Point{16384, 19.4, 20.0},
                              Point{65536, 58.3, 58.5}};
constexpr std::array echo_shared{Point{1024, 16.5, 17.1}, Point{16384, 70.2, 70.5}};
constexpr std::array echo_dedicated{Point{1024, 43.2, 44.3}, Point{16384, 120.0, 120.5}};

constexpr Source publish{"publish",
                         "measured: ringcast-bench fanout --subscribers 1 --publishers 50 --topics "
                         "50 --message-bytes SIZE --pid PID; over TLS, or compressed, as much more "
                         "as an echo takes"};
constexpr std::array publication_plain{Point{64, 3.2, 3.6}, Point{1024, 3.7, 3.8},
                                       Point{16384, 10.5, 10.6}};

constexpr Source fanout{"fanout",
                        "measured: ringcast-bench [--compression shared] fanout --subscribers 1000 "
                        "--message-bytes SIZE --pid PID"};
constexpr std::array delivery_plain{Point{64, 2.3, 2.6}, Point{1024, 2.4, 2.7},
                                    Point{16384, 3.9, 4.2}};
constexpr std::array delivery_tls{Point{64, 3.4, 3.8}, Point{1024, 4.0, 4.6},
                                  Point{16384, 10.2, 11.0}};
constexpr std::array delivery_compressed{Point{1024, 2.6, 2.7}, Point{16384, 3.4, 3.6}};

constexpr Source alone{"alone",
                       "measured: ringcast-bench echo --connections 1 --pid PID, and fanout "
                       "--subscribers 50 --rate 200 --pid PID"};
constexpr double message_alone_us = 38;
constexpr double delivery_alone_us = 4.9;

/// Between two points as on a straight line; beyond the last as on the one before.
double read_off(std::span<const Point> points, ring::Backend backend, std::uint64_t bytes) {
    const auto time = [&](const Point& point) {
        return backend == ring::Backend::uring ? point.uring_us : point.epoll_us;
    };
    if (bytes <= points.front().bytes) return time(points.front());
    std::size_t next = 1;
    while (next + 1 < points.size() && points[next].bytes < bytes) ++next;
    const Point& a = points[next - 1];
    const Point& b = points[next];
    const double slope = (time(b) - time(a)) / static_cast<double>(b.bytes - a.bytes);
    return time(a) + slope * static_cast<double>(bytes - a.bytes);
}

/// What the table has of `work`: over TLS, or compressed, it takes as much more, or less, as those
/// two differ from `base`.
struct Curves {
    const Source& source;
    std::span<const Point> plain;
    std::span<const Point> base;
    std::span<const Point> tls;
    std::span<const Point> compressed;
};

Curves curves_of(Work work, Compression compression) noexcept {
    const std::span<const Point> echo_compressed = compression == Compression::dedicated
                                                       ? std::span<const Point>{echo_dedicated}
                                                       : std::span<const Point>{echo_shared};
    switch (work) {
        case Work::echo: return {echo, echo_plain, echo_plain, echo_tls, echo_compressed};
        case Work::publication:
            return {publish, publication_plain, echo_plain, echo_tls, echo_compressed};
        case Work::delivery:
            return {fanout, delivery_plain, delivery_plain, delivery_tls, delivery_compressed};
    }
    std::unreachable();
}

// From here on it is arithmetic.

/// What malloc takes for so many bytes.
constexpr std::uint64_t allocated(std::uint64_t bytes) noexcept {
    return std::max<std::uint64_t>(32, (bytes + 8 + 15) / 16 * 16);
}

/// Names of topics are taken to be this long.
constexpr std::uint64_t topic_name_bytes = 32;

ring::Options ring_options(const server::Options& options) {
    ring::Options result{.buffers_count = options.buffers_count,
                         .buffer_bytes = options.buffer_bytes};
    if (options.ring_submissions != 0) result.submissions_max = options.ring_submissions;
    if (options.ring_completions != 0) result.completions_max = options.ring_completions;
    return result;
}

}  // namespace

const Source& code_source() noexcept {
    return code;
}

const Source& alone_source() noexcept {
    return alone;
}

bool serves_tls(const server::Options& options) {
    return std::ranges::any_of(options.listen, [](const server::ListenUrl& url) {
        return server::scheme_of(url.text) == "wss";
    });
}

Cost program_cost() {
    return {program_bytes, "code and libraries, which processes share", &start};
}

Cost shard_cost(const Setup& setup) {
    Cost cost{.parts = {}, .source = &code};
    const auto add = [&cost](std::uint64_t bytes, std::string_view name) {
        cost.bytes += bytes;
        cost.parts +=
            fmt::format("{}{} {}", cost.parts.empty() ? "" : ", ", name, rounded_bytes(bytes));
    };
    const std::size_t flush_bytes = shard::Settings{}.early_flush_bytes;
    add(ring::receive_bytes(ring_options(setup.options)), "receive buffers");
    add(shard::TurnOutput::arena_bytes_for(flush_bytes), "output");
    add(shard::LogQueue::records_max_default * sizeof(shard::LogRecord), "log");
    const bool keeps_history =
        setup.options.history_size > 0 ||
        std::ranges::any_of(setup.options.namespaces,
                            [](const TopicNamespace& space) { return space.history_size > 0; });
    if (keeps_history) add(setup.options.history_bytes_max, "history");
    if (!setup.options.api_key_file.empty()) {
        const std::uint64_t keys = hub::PublishKeys::Limits{}.keys_max / setup.shards;
        add(keys * hub::PublishKeys::bytes_per_key, "idempotency keys");
    }
    if (setup.tls) add(shard::SecureService::memory_bytes(flush_bytes), "TLS");
    if (setup.options.compression != Compression::off) {
        add(ws::Deflaters::shared_bytes_max +
                ws::Inflaters::idle_max_default * ws::Inflater::memory_bytes_max(15),
            "compression");
    }
    return cost;
}

Cost connection_cost(const Setup& setup) {
    const std::uint64_t slot = Slab<shard::Connection>::bytes_per_slot;
    Cost cost{slot, fmt::format("sizeof(Connection) {} and its slot", sizeof(shard::Connection)),
              &code};
    const std::uint64_t entry = ring::bytes_per_connection(setup.backend);
    if (entry == 0) return cost;
    // Of a table that doubles: itself, and what it has left behind.
    const std::uint64_t in_table = entry * 7 / 4;
    cost.bytes += in_table;
    cost.parts += fmt::format(", {} in epoll's table", in_table);
    return cost;
}

Cost tls_cost() {
    const std::uint64_t channel = allocated(sizeof(shard::SecureChannel));
    return {channel + openssl_bytes,
            fmt::format("sizeof(SecureChannel) {}, OpenSSL {}", sizeof(shard::SecureChannel),
                        grouped(openssl_bytes)),
            &idle_tls};
}

Cost compression_cost() {
    return {allocated(sizeof(shard::DeflateSession)),
            fmt::format("sizeof(DeflateSession) {}", sizeof(shard::DeflateSession)), &code};
}

Cost contexts_cost() {
    const std::uint64_t in = ws::Inflater::memory_bytes_max(15);
    const std::uint64_t out = ws::Deflaters{{}}.dedicated_bytes_of(15);
    return {in + out,
            fmt::format("inflater {}, deflater {}", rounded_bytes(in), rounded_bytes(out)), &code};
}

Cost subscription_cost() {
    return {hub::LocalTopics::subscription_bytes, "the session's and the topic's part", &code};
}

Cost topic_cost(std::uint64_t places) {
    const std::uint64_t name = allocated(topic_name_bytes + 1);
    const std::uint64_t local = allocated(hub::LocalTopics::topic_bytes) + name;
    const std::uint64_t home = allocated(hub::HomeTopics::topic_bytes) + name;
    return {home + places * local,
            fmt::format("{} at home and {} on {} with subscribers, names of {} bytes", home, local,
                        counted(places, "shard"), topic_name_bytes),
            &code};
}

Cost mesh_cost(const Setup& setup) {
    return {shard::Mesh::queues_bytes_max(setup.shards, setup.options.mesh_bytes),
            "two from each shard to each", &code};
}

Cost socket_cost(const Setup& setup) {
    if (setup.backend == ring::Backend::epoll)
        return {socket_bytes_epoll, "socket, inode, file, epoll's entry", &slab};
    return {socket_bytes_uring, "socket, inode, file, io_uring's request", &slab};
}

Cost ring_cost(const Setup& setup) {
    if (setup.backend == ring::Backend::epoll) return {0, "epoll has none", &code};
    const ring::Options options = ring_options(setup.options);
    return {ring::queue_bytes(options),
            fmt::format("{} submissions, {} completions", grouped(options.submissions_max),
                        grouped(options.completions_max)),
            &code};
}

server::FileNeeds file_needs(const server::Options& options, std::uint32_t shards) {
    // Without any it is asked what would be.
    const std::size_t listeners = std::max<std::size_t>(1, options.listen.size());
    return {.shards = shards,
            .listeners = static_cast<std::uint32_t>(listeners + options.admin_listen.size()),
            .admin_connections = options.admin_listen.empty() ? 0 : options.admin_connections_max,
            .connections_max = options.connections_max,
            .has_direct_descriptors = options.direct_descriptors};
}

Time time_of(Work work, const Setup& setup, std::uint64_t message_bytes) {
    const Curves curves = curves_of(work, setup.options.compression);
    const auto read = [&](std::span<const Point> points) {
        return read_off(points, setup.backend, message_bytes);
    };
    double time = read(curves.plain);
    const double base = read(curves.base);
    if (setup.tls) time += read(curves.tls) - base;
    if (setup.options.compression != Compression::off &&
        message_bytes >= setup.options.compression_threshold)
        time += read(curves.compressed) - base;
    const bool is_delivery = work == Work::delivery;
    const double more = (is_delivery ? delivery_alone_us : message_alone_us) -
                        read_off(curves.plain, setup.backend, 0);
    return {time, &curves.source, time + more};
}

Wire wire_of(std::uint64_t payload_bytes, bool by_client, bool tls) {
    constexpr std::uint64_t mask_bytes = 4;
    constexpr std::uint64_t segment_bytes = 1448;  // 1500 less the headers of IPv4 and TCP.
    constexpr std::uint64_t header_bytes = 66;     // And Ethernet's 14.
    constexpr std::uint64_t record_overhead = 22;  // TLS 1.3: header 5, type 1, tag 16.
    std::uint64_t bytes =
        payload_bytes + ws::server_header_bytes(payload_bytes) + (by_client ? mask_bytes : 0);
    if (tls) bytes += (bytes - 1) / tls::record_bytes_max * record_overhead + record_overhead;
    const std::uint64_t packets = (bytes - 1) / segment_bytes + 1;
    return {bytes + packets * header_bytes, packets, &code};
}

std::uint64_t compressed_bytes(std::uint64_t message_bytes) {
    return static_cast<std::uint64_t>(
        std::ceil(static_cast<double>(message_bytes) * compressed_share));
}

const Source& compression_source() noexcept {
    return deflate;
}

}  // namespace ringcast::advice

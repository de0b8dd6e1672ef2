#include "sim/hostile.hpp"

#include <algorithm>
#include <utility>

#include "sim/costly_deflate.hpp"
#include "sim/pick.hpp"
#include "support/deflate_client.hpp"
#include "support/tls_client.hpp"
#include "support/ws_client.hpp"

namespace ringcast::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using test::ClientFrame;

std::string_view to_string(Hostility hostility) noexcept {
    switch (hostility) {
        case Hostility::opener: return "opener";
        case Hostility::slow_head: return "slow_head";
        case Hostility::slow_header: return "slow_header";
        case Hostility::slow_body: return "slow_body";
        case Hostility::frame_flooder: return "frame_flooder";
        case Hostility::octet_flooder: return "octet_flooder";
        case Hostility::fragment_flooder: return "fragment_flooder";
        case Hostility::ping_flooder: return "ping_flooder";
        case Hostility::large_flooder: return "large_flooder";
        case Hostility::bomber: return "bomber";
        case Hostility::block_flooder: return "block_flooder";
        case Hostility::record_flooder: return "record_flooder";
        case Hostility::never_reader: return "never_reader";
        case Hostility::drip_reader: return "drip_reader";
        case Hostility::resetter: return "resetter";
        case Hostility::half_closer: return "half_closer";
        case Hostility::garbler: return "garbler";
    }
    return "unknown";
}

namespace {

constexpr std::uint8_t rsv1 = 4;
/// Of all hostile clients of a run together, lest it take too long: frames in a flood of small
/// ones, octets in one of large ones.
constexpr std::size_t frames_max = 4000, bytes_max = 1 << 20;
/// And octets of blocks with nothing in them, and of what goes in records of one octet.
constexpr std::size_t block_bytes_max = 256 << 10, recorded_bytes_max = 20'000;
/// What becomes of one octet in a record of its own, and a little less.
constexpr std::size_t record_bytes_min = 22;
/// How much longer what bombs unpack to is than that.
constexpr std::size_t bombs_factor = 4;
/// Where all that a run's floods publish comes to each of them: windows full to all together, and
/// virtual time.
constexpr std::size_t windows_max = 1 << 16;
constexpr Duration delivered_within = std::chrono::minutes{1};
/// Of one of them.
constexpr std::size_t round_trips_max = 500;

/// Draws one of `count`.
class Writer {
public:
    Writer(Prng& prng, const HostileGround& ground, Hostility hostility, std::size_t count)
        : prng_{prng}, ground_{ground}, count_{count} {
        hostile_.hostility = hostility;
    }

    Hostile write() {
        hostile_.link = draw_link();
        const bool must_encrypt = hostile_.hostility == Hostility::record_flooder;
        hostile_.speaks_tls = ground_.is_secure && (must_encrypt || prng_.chance(3, 4));
        hostile_.read_bytes = SIZE_MAX;
        switch (hostile_.hostility) {
            case Hostility::opener: break;
            case Hostility::slow_head: write_slow_head(); break;
            case Hostility::slow_header: write_slow_header(); break;
            case Hostility::slow_body: write_slow_body(); break;
            case Hostility::frame_flooder:
                flood(encode(ClientFrame{.opcode = test::opcode_binary}), frames());
                break;
            case Hostility::octet_flooder: flood(octet_message(), frames()); break;
            case Hostility::fragment_flooder: write_fragments(); break;
            case Hostility::ping_flooder:
                flood(test::ping_frame(std::string(prng_.below(126), 'p')), frames());
                break;
            case Hostility::large_flooder: flood(large_message(), larges()); break;
            case Hostility::bomber: write_bombs(); break;
            case Hostility::block_flooder: write_blocks(); break;
            case Hostility::record_flooder: write_records(); break;
            case Hostility::never_reader: write_never_reader(); break;
            case Hostility::drip_reader:
                write_never_reader();
                hostile_.read_bytes = 1 + prng_.below(16);
                hostile_.read_interval = milliseconds{10 + prng_.below(2000)};
                hostile_.reads_max = prng_.below(200);
                break;
            case Hostility::resetter:
                write_some(large_message());
                hostile_.end = Hostile::End::reset;
                break;
            case Hostility::half_closer:
                write_some(large_message());
                hostile_.end = Hostile::End::shut_down;
                if (prng_.chance(1, 2)) hostile_.read_bytes = 0;
                break;
            case Hostility::garbler: write_garbage(); break;
        }
        return std::move(hostile_);
    }

private:
    Link draw_link() {
        Link link;
        link.latency = microseconds{pick<int>(prng_, {0, 10, 1000, 20'000})};
        // A tiny window, too.
        link.buffer_bytes = pick<std::size_t>(prng_, {16, 512, 4096, 65536});
        return link;
    }

    std::string request(const std::vector<std::string>& targets) {
        test::UpgradeRequest request{.target = targets[prng_.below(targets.size())]};
        const bool must_compress = hostile_.hostility == Hostility::bomber ||
                                   hostile_.hostility == Hostility::block_flooder;
        has_agreed_ = ground_.has_compression && (must_compress || prng_.chance(1, 2));
        if (has_agreed_) request.fields = test::offer_line();
        return encode(request);
    }

    /// Everything in `head` at once, then one octet after another of what does not end in `timeout`
    /// if that many make it complete.
    void write_slowly(std::string body, std::size_t complete_bytes, Duration timeout) {
        const auto octets = static_cast<Duration::rep>(complete_bytes);
        const Duration drawn = milliseconds{pick<int>(prng_, {50, 500, 3000})};
        hostile_.interval = std::max(drawn, 2 * timeout / octets + milliseconds{1});
        hostile_.body = std::move(body);
        hostile_.body_bytes = SIZE_MAX;
    }

    void write_slow_head() {
        if (!is_open()) {
            write_slowly(client_hello(), client_hello().size(), ground_.handshake_timeout);
            hostile_.body_bytes = client_hello().size() - 1;
            return;
        }
        const std::string start = "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ";
        hostile_.head = start.substr(0, prng_.below(start.size() + 1));
        write_slowly(hostile_.head.size() == start.size() ? "x" : "G",
                     ground_.head_bytes_max - start.size(), ground_.handshake_timeout);
    }
    void write_slow_header() {
        hostile_.head = request(ground_.targets);
        // Two octets, two more of the length, four of the key.
        const std::string header =
            encode(ClientFrame{.payload = std::string(200, 'x')}).substr(0, 8);
        write_slowly(header, header.size(), ground_.message_timeout);
        hostile_.body_bytes = header.size() - 1;
    }
    void write_slow_body() {
        const std::string message = large_message();
        const std::size_t header_bytes = message.size() - ground_.message_bytes_max;
        hostile_.head = request(ground_.targets) + message.substr(0, header_bytes);
        const char masked_x = message[header_bytes];
        write_slowly(std::string(1, masked_x), ground_.message_bytes_max, ground_.message_timeout);
    }

    /// What it says is at least a beginning of what the server understands.
    bool is_open() const { return hostile_.speaks_tls || !ground_.is_secure; }

    /// Its octets differ from one process to the next, their number does not.
    static const std::string& client_hello() {
        static const std::string octets = test::TlsClient{{}}.take_output();
        return octets;
    }

    /// Binary, so that any octet may be cut off.
    std::string large_message() const {
        return encode(ClientFrame{.opcode = test::opcode_binary,
                                  .payload = std::string(ground_.message_bytes_max, 'x'),
                                  .key = test::ClientKey{}});
    }
    static std::string octet_message() {
        return encode(ClientFrame{.opcode = test::opcode_binary, .payload = "x"});
    }
    std::string compressed(std::string payload) const {
        return encode(
            ClientFrame{.opcode = test::opcode_binary,
                        .payload = std::move(payload),
                        .reserved_bits = ground_.has_compression ? rsv1 : std::uint8_t{0}});
    }

    /// Some of them are so large that the first one is the last.
    void write_bombs() {
        const std::size_t message_bytes = ground_.message_bytes_max * (prng_.chance(1, 4) ? 16 : 1);
        test::ZlibSender sender;
        const std::string payload =
            sender.payload(std::string(message_bytes, prng_.chance(1, 2) ? 'x' : '\0'));
        flood(compressed(payload), bombs());
        if (message_bytes > ground_.message_bytes_max) {
            hostile_.body_frames = 0;
        } else {
            note_inflation({1, payload.size(), message_bytes});
        }
    }

    void write_blocks() {
        const std::size_t bytes =
            1 + prng_.below(std::min<std::size_t>(8 * ground_.message_bytes_max, 4000));
        std::string payload;
        switch (prng_.below(3)) {
            case 0: payload = empty_stored_blocks(bytes / 5); break;
            case 1: payload = empty_final_blocks(bytes / 2); break;
            default: payload = empty_dynamic_blocks(bytes / 12); break;
        }
        const std::size_t payload_bytes = payload.size();
        flood(compressed(std::move(payload)),
              1 + prng_.below(block_bytes_max / count_) / payload_bytes);
        note_inflation({1, payload_bytes, 0});
    }

    void write_fragments() {
        const bool is_empty = prng_.chance(1, 2);
        const std::size_t fragments = is_empty ? frames() : octets_of_message();
        flood(test::continuation_frame(is_empty ? "" : "x", false), fragments);
        const bool is_compressed = has_agreed_ && prng_.chance(1, 2);
        if (is_compressed && !is_empty) {
            // One octet of a block each.
            hostile_.body.clear();
            for (const char octet : empty_stored_blocks(1).substr(0, 5))
                hostile_.body += test::continuation_frame(std::string(1, octet), false);
            hostile_.body_frames = 5;
            note_inflation({0, 5, 0});
        }
        hostile_.head +=
            encode(ClientFrame{.opcode = test::opcode_binary,
                               .fin = false,
                               .reserved_bits = is_compressed ? rsv1 : std::uint8_t{0}});
    }
    std::size_t octets_of_message() { return std::min(frames(), ground_.message_bytes_max); }

    void write_records() {
        hostile_.record_bytes = 1;
        std::string frame = octet_message();
        if (prng_.chance(1, 2)) frame = test::ping_frame(std::string(prng_.below(20), 'p'));
        const std::size_t window = hostile_.link.buffer_bytes * round_trips_max;
        const std::size_t bytes =
            std::min(1 + prng_.below(recorded_bytes_max / count_), window / record_bytes_min);
        flood(frame, 1 + bytes / frame.size());
    }

    /// Where it has agreed on compression.
    void note_inflation(const InflationWork& work) {
        if (has_agreed_) hostile_.body_inflation = work;
    }

    /// Of each of them.
    std::size_t frames() { return 1 + prng_.below(frames_max / count_ + 1); }
    std::size_t larges() {
        return 1 + prng_.below(bytes_max / ground_.message_bytes_max / count_ + 1);
    }

    /// Nothing on the wire, but as much work as the largest.
    std::size_t bombs() { return bombs_factor * larges(); }

    void flood(std::string frame, std::size_t frames) {
        hostile_.head = request(ground_.targets);
        bound(hostile_.link);
        hostile_.body_bytes =
            std::min(frame.size() * frames, hostile_.link.buffer_bytes * round_trips_max);
        hostile_.body = std::move(frame);
        hostile_.body_frames = 1;
        hostile_.end = draw_end();
        if (prng_.chance(1, 4)) hostile_.read_bytes = 0;
    }
    void bound(Link& link) const {
        const std::size_t published = bombs_factor * bytes_max;
        link.buffer_bytes = std::max(link.buffer_bytes, count_ * published / windows_max);
        const auto windows = static_cast<Duration::rep>(published / link.buffer_bytes);
        link.latency = std::min<Duration>(link.latency, delivered_within / (2 * windows));
    }
    Hostile::End draw_end() {
        using End = Hostile::End;
        return pick<End>(prng_, {End::none, End::none, End::reset, End::shut_down, End::close});
    }

    void write_never_reader() {
        hostile_.read_bytes = 0;
        if (!ground_.quiet_targets.empty() && prng_.chance(2, 3)) {
            hostile_.head = request(ground_.quiet_targets);
            return;
        }
        flood(prng_.chance(1, 2) ? large_message() : encode(ClientFrame{.payload = "x"}), larges());
        hostile_.read_bytes = 0;
        hostile_.end = Hostile::End::none;
    }

    /// A few messages, up to any octet.
    void write_some(const std::string& message) {
        hostile_.head = request(ground_.targets) + test::ping_frame() +
                        encode(ClientFrame{.opcode = test::opcode_binary, .payload = "x"}) +
                        message;
        if (!is_open()) hostile_.head = client_hello();
        hostile_.head.resize(prng_.below(hostile_.head.size() + 1));
    }

    void write_garbage() {
        if (!prng_.chance(1, 3)) hostile_.head = request(ground_.targets);
        for (std::uint64_t frames = prng_.below(20); frames > 0; --frames)
            hostile_.head += prng_.chance(1, 4) ? noise(prng_.below(300)) : random_frame();
        hostile_.end = draw_end();
    }
    std::string random_frame() {
        ClientFrame frame{.opcode = static_cast<std::uint8_t>(prng_.below(16)),
                          .payload = noise(prng_.below(200)),
                          .fin = prng_.chance(3, 4)};
        if (prng_.chance(1, 10)) frame.reserved_bits = static_cast<std::uint8_t>(prng_.below(8));
        if (prng_.chance(1, 10)) frame.key = std::nullopt;
        if (prng_.chance(1, 10)) frame.announced_bytes = prng_.next() >> prng_.below(64);
        return encode(frame);
    }
    std::string noise(std::size_t size) {
        std::string octets(size, '\0');
        for (char& octet : octets) octet = static_cast<char>(prng_.next());
        return octets;
    }

    Prng& prng_;
    const HostileGround& ground_;
    const std::size_t count_;
    bool has_agreed_ = false;  // On compression.
    Hostile hostile_;
};

}  // namespace

HostileGround ground_of(const shard::Settings& settings, const shard::SessionLimits& limits,
                        bool is_secure, std::vector<std::string> targets) {
    return {.targets = std::move(targets),
            .quiet_targets = {},
            .message_bytes_max = static_cast<std::size_t>(limits.message_bytes_max),
            .head_bytes_max = settings.head.head_bytes_max,
            .is_secure = is_secure,
            .has_compression = settings.compression.mode != Compression::off,
            .handshake_timeout = settings.handshake_timeout,
            .message_timeout = limits.message_timeout,
            .idle_timeout = limits.idle_timeout,
            .close_timeout = settings.close_timeout};
}

Hostile draw_hostile(Prng& prng, const HostileGround& ground, Hostility hostility) {
    constexpr std::size_t many = 40;
    return Writer{prng, ground, hostility, many}.write();
}

std::vector<Hostile> draw_hostiles(Prng& prng, const HostileGround& ground) {
    std::vector<Hostile> hostiles;
    const std::size_t count = pick<std::size_t>(prng, {1, 3, 10, 40});
    std::vector<Hostility> kinds;
    for (std::uint64_t left = 1 + prng.below(4); left > 0; --left)
        kinds.push_back(static_cast<Hostility>(prng.below(hostilities_count)));
    const Duration span = milliseconds{pick<int>(prng, {0, 1000, 30'000})};
    for (std::size_t i = 0; i < count; ++i) {
        const Hostility kind = kinds[prng.below(kinds.size())];
        hostiles.push_back(Writer{prng, ground, kind, count}.write());
        hostiles.back().after = Duration{
            static_cast<Duration::rep>(prng.below(static_cast<std::uint64_t>(span.count()) + 1))};
    }
    return hostiles;
}

}  // namespace ringcast::sim

#include "server/option_table.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <numeric>
#include <utility>

#include "ring/listen.hpp"
#include "server/defence_options.hpp"
#include "server/limit_options.hpp"
#include "server/option_values.hpp"
#include "server/tls_options.hpp"
#include "server/token_options.hpp"
#include "server/topic_options.hpp"

namespace ringcast::server {
namespace {

using namespace option_values;

constexpr std::array pin_words{Word<Pinning>{"auto", Pinning::automatic},
                               Word<Pinning>{"on", Pinning::on}, Word<Pinning>{"off", Pinning::off},
                               Word<Pinning>{"true", Pinning::on, false},
                               Word<Pinning>{"false", Pinning::off, false}};
constexpr std::array io_words{Word<IoChoice>{"auto", IoChoice::automatic},
                              Word<IoChoice>{"uring", IoChoice::uring},
                              Word<IoChoice>{"epoll", IoChoice::epoll}};
constexpr std::array level_words{Word<shard::LogLevel>{"error", shard::LogLevel::error},
                                 Word<shard::LogLevel>{"warn", shard::LogLevel::warn},
                                 Word<shard::LogLevel>{"info", shard::LogLevel::info},
                                 Word<shard::LogLevel>{"debug", shard::LogLevel::debug}};
constexpr std::array format_words{Word<LogFormat>{"logfmt", LogFormat::logfmt},
                                  Word<LogFormat>{"json", LogFormat::json}};

Result add_url(std::vector<ListenUrl>& urls, std::string_view text,
               std::span<const std::string_view> schemes) {
    auto address = ring::parse_listen_url(text, schemes);
    if (!address) return std::unexpected{address.error()};
    urls.push_back({.text = std::string{text}, .address = *std::move(address)});
    return {};
}

Texts texts_of(const std::vector<ListenUrl>& urls) {
    Texts texts;
    for (const ListenUrl& url : urls) texts.push_back(url.text);
    return texts;
}

Result set_features(Options& options, std::string_view text) {
    const auto features = ring::parse_features(text);
    if (!features) return std::unexpected{features.error()};
    options.uring_features = *features;
    return {};
}

Texts get_features(const Options& options) {
    const ring::Features& features = options.uring_features;
    if (features == ring::Features::all()) return {"all"};
    if (features == ring::Features::linux_6_1()) return {"6.1"};
    const std::array states{std::pair{features.defer_taskrun, "defer-taskrun"},
                            std::pair{features.multishot_accept, "multishot-accept"},
                            std::pair{features.multishot_recv, "multishot-recv"},
                            std::pair{features.incremental, "incremental"},
                            std::pair{features.min_wait, "min-wait"}};
    std::string text = "all";
    for (const auto& [is_on, name] : states) {
        if (!is_on) text.append(",-").append(name);
    }
    return {text};
}

constexpr OptionNeed uring{"--io auto or uring",
                           [](const Options& o) { return o.io != IoChoice::epoll; }};
constexpr OptionNeed admin_listener{"--admin-listen",
                                    [](const Options& o) { return !o.admin_listen.empty(); }};
constexpr OptionNeed info_lines{"--log-level info or debug", [](const Options& o) {
                                    return o.log_level >= shard::LogLevel::info;
                                }};

constexpr std::string_view listening = "Listening";
constexpr std::string_view io = "Shards and I/O";
constexpr std::string_view logging = "Logging";

constexpr std::array listening_rows{
    OptionRow{.section = listening,
              .name = "listen",
              .value_name = "URL",
              .help =
                  "where to accept connections: ws://127.0.0.1:8080, ws://[::1]:0 (any free port), "
                  "wss://0.0.0.0:443 (TLS, needs --tls-cert) or unix:/path; may be repeated",
              .form = OptionRow::Form::list,
              .set =
                  [](Options& options, std::string_view text) {
                      return add_url(options.listen, text, ring::websocket_schemes);
                  },
              .get = [](const Options& options) { return texts_of(options.listen); },
              .clear = [](Options& options) { options.listen.clear(); }},
    OptionRow{
        .section = listening,
        .name = "admin-listen",
        .value_name = "URL",
        .help = "where to serve /live, /ready, /metrics and POST /publish/{topic}, and nothing "
                "else: http://127.0.0.1:9090 or unix:/path; without authentication, so keep it on "
                "loopback; may be repeated",
        .form = OptionRow::Form::list,
        .set =
            [](Options& options, std::string_view text) {
                return add_url(options.admin_listen, text, ring::http_schemes);
            },
        .get = [](const Options& options) { return texts_of(options.admin_listen); },
        .clear = [](Options& options) { options.admin_listen.clear(); }},
    OptionRow{.section = listening,
              .name = "api-key-file",
              .value_name = "FILE",
              .help = "keys of applications, one a line, at least 16 characters each: with any of "
                      "them POST /api/publish and its like, as Centrifugo's server SDKs use them, "
                      "are served at --admin-listen, too; read again at SIGHUP",
              .set = set_text<&Options::api_key_file>,
              .get = get_text<&Options::api_key_file>,
              .needs = {&admin_listener}},
    OptionRow{.section = listening,
              .name = "listen-backlog",
              .value_name = "N",
              .help = "connections the kernel may queue before they are accepted (it caps this at "
                      "net.core.somaxconn)",
              .set = set_count<&Options::listen_backlog, 1, 65'535>,
              .get = get_count<&Options::listen_backlog>},
    OptionRow{.section = listening,
              .name = "echo",
              .help = "mount /echo, which sends every message back",
              .form = OptionRow::Form::toggle,
              .set = set_word<&Options::echo, toggle_words>,
              .get = get_word<&Options::echo, toggle_words>},
    OptionRow{
        .section = listening,
        .name = "dev",
        .help =
            "for trying things out: listen on ws://127.0.0.1:8080 unless --listen says otherwise, "
            "mount /echo and a page at /, and let everybody publish to topics; browsers are "
            "admitted as always: from pages of the same origin only",
        .form = OptionRow::Form::toggle,
        .set = set_word<&Options::dev, toggle_words>,
        .get = get_word<&Options::dev, toggle_words>},
    OptionRow{.section = listening,
              .name = "demo",
              .help = "--dev with a page to show at /, a chat and a chart, and what they need: the "
                      "namespace chat, the namespace prices, and made-up prices, five a second of "
                      "each; the page of --dev is at /inspector",
              .form = OptionRow::Form::toggle,
              .set = set_word<&Options::demo, toggle_words>,
              .get = get_word<&Options::demo, toggle_words>},
};

constexpr std::array io_rows{
    OptionRow{
        .section = io,
        .name = "shards",
        .value_name = "N|auto",
        .help =
            "threads that serve connections, at most 64; auto: one per CPU that the process may "
            "use, by affinity mask and cgroup quota",
        .set = set_count_or_auto<&Options::shards, 1, 64>,
        .get = get_count_or_auto<&Options::shards>},
    OptionRow{
        .section = io,
        .name = "pin",
        .value_name = "auto|on|off",
        .help =
            "bind each shard to one CPU; auto: only with as many shards as CPUs in the affinity "
            "mask",
        .set = set_word<&Options::pin, pin_words>,
        .get = get_word<&Options::pin, pin_words>},
    OptionRow{
        .section = io,
        .name = "io",
        .value_name = "auto|uring|epoll",
        .help =
            "how to talk to the kernel; auto: io_uring where it is allowed and new enough, else "
            "epoll",
        .set = set_word<&Options::io, io_words>,
        .get = get_word<&Options::io, io_words>},
    OptionRow{
        .section = io,
        .name = "uring-features",
        .value_name = "LIST",
        .help = "io_uring features that may be used: all, 6.1 (what that kernel has), none, -name, "
                "+name, separated by commas",
        .set = set_features,
        .get = get_features,
        .needs = {&uring}},
    OptionRow{.section = io,
              .name = "direct-descriptors",
              .help = "keep connections out of the process's open files: in a table of each "
                      "shard's ring, for which the limit on open files holds once more; io_uring "
                      "only, from Linux 6.13 on",
              .form = OptionRow::Form::toggle,
              .set = set_word<&Options::direct_descriptors, toggle_words>,
              .get = get_word<&Options::direct_descriptors, toggle_words>,
              .needs = {&uring}},
    OptionRow{.section = io,
              .name = "ring-submissions",
              .value_name = "N|auto",
              .help =
                  "entries of each ring's submission queue, a power of two; with 1 each operation "
                  "is handed over by itself",
              .set = set_ring_size<&Options::ring_submissions, 1, 32'768>,
              .get = get_count_or_auto<&Options::ring_submissions>},
    OptionRow{.section = io,
              .name = "ring-completions",
              .value_name = "N|auto",
              .help = "entries of each ring's completion queue, a power of two",
              .set = set_ring_size<&Options::ring_completions, 2, 65'536>,
              .get = get_count_or_auto<&Options::ring_completions>,
              .needs = {&uring}},
    OptionRow{.section = io,
              .name = "buffers-count",
              .value_name = "N|auto",
              .help = "receive buffers of each ring, a power of two",
              .set = set_ring_size<&Options::buffers_count, 2, 32'768>,
              .get = get_count_or_auto<&Options::buffers_count>},
    OptionRow{.section = io,
              .name = "buffer-bytes",
              .value_name = "SIZE|auto",
              .help = "size of one receive buffer",
              .set = set_bytes_or_auto<&Options::buffer_bytes, 512, 4 * mib>,
              .get = get_bytes_or_auto<&Options::buffer_bytes>},

};

constexpr std::array logging_rows{
    OptionRow{.section = logging,
              .name = "log-level",
              .value_name = "error|warn|info|debug",
              .help = "the least important lines that are written",
              .set = set_word<&Options::log_level, level_words>,
              .get = get_word<&Options::log_level, level_words>},
    OptionRow{.section = logging,
              .name = "log-format",
              .value_name = "logfmt|json",
              .help = "how log lines look on stderr",
              .set = set_word<&Options::log_format, format_words>,
              .get = get_word<&Options::log_format, format_words>},
    OptionRow{.section = logging,
              .name = "access-log",
              .value_name = "on|off",
              .help = "a line for each session that opens and closes",
              .set = set_word<&Options::access_log, toggle_words>,
              .get = get_word<&Options::access_log, toggle_words>,
              .needs = {&info_lines}},
};

/// Insertions, deletions and replacements that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

}  // namespace

std::span<const OptionRow> option_table() noexcept {
    static const std::vector<OptionRow> table = [] {
        std::vector<OptionRow> all;
        for (const auto more :
             {std::span<const OptionRow>{listening_rows}, topic_options(),
              std::span<const OptionRow>{io_rows}, limit_options(), tls_options(), token_options(),
              defence_options(), std::span<const OptionRow>{logging_rows}})
            all.insert(all.end(), more.begin(), more.end());
        return all;
    }();
    return table;
}

const OptionRow* find_option(std::string_view name) noexcept {
    const auto table = option_table();
    const auto row = std::ranges::find(table, name, &OptionRow::name);
    return row == table.end() ? nullptr : &*row;
}

const OptionNeed* unmet_need(const OptionRow& row, const Options& options) noexcept {
    for (const OptionNeed* const need : row.needs)
        if (need != nullptr && !need->is_met(options)) return need;
    return nullptr;
}

std::string environment_name(std::string_view name) {
    std::string result = "RINGCAST_";
    for (const char character : name) {
        result += character == '-' ? '_' : static_cast<char>(std::toupper(character));
    }
    return result;
}

std::string suggestion(std::string_view unknown, std::span<const std::string> names) {
    std::size_t nearest = 2 + unknown.size() / 5;  // Short names are near to everything.
    std::string result;
    for (const std::string& name : names) {
        const std::size_t distance = edit_distance(unknown, name);
        if (distance >= nearest) continue;
        nearest = distance;
        result = "; did you mean " + name + "?";
    }
    return result;
}

}  // namespace ringcast::server

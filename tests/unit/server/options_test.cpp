#include "server/options.hpp"

#include <doctest/doctest.h>
#include <set>

#include "server/config_file.hpp"
#include "server/option_table.hpp"

using namespace ringcast;
using namespace ringcast::server;
using namespace std::chrono_literals;

namespace {

using Environment = std::map<std::string, std::string>;
constexpr const char* listen = "--listen=ws://127.0.0.1:0";

/// Options from these arguments, this environment, and a file `edge.toml` with this text.
std::expected<Options, Exit> load(std::vector<std::string> arguments, Environment environment = {},
                                  std::string file = {}) {
    return load_options(
        {.arguments = std::move(arguments),
         .environment = std::move(environment),
         .read_file = [file](const std::string& path) -> std::expected<std::string, std::string> {
             if (path == "edge.toml") return file;
             return std::unexpected{std::string{"No such file or directory"}};
         }});
}

Options loaded(std::vector<std::string> arguments, Environment environment = {},
               std::string file = {}) {
    auto options = load(std::move(arguments), std::move(environment), std::move(file));
    REQUIRE_MESSAGE(options.has_value(), (options ? std::string{} : options.error().text));
    return *std::move(options);
}

/// The one line that explains the mistake.
std::string mistake(std::vector<std::string> arguments, Environment environment = {},
                    std::string file = {}) {
    const auto options = load(std::move(arguments), std::move(environment), std::move(file));
    REQUIRE_FALSE(options.has_value());
    CHECK(options.error().code == Exit::usage);
    const std::string& text = options.error().text;
    CHECK(text.starts_with("ringcast: "));
    CHECK(text.find('\n') == text.size() - 1);
    return text;
}

/// The answer to a request to print something.
std::string answer(std::vector<std::string> arguments, Environment environment = {},
                   std::string file = {}) {
    const auto options = load(std::move(arguments), std::move(environment), std::move(file));
    REQUIRE_FALSE(options.has_value());
    CHECK(options.error().code == 0);
    return options.error().text;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("without settings the documented defaults hold") {
    const Options options = loaded({listen});
    CHECK(options.message_bytes_max == 65'536);
    CHECK(options.header_bytes_max == 16'384);
    CHECK(options.target_bytes_max == 8192);
    CHECK(options.header_fields_max == 100);
    CHECK(options.send_queue_bytes_max == 1'048'576);
    CHECK(options.message_memory_max == 268'435'456);
    CHECK(options.delivery_window == 0s);
    CHECK(options.handshake_timeout == 10s);
    CHECK(options.idle_timeout == 120s);
    CHECK(options.ping_interval == 25s);
    CHECK(options.message_timeout == 30s);
    CHECK(options.close_timeout == 5s);
    CHECK(options.shutdown_timeout == 10s);
    CHECK(options.listen_backlog == 4096);
    CHECK_FALSE(options.shards.has_value());
    CHECK_FALSE(options.connections_max.has_value());
    CHECK(options.admin_connections_max == 16);
    CHECK(options.pin == Pinning::automatic);
    CHECK(options.io == IoChoice::automatic);
    CHECK(options.uring_features == ring::Features::all());
    CHECK_FALSE(options.direct_descriptors);
    CHECK(options.log_level == shard::LogLevel::info);
    CHECK(options.log_format == LogFormat::logfmt);
    CHECK_FALSE(options.access_log);
    CHECK_FALSE(options.echo);
    CHECK_FALSE(options.dev);
}

TEST_CASE("every flag reaches its member, with its value behind a blank or an equals sign") {
    const Options options = loaded({"--listen",
                                    "ws://127.0.0.1:8080",
                                    "--listen=ws://[::1]:0",
                                    "--listen",
                                    "unix:/run/ringcast.sock",
                                    "--listen-backlog",
                                    "128",
                                    "--echo",
                                    "--shards=3",
                                    "--pin",
                                    "off",
                                    "--io",
                                    "uring",
                                    "--uring-features",
                                    "-incremental,-min-wait",
                                    "--direct-descriptors",
                                    "--ring-submissions",
                                    "1024",
                                    "--ring-completions=8192",
                                    "--buffers-count",
                                    "32",
                                    "--buffer-bytes",
                                    "8KiB",
                                    "--connections-max",
                                    "5000",
                                    "--admin-listen",
                                    "http://127.0.0.1:0",
                                    "--admin-connections-max",
                                    "4",
                                    "--message-bytes-max",
                                    "1MiB",
                                    "--header-bytes-max",
                                    "4096",
                                    "--target-bytes-max",
                                    "1KiB",
                                    "--header-fields-max",
                                    "50",
                                    "--http-requests-max",
                                    "100",
                                    "--http-requests-per-turn",
                                    "8",
                                    "--send-queue-bytes-max",
                                    "2MiB",
                                    "--message-memory-max",
                                    "1GiB",
                                    "--compression",
                                    "dedicated",
                                    "--compression-threshold",
                                    "1KiB",
                                    "--compression-memory-max=16MiB",
                                    "--anonymous",
                                    "publish",
                                    "--delivery-window",
                                    "500us",
                                    "--handshake-timeout",
                                    "3s",
                                    "--http-pipelined-bytes-max",
                                    "1KiB",
                                    "--http-answer-timeout",
                                    "5s",
                                    "--http-stream-timeout",
                                    "2h",
                                    "--http-request-timeout",
                                    "7s",
                                    "--http-idle-timeout",
                                    "90s",
                                    "--idle-timeout",
                                    "2m",
                                    "--ping-interval",
                                    "500ms",
                                    "--close-timeout",
                                    "1s",
                                    "--shutdown-timeout",
                                    "0",
                                    "--log-level",
                                    "debug",
                                    "--log-format",
                                    "json",
                                    "--access-log",
                                    "on"});
    REQUIRE(options.listen.size() == 3);
    CHECK(options.listen[0].text == "ws://127.0.0.1:8080");
    CHECK(options.listen[0].address.port == 8080);
    CHECK(options.listen[1].address.family == ring::Address::Family::ipv6);
    CHECK(options.listen[2].address.path == "/run/ringcast.sock");
    CHECK(options.listen_backlog == 128);
    CHECK(options.echo);
    CHECK(options.shards == 3);
    CHECK(options.pin == Pinning::off);
    CHECK(options.http_requests_max == 100);
    CHECK(options.http_requests_per_turn == 8);
    CHECK(options.http_pipelined_bytes_max == 1024);
    CHECK(options.http_answer_timeout == 5s);
    CHECK(options.http_stream_timeout == 2h);
    CHECK(options.http_request_timeout == 7s);
    CHECK(options.http_idle_timeout == 90s);
    CHECK(options.io == IoChoice::uring);
    CHECK(options.uring_features == ring::Features::linux_6_1());
    CHECK(options.direct_descriptors);
    CHECK(options.ring_submissions == 1024);
    CHECK(options.ring_completions == 8192);
    CHECK(options.buffers_count == 32);
    CHECK(options.buffer_bytes == 8192);
    CHECK(options.connections_max == 5000);
    CHECK(options.admin_connections_max == 4);
    CHECK(options.message_bytes_max == 1 << 20);
    CHECK(options.header_bytes_max == 4096);
    CHECK(options.target_bytes_max == 1024);
    CHECK(options.header_fields_max == 50);
    CHECK(options.send_queue_bytes_max == 2 << 20);
    CHECK(options.message_memory_max == 1 << 30);
    CHECK(options.compression == Compression::dedicated);
    CHECK(options.compression_threshold == 1024);
    CHECK(options.compression_memory_max == 16 << 20);
    CHECK(options.delivery_window == 500us);
    CHECK(options.handshake_timeout == 3s);
    CHECK(options.idle_timeout == 120s);
    CHECK(options.ping_interval == 500ms);
    CHECK(options.close_timeout == 1s);
    CHECK(options.shutdown_timeout == 0s);
    CHECK(options.log_level == shard::LogLevel::debug);
    CHECK(options.log_format == LogFormat::json);
    CHECK(options.access_log);
    CHECK(options.warnings.empty());
}

TEST_CASE("a flag wins over the environment, that over the file, that over the default") {
    const std::string file =
        "listen = [\"ws://127.0.0.1:1\", \"ws://127.0.0.1:2\"]\nshards = 1\nclose-timeout = "
        "\"1s\"\n"
        "handshake-timeout = \"1s\"\n";
    const Environment environment{{"RINGCAST_SHARDS", "2"}, {"RINGCAST_HANDSHAKE_TIMEOUT", "2s"}};
    const Options options = loaded({"--config", "edge.toml", "--shards", "3"}, environment, file);
    CHECK(options.shards == 3);
    CHECK(options.handshake_timeout == 2s);
    CHECK(options.close_timeout == 1s);
    CHECK(options.idle_timeout == 120s);
    CHECK(options.listen.size() == 2);
}

TEST_CASE("a list from a stronger source replaces the weaker one's") {
    const std::string file = "listen = \"ws://127.0.0.1:1\"\n";
    Environment environment{{"RINGCAST_CONFIG", "edge.toml"}};
    CHECK(loaded({}, environment, file).listen.at(0).address.port == 1);
    environment["RINGCAST_LISTEN"] = " ws://127.0.0.1:2, ws://127.0.0.1:3 ws://127.0.0.1:4,";
    const Options from_environment = loaded({}, environment, file);
    REQUIRE(from_environment.listen.size() == 3);
    CHECK(from_environment.listen[2].address.port == 4);
    const Options from_flag = loaded({"--listen", "ws://127.0.0.1:5"}, environment, file);
    REQUIRE(from_flag.listen.size() == 1);
    CHECK(from_flag.listen[0].address.port == 5);
}

TEST_CASE("--config wins over RINGCAST_CONFIG, and a file that cannot be read is a mistake") {
    const std::string file = "shards = 7\n";
    CHECK(loaded({listen, "--config", "edge.toml"}, {{"RINGCAST_CONFIG", "missing.toml"}}, file)
              .shards == 7);
    CHECK(mistake({listen}, {{"RINGCAST_CONFIG", "missing.toml"}}) ==
          "ringcast: --config missing.toml: No such file or directory\n");
}

TEST_CASE("an empty variable counts as none") {
    const std::string file = "listen = \"ws://127.0.0.1:1\"\nshards = 3\n";
    const Environment empty{
        {"RINGCAST_CONFIG", ""}, {"RINGCAST_SHARDS", ""}, {"RINGCAST_LISTEN", ""}};
    CHECK_FALSE(loaded({listen}, empty).shards.has_value());
    const Options options = loaded({"--config=edge.toml"}, empty, file);
    CHECK(options.shards == 3);
    CHECK(options.listen.size() == 1);
    CHECK(contains(mistake({listen}, {{"RINGCAST_SHARD", ""}}), "RINGCAST_SHARD"));
}

TEST_CASE("toggles work in all three places") {
    CHECK(loaded({listen, "--echo"}).echo);
    CHECK(loaded({listen, "--echo=on"}).echo);
    CHECK_FALSE(loaded({listen, "--echo=off"}, {{"RINGCAST_ECHO", "on"}}).echo);
    CHECK(loaded({listen}, {{"RINGCAST_ECHO", "true"}}).echo);
    CHECK(loaded({listen, "--config=edge.toml"}, {}, "echo = true").echo);
    CHECK_FALSE(loaded({listen, "--config=edge.toml"}, {}, "echo = \"off\"").echo);
    for (const char* yes : {"on", "true", "yes", "1"}) {
        CAPTURE(yes);
        CHECK(loaded({listen}, {{"RINGCAST_ECHO", yes}}).echo);
        CHECK(loaded({listen, std::string{"--echo="} + yes}).echo);
    }
    for (const char* no : {"off", "false", "no", "0"}) {
        CAPTURE(no);
        CHECK_FALSE(loaded({listen}, {{"RINGCAST_ECHO", no}}).echo);
        CHECK_FALSE(loaded({listen, std::string{"--echo="} + no}, {{"RINGCAST_ECHO", "1"}}).echo);
    }
    CHECK(mistake({listen, "--echo=maybe"}) ==
          "ringcast: --echo: 'maybe' is not possible here; expected on, off (command line)\n");
}

TEST_CASE("0 and auto leave sizes of the rings to the kernel") {
    for (const char* value : {"0", "auto"}) {
        CAPTURE(value);
        const Options options =
            loaded({listen, "--ring-submissions", value, "--ring-completions", value,
                    "--buffers-count", value, "--buffer-bytes", value},
                   {{"RINGCAST_BUFFER_BYTES", "1KiB"}, {"RINGCAST_RING_SUBMISSIONS", "64"}});
        CHECK(options.ring_submissions == 0);
        CHECK(options.ring_completions == 0);
        CHECK(options.buffers_count == 0);
        CHECK(options.buffer_bytes == 0);
    }
}

TEST_CASE("a bad value is named with its flag, itself and where it comes from") {
    CHECK(mistake({listen, "--shards", "65"}) ==
          "ringcast: --shards: '65' is not possible here; expected 1 to 64, or auto (command "
          "line)\n");
    CHECK(mistake({listen}, {{"RINGCAST_IO", "kqueue"}}) ==
          "ringcast: --io: 'kqueue' is not possible here; expected auto, uring, epoll (environment "
          "variable "
          "RINGCAST_IO)\n");
    for (const char* flag : {"--ring-submissions", "--buffer-bytes"})
        CHECK(contains(mistake({listen, flag, "3"}), ", or auto or 0, which is the same"));
    const std::string from_file = mistake({listen, "--config", "edge.toml"}, {},
                                          "# a comment\nmessage-bytes-max = \"64KB\"\n");
    CHECK(contains(from_file, "--message-bytes-max: '64KB'"));
    CHECK(contains(from_file, "(edge.toml:2)"));
}

TEST_CASE("a bad value is a mistake even where a stronger source overrides it") {
    CHECK(contains(mistake({listen, "--shards", "2"}, {{"RINGCAST_SHARDS", "two"}}), "'two'"));
}

TEST_CASE("values outside their range or of a wrong form are refused") {
    const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
        {"shards", {"0", "-1", "1.5", "", "many", "4294967297"}},
        {"listen-backlog", {"0", "65536", "auto"}},
        {"ring-submissions", {"3", "65536", "x"}},
        {"ring-completions", {"1", "1000", "131072"}},
        {"buffers-count", {"1", "17", "65536"}},
        {"buffer-bytes", {"511", "5MiB", "1KB"}},
        {"connections-max", {"0", "16777217", "18446744073709551617"}},
        {"admin-connections-max", {"0", "65536", "auto"}},
        {"message-bytes-max", {"0", "2GiB", "64kb", "1.5MiB", ""}},
        {"header-bytes-max", {"511", "2MiB"}},
        {"target-bytes-max", {"63", "2MiB"}},
        {"header-fields-max", {"7", "257"}},
        {"http-requests-max", {"0", "65536"}},
        {"http-requests-per-turn", {"0"}},
        {"send-queue-bytes-max", {"4095", "2GiB"}},
        {"message-memory-max", {"1023KiB"}},
        {"compression", {"on", "true", "gzip", ""}},
        {"compression-threshold", {"0", "2GiB"}},
        {"compression-memory-max", {"1023KiB"}},
        {"delivery-window", {"-1ms", "1001ms", "1m", "5", "off"}},
        {"handshake-timeout", {"0", "0s", "10", "2h", "-1s", "soon"}},
        {"http-pipelined-bytes-max", {"0", "2GiB"}},
        {"http-answer-timeout", {"0", "25h"}},
        {"http-stream-timeout", {"1us", "25h"}},
        {"http-request-timeout", {"0", "2h"}},
        {"http-idle-timeout", {"0", "25h"}},
        {"idle-timeout", {"25h", "1us", "10"}},
        {"ping-interval", {"25h", "999us"}},
        {"close-timeout", {"0s"}},
        {"shutdown-timeout", {"25h"}},
        {"pin", {"yes", ""}},
        {"io", {"AUTO"}},
        {"log-level", {"trace"}},
        {"log-format", {"xml"}},
        {"access-log", {"2", "maybe", "TRUE"}},
        {"uring-features", {"-sqpoll"}},
        {"listen", {"8080", "http://127.0.0.1:80", ""}},
    };
    for (const auto& [name, values] : cases) {
        for (const std::string& value : values) {
            CAPTURE(name);
            CAPTURE(value);
            const std::string text = mistake({listen, "--" + name + "=" + value}, {});
            if (!value.empty()) CHECK(contains(text, "--" + name + ": "));
        }
    }
}

TEST_CASE("unknown flags, variables and keys are refused, with the nearest name") {
    CHECK(mistake({listen, "--threads", "3"}) == "ringcast: unknown flag --threads; see --help\n");
    CHECK(mistake({listen, "--idle-timeuot=3s"}) ==
          "ringcast: unknown flag --idle-timeuot; did you mean --idle-timeout?\n");
    CHECK(mistake({listen, "-x"}) == "ringcast: unknown flag -x; see --help\n");
    CHECK(mistake({listen, "8080"}) ==
          "ringcast: '8080' is not a flag; flags start with --, see --help\n");
    CHECK(mistake({listen}, {{"RINGCAST_SHARD", "2"}}) ==
          "ringcast: unknown environment variable RINGCAST_SHARD; did you mean RINGCAST_SHARDS?\n");
    CHECK(mistake({listen, "--config=edge.toml"}, {}, "shards = 2\n\nidle_timeout = \"3s\"\n") ==
          "ringcast: edge.toml:3: unknown key 'idle_timeout'; did you mean idle-timeout?\n");
}

TEST_CASE("variables that are not ours, or belong to the kernels, are left alone") {
    CHECK(loaded({listen}, {{"RINGCAST_SIMD", "sse2"}, {"PATH", "/bin"}, {"RINGCASTING", "1"}})
              .listen.size() == 1);
}

TEST_CASE("a flag without its value, or given twice, is a mistake") {
    CHECK(mistake({"--listen"}) == "ringcast: --listen needs a value: --listen URL\n");
    CHECK(mistake({listen, "--shards"}) == "ringcast: --shards needs a value: --shards N|auto\n");
    CHECK(mistake({"--listen", "--dev"}) == "ringcast: --listen needs a value: --listen URL\n");
    CHECK(mistake({"--listen=", "--dev"}) == "ringcast: --listen needs a value: --listen URL\n");
    CHECK(mistake({"--dev", "--config"}) == "ringcast: --config needs a value: --config FILE\n");
    CHECK(mistake({"--config=", "--dev"}) == "ringcast: --config needs a value: --config FILE\n");
    CHECK(loaded({listen, "--uring-features", "-incremental"}).uring_features.defer_taskrun);
    CHECK(mistake({listen, "--shards=1", "--shards=2"}) == "ringcast: --shards is given 2 times\n");
    CHECK(mistake({listen, "--echo", "--echo"}) == "ringcast: --echo is given 2 times\n");
    CHECK(mistake({"--config=a", "--config=b"}) == "ringcast: --config is given more than once\n");
}

TEST_CASE("limits that contradict each other are refused, each named with its source") {
    CHECK(mistake({listen, "--idle-timeout", "25s"}) ==
          "ringcast: --idle-timeout 25s (command line) must be longer than --ping-interval 25s "
          "(default), or clients are closed before a ping could show that they live\n");
    CHECK(loaded({listen, "--idle-timeout", "20s", "--ping-interval", "0"}).ping_interval == 0s);
    CHECK(loaded({listen, "--idle-timeout", "0", "--ping-interval", "25s"}).idle_timeout == 0s);
    CHECK(mistake({listen, "--message-bytes-max=65MiB"}) ==
          "ringcast: --message-memory-max 256MiB (default) must be at least 4 times "
          "--message-bytes-max 65MiB (command line)\n");
    CHECK(loaded({listen, "--message-bytes-max=64MiB"}).message_bytes_max == 64 << 20);
    CHECK(mistake({listen, "--message-memory-max=1MiB"}) ==
          "ringcast: --message-memory-max 1MiB (command line) must be at least 2 times "
          "--buffers-count auto (default) times --buffer-bytes auto (default), 2MiB\n");
    CHECK(
        mistake({listen, "--buffers-count=64", "--buffer-bytes=4MiB"}) ==
        "ringcast: --message-memory-max 256MiB (default) must be at least 2 times --buffers-count "
        "64 (command line) times --buffer-bytes 4MiB (command line), 512MiB\n");
    CHECK(loaded({listen, "--message-memory-max=1MiB", "--buffers-count=4"}).message_memory_max ==
          1 << 20);
    CHECK(mistake({listen, "--ring-completions=1024"}) ==
          "ringcast: --ring-completions 1024 (command line) must be at least 4096, as many as "
          "--ring-submissions auto (default)\n");
    CHECK(loaded({listen, "--ring-completions=1024", "--ring-submissions=1024"}).ring_completions ==
          1024);
    CHECK(mistake({listen, "--buffers-count=32768", "--buffer-bytes=4MiB"}) ==
          "ringcast: --buffers-count 32768 (command line) times --buffer-bytes 4MiB (command line) "
          "is more than 2GiB\n");
    CHECK(mistake({"--listen=ws://127.0.0.1:81", "--listen=ws://127.0.0.1:81"}) ==
          "ringcast: --listen ws://127.0.0.1:81 is given twice\n");
    CHECK(loaded({listen, listen}).listen.size() == 2);  // Port 0 is another port each time.
}

TEST_CASE("admin listeners are opened by no other option, and on addresses of their own") {
    CHECK(loaded({"--dev"}).admin_listen.empty());
    const Options options =
        loaded({listen, "--admin-listen", "http://127.0.0.1:9090", "--admin-listen=unix:/a"});
    REQUIRE(options.admin_listen.size() == 2);
    CHECK(options.admin_listen[0].address.port == 9090);
    CHECK(options.admin_listen[1].text == "unix:/a");
    CHECK(loaded({listen}, {{"RINGCAST_ADMIN_LISTEN", "http://127.0.0.1:0,http://[::1]:0"}})
              .admin_listen.size() == 2);
    CHECK(mistake({listen, "--admin-listen", "ws://127.0.0.1:1"}) ==
          "ringcast: --admin-listen: 'ws://127.0.0.1:1': expected http://address:port or "
          "unix:/path (command line)\n");
    CHECK(mistake({listen, "--admin-listen=unix:/a", "--admin-listen=unix:/a"}) ==
          "ringcast: --admin-listen unix:/a is given twice\n");
    CHECK(mistake({"--listen=ws://[::1]:80", "--admin-listen=http://[::1]:80"}) ==
          "ringcast: --admin-listen http://[::1]:80 is the address of a --listen, too\n");
    CHECK(loaded({listen, "--admin-listen=http://127.0.0.1:0"}).admin_listen.size() == 1);
}

TEST_CASE("nothing is open that was not asked for") {
    CHECK(mistake({}) ==
          "ringcast: nothing to listen on: give --listen ws://127.0.0.1:8080 or --dev\n");
    CHECK(mistake({"--echo", "--check-config"}).starts_with("ringcast: nothing to listen on"));
    const Options options = loaded({listen});
    REQUIRE(options.warnings.size() == 1);
    CHECK(contains(options.warnings[0], "nothing is mounted"));
}

TEST_CASE("--dev listens on loopback, unless told otherwise, mounts the echo and warns once") {
    const Options options = loaded({"--dev"});
    REQUIRE(options.listen.size() == 1);
    CHECK(options.listen[0].text == "ws://127.0.0.1:8080");
    CHECK(options.dev);
    CHECK(options.echo);
    REQUIRE(options.warnings.size() == 1);
    CHECK(options.warnings[0].starts_with("--dev"));

    const Options elsewhere = loaded({"--dev", "--listen", "ws://127.0.0.1:9000"});
    REQUIRE(elsewhere.listen.size() == 1);
    CHECK(elsewhere.listen[0].address.port == 9000);
}

TEST_CASE("--help, --version and --check-config answer and end the program well") {
    const std::string help = answer({"--help"});
    for (const OptionRow& row : option_table()) {
        CAPTURE(row.name);
        CHECK(contains(help, "  --" + std::string{row.name}));
    }
    for (const char* flag :
         {"--config FILE", "--check-config", "--print-config", "--version", "--help"}) {
        CHECK(contains(help, flag));
    }
    CHECK_FALSE(contains(help, "markdown"));
    CHECK(answer({"-h"}) == help);
    CHECK(contains(help, "[64KiB]"));
    std::size_t begin = 0;
    while (begin < help.size()) {
        const std::size_t end = help.find('\n', begin);
        CHECK(end - begin <= 100);
        begin = end + 1;
    }
    CHECK(answer({"--version"}).starts_with("ringcast "));
    CHECK(loaded({"--dev", "--check-config"}).check_config);
}

TEST_CASE("--help and --version answer in a broken environment too") {
    CHECK(contains(answer({"--help"}, {{"RINGCAST_TYPO", "1"}}), "Usage"));
    CHECK(answer({"--version"}, {{"RINGCAST_CONFIG", "missing.toml"}}).starts_with("ringcast "));
}

TEST_CASE("the Markdown table has a row for every flag") {
    const std::string markdown = answer({"--print-flags-markdown"});
    for (const OptionRow& row : option_table()) {
        CAPTURE(row.name);
        CHECK(contains(markdown, "| `--" + std::string{row.name}));
    }
    CHECK(contains(markdown, "| `--log-format logfmt\\|json` | `logfmt` |"));
}

TEST_CASE("--print-config says where each value comes from") {
    const std::string text =
        answer({"--dev", "--config", "edge.toml", "--shards", "2", "--print-config"},
               {{"RINGCAST_LOG_LEVEL", "warn"}}, "\nidle-timeout = \"3m\"\n");
    CHECK(contains(text, "\nlisten = [\"ws://127.0.0.1:8080\"]  # --dev\n"));
    CHECK(contains(text, "\nshards = 2  # command line\n"));
    CHECK(contains(text, "\nlog-level = \"warn\"  # environment variable RINGCAST_LOG_LEVEL\n"));
    CHECK(contains(text, "\nidle-timeout = \"3m\"  # edge.toml:2\n"));
    CHECK(contains(text, "\necho = true  # --dev\n"));
    CHECK(contains(text, "\nmessage-bytes-max = \"64KiB\"  # default\n"));
    CHECK(contains(answer({"--print-config"}), "\nlisten = []  # default\n"));
}

TEST_CASE("what --print-config prints, --config takes, and it means the same") {
    const std::vector<std::string> arguments{"--listen=ws://127.0.0.1:0",
                                             "--listen=unix:/tmp/a \"b\"\\c",
                                             "--echo",
                                             "--shards=5",
                                             "--pin=on",
                                             "--io=uring",
                                             "--uring-features=-multishot-recv",
                                             "--ring-submissions=64",
                                             "--buffer-bytes=2KiB",
                                             "--connections-max=123",
                                             "--message-bytes-max=1000",
                                             "--idle-timeout=90s",
                                             "--ping-interval=0",
                                             "--log-format=json",
                                             "--access-log=on"};
    auto printing = arguments;
    printing.emplace_back("--print-config");
    const std::string text = answer(printing);
    const Options before = loaded(arguments);
    const Options after = loaded({"--config=edge.toml"}, {}, text);
    for (const OptionRow& row : option_table()) {
        CAPTURE(row.name);
        CHECK(row.get(before) == row.get(after));
    }
}

TEST_CASE("each row's default reads back as itself, and names are unique and well formed") {
    std::set<std::string_view> names;
    for (const OptionRow& row : option_table()) {
        CAPTURE(row.name);
        CHECK(names.insert(row.name).second);
        CHECK(find_option(row.name) == &row);
        CHECK(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == row.name.npos);
        CHECK((row.form == OptionRow::Form::toggle) == row.value_name.empty());
        CHECK((row.form == OptionRow::Form::list) == (row.clear != nullptr));
        Options options;
        const auto before = row.get(options);
        CHECK((row.form == OptionRow::Form::list ? before.empty() : before.size() == 1));
        for (const std::string& value : before) CHECK(row.set(options, value).has_value());
        CHECK(row.get(options) == before);
    }
    CHECK(find_option("no-such-option") == nullptr);
    CHECK(environment_name("message-bytes-max") == "RINGCAST_MESSAGE_BYTES_MAX");
}

TEST_CASE("every set of io_uring features reads back as itself") {
    const OptionRow& row = *find_option("uring-features");
    for (unsigned bits = 0; bits < 32; ++bits) {
        Options options;
        options.uring_features = {.defer_taskrun = (bits & 1) != 0,
                                  .multishot_accept = (bits & 2) != 0,
                                  .multishot_recv = (bits & 4) != 0,
                                  .incremental = (bits & 8) != 0,
                                  .min_wait = (bits & 16) != 0};
        Options read;
        CAPTURE(row.get(options)[0]);
        REQUIRE(row.set(read, row.get(options)[0]).has_value());
        CHECK(read.uring_features == options.uring_features);
    }
}

TEST_CASE("the process's own sources are its arguments and its environment") {
    const std::array<const char*, 3> arguments{"ringcast", "--dev", "--shards=2"};
    const OptionSources sources = process_sources(3, arguments.data());
    CHECK(sources.arguments == std::vector<std::string>{"--dev", "--shards=2"});
    CHECK(sources.environment.contains("PATH"));
    const auto missing = sources.read_file("/no/such/file");
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error() == "No such file or directory");
    CHECK_FALSE(sources.read_file("/").has_value());
    CHECK(sources.read_file("/proc/self/comm").has_value());
}

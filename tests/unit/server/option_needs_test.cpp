#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "server/option_table.hpp"
#include "server/options.hpp"

using namespace ringcast;
using namespace ringcast::server;

namespace {

using Arguments = std::vector<std::string>;
constexpr const char* listen_ws = "--listen=ws://127.0.0.1:0";
constexpr const char* listen_tls = "--listen=wss://127.0.0.1:0";

/// Options from these arguments, and a file `edge.toml` with this text.
std::expected<Options, Exit> load_with_file(Arguments arguments, std::string file = {}) {
    return load_options({.arguments = std::move(arguments),
                         .environment = {},
                         .read_file = [file](const std::string&) { return file; }});
}

/// What is wrong, or nothing.
std::string mistake_with_file(Arguments arguments, std::string file = {}) {
    const auto options = load_with_file(std::move(arguments), std::move(file));
    if (options) return {};
    CHECK(options.error().code == Exit::usage);
    return options.error().text;
}

/// A flag that has no effect, what it needs, and what gives it that.
struct Case {
    Arguments given;
    std::string flag;
    std::string need;
    Arguments enough;
};

}  // namespace

TEST_CASE("a flag without what gives it an effect is a mistake that names both") {
    const Arguments certificate{listen_tls, "--tls-cert=a"};
    const Arguments ca{listen_tls, "--tls-cert=a", "--tls-client-ca=b"};
    const std::vector<Case> cases{
        {{"--message-burst=50"}, "--message-burst 50", "--message-rate", {"--message-rate=5"}},
        {{"--byte-burst=1MiB"}, "--byte-burst 1MiB", "--byte-rate", {"--byte-rate=1KiB"}},
        {{"--forwarded-field=forwarded"},
         "--forwarded-field forwarded",
         "--trusted-proxies",
         {"--trusted-proxies=unix"}},
        {{"--api-key-file=/f"}, "--api-key-file /f", "--admin-listen", {"--admin-listen=unix:/a"}},
        {{"--admin-connections-max=4"},
         "--admin-connections-max 4",
         "--admin-listen",
         {"--admin-listen=unix:/a"}},
        {{"--target-bytes-max=32KiB"},
         "--target-bytes-max 32KiB",
         "--header-bytes-max of at least as much",
         {"--header-bytes-max=32KiB"}},
        {{"--compression-threshold=1KiB"},
         "--compression-threshold 1KiB",
         "--compression shared or dedicated",
         {"--compression=shared"}},
        {{"--compression-memory-max=1MiB", "--compression=shared"},
         "--compression-memory-max 1MiB",
         "--compression dedicated",
         {}},
        {{"--compression-memory-max=1MiB"},
         "--compression-memory-max 1MiB",
         "--compression dedicated",
         {"--compression=dedicated"}},
        {{"--slow-consumer=drop"},
         "--slow-consumer drop",
         "--anonymous subscribe or publish",
         {"--dev"}},
        {{"--subscriptions-max=2"},
         "--subscriptions-max 2",
         "--anonymous subscribe or publish",
         {"--anonymous=subscribe"}},
        {{"--delivery-window=5ms"},
         "--delivery-window 5ms",
         "--anonymous subscribe or publish",
         {"--anonymous=subscribe"}},
        {{"--topics-max=9"},
         "--topics-max 9",
         "--anonymous subscribe or publish, or --admin-listen",
         {"--admin-listen=unix:/a"}},
        {{"--history-size=9"},
         "--history-size 9",
         "--anonymous subscribe or publish, a key for tokens, or --admin-listen",
         {"--anonymous=publish"}},
        {{"--history-ttl=9m", "--anonymous=publish"},
         "--history-ttl 9m",
         "--history-size",
         {"--history-size=9"}},
        {{"--history-bytes-max=1MiB", "--anonymous=publish"},
         "--history-bytes-max 1MiB",
         "--history-size",
         {"--history-size=9"}},
        {{"--presence-clients-max=9", "--anonymous=publish"},
         "--presence-clients-max 9",
         "--presence or --join-leave",
         {"--presence"}},
        {{"--presence-bytes-max=1MiB", "--anonymous=publish"},
         "--presence-bytes-max 1MiB",
         "--presence or --join-leave",
         {"--join-leave"}},
        // Tokens say for whom presence is kept, too.
        {{"--presence-clients-max=9", "--anonymous=publish"},
         "--presence-clients-max 9",
         "--presence or --join-leave",
         {"--token-jwks-file=a"}},
        {{"--topic-idle-timeout=9s"},
         "--topic-idle-timeout 9s",
         "--anonymous subscribe or publish, or --admin-listen",
         {"--anonymous=publish"}},
        {{"--access-log=on", "--log-level=warn"},
         "--access-log on",
         "--log-level info or debug",
         {}},
        {{"--access-log=on", "--log-level=info"}, "", "", {}},
        {{"--uring-features=6.1", "--io=epoll"}, "--uring-features 6.1", "--io auto or uring", {}},
        {{"--direct-descriptors", "--io=epoll"},
         "--direct-descriptors on",
         "--io auto or uring",
         {}},
        {{"--ring-completions=8192", "--io=epoll"},
         "--ring-completions 8192",
         "--io auto or uring",
         {}},
        {{"--tls-cert=a"}, "--tls-cert a", "--listen wss://", {listen_tls}},
        {{"--tls-key=a", "--tls-cert=b"}, "--tls-cert b", "--listen wss://", {listen_tls}},
        {{"--tls-directory=a"}, "--tls-directory a", "--listen wss://", {listen_tls}},
        {{"--tls-client-ca=a"}, "--tls-client-ca a", "--listen wss://", certificate},
        {{"--tls-version-min=1.3"}, "--tls-version-min 1.3", "--listen wss://", certificate},
        {{"--tls-cipher-suites=A"}, "--tls-cipher-suites A", "--listen wss://", certificate},
        {{"--tls-ticket-lifetime=1h"}, "--tls-ticket-lifetime 1h", "--listen wss://", certificate},
        {{"--tls-handshakes-per-turn=1"},
         "--tls-handshakes-per-turn 1",
         "--listen wss://",
         certificate},
        {{"--tls-ciphers=A"}, "--tls-ciphers A", "--listen wss://", certificate},
        {{"--tls-ciphers=A", "--tls-version-min=1.3", listen_tls, "--tls-cert=a"},
         "--tls-ciphers A",
         "--tls-version-min 1.2",
         {}},
        {{"--tls-client-certificates=optional"},
         "--tls-client-certificates optional",
         "--listen wss://",
         ca},
    };
    for (const Case& each : cases) {
        Arguments arguments{listen_ws};
        arguments.insert(arguments.end(), each.given.begin(), each.given.end());
        CAPTURE(each.flag);
        CAPTURE(each.need);
        CHECK(mistake_with_file(arguments) ==
              (each.flag.empty()
                   ? ""
                   : "ringcast: " + each.flag + " (command line) has no effect without " +
                         each.need + "\n"));
        if (each.enough.empty()) continue;
        arguments.insert(arguments.end(), each.enough.begin(), each.enough.end());
        CHECK(mistake_with_file(arguments) == "");
    }
}

TEST_CASE("who has Centrifuge clients cannot let them go before they are pinged") {
    Arguments arguments{listen_ws, "--idle-timeout=1s", "--ping-interval=500ms"};
    CHECK(mistake_with_file(arguments) == "");
    arguments.push_back("--anonymous=publish");
    CHECK(mistake_with_file(arguments) ==
          "ringcast: --idle-timeout 1s (command line) must be longer than 1 s, in which Centrifuge "
          "clients are pinged\n");
}

TEST_CASE("namespaces use what is for all topics, and nothing that is for those of no namespace") {
    const std::string plain = "[namespaces.a]\n", kept = plain + "history-size = 1\n",
                      shown = plain + "presence = true\n", told = plain + "join-leave = true\n";
    const auto said = [](std::string flag, const std::string& file, Arguments more = {}) {
        more.insert(more.end(), {listen_ws, "--config=edge.toml", std::move(flag)});
        return mistake_with_file(std::move(more), file);
    };
    const auto without = [](const std::string& flag, const std::string& need) {
        return "ringcast: --" + flag + " (command line) has no effect without " + need + "\n";
    };
    const std::string without_plain = "--anonymous subscribe or publish, a key for tokens, or ";
    CHECK(said("--history-bytes-max=1MiB", kept) == "");
    CHECK(said("--history-bytes-max=1MiB", plain) ==
          without("history-bytes-max 1MiB", "--history-size"));
    CHECK(said("--presence-clients-max=9", shown) == "");
    CHECK(said("--presence-bytes-max=1MiB", told) == "");
    CHECK(said("--presence-bytes-max=1MiB", kept) ==
          without("presence-bytes-max 1MiB", "--presence or --join-leave"));
    CHECK(said("--topics-max=9", plain) == "");
    CHECK(said("--history-size=9", kept) ==
          without("history-size 9", without_plain + "--admin-listen"));
    CHECK(said("--history-size=9", kept, {"--admin-listen=unix:/a"}) == "");
    CHECK(said("--history-size=9", kept, {"--token-jwks-file=a"}) == "");
    for (const std::string flag : {"--presence", "--join-leave"}) {
        CHECK(said(flag, kept) ==
              without(flag.substr(2) + " on", without_plain + "--api-key-file"));
        CHECK(said(flag, kept, {"--anonymous=publish"}) == "");
        CHECK(said(flag, kept, {"--admin-listen=unix:/a", "--api-key-file=b"}) == "");
    }
    CHECK(said("--delta=fossil", kept) ==
          without("delta fossil", without_plain + "--api-key-file"));
    CHECK(said("--history-ttl=9m", kept, {"--anonymous=publish"}) ==
          without("history-ttl 9m", "--history-size"));
}

TEST_CASE("a default that somebody has asked for is a mistake, too; nothing, 0 and off are not") {
    CHECK(mistake_with_file({listen_tls, "--tls-cert=a", "--tls-client-certificates=required"}) ==
          "ringcast: --tls-client-certificates required (command line) has no effect without "
          "--tls-client-ca\n");
    CHECK(mistake_with_file(
              {listen_ws, "--message-burst=0", "--byte-burst=0", "--delivery-window=0"}) == "");
    CHECK(
        mistake_with_file({listen_ws, "--config=edge.toml", "--access-log=off", "--log-level=warn"},
                          "tls-cert = []\ntls-client-ca = \"\"\n") == "");
    CHECK(mistake_with_file({listen_ws, "--header-bytes-max=1KiB"}) == "");
}

TEST_CASE("what has no effect where it stands is told of, and may be switched on by a flag") {
    const auto warnings = [](Arguments arguments) {
        return load_with_file(std::move(arguments),
                              "\ncompression = 'shared'\ncompression-threshold = 7\n")
            .value()
            .warnings;
    };
    CHECK(warnings({listen_ws, "--echo", "--config=edge.toml"}).empty());
    CHECK(warnings({listen_ws, "--echo", "--config=edge.toml", "--compression=off"}) ==
          std::vector<std::string>{"--compression-threshold 7 (edge.toml:3) has no effect without "
                                   "--compression shared or dedicated"});
}

TEST_CASE("who only reckons may set what has no effect; who examines a host for it may not") {
    const OptionSources sources{
        .arguments = {"--message-burst=7"}, .environment = {}, .read_file = {}};
    CHECK(load_options(sources, Purpose::reckon).value().message_burst == 7);
    CHECK(load_options(sources, Purpose::examine).error().text ==
          "ringcast: --message-burst 7 (command line) has no effect without --message-rate\n");
}

TEST_CASE("--print-config shows what has no effect as a comment, so that --config takes it") {
    const auto printed =
        load_with_file({"--compression=shared", "--print-config", "--message-burst=7"});
    REQUIRE_FALSE(printed);
    const std::string& text = printed.error().text;
    CHECK(printed.error().code == 0);
    CHECK(
        text.contains("\n# message-burst = 7  # command line; no effect without "
                      "--message-rate\n"));
    CHECK(
        text.contains("\n# tls-client-certificates = \"required\"  # default; no effect "
                      "without --listen wss://\n"));
    CHECK(text.contains("\ncompression-threshold = 512  # default\n"));
    CHECK(mistake_with_file({listen_ws, "--config=edge.toml"}, text) == "");
}

#include "server/namespace_options.hpp"

#include <doctest/doctest.h>
#include <string>

#include "server/config_file.hpp"
#include "server/options.hpp"

using namespace ringcast;
using namespace ringcast::server;

namespace {

/// Options from these arguments and a --config file with this text.
std::expected<Options, Exit> load(std::vector<std::string> arguments, const std::string& file) {
    arguments.emplace_back("--config=edge.toml");
    return load_options(
        {.arguments = std::move(arguments),
         .environment = {},
         .read_file = [file](const std::string&) -> std::expected<std::string, std::string> {
             return file;
         }});
}

std::string namespace_mistake(std::string_view text) {
    REQUIRE(parse_config(text, "edge.toml").has_value());
    const auto namespaces = parse_namespaces(text, "edge.toml");
    REQUIRE_FALSE(namespaces.has_value());
    return namespaces.error();
}

}  // namespace

TEST_CASE("each table of namespaces is one, and no setting") {
    constexpr std::string_view text = R"(shards = 4
[namespaces.news]
history-size = 100
history-ttl = "10m"
history-mode = "cache"
subscribe = "anyone"
publish = "users"
delta = "fossil"
rate = 5
burst = 20
slow-consumer = "drop"
[namespaces."a.b"]
)";
    CHECK(parse_config(text, "edge.toml")->size() == 1);
    const auto namespaces = parse_namespaces(text, "edge.toml");
    REQUIRE(namespaces.has_value());
    REQUIRE(namespaces->size() == 2);
    const ringcast::TopicNamespace& plain = namespaces->at(0);
    CHECK(plain.name == "a.b");
    CHECK(plain.history_size == 0);
    CHECK(plain.history_mode == ringcast::HistoryMode::stream);
    CHECK(plain.subscribe == ringcast::TopicAudience::users);
    CHECK(plain.publish == ringcast::TopicAudience::nobody);
    CHECK_FALSE(plain.slow_consumer.has_value());
    CHECK(plain.delta == ringcast::TopicDelta::off);
    const ringcast::TopicNamespace& news = namespaces->at(1);
    CHECK(news.name == "news");
    CHECK(news.history_size == 100);
    CHECK(news.history_ttl == std::chrono::minutes{10});
    CHECK(news.history_mode == ringcast::HistoryMode::cache);
    CHECK(news.subscribe == ringcast::TopicAudience::anyone);
    CHECK(news.publish == ringcast::TopicAudience::users);
    CHECK(news.rate == 5);
    CHECK(news.burst == 20);
    CHECK(plain.rate == 0);
    CHECK(news.slow_consumer == ringcast::SlowConsumer::drop);
    CHECK(news.delta == ringcast::TopicDelta::fossil);
    CHECK(parse_namespaces("", "edge.toml")->empty());
    CHECK(parse_namespaces("[namespaces]", "edge.toml")->empty());
}

TEST_CASE("what is wrong with a namespace is told with its line") {
    const std::string begin = "shards = 1\n[namespaces.a]\n";
    CHECK(namespace_mistake(begin + "history-sice = 1") ==
          "edge.toml:3: unknown key 'history-sice'; did you mean history-size?");
    CHECK(namespace_mistake(begin + "subscribe = \"all\"") ==
          "edge.toml:3: subscribe: 'all' is not possible here; expected nobody, token, users, "
          "anyone");
    CHECK(namespace_mistake(begin + "history-size = -1")
              .starts_with("edge.toml:3: history-size: '-1'"));
    CHECK(namespace_mistake(begin + "history-size = 1000001")
              .starts_with("edge.toml:3: history-size: "));
    CHECK(namespace_mistake(begin + "history-ttl = \"1ms\"")
              .starts_with("edge.toml:3: history-ttl: "));
    CHECK(namespace_mistake(begin + "rate = 10001") ==
          "edge.toml:3: rate: '10001' is not possible here; expected 0 to 10000");
    CHECK(namespace_mistake(begin + "history-ttl = \"10m\"") ==
          "edge.toml:2: history-ttl needs a history-size");
    CHECK(namespace_mistake(begin + "rate = 3") ==
          "edge.toml:2: rate needs a publish that is not nobody");
    CHECK(namespace_mistake(begin + "burst = 3") == "edge.toml:2: burst needs a rate");
    CHECK(namespace_mistake(begin + "slow-consumer = \"newest\"")
              .starts_with("edge.toml:3: slow-consumer: "));
    CHECK(namespace_mistake(begin + "publish = [\"users\"]") ==
          "edge.toml:3: publish takes a string, an integer or a boolean");
    CHECK(namespace_mistake(begin + "history-mode = \"cache\"") ==
          "edge.toml:2: history-mode cache needs a history-size");
    const std::string tables = "namespaces are tables, like [namespaces.news]";
    CHECK(namespace_mistake("namespaces = 3") == "edge.toml:1: " + tables);
    CHECK(namespace_mistake("[[namespaces]]\nname = \"a\"") == "edge.toml:1: " + tables);
    CHECK(namespace_mistake("[namespaces]\nhistory-size = 3") == "edge.toml:2: " + tables);
    CHECK(namespace_mistake("[namespaces.\"a:b\"]")
              .starts_with("edge.toml:1: the name of a namespace "));
}

TEST_CASE("namespaces of the file are options, and printed as the file takes them") {
    const std::string file =
        "[namespaces.news]\nhistory-size = 9\nsubscribe = \"anyone\"\nslow-consumer = \"drop\"\n"
        "publish = \"users\"\nrate = 3\nburst = 7\n"
        "[namespaces.\"a.b\"]\n";
    const auto options = load({"--listen=ws://127.0.0.1:0"}, file);
    REQUIRE(options.has_value());
    CHECK(options->namespaces.size() == 2);
    CHECK(options->warnings.empty());  // Something is mounted.
    const auto printed = load({"--print-config"}, file);
    REQUIRE_FALSE(printed.has_value());
    CHECK(printed.error().code == 0);
    const auto again = parse_namespaces(printed.error().text, "printed.toml");
    REQUIRE(again.has_value());
    REQUIRE(again->size() == 2);
    CHECK(again->at(1).name == "news");
    CHECK(again->at(1).history_size == 9);
    CHECK(again->at(1).subscribe == TopicAudience::anyone);
    CHECK(again->at(1).rate == 3);
    CHECK(again->at(1).burst == 7);
    CHECK(again->at(0).rate == 0);
    CHECK(again->at(1).slow_consumer == SlowConsumer::drop);
    CHECK_FALSE(again->at(0).slow_consumer.has_value());
    const auto mistaken = load({"--listen=ws://127.0.0.1:0"}, "[namespaces.a]\nx = 1\n");
    REQUIRE_FALSE(mistaken.has_value());
    CHECK(mistaken.error().text == "ringcast: edge.toml:2: unknown key 'x'\n");
}

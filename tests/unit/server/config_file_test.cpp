#include "server/config_file.hpp"

#include <doctest/doctest.h>

using namespace ringcast::server;

namespace {

std::string file_mistake(std::string_view text) {
    const auto settings = parse_config(text, "edge.toml");
    REQUIRE_FALSE(settings.has_value());
    return settings.error();
}

}  // namespace

TEST_CASE("keys become settings that remember their line") {
    const auto settings = parse_config(
        "# edge\nshards = 4\necho = true\n\nlisten = [\n  \"ws://a\",\n  \"ws://b\",\n]\n",
        "edge.toml");
    REQUIRE(settings.has_value());
    REQUIRE(settings->size() == 3);
    for (const Setting& setting : *settings) {
        if (setting.option->name == "shards") {
            CHECK(setting.values == std::vector<std::string>{"4"});
            CHECK(setting.source == "edge.toml:2");
        } else if (setting.option->name == "echo") {
            CHECK(setting.values == std::vector<std::string>{"true"});
            CHECK(setting.source == "edge.toml:3");
        } else {
            CHECK(setting.option->name == "listen");
            CHECK(setting.values == std::vector<std::string>{"ws://a", "ws://b"});
            CHECK(setting.source == "edge.toml:5");
        }
    }
}

TEST_CASE("an empty file has no settings") {
    CHECK(parse_config("", "edge.toml")->empty());
    CHECK(parse_config("# nothing\n", "edge.toml")->empty());
}

TEST_CASE("what is no TOML is refused with its line, in one line") {
    for (const char* text : {"shards = \n", "shards = 1\nshards = 2\n", "[", "shards",
                             "shards = 1 2\n", "a = \"\\x\""}) {
        CAPTURE(text);
        const std::string error = file_mistake(text);
        CHECK(error.starts_with("edge.toml:"));
        CHECK(error.find('\n') == std::string::npos);
    }
    CHECK(file_mistake("shards = 1\nshards = 2\n").starts_with("edge.toml:2: "));
}

TEST_CASE("unknown keys and tables are refused with their line") {
    CHECK(file_mistake("\nport = 80\n") == "edge.toml:2: unknown key 'port'");
    CHECK(file_mistake("[server]\nshards = 1\n").starts_with("edge.toml:1: unknown key 'server'"));
    CHECK(file_mistake("shards = 1\n[limits]\n").starts_with("edge.toml:2: unknown key 'limits'"));
}

TEST_CASE("values that cannot be one of ours are refused") {
    const std::string one = " takes a string, an integer or a boolean";
    CHECK(file_mistake("shards = 1.5") == "edge.toml:1: shards" + one);
    CHECK(file_mistake("shards = [1]") == "edge.toml:1: shards" + one);
    CHECK(file_mistake("shards = {a = 1}") == "edge.toml:1: shards" + one);
    CHECK(file_mistake("idle-timeout = 10:00:00") == "edge.toml:1: idle-timeout" + one);
    CHECK(file_mistake("listen = [[\"ws://a\"]]") ==
          "edge.toml:1: listen takes a string or an array of strings");
}

TEST_CASE(
    "a value is written bare if it is a number or a boolean, else quoted so that it reads back") {
    CHECK(toml_value("42") == "42");
    CHECK(toml_value("0") == "0");
    CHECK(toml_value("true") == "true");
    CHECK(toml_value("007") == "\"007\"");
    CHECK(toml_value("") == "\"\"");
    for (const std::string text :
         {"64KiB", "a\"b", "a\\b", "tab\tfeed\nescape\x1b delete\x7f", "größe"}) {
        CAPTURE(text);
        const auto settings = parse_config("listen = " + toml_value(text), "edge.toml");
        REQUIRE(settings.has_value());
        CHECK(settings->at(0).values.at(0) == text);
    }
}

#include "advice/commands.hpp"

#include <doctest/doctest.h>

#include "server/command_line.hpp"

using namespace ringcast;
using namespace ringcast::advice;

namespace {

server::OptionSources sources(std::vector<std::string> arguments) {
    return {.arguments = std::move(arguments),
            .environment = {},
            .read_file = [](const std::string&) -> std::expected<std::string, std::string> {
                return std::unexpected{std::string{"No such file or directory"}};
            }};
}

}  // namespace

TEST_CASE("without the name of a command in front there is no answer") {
    CHECK_FALSE(answer_command(sources({})).has_value());
    CHECK_FALSE(answer_command(sources({"--echo"})).has_value());
    CHECK_FALSE(answer_command(sources({"--echo", "doctor"})).has_value());
    CHECK_FALSE(answer_command(sources({"doctors"})).has_value());
}

TEST_CASE("every command that the help names has a help of its own") {
    for (const server::Subcommand& command : server::subcommands) {
        CAPTURE(command.name);
        const auto answer = answer_command(sources({std::string{command.name}, "--help"}));
        REQUIRE(answer.has_value());
        CHECK(answer->code == 0);
        CHECK(answer->text.starts_with("ringcast " + std::string{command.name} + ": "));
        CHECK(server::help_text().find("\n  " + std::string{command.name}) != std::string::npos);
    }
}

TEST_CASE("a command that is misspelt, or not in front, is not taken for a flag") {
    const auto mistake = [](std::vector<std::string> arguments) {
        const auto options = server::load_options(sources(std::move(arguments)));
        REQUIRE_FALSE(options.has_value());
        return options.error().text;
    };
    CHECK(mistake({"doctr"}) == "ringcast: 'doctr' is not a flag; did you mean doctor?\n");
    CHECK(mistake({"--echo", "doctor"}) ==
          "ringcast: 'doctor' comes before all flags: ringcast doctor ...\n");
}

// What the operator can say about tokens.

#include "server/token_options.hpp"

#include <chrono>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "server/options.hpp"

using namespace ringcast;
using namespace ringcast::server;

namespace {

std::expected<Options, Exit> load_token_options(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {"--listen=ws://127.0.0.1:0", "--token-hmac-secret-file=secret"});
    return load_options({.arguments = std::move(arguments), .environment = {}, .read_file = {}});
}

std::string token_mistake(std::vector<std::string> arguments) {
    const auto options = load_token_options(std::move(arguments));
    return options ? std::string{} : options.error().text;
}

}  // namespace

TEST_CASE("keys for tokens are enough to serve topics") {
    const auto options = load_token_options({});
    REQUIRE(options.has_value());
    CHECK(options->warnings.empty());
    CHECK(takes_tokens(*options));
    CHECK(options->users == TopicAccess::none);
    CHECK(options->token_leeway == Duration{0});
    CHECK(token_mistake({"--users=publish", "--slow-consumer=drop"}) == "");
}

TEST_CASE("what is said about tokens has no effect without keys") {
    for (const char* flag : {"--token-issuer", "--token-audience", "--token-cookie",
                             "--token-query", "--token-subprotocol"}) {
        CAPTURE(flag);
        const auto options = load_options(
            {.arguments = {"--listen=ws://127.0.0.1:0", "--echo", std::string{flag} + "=a"},
             .environment = {},
             .read_file = {}});
        REQUIRE_FALSE(options.has_value());
        CHECK(options.error().text ==
              "ringcast: " + std::string{flag} +
                  " a (command line) has no effect without --token-hmac-secret-file, "
                  "--token-public-key-file or --token-jwks-file\n");
    }
}

TEST_CASE("previous keys need a time until which they are taken, and the other way round") {
    CHECK(token_mistake({"--token-previous-secret-file=old"}) ==
          "ringcast: --token-previous-secret-file old (command line) has no effect without "
          "--token-previous-until\n");
    CHECK(token_mistake({"--token-previous-until=2027-01-31"}) ==
          "ringcast: --token-previous-until 2027-01-31T00:00:00Z (command line) has no effect "
          "without --token-previous-secret-file or --token-previous-public-key-file\n");
}

TEST_CASE("a time is a day, or a second of it, in UTC") {
    const auto until = [](const std::string& text) {
        const auto options = load_token_options(
            {"--token-previous-public-key-file=old", "--token-previous-until=" + text});
        return options ? options->token_previous_until.time_since_epoch().count() : -1;
    };
    CHECK(until("2027-01-31") == 1'801'353'600);
    CHECK(until("2027-01-31T12:30:15Z") == 1'801'353'600 + 12 * 3600 + 30 * 60 + 15);
    CHECK(until("2028-02-29T23:59:59Z") == 1'835'481'599);
    for (const char* wrong :
         {"2027-02-29", "2027-13-01", "2027-00-10", "2027-1-1", "tomorrow", "2027-01-31T24:00:00Z",
          "2027-01-31T12:60:00Z", "2027-01-31T12:00:00", "2027-01-31T12:00:00+", "2027-01-31 "}) {
        CAPTURE(wrong);
        CHECK(until(wrong) == -1);
    }
    CHECK(token_mistake({"--token-previous-public-key-file=old", "--token-previous-until=soon"}) ==
          "ringcast: --token-previous-until: 'soon' is not possible here; expected a time in UTC "
          "as 2027-01-31T12:00:00Z, or a day (command line)\n");
}

#include "server/demo_prices.hpp"

#include <doctest/doctest.h>

#include "server/options.hpp"

namespace ringcast::server {

namespace {

/// With --demo, and this text in the --config file.
std::expected<Options, Exit> demo_options(std::string file, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"--demo", "--config", "demo.toml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return load_options({.arguments = std::move(arguments),
                         .environment = {},
                         .read_file = [file](const std::string&) { return file; }});
}

}  // namespace

TEST_CASE("--demo is --dev with namespaces, unless the operator has said what they are") {
    const auto options = demo_options("");
    REQUIRE(options);
    CHECK(options->dev);
    CHECK(options->echo);
    REQUIRE(options->namespaces.size() == 2);
    CHECK(options->namespaces[0].name == "chat");
    CHECK(options->namespaces[0].publish == TopicAudience::anyone);
    CHECK(options->namespaces[0].presence);
    CHECK(options->namespaces[1].name == "prices");
    CHECK(options->namespaces[1].publish == TopicAudience::nobody);

    const auto said = demo_options("[namespaces.chat]\nhistory-size = 7\n");
    REQUIRE(said);
    REQUIRE(said->namespaces.size() == 2);
    CHECK(said->namespaces[0].history_size == 7);

    const auto printed = demo_options("", {"--print-config"});
    REQUIRE_FALSE(printed);
    CHECK(printed.error().text.find("\ndev = true  # --demo\n") != std::string::npos);
}

TEST_CASE("a made-up price wanders, and stays between half and twice its first") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        PriceWalk walk{seed, 10'000};
        std::int64_t lowest = 10'000;
        std::int64_t highest = 10'000;
        for (int i = 0; i < 20'000; ++i) {
            const std::int64_t price = walk.next();
            lowest = std::min(lowest, price);
            highest = std::max(highest, price);
        }
        CAPTURE(seed);
        CHECK(lowest >= 5'000);
        CHECK(highest <= 20'000);
        CHECK(highest - lowest > 100);
    }
}

TEST_CASE("a quote is JSON with two decimal places") {
    CHECK(quote_text(1'764'200'000'000, 10'125) == R"({"t":1764200000000,"price":101.25})");
    CHECK(quote_text(0, 4'805) == R"({"t":0,"price":48.05})");
    CHECK(quote_text(0, 7) == R"({"t":0,"price":0.07})");
}

}  // namespace ringcast::server

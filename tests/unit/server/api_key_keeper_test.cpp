#include "server/api_key_keeper.hpp"

#include <doctest/doctest.h>
#include <string>

#include "support/folder.hpp"

using namespace ringcast;
using namespace ringcast::server;

TEST_CASE("keys of the server API are read again, and bad ones change nothing") {
    const test::Folder folder;
    const std::string path = folder.write("keys", "first-key-0123456\n");
    shard::LogQueue log{0, shard::LogLevel::debug};
    ApiKeyKeeper keeper{path, log};
    CHECK(keeper.load()->has("first-key-0123456"));
    ApiKeys published;
    int count = 0;
    keeper.reload();  // Not before they are wanted.
    keeper.start([&](const ApiKeys& keys) {
        published = keys;
        ++count;
    });
    CHECK(count == 1);
    (void)folder.write("keys", "second-key-012345\n# none\nthird-key-0123456\n");
    keeper.reload();
    CHECK(count == 2);
    CHECK(published.has("second-key-012345"));
    CHECK(published.has("third-key-0123456"));
    CHECK_FALSE(published.has("first-key-0123456"));
    (void)folder.write("keys", "short\n");
    keeper.reload();
    CHECK(count == 2);
    std::string events;
    shard::LogRecord record;
    while (log.pop(record)) events += std::string{record.event} + " ";
    CHECK(events == "api_keys_reloaded api_keys_reloaded api_keys_reload_failed ");
}

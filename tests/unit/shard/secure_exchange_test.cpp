// Plain requests over TLS that their endpoint holds or answers piece by piece.

#include <doctest/doctest.h>
#include <optional>
#include <string>

#include "unit/shard/secure_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;

namespace {

/// Asks a page that answers with `answer`, and returns its exchange.
struct Asked {
    Asked(SecureKit& kit, HttpAnswer::Kind kind) : fd{kit.connect()} {
        kit.page->asked = [&](HttpExchange& exchange) {
            id = exchange.id();
            return HttpAnswer{.kind = kind};
        };
        kit.exchange(fd);
        kit.say(fd, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n");
        REQUIRE(kit.shard.find_exchange(id).has_value());
    }
    int fd;
    ExchangeId id;
};

}  // namespace

TEST_CASE("a stream over TLS comes chunk by chunk, and the next request is answered behind it") {
    SecureKit kit;
    const Asked asked{kit, HttpAnswer::Kind::stream};
    kit.say(asked.fd, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(kit.shard.metrics().held_bytes > 0);
    for (const std::string& piece : {std::string{"one"}, std::string(100'000, 'x')}) {
        CHECK(kit.shard.find_exchange(asked.id)->write(piece) == SendStatus::accepted);
        kit.exchange(asked.fd);
    }
    kit.shard.find_exchange(asked.id)->finish();
    kit.exchange(asked.fd);
    const std::string& received = kit.tls(asked.fd).received();
    const std::string content = received.substr(received.find("\r\n\r\n") + 4);
    CHECK((content.substr(0, 15) == "3\r\none\r\n186a0\r\n"));
    CHECK((content.substr(15, 100'000) == std::string(100'000, 'x')));
    CHECK(content.substr(100'015).starts_with("\r\n0\r\n\r\nHTTP/1.1 404 Not Found\r\n"));
    CHECK(kit.shard.metrics().held_bytes == 0);
    CHECK(kit.page->ends.empty());
}

TEST_CASE("whoever ends a TLS connection with a request on it aborts that, once") {
    for (const auto kind : {HttpAnswer::Kind::held, HttpAnswer::Kind::stream}) {
        SecureKit kit;
        const Asked asked{kit, kind};
        std::optional<SendStatus> last_words;
        kit.page->ended = [&](HttpExchange& exchange, HttpEnd) {
            last_words = exchange.write("too late");
        };
        SUBCASE("by a close_notify") {
            kit.tls(asked.fd).close();
            kit.exchange(asked.fd);
        }
        SUBCASE("by what is no record") {
            kit.ring.deliver(asked.fd, std::string(20, '\x17'));
            kit.turn(2);
        }
        SUBCASE("by a reset") {
            kit.ring.finish_recv(asked.fd, -ECONNRESET);
            kit.turn(2);
        }
        CHECK(kit.page->ends == std::vector{HttpEnd::aborted});
        CHECK(last_words == SendStatus::closed);
        CHECK_FALSE(kit.shard.find_exchange(asked.id).has_value());
        CHECK(kit.shard.metrics().http_aborts == 1);
    }
}

TEST_CASE("requests in records of one octet behind a held one wait for its answer like any") {
    SecureKit kit;
    const Asked asked{kit, HttpAnswer::Kind::held};
    constexpr int count = 30;
    for (int i = 0; i < count; ++i) {
        for (const char octet : std::string_view{"GET /none HTTP/1.1\r\nHost: a\r\n\r\n"})
            kit.tls(asked.fd).send({&octet, 1});
    }
    const std::string records = kit.tls(asked.fd).take_output();
    constexpr std::size_t slice_bytes = 16384;
    for (std::size_t at = 0; at < records.size(); at += slice_bytes)
        kit.ring.deliver(asked.fd, records.substr(at, slice_bytes));
    kit.turn(4);
    CHECK(kit.shard.metrics().held_bytes > 0);
    kit.shard.find_exchange(asked.id)->answer({.body = "at last"});
    for (int turn = 0; turn < 2 * count; ++turn) kit.exchange(asked.fd);
    const std::string& received = kit.tls(asked.fd).received();
    CHECK(received.contains("at last"));
    std::size_t answers = 0;
    for (std::size_t at = 0; (at = received.find("404 Not Found", at)) != std::string::npos; ++at)
        ++answers;
    CHECK(answers == count);
    CHECK(kit.shard.metrics().held_bytes == 0);
}

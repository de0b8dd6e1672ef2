// Held and streamed answers over each ring and real sockets: what only the kernel can tell, how a
// client that goes away is seen.

#include <doctest/doctest.h>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "unit/ring/ring_kit.hpp"
#include "unit/shard/http_kit.hpp"

using namespace ringcast;
using namespace ringcast::shard;
using namespace std::chrono_literals;

namespace {

using Kind = HttpAnswer::Kind;

/// A shard with a page at `/`, and clients in the same thread.
class RingKit {
public:
    explicit RingKit(const ring::Variant& variant)
        : ring_{ring::make(variant)}, shard{*ring_, settings(), make_router(), log_} {
        shard.listen(listener_.get());
    }
    ~RingKit() {
        shard.begin_shutdown(CloseCode::going_away);
        shard.terminate_all();
        turn_until([&] { return shard.finished(); });
        CHECK(shard.pool().blocks_in_use() == 0);
    }

    ring::Descriptor connect() { return ring::connect_to(listener_); }
    /// Turns, each of which lasts a millisecond at most, until that is so.
    template <class Predicate>
    void turn_until(Predicate&& predicate) {
        for (int turns = 0; turns < 20'000 && !predicate(); ++turns) shard.turn();
        REQUIRE(predicate());
    }

private:
    static Settings settings() {
        Settings settings;
        settings.tick_interval = 1ms;
        return settings;
    }
    Router make_router() {
        Router router;
        auto made = std::make_unique<ScriptedHttpEndpoint>(HttpMethods::get_and_head);
        page = made.get();
        router.mount(PathPattern::parse("/").value(),
                     std::unique_ptr<HttpEndpoint>{std::move(made)});
        return router;
    }

    ring::Descriptor listener_ = ring::listen_on_loopback();
    std::unique_ptr<ring::Ring> ring_;
    LogQueue log_{0, LogLevel::debug};

public:
    ScriptedHttpEndpoint* page = nullptr;
    Shard shard;
};

void reset_when_closed(const ring::Descriptor& client) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    REQUIRE(setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
}

}  // namespace

TEST_CASE("a client that closes or resets is seen while its request is held or its stream waits") {
    ring::on_each_ring([](const ring::Variant& variant) {
        RingKit kit{variant};
        std::size_t ends = 0;
        for (const Kind kind : {Kind::held, Kind::stream}) {
            for (const bool is_reset : {false, true}) {
                for (const char* const pipelined : {"", "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /"}) {
                    const std::size_t requests = kit.page->requests_count;
                    kit.page->asked = [&](HttpExchange&) { return HttpAnswer{.kind = kind}; };
                    ring::Descriptor client = kit.connect();
                    if (is_reset) reset_when_closed(client);
                    ring::write_all(client, http_request("GET /") + pipelined);
                    kit.turn_until([&] { return kit.page->requests_count > requests; });
                    kit.shard.turn();
                    client = {};
                    ++ends;
                    kit.turn_until([&] { return kit.page->ends.size() == ends; });
                    CHECK(kit.page->ends.back() == HttpEnd::aborted);
                    CHECK(kit.page->requests_count == requests + 1);
                }
            }
        }
        kit.turn_until([&] { return kit.shard.connections() == 0; });
    });
}

TEST_CASE("a stream larger than what the kernel holds arrives whole, at the pace of its client") {
    ring::on_each_ring([](const ring::Variant& variant) {
        RingKit kit{variant};
        ExchangeId id;
        kit.page->asked = [&](HttpExchange& exchange) {
            id = exchange.id();
            return HttpAnswer{.kind = Kind::stream};
        };
        constexpr std::size_t pieces = 400;
        const std::string piece(40'000, 'x');
        std::size_t written = 0;
        const auto write_on = [&](HttpExchange exchange) {
            while (written < pieces) {
                const SendStatus status = exchange.write(piece);
                if (status == SendStatus::dropped) return;
                ++written;
                if (status == SendStatus::behind) return;
            }
            exchange.finish();
        };
        kit.page->drained = [&](HttpExchange& exchange) { write_on(exchange); };
        const ring::Descriptor client = kit.connect();
        ring::write_all(client, http_request("GET /") + http_request("GET /nothing"));
        kit.turn_until([&] { return kit.page->requests_count == 1; });
        kit.shard.turn();
        write_on(kit.shard.find_exchange(id).value());

        std::string received;
        const std::string last = "nothing is served at this path\n";
        kit.turn_until([&] {
            received += ring::read_some(client);
            return received.ends_with(last);
        });
        CHECK(written == pieces);
        CHECK(kit.page->drains_count > 0);
        std::string expected;
        for (std::size_t i = 0; i < pieces; ++i) expected += "9c40\r\n" + piece + "\r\n";
        const std::size_t head_end = received.find("\r\n\r\n") + 4;
        expected += "0\r\n\r\nHTTP/1.1 404 ";
        CHECK((received.compare(head_end, expected.size(), expected) == 0));
    });
}

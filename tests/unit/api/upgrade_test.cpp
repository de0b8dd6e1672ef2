// Admission through the public API: what a handler sees of a request, and how it decides, at once
// or later.

#include <atomic>
#include <deque>
#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <thread>

#include "unit/api/server_kit.hpp"

using namespace ringcast;
using namespace std::chrono_literals;

namespace {

/// Admits with what it read of the request, or refuses as the query says.
struct Doorman {
    Admission<std::string> on_upgrade(Upgrade& upgrade) {
        if (const auto status = upgrade.query("refuse")) {
            const int number = std::stoi(*status);
            return reject(static_cast<std::uint16_t>(number), "not you\n",
                          {{"WWW-Authenticate", "Bearer"}, {"X-Why", "a test"}});
        }
        if (const auto bad = upgrade.query("bad_header"))
            return reject(401, "not you\n", {{"X-Fine", "yes"}, {*bad, "a value"}});
        if (upgrade.query("two_tickets")) {
            auto first = upgrade.defer<std::string>();
            auto second = upgrade.defer<std::string>();
            second.admit("second");
            first.admit("first");
            return pending;
        }
        if (upgrade.query("lost_pending")) return pending;
        std::string seen{upgrade.path()};
        seen.append("|").append(upgrade.param("room"));
        seen.append("|").append(upgrade.param("nothing"));
        seen.append("|").append(upgrade.query("a").value_or("(none)"));
        seen.append("|").append(upgrade.header("x-token"));
        seen.append("|").append(upgrade.header("X-NOTHING"));
        seen.append("|").append(upgrade.peer_address());
        for (const std::string_view offered : upgrade.subprotocols())
            seen.append("|").append(offered);
        CHECK_FALSE(upgrade.select_subprotocol("never offered"));
        CHECK_FALSE(upgrade.select_subprotocol(""));
        if (!upgrade.subprotocols().empty()) CHECK(upgrade.select_subprotocol("chat.v2"));
        CHECK(upgrade.add_header("Set-Cookie", "a=b; HttpOnly"));
        for (const char* name : {"", "a b", "a:", "a\r\nb"})
            CHECK_FALSE(upgrade.add_header(name, "x"));
        for (const char* value : {"x\r\nY: z", "x\ny", "\x01", "\x7f"})
            CHECK_FALSE(upgrade.add_header("X-Bad", value));
        return seen;
    }
    void on_message(Session<std::string>& session, Message) { session.send(*session); }
};

struct Guest {
    explicit Guest(std::atomic<int>& alive) : count{&alive, [](std::atomic<int>* n) { --*n; }} {
        ++alive;
    }
    std::unique_ptr<std::atomic<int>, void (*)(std::atomic<int>*)> count;
};

/// Gives the tickets to the test.
struct Waiting {
    struct Desk {
        Journal journal;
        std::mutex mutex;
        std::deque<Ticket<Guest>> tickets;
        std::atomic<int> alive{0};

        Ticket<Guest> take() {
            const std::lock_guard lock{mutex};
            Ticket<Guest> ticket = std::move(tickets.front());
            tickets.pop_front();
            return ticket;
        }
    };
    Desk& desk;

    Admission<Guest> on_upgrade(Upgrade& upgrade) {
        upgrade.select_subprotocol("late");
        upgrade.add_header("X-Late", "yes");
        auto ticket = upgrade.defer<Guest>();
        if (upgrade.query("at_once")) return Guest{desk.alive};  // The ticket dies unused.
        if (upgrade.query("throw")) throw std::runtime_error{"after defer"};
        {
            const std::lock_guard lock{desk.mutex};
            desk.tickets.push_back(std::move(ticket));
        }
        desk.journal.note("asked:" + std::to_string(++asked));
        return pending;
    }
    void on_message(Session<Guest>& session, Message message) { session.send(message); }
    void on_close(Session<Guest>&, CloseCode) { desk.journal.note("closed"); }
    int asked = 0;
};

/// Waits until no guest is left: states die on their shards.
void await_none(const std::atomic<int>& alive) {
    while (alive != 0) std::this_thread::yield();
}

}  // namespace

TEST_CASE("on_upgrade sees path, parameters, query, fields, peer and subprotocols") {
    on_each_io([](Io io) {
        Server server{quiet(io)};
        server.mount<Doorman>("/rooms/{room}");
        const std::string url = started(server);
        SocketClient client{url};
        const auto response = client.request({.target = "/rooms/a%2Fb?a=1%202&b=3",
                                              .subprotocols = "chat.v3, chat.v2",
                                              .fields = "X-Token: t0\r\n"});
        CHECK(response.status == 101);
        CHECK(response.field("sec-websocket-protocol") == "chat.v2");
        CHECK(response.field("set-cookie") == "a=b; HttpOnly");
        CHECK_FALSE(response.field("x-bad").has_value());
        client.send(test::text_frame("?"));
        CHECK(client.message() ==
              "/rooms/a%2Fb|a/b||1 2|t0||" + client.local_address() + "|chat.v3|chat.v2");
        SocketClient plain{url};
        CHECK_FALSE(plain.request({.target = "/rooms/x"}).field("sec-websocket-protocol"));
        plain.send(test::text_frame("?"));
        CHECK(plain.message() == "/rooms/x|x||(none)|||" + plain.local_address());
    });
}

TEST_CASE("parameters are the octets that the client encoded, whatever they are but 0") {
    struct Octets {
        Admission<NoState> on_upgrade(Upgrade& upgrade) {
            CHECK(upgrade.param("room") == "a\x01\xff");
            CHECK(upgrade.query("q") == "\xc0\x80\n");
            return NoState{};
        }
        void on_message(Session<>&, Message) {}
    };
    on_each_io([](Io io) {
        Server server{quiet(io)};
        server.mount<Octets>("/{room}");
        SocketClient client{started(server)};
        client.open({.target = "/a%01%FF?q=%C0%80%0A"});
        SocketClient zero{server.addresses().at(0)};
        CHECK(zero.request({.target = "/a%00"}).status == 400);
    });
}

TEST_CASE("a second ticket for one upgrade does nothing") {
    on_each_io([](Io io) {
        Server server{quiet(io)};
        server.mount<Doorman>("/{room}");
        SocketClient client{started(server)};
        CHECK(client.request({.target = "/x?two_tickets=1"}).status == 101);
        client.send(test::text_frame("?"));
        CHECK(client.message() == "first");
    });
}

TEST_CASE("a refusal has its status, body and fields; a nonsensical one is a 500") {
    on_each_io([](Io io) {
        Server server{quiet(io)};
        server.mount<Doorman>("/{room}");
        const std::string url = started(server);
        struct {
            const char* target;
            int status;
        } const cases[] = {{"/x?refuse=400", 400},
                           {"/x?refuse=403", 403},
                           {"/x?refuse=429", 429},
                           {"/x?refuse=503", 503},
                           {"/x?refuse=599", 599},
                           {"/x?refuse=399", 500},
                           {"/x?refuse=101", 500},
                           {"/x?refuse=600", 500},
                           {"/x?lost_pending=1", 500},
                           {"/x?bad_header=X%20Y", 500},
                           {"/x?bad_header=X:%20a%0d%0aY", 500}};
        for (const auto& [target, status] : cases) {
            CAPTURE(target);
            SocketClient client{url};
            const auto response = client.request({.target = target});
            CHECK(response.status == status);
            if (status == 500) {
                CHECK_FALSE(response.field("x-why").has_value());
                CHECK(response.body == "internal error\n");
            } else {
                CHECK(response.field("www-authenticate") == "Bearer");
                CHECK(response.field("x-why") == "a test");
                CHECK(response.body == "not you\n");
            }
            CHECK(client.at_end());
        }
        server.stop();
        server.wait();
        CHECK(server.stats().handshakes_refused == std::size(cases));
        CHECK(server.stats().handshakes == 0);
    });
}

TEST_CASE("an admission is decided later, from another thread, and the shard serves on") {
    on_each_io([](Io io) {
        Waiting::Desk desk;
        {
            Server server{quiet(io)};
            server.mount<Waiting>("/wait", {}, std::ref(desk));
            const std::string url = started(server);
            SocketClient admitted{url}, refused{url}, abandoned{url}, moved{url};
            // A message right behind the request waits as well.
            admitted.send(encode(test::UpgradeRequest{.target = "/wait", .subprotocols = "late"}) +
                          test::text_frame("early"));
            desk.journal.await("asked:1");
            refused.send(encode(test::UpgradeRequest{.target = "/wait"}));
            desk.journal.await("asked:2");
            abandoned.send(encode(test::UpgradeRequest{.target = "/wait"}));
            desk.journal.await("asked:3");
            moved.send(encode(test::UpgradeRequest{.target = "/wait"}));
            desk.journal.await("asked:4");
            SocketClient{url}.open({.target = "/wait?at_once"}).close();
            CHECK(SocketClient{url}.request({.target = "/wait?throw"}).status == 500);

            std::thread{[&desk] {
                auto ticket = desk.take();
                ticket.admit(Guest{desk.alive});
                ticket.admit(Guest{desk.alive});  // Ignored, and the state dies.
                ticket.reject(reject(400));
            }}.join();
            const auto response = admitted.response();
            CHECK(response.status == 101);
            CHECK(response.field("sec-websocket-protocol") == "late");
            CHECK(response.field("x-late") == "yes");
            CHECK(admitted.message() == "early");

            desk.take().reject(reject(402, "pay first\n"));
            const auto refusal = refused.response();
            CHECK(refusal.status == 402);
            CHECK(refusal.body == "pay first\n");
            CHECK(refused.at_end());

            {
                const auto dropped = desk.take();
            }
            CHECK(abandoned.response().status == 503);

            auto ticket = desk.take();
            auto other = std::move(ticket);
            ticket.admit(Guest{desk.alive});  // Moved from: nothing.
            other.admit(Guest{desk.alive});
            CHECK(moved.response().status == 101);
            moved.close();
            admitted.close();
            await_none(desk.alive);
        }
        CHECK(desk.alive == 0);
    });
}

TEST_CASE("a ticket outlives its client and its server") {
    on_each_io([](Io io) {
        Waiting::Desk desk;
        std::optional<Ticket<Guest>> for_nobody, for_no_server;
        {
            Server server{quiet(io)};
            server.mount<Waiting>("/wait", {}, std::ref(desk));
            const std::string url = started(server);
            {
                SocketClient gone{url};
                gone.send(encode(test::UpgradeRequest{.target = "/wait"}));
                desk.journal.await("asked:1");
                gone.reset();
            }
            desk.take().admit(Guest{desk.alive});
            await_none(desk.alive);
            SocketClient waiting{url};
            waiting.send(encode(test::UpgradeRequest{.target = "/wait"}));
            desk.journal.await("asked:2");
            server.stop();
            CHECK(waiting.response().status == 503);
            CHECK(waiting.at_end());
            for_nobody = desk.take();
            for_nobody->admit(Guest{desk.alive});  // Refused meanwhile.
        }
        {
            Server server{quiet(io)};
            server.mount<Waiting>("/wait", {}, std::ref(desk));
            SocketClient waiting{started(server)};
            waiting.send(encode(test::UpgradeRequest{.target = "/wait"}));
            desk.journal.await("asked:1");
            while (!for_no_server) {
                const std::lock_guard lock{desk.mutex};
                if (!desk.tickets.empty()) for_no_server = std::move(desk.tickets.front());
            }
            desk.tickets.clear();
        }
        for_no_server->admit(Guest{desk.alive});
        CHECK(desk.alive == 0);
    });
}

TEST_CASE("many admissions are decided by several threads while clients come and go") {
    on_each_io([](Io io) {
        constexpr int clients_count = 60;
        Waiting::Desk desk;
        Server server{quiet(io, 2)};
        server.mount<Waiting>("/wait", {}, std::ref(desk));
        const std::string url = started(server);
        std::atomic<int> decided{0};
        std::vector<std::thread> deciders;
        for (int i = 0; i < 3; ++i) {
            deciders.emplace_back([&desk, &decided] {
                while (decided < clients_count) {
                    std::optional<Ticket<Guest>> ticket;
                    {
                        const std::lock_guard lock{desk.mutex};
                        if (desk.tickets.empty()) continue;
                        ticket = std::move(desk.tickets.front());
                        desk.tickets.pop_front();
                    }
                    if (++decided % 3 == 0) {
                        ticket->reject(reject(403));
                    } else {
                        ticket->admit(Guest{desk.alive});
                    }
                }
            });
        }
        std::vector<SocketClient> clients;
        int gone = 0, admitted = 0, refused = 0;
        for (int i = 0; i < clients_count; ++i) {
            clients.emplace_back(url).send(encode(test::UpgradeRequest{.target = "/wait"}));
        }
        for (int i = 0; i < clients_count; ++i) {
            auto& client = clients[static_cast<std::size_t>(i)];
            const int status = client.response().status;
            if (status == 101 && i % 2 == 0) {
                client.reset();
                ++gone;
            } else if (status == 101) {
                client.close();
                ++admitted;
            } else {
                CHECK(status == 403);
                ++refused;
            }
        }
        for (std::thread& decider : deciders) decider.join();
        CHECK(refused == clients_count / 3);
        CHECK(gone + admitted == clients_count - clients_count / 3);
        await_none(desk.alive);
    });
}

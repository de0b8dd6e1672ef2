// Sessions through the public API: hooks and their order, state, handles, what send says.

#include <array>
#include <atomic>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <utility>

#include "unit/api/server_kit.hpp"

using namespace ringcast;
using namespace std::chrono_literals;

namespace {

struct Counts {
    std::atomic<int> alive{0};
    std::atomic<int> constructed{0};
    std::atomic<bool> died_elsewhere{false};
};

/// A state that knows how often it exists, and on which thread it dies.
class Tracked {
public:
    Tracked(Counts& counts, std::string own_name) : name{std::move(own_name)}, counts_{&counts} {
        ++counts_->alive;
        ++counts_->constructed;
    }
    Tracked(Tracked&& other) noexcept
        : name{std::move(other.name)},
          shard_thread{other.shard_thread},
          counts_{std::exchange(other.counts_, nullptr)} {}
    Tracked& operator=(Tracked&&) = delete;
    ~Tracked() {
        if (counts_ == nullptr) return;
        --counts_->alive;
        if (shard_thread != std::thread::id{} && shard_thread != std::this_thread::get_id())
            counts_->died_elsewhere = true;
    }

    std::string name;
    std::thread::id shard_thread;

private:
    Counts* counts_;
};

struct AllHooks {
    Journal& journal;
    Counts& counts;

    Admission<Tracked> on_upgrade(Upgrade& upgrade) {
        journal.note("upgrade");
        return Tracked{counts, upgrade.query("name").value_or("nobody")};
    }
    void on_open(Session<Tracked>& session) {
        session->shard_thread = std::this_thread::get_id();
        journal.note("open:" + session->name);
        session.send("hello " + (*session).name);
    }
    void on_message(Session<Tracked>& session, Message message) {
        journal.note("message:" + session->name);
        session.send(message);
    }
    void on_close(Session<Tracked>& session, CloseCode code, std::string_view reason) {
        CHECK(session.send("too late") == SendStatus::closed);
        session.close();
        journal.note("close:" + session->name + ":" + std::to_string(static_cast<int>(code)) + ":" +
                     std::string{reason});
    }
};

struct PlainEcho {
    void on_message(Session<>& session, Message message) { session.send(message); }
};

/// Throws in the hook that the path names.
struct Throwing {
    Journal& journal;

    Admission<std::string> on_upgrade(Upgrade& upgrade) {
        std::string where{upgrade.param("where")};
        throw_in(where, "upgrade");
        return where;
    }
    void on_open(Session<std::string>& session) { throw_in(*session, "open"); }
    void on_message(Session<std::string>& session, Message message) {
        session.send(message);
        if (*session == "odd") throw 42;  // Not a std::exception.
        throw_in(*session, "message");
    }
    void on_close(Session<std::string>& session, CloseCode code) {
        journal.note(*session + ":" + std::to_string(static_cast<int>(code)));
        throw_in(*session, "close");
    }
    void on_tick(Shard) {
        if (std::exchange(has_ticked, true)) return;
        journal.note("tick");
        throw std::runtime_error{"thrown by a test"};
    }

    static void throw_in(const std::string& where, const char* hook) {
        if (where == hook) throw std::runtime_error{"thrown by a test"};
    }
    bool has_ticked = false;
};

struct Red {
    int value = 1;
};

/// Answers `handle` with how others can be found by it.
struct Finder {
    struct Seen {
        std::mutex mutex;
        std::vector<SessionHandle> handles;
    };
    Seen& seen;

    void on_open(Session<Red>& session) {
        const std::lock_guard lock{seen.mutex};
        seen.handles.push_back(session.handle());
    }
    void on_message(Session<Red>& session, Message message) {
        const std::lock_guard lock{seen.mutex};
        std::string answer;
        for (const SessionHandle handle : seen.handles) {
            auto found = session.shard().find<Red>(handle);
            answer += found ? (found->handle() == session.handle() ? 'S' : 'F') : '-';
            if (session.shard().find<NoState>(handle)) answer += '!';
            if (session.shard().find<const Red>(handle)) answer += '!';
            SessionHandle elsewhere = handle;
            ++elsewhere.shard;
            if (session.shard().find<Red>(elsewhere)) answer += '!';
            if (found && message.payload == "greet") found->send("greetings");
        }
        session.send(answer);
    }
};

/// Fills the queue of a session, and tells what send says.
struct Flood {
    Journal& journal;

    void on_message(Session<>& session, Message) {
        const std::string block(64 << 10, 'f');
        std::string said;
        for (;;) {
            const SendStatus status = session.send(text(block));
            const char letter = status == SendStatus::accepted  ? 'a'
                                : status == SendStatus::behind  ? 'b'
                                : status == SendStatus::dropped ? 'd'
                                                                : 'c';
            if (said.empty() || said.back() != letter) said += letter;
            if (status == SendStatus::dropped || status == SendStatus::closed) break;
        }
        journal.note("said:" + said);
    }
    void on_drain(Session<>& session) {
        journal.note("drain");
        session.send("drained");
    }
};

}  // namespace

TEST_CASE("hooks are called in order, and the state lives from admission to the end of on_close") {
    on_each_io([](Io io) {
        Journal journal;
        Counts counts;
        {
            Server server{quiet(io)};
            server.mount<AllHooks>("/all", {}, std::ref(journal), std::ref(counts));
            const std::string url = started(server);
            {
                SocketClient client{url};
                client.open({.target = "/all?name=Ann%20B"});
                CHECK(client.message() == "hello Ann B");
                client.send(test::text_frame("x"));
                CHECK(client.message() == "x");
                client.send(test::close_frame(4321, "enough"));
                CHECK(client.close_code() == 4321);
                CHECK(client.at_end());
            }
            journal.await("close:Ann B:4321:enough");
            SocketClient reset{url};
            reset.open({.target = "/all?name=R"});
            reset.reset();
            journal.await("close:R:1006:connection lost");
            SocketClient cut{url};
            cut.open({.target = "/all?name=C"});
            cut.shut_sending();
            journal.await("close:C:1006:connection ended without a Close frame");
            SocketClient late{url};
            late.open({.target = "/all"});
            CHECK(late.message() == "hello nobody");
            server.stop(CloseCode::service_restart);
            CHECK(late.close_code() == 1012);
            late.send(test::close_frame(1012));
            CHECK(late.at_end());
            server.wait();
        }
        CHECK(journal.text() ==
              "upgrade open:Ann B message:Ann B close:Ann B:4321:enough "
              "upgrade open:R close:R:1006:connection lost "
              "upgrade open:C close:C:1006:connection ended without a Close frame "
              "upgrade open:nobody close:nobody:1012:");
        CHECK(counts.alive == 0);
        CHECK(counts.constructed == 4);
        CHECK_FALSE(counts.died_elsewhere);
    });
}

TEST_CASE("an exception ends its own session with 1011, and nothing else") {
    on_each_io([](Io io) {
        Journal journal;
        Settings settings = quiet(io);
        settings.tick_interval = 1ms;
        Server server{settings};
        server.mount<Throwing>("/{where}", {}, std::ref(journal));
        const std::string url = started(server);
        SocketClient witness{url};
        witness.open({.target = "/nowhere"});

        SocketClient refused{url};
        CHECK(refused.request({.target = "/upgrade"}).status == 500);
        CHECK(refused.at_end());
        SocketClient opened{url};
        opened.open({.target = "/open"});
        CHECK(opened.close_code() == 1011);
        opened.send(test::close_frame(1011));
        CHECK(opened.at_end());
        for (const char* where : {"message", "odd"}) {
            SocketClient client{url};
            client.open({.target = std::string{"/"} + where});
            client.send(test::text_frame("echoed first"));
            CHECK(client.message() == "echoed first");
            CHECK(client.close_code() == 1011);
            client.send(test::close_frame(1011));
            CHECK(client.at_end());
        }
        SocketClient closed{url};
        closed.open({.target = "/close"});
        closed.close(1000);

        witness.send(test::text_frame("still here"));
        CHECK(witness.message() == "still here");
        for (const char* entry : {"open:1011", "message:1011", "odd:1011", "close:1000", "tick"})
            journal.await(entry);
        witness.close();
        server.stop();
        server.wait();
        CHECK(server.stats().handler_exceptions == 6);  // One of them of on_tick.
        CHECK(server.stats().sessions == 0);
    });
}

TEST_CASE("a handle finds its session on its shard, with its state type, as long as it lives") {
    on_each_io([](Io io) {
        Finder::Seen seen;
        Server server{quiet(io)};
        server.mount<Finder>("/find", {}, std::ref(seen));
        server.mount<PlainEcho>("/plain");
        const std::string url = started(server);
        SocketClient one{url}, two{url}, gone{url};
        for (SocketClient* client : {&one, &two, &gone}) client->open({.target = "/find"});
        gone.close();
        const auto ask = [](SocketClient& client, const char* what) {
            client.send(test::text_frame(what));
            return client.message();
        };
        CHECK(ask(one, "?") == "SF-");
        CHECK(ask(two, "?") == "FS-");
        SocketClient next{url};  // May have the slot of the one that has gone.
        next.open({.target = "/find"});
        CHECK(ask(two, "?") == "FS-F");
        {
            const std::lock_guard lock{seen.mutex};
            CHECK(seen.handles[3] != seen.handles[2]);
            SessionHandle elsewhere = seen.handles[0];
            elsewhere.shard = 1;
            seen.handles = {elsewhere, {}, {.slot = 4'000'000'000, .generation = 1}};
        }
        CHECK(ask(one, "?") == "---");
        {
            const std::lock_guard lock{seen.mutex};
            seen.handles.clear();
        }
        SocketClient greeted{url};
        greeted.open({.target = "/find"});
        CHECK(ask(one, "greet") == "F");
        CHECK(greeted.message() == "greetings");
    });
}

TEST_CASE("send says when a client does not read, and on_drain when it has caught up") {
    on_each_io([](Io io) {
        Journal journal;
        Server server{quiet(io)};
        server.mount<Flood>("/flood", {.send_queue_bytes_max = 256_KiB}, std::ref(journal));
        SocketClient client{started(server), 4096};
        client.open({.target = "/flood"});
        client.send(test::text_frame("go"));
        journal.await("said:abd");
        int blocks = 0;
        for (std::string message = client.message(); message != "drained";
             message = client.message()) {
            REQUIRE(message.size() == 64 << 10);
            ++blocks;
        }
        CHECK(blocks >= 3);
        client.close();
        server.stop();
        server.wait();
        CHECK(journal.text() == "said:abd drain");
        CHECK(server.stats().messages_dropped == 1);
        CHECK(server.stats().messages_sent == static_cast<std::uint64_t>(blocks) + 1);
    });
}

TEST_CASE("on_message may be const, noexcept or both") {
    struct Const {
        void on_message(Session<>& session, Message message) const { session.send(message); }
    };
    struct Noexcept {
        void on_message(Session<>& session, Message message) noexcept { session.send(message); }
    };
    struct Both {
        void on_message(Session<>& session, Message message) const noexcept {
            session.send(message);
        }
    };
    Server server{quiet()};
    server.mount<Const>("/const");
    server.mount<Noexcept>("/noexcept");
    server.mount<Both>("/both");
    const std::string url = started(server);
    for (const char* target : {"/const", "/noexcept", "/both"}) {
        SocketClient client{url};
        client.open({.target = target});
        client.send(test::text_frame(target));
        CHECK(client.message() == target);
        client.close();
    }
}

TEST_CASE("a session knows its peer, and handles can be kept in sets") {
    struct Tell {
        void on_message(Session<>& session, Message) { session.send(session.peer_address()); }
    };
    Server server{quiet()};
    server.mount<Tell>("/tell");
    SocketClient client{started(server)};
    client.open({.target = "/tell"});
    client.send(test::text_frame("who am I?"));
    CHECK(client.message() == client.local_address());
    const SessionHandle one{.slot = 1, .generation = 2, .shard = 3};
    CHECK(std::hash<SessionHandle>{}(one) == std::hash<SessionHandle>{}(one));
    CHECK(one < SessionHandle{.slot = 1, .generation = 3, .shard = 0});
}

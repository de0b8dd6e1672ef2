#pragma once
// A shard that serves plain HTTP beside its WebSocket endpoint, to clients and through an admin
// listener.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "unit/shard/shard_kit.hpp"

namespace ringcast::shard {

/// A shard with a page at `/` and `/echo`, a WebSocket endpoint at `/echo`, and behind its admin
/// listener `/metrics` and `POST /publish/{topic...}`.
class HttpKit {
public:
    static constexpr int listener = 3, admin_listener = 4;
    static constexpr std::uint64_t body_bytes_max = 100'000;

    explicit HttpKit(const Settings& settings = {}, const SessionLimits& limits = {})
        : shard{ring, settings, make_router(limits), log} {
        shard.listen(listener);
        const int fds[] = {admin_listener};
        shard.listen_admin(fds, make_admin_router());
        turn();
    }
    ~HttpKit() {
        shard.begin_shutdown(CloseCode::going_away);
        shard.terminate_all();
        for (int turns = 0; turns < 10 && !shard.finished(); ++turns) shard.turn();
        CHECK(shard.finished());
        CHECK(ring.idle());
        CHECK(ring.open_sockets() == 0);
        CHECK(shard.pool().blocks_in_use() == 0);
    }

    void turn(int count = 1) {
        for (int i = 0; i < count; ++i) shard.turn();
    }
    void pass(Duration duration) {
        ring.advance(duration);
        turn(2);
    }
    int accept(int from = listener) {
        const int fd = ring.add_connection();
        ring.complete_accept(from, fd);
        turn(2);
        return fd;
    }
    void send(int fd, std::string_view bytes) {
        ring.deliver(fd, bytes);
        turn(2);
    }
    /// The answer to `request` on a connection of its own, which stays open.
    test::ServerResponse ask(std::string_view request, int from = listener) {
        const int fd = accept(from);
        send(fd, request);
        return take_response(fd, request.starts_with("HEAD"));
    }
    test::ServerResponse take_response(int fd, bool is_head_answer = false) {
        test::ServerReader reader;
        reader.feed(std::exchange(ring.socket(fd).output, {}));
        const auto response = reader.next_response(is_head_answer);
        REQUIRE_MESSAGE(response, "no response");
        CHECK(reader.unread() == "");
        return *response;
    }
    /// The client goes away; true if the shard closes its end, too.
    bool ends(int fd) {
        if (ring.socket(fd).recv) ring.finish_recv(fd, 0);
        turn(3);
        return ring.socket(fd).closed;
    }

    test::FakeRing ring;
    LogQueue log{0, LogLevel::debug};
    ScriptedEndpoint* echo = nullptr;
    ScriptedHttpEndpoint *page = nullptr, *metrics = nullptr, *publish = nullptr;
    Shard shard;

private:
    template <class AnyEndpoint, class Made>
    static Made* mount(Router& router, std::string_view path, std::unique_ptr<Made> endpoint) {
        Made* const made = endpoint.get();
        router.mount(PathPattern::parse(path).value(),
                     std::unique_ptr<AnyEndpoint>{std::move(endpoint)});
        return made;
    }
    static std::unique_ptr<ScriptedHttpEndpoint> make(HttpMethods methods, std::uint64_t max = 0) {
        return std::make_unique<ScriptedHttpEndpoint>(methods, max);
    }
    Router make_router(const SessionLimits& limits) {
        Router router;
        echo = mount<Endpoint>(router, "/echo", std::make_unique<ScriptedEndpoint>(limits));
        mount<HttpEndpoint>(router, "/echo", make(HttpMethods::get_and_head));
        page = mount<HttpEndpoint>(router, "/", make(HttpMethods::get_and_head));
        return router;
    }
    Router make_admin_router() {
        Router router;
        metrics = mount<HttpEndpoint>(router, "/metrics", make(HttpMethods::get_and_head));
        publish = mount<HttpEndpoint>(router, "/publish/{topic...}",
                                      make(HttpMethods::post, body_bytes_max));
        return router;
    }
};

/// A request with these further lines.
inline std::string http_request(std::string_view line, std::string_view lines = {},
                                std::string_view body = {}) {
    return std::string{line} + " HTTP/1.1\r\nHost: localhost\r\n" + std::string{lines} + "\r\n" +
           std::string{body};
}

inline std::string post_of(std::string_view path, std::string_view body) {
    return http_request("POST " + std::string{path},
                        "Content-Length: " + std::to_string(body.size()) + "\r\n", body);
}

}  // namespace ringcast::shard

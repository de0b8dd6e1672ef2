#pragma once
// The server: mount handlers on paths, run it.
//
//     struct Echo {
//         void on_message(ringcast::Session<>& session, ringcast::Message message) {
//             session.send(message);
//         }
//     };
//     int main() {
//         ringcast::Server server{{.port = 9001}};
//         server.mount<Echo>("/echo");
//         return server.run();
//     }

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ringcast/centrifuge.hpp"
#include "ringcast/detail/handler.hpp"
#include "ringcast/page.hpp"
#include "ringcast/settings.hpp"
#include "ringcast/topics.hpp"

namespace ringcast {

/// What all shards have counted since the start; the last three are of now. Read without stopping
/// them: values may be of neighbouring moments.
struct Stats {
    std::uint64_t accepts = 0;
    std::uint64_t handshakes = 0;
    std::uint64_t handshakes_refused = 0;
    std::uint64_t messages_received = 0;
    std::uint64_t messages_sent = 0;
    std::uint64_t messages_dropped = 0;
    std::uint64_t publications = 0;
    std::uint64_t deliveries = 0;          ///< Publications times their subscribers.
    std::uint64_t deliveries_dropped = 0;  ///< For subscribers that were behind.
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t protocol_errors = 0;
    std::uint64_t messages_too_big = 0;  ///< Sessions closed with 1009.
    std::uint64_t handler_exceptions = 0;
    std::uint64_t timeouts = 0;
    std::uint64_t ring_calls = 0;  ///< System calls made by the event loops.
    std::uint64_t connections = 0;
    std::uint64_t sessions = 0;
    std::uint64_t subscriptions = 0;  ///< As of the last tick.
};

/// A handler: a plain struct with `on_message(Session<State>&, Message)` and any of these:
///
///     Admission<State> on_upgrade(Upgrade&)   before the 101; without it everybody gets a State{}
///     void on_open(Session<State>&)           the 101 is sent
///     void on_skipped(Session<State>&, std::uint64_t count)    it has missed publications
///     void on_drain(Session<State>&)          there is room again after `behind` or `dropped`
///     void on_close(Session<State>&, CloseCode[, std::string_view reason])    the last call
///     void on_tick(Shard)                     every tick_interval
///
/// on_skipped is for sessions with subscriptions and SlowConsumer::drop: since the last call
/// `count` publications had no room in the session's send queue. It is called once the client has
/// caught up, right before on_drain, and with what is left right before on_close, when nothing can
/// be sent any more; a session's counts add up to all that it missed. Publications that had room
/// meanwhile are on their way already: what on_skipped sends goes behind them.
///
/// One instance per shard, made and called on the shard's thread: its members need no locks. An
/// exception that leaves a hook is counted and closes that session with 1011.
template <class H>
concept MessageHandler = detail::HasOnMessage<H>;

/// Owns the shards' threads. mount() first; start(), run() and wait() from one thread;
/// stop() and stats() from any.
class Server {
public:
    explicit Server(Settings settings = {});
    /// As stop() and wait(): returns when everything has ended.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Serves WebSocket connections to `path` with an `H` per shard, each constructed from copies
    /// of `arguments`. In a path
    /// `{name}` stands for one segment, `{name...}` at the end for all that follows; the first
    /// match serves. A path that is malformed is reported by start().
    template <MessageHandler H, class... Arguments>
    void mount(std::string_view path, RouteOptions options = {}, Arguments... arguments) {
        mount(path, options, [arguments...]() -> std::unique_ptr<detail::Handler> {
            return std::make_unique<detail::TypedHandler<H>>(arguments...);
        });
    }

    /// Serves topics to plain WebSocket and HTTP clients: `path` followed by `/` and the name of a
    /// topic, which may contain further slashes. Who may do what says `policy`.
    void mount_topics(std::string_view path, TopicsPolicy policy, RouteOptions options = {});

    /// Serves clients of the Centrifuge protocol at `path` followed by `/websocket`, `/http_stream`
    /// and so on (see centrifuge.hpp), and at `/emulation`; its channels are the topics. Who may do
    /// what says `policy`.
    void mount_centrifuge(std::string_view path, CentrifugePolicy policy,
                          RouteOptions options = {});

    /// Serves `page` to whoever opens `path` in a browser. A header of it that HTTP does not allow
    /// is reported by start().
    void mount_page(std::string_view path, Page page);

    /// A lane for one thread of the program to publish through. After start(); before, and after
    /// the end, it answers `closed`. Any thread.
    [[nodiscard]] Publisher make_publisher();

    /// What start() would find wrong with the settings and the routes, and with the files that TLS
    /// listeners and tokens need. Opens and starts nothing. The error is one sentence.
    [[nodiscard]] std::expected<void, std::string> check() const;
    /// Opens the listeners and starts the shards; returns when all of them serve. The error is one
    /// sentence.
    [[nodiscard]] std::expected<void, std::string> start();
    /// Starts, calls `on_started` if there is one, serves until SIGINT (clients get 1001) or
    /// SIGTERM (1012) or stop(), then stops in order. A second signal ends the process at once.
    /// SIGHUP reads certificates and keys for tokens again; without any it stops the server as
    /// SIGTERM does if there was a controlling terminal, which has gone now, unless it was ignored
    /// (nohup).
    /// Returns the exit status: 0, or 1 with a line on stderr, behind the program's name, if the
    /// server could not start. An exception of `on_started` leaves run() when the server has
    /// stopped in order. For programs with signals of their own: start(), stop(), wait() instead.
    int run(const std::function<void()>& on_started = {});
    /// Reads the certificates of TLS listeners again, soon, as run() does at SIGHUP if there are
    /// such listeners. They are checked first: if they are of no use, that is logged, and those
    /// read before stay. Open connections keep theirs. Any thread.
    void reload_certificates() noexcept;
    /// Reads the keys for clients' tokens again, as run() does at SIGHUP if there are some, and
    /// checks them likewise; sessions that there are stay. Any thread but a shard's, because the
    /// files are read here and now.
    void reload_tokens() noexcept;
    /// Begins an orderly stop: accept no more, send a Close with `code` to everybody. Returns at
    /// once; only the first call counts. Connections end by themselves as their clients answer, and
    /// behind the last client of all shards the admin listeners and the threads; what is left when
    /// shutdown_timeout has passed since this call is cut by wait(), run() or the destructor, and
    /// by nobody while none of them is under way.
    void stop(CloseCode code = CloseCode::going_away) noexcept;
    /// Waits for a stop(), and returns when all shards have ended. Time that passed between stop()
    /// and wait() counts towards shutdown_timeout: beyond it, what is left is cut at once.
    void wait();

    /// Where the server listens, with the ports that the kernel chose: `ws://127.0.0.1:9001`. After
    /// start().
    [[nodiscard]] std::vector<std::string> addresses() const;
    /// Likewise the admin listeners: `http://127.0.0.1:9090`. After start().
    [[nodiscard]] std::vector<std::string> admin_addresses() const;
    /// One line for people: io backend, kernel, shards, limit on open files. After start().
    [[nodiscard]] std::string description() const;
    [[nodiscard]] Stats stats() const;

private:
    using HandlerFactory = std::function<std::unique_ptr<detail::Handler>()>;
    void mount(std::string_view path, const RouteOptions& options, HandlerFactory factory);

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ringcast

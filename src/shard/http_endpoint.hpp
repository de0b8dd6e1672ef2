#pragma once
// The face that a page, a health check, a local tool's command or a stream of events shows to a
// shard: one request, one answer, at once, later or piece by piece. Mounted beside the WebSocket
// endpoints; where both serve a path, requests that ask for an upgrade to WebSocket go to the other
// one.

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/assert.hpp"
#include "http/request.hpp"
#include "shard/endpoint.hpp"
#include "shard/http_exchange.hpp"

namespace ringcast::shard {

/// What an endpoint takes, as a set; any other method is answered with 405. OPTIONS is answered
/// for it, unless it is there for pages of other origins and has to say so.
enum class HttpMethods : std::uint8_t { get_and_head = 1, post = 2, options = 4 };

[[nodiscard]] constexpr HttpMethods operator|(HttpMethods a, HttpMethods b) noexcept {
    return static_cast<HttpMethods>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr bool includes(HttpMethods set, HttpMethods one) noexcept {
    return (static_cast<unsigned>(set) & static_cast<unsigned>(one)) != 0;
}

/// One instance per shard. All calls come from the shard's thread, none from within another or from
/// within an Endpoint's.
class HttpEndpoint {
public:
    /// Request bodies beyond `body_bytes_max` are answered with 413 as soon as they are announced.
    explicit HttpEndpoint(HttpMethods methods, std::uint64_t body_bytes_max = 0)
        : methods_{methods}, body_bytes_max_{body_bytes_max} {
        constexpr std::uint64_t gib = std::uint64_t{1} << 30;
        RC_ASSERT(body_bytes_max <= gib);  // It is gathered in one pooled block.
    }
    virtual ~HttpEndpoint() = default;
    HttpEndpoint(const HttpEndpoint&) = delete;
    HttpEndpoint& operator=(const HttpEndpoint&) = delete;

    /// Answers one request, whose body has come completely, or says that it does so later, through
    /// `exchange`. `request`, `parameters` and `body` die with the call. Must not throw.
    virtual HttpAnswer on_request(HttpExchange& exchange, const http::Request& request,
                                  std::span<const PathParameter> parameters,
                                  std::span<const std::byte> body) = 0;

    /// Shard::resolve() brings a verdict for an exchange that is held, as for a session that is
    /// not open yet. The default answers with 500.
    virtual void on_late_verdict(HttpExchange& exchange, Verdict verdict);
    /// A stream was behind and has caught up.
    virtual void on_drain(HttpExchange& exchange);
    /// There may be room for what HttpExchange::await_room() waits for. May also come when nobody
    /// has asked, or when the room has gone again: try, and ask anew.
    virtual void on_room(HttpExchange& exchange);
    /// The answer to HttpExchange::history(), unless the exchange ends before.
    virtual void on_history(HttpExchange& exchange, const HistoryAnswer& answer);
    /// An exchange that was held or is a stream ends without having been answered or finished; once
    /// for either. Then, unless it becomes a stream here, its state is destroyed. The client's end
    /// of the connection is its end, too: it cannot be told from a client that has gone.
    virtual void on_end(HttpExchange& exchange, HttpEnd reason);

    [[nodiscard]] HttpMethods methods() const noexcept { return methods_; }
    /// True if a page that may connect by WebSocket may read all answers, by the same list of
    /// origins: those that are given in the endpoint's stead, too.
    [[nodiscard]] bool is_cross_origin() const noexcept {
        return includes(methods_, HttpMethods::options);
    }
    [[nodiscard]] std::uint64_t body_bytes_max() const noexcept { return body_bytes_max_; }

private:
    HttpMethods methods_;
    std::uint64_t body_bytes_max_;
};

inline void HttpEndpoint::on_late_verdict(HttpExchange& exchange, Verdict) {
    exchange.answer(
        {.status = code_of(http::Status::internal_server_error), .body = "internal error\n"});
}
inline void HttpEndpoint::on_drain(HttpExchange&) {}
inline void HttpEndpoint::on_room(HttpExchange&) {}
inline void HttpEndpoint::on_history(HttpExchange&, const HistoryAnswer&) {}
inline void HttpEndpoint::on_end(HttpExchange&, HttpEnd) {}

}  // namespace ringcast::shard

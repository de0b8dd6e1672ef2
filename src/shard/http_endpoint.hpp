#pragma once
// The face that a page, a health check or a local tool's command shows to a shard: one request, one
// answer, at once. Mounted beside the WebSocket endpoints; where both serve a path, requests that
// ask for an upgrade to WebSocket go to the other one.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/assert.hpp"
#include "http/request.hpp"
#include "shard/endpoint.hpp"

namespace ringcast::shard {

/// What an endpoint answers with. Sent with its length.
struct HttpAnswer {
    std::uint16_t status = 200;  ///< 200 to 599.
    std::string fields;          ///< Extra header lines, each ended by CRLF.
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;  ///< Of any size; left out of the answer to HEAD.
};

/// What an endpoint takes, as a set; any other method is answered with 405. OPTIONS is answered
/// for it, unless it has more to say there than which methods there are.
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

    /// Answers one request, whose body has come completely. `request`, `parameters` and `body` die
    /// with the call. Must not throw.
    virtual HttpAnswer on_request(Shard& shard, const http::Request& request,
                                  std::span<const PathParameter> parameters,
                                  std::span<const std::byte> body) = 0;

    [[nodiscard]] HttpMethods methods() const noexcept { return methods_; }
    [[nodiscard]] std::uint64_t body_bytes_max() const noexcept { return body_bytes_max_; }

private:
    HttpMethods methods_;
    std::uint64_t body_bytes_max_;
};

}  // namespace ringcast::shard

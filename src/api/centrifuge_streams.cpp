#include "api/centrifuge_streams.hpp"

#include <memory>
#include <optional>
#include <utility>

#include "api/cross_origin.hpp"
#include "base/bytes.hpp"
#include "http/response.hpp"
#include "shard/session.hpp"
#include "shard/shard.hpp"
#include "shard/way_back.hpp"

namespace ringcast::api {

namespace centrifuge = dialect::centrifuge;
using shard::Encoding;
using shard::HttpAnswer;
using shard::HttpMethods;

namespace {

/// Proxies have to pass on what comes as it comes, and to keep none of it.
constexpr std::string_view stream_fields =
    "Cache-Control: private, no-cache, no-store, must-revalidate, max-age=0\r\n"
    "Pragma: no-cache\r\n"
    "X-Accel-Buffering: no\r\n";

/// Of a client that only listens, and says nothing about itself.
constexpr std::string_view empty_request = "{}";

bool is_event_stream(CentrifugeStreams::Kind kind) noexcept {
    return kind == CentrifugeStreams::Kind::sse || kind == CentrifugeStreams::Kind::uni_sse;
}

HttpMethods methods_of(CentrifugeStreams::Kind kind) noexcept {
    const HttpMethods posts = HttpMethods::post | HttpMethods::options;
    return is_event_stream(kind) ? HttpMethods::get_and_head | posts : posts;
}

bool is_protobuf(const http::Request& request) {
    return request.field("Content-Type").value_or("").starts_with("application/octet-stream");
}

HttpAnswer answer_of(shard::ReceiveStatus status) {
    if (status == shard::ReceiveStatus::full) {
        return short_answer(http::Status::too_many_requests, "too many commands wait\n");
    }
    return {.status = code_of(http::Status::no_content)};
}

}  // namespace

CentrifugeStreams::CentrifugeStreams(CentrifugeEndpoint& sessions, Kind kind)
    : HttpEndpoint{methods_of(kind), sessions.limits().message_bytes_max},
      sessions_{sessions},
      kind_{kind} {}

HttpAnswer CentrifugeStreams::on_request(shard::HttpExchange& exchange,
                                         const http::Request& request,
                                         std::span<const shard::PathParameter>,
                                         std::span<const std::byte> body) {
    if (!exchange.shard().admits_origin(request)) return origin_refusal();
    if (request.method == http::Method::options) {
        return preflight_answer(
            request, is_event_stream(kind_) ? "GET, HEAD, POST, OPTIONS" : "POST, OPTIONS");
    }
    std::string opening{as_text(body)};
    if (request.method != http::Method::post)
        opening = http::query_parameter(request.query, "cf_connect").value_or("");
    const bool is_unidirectional = kind_ == Kind::uni_http_stream || kind_ == Kind::uni_sse;
    if (opening.empty() && is_unidirectional) opening = empty_request;
    if (opening.empty()) return short_answer(http::Status::bad_request, "no connect command\n");
    shard::Session session = exchange.as_session();
    const shard::Upgrade upgrade{.request = request, .parameters = {}, .session = session};
    HttpAnswer answer{.kind = HttpAnswer::Kind::session};
    answer.session = std::make_unique<shard::SessionOffer>(shard::SessionOffer{
        sessions_,
        sessions_.admit_stream(upgrade, encoding_of(request), std::move(opening), stream_fields)});
    return answer;
}

Encoding CentrifugeStreams::encoding_of(const http::Request& request) const {
    switch (kind_) {
        case Kind::http_stream:
            return is_protobuf(request) ? Encoding::centrifuge_delimited
                                        : Encoding::centrifuge_lines;
        case Kind::sse: return Encoding::centrifuge_events;
        case Kind::uni_http_stream: return Encoding::centrifuge_uni_lines;
        case Kind::uni_sse: break;
    }
    return Encoding::centrifuge_uni_events;
}

CentrifugeEmulation::CentrifugeEmulation(std::string_view node, std::uint64_t body_bytes_max)
    : HttpEndpoint{HttpMethods::post | HttpMethods::options, body_bytes_max}, node_{node} {}

HttpAnswer CentrifugeEmulation::on_request(shard::HttpExchange& exchange,
                                           const http::Request& request,
                                           std::span<const shard::PathParameter>,
                                           std::span<const std::byte> body) {
    shard::Shard& here = exchange.shard();
    if (!here.admits_origin(request)) return origin_refusal();
    if (request.method == http::Method::options) return preflight_answer(request, "POST, OPTIONS");
    const centrifuge::Format format =
        is_protobuf(request) ? centrifuge::Format::protobuf : centrifuge::Format::json;
    body_.assign(as_text(body));
    centrifuge::EmulationRequest emulated;
    if (decode_emulation(format, body_, emulated) != centrifuge::Malformed::none)
        return short_answer(http::Status::bad_request, "malformed request\n");
    const auto id = read_stream_id(emulated.session);
    if (!id || id->shard >= here.topics().shards() || emulated.node != node_)
        return short_answer(http::Status::not_found, "no such session\n");
    const MessageKind kind =
        format == centrifuge::Format::json ? MessageKind::text : MessageKind::binary;
    here.run_on(id->shard, [session = id->session, secret = std::string{emulated.session},
                            commands = std::string{emulated.data}, kind,
                            back = shard::WayBack{exchange}](shard::Shard& there) {
        const shard::ReceiveStatus status =
            CentrifugeEndpoint::receive(there, session, secret, commands, kind);
        back(there, [status](shard::HttpExchange& asking) { asking.answer(answer_of(status)); });
    });
    return {.kind = HttpAnswer::Kind::held};
}

}  // namespace ringcast::api

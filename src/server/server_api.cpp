#include "server/server_api.hpp"

#include <utility>

namespace ringcast::server {

namespace {

shard::HttpAnswer refusal(http::Status status, std::string_view text) {
    shard::HttpAnswer answer{.status = code_of(status),
                             .fields = "Cache-Control: no-store\r\n",
                             .body = std::string{text}};
    // RFC 9110 section 11.6.1.
    if (status == http::Status::unauthorized) answer.fields += "WWW-Authenticate: apikey\r\n";
    return answer;
}

/// Owned by the exchange.
shard::StatePointer as_state(std::unique_ptr<ApiCall> call) noexcept {
    return {call.release(), [](void* state) noexcept { delete static_cast<ApiCall*>(state); }};
}

}  // namespace

shard::HttpAnswer ServerApi::on_request(shard::HttpExchange& exchange, const http::Request& request,
                                        std::span<const shard::PathParameter> parameters,
                                        std::span<const std::byte> body) {
    const auto key = api_key_of(request);
    if (!key || !keys_.has(*key)) return refusal(http::Status::unauthorized, "no valid API key\n");
    if (request.field_count("Content-Encoding") > 0) {
        return refusal(http::Status::unsupported_media_type,
                       "send the body as it is, without Content-Encoding\n");
    }
    auto call = spare_ ? std::move(spare_) : std::make_unique<ApiCall>(node_);
    const bool is_known = call->begin(parameters.front().value, body);
    if (is_known && !call->run(exchange)) {
        shard::HttpAnswer held{.kind = shard::HttpAnswer::Kind::held};
        held.state = as_state(std::move(call));
        return held;
    }
    shard::HttpAnswer answer =
        is_known ? answer_of(*call) : refusal(http::Status::not_found, "no such API method\n");
    spare_ = std::move(call);
    return answer;
}

void ServerApi::on_history(shard::HttpExchange& exchange, const shard::HistoryAnswer& answer) {
    take_answer(exchange, answer);
}

}  // namespace ringcast::server

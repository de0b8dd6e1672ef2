#pragma once
// A page whose answers tests write.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "shard/http_endpoint.hpp"

namespace ringcast::shard {

/// Answers by a function that a test may replace; without one with method, path, parameters and
/// body.
class ScriptedHttpEndpoint final : public HttpEndpoint {
public:
    using HttpEndpoint::HttpEndpoint;

    HttpAnswer on_request(HttpExchange& exchange, const http::Request& request,
                          std::span<const PathParameter> parameters,
                          std::span<const std::byte> body) override {
        ++requests_count;
        if (asked) return asked(exchange);
        if (answered) return answered();
        HttpAnswer answer;
        answer.body = std::string{request.method_text} + " " + std::string{request.path};
        for (const auto& [name, value] : parameters)
            answer.body += " " + std::string{name} + "=" + value;
        answer.body += " ";
        answer.body.append(reinterpret_cast<const char*>(body.data()), body.size());
        return answer;
    }

    void on_drain(HttpExchange& exchange) override {
        ++drains_count;
        if (drained) drained(exchange);
    }
    void on_end(HttpExchange& exchange, HttpEnd reason) override {
        ends.push_back(reason);
        if (ended) ended(exchange, reason);
    }

    std::function<HttpAnswer(HttpExchange&)> asked;
    std::function<HttpAnswer()> answered;
    std::function<void(HttpExchange&)> drained;
    std::function<void(HttpExchange&, HttpEnd)> ended;
    std::vector<HttpEnd> ends;
    std::size_t drains_count = 0;
    std::size_t requests_count = 0;
};

}  // namespace ringcast::shard

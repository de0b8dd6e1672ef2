#pragma once
// A shard whose page holds what it is asked, or answers piece by piece.

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "unit/shard/http_kit.hpp"

namespace ringcast::shard {

inline HttpAnswer held() {
    return {.kind = HttpAnswer::Kind::held};
}
inline HttpAnswer stream(std::string first = {}) {
    return {.kind = HttpAnswer::Kind::stream,
            .content_type = "text/event-stream",
            .body = std::move(first)};
}

/// A kit whose page at `/` holds what it is asked, or answers with a stream.
class ExchangeKit : public HttpKit {
public:
    explicit ExchangeKit(const Settings& settings = {}) : HttpKit{settings} {
        page->asked = [this](HttpExchange& exchange) {
            last = exchange.id();
            return next ? next() : held();
        };
    }
    /// The exchange that began last, if it is not over.
    std::optional<HttpExchange> exchange() { return shard.find_exchange(last); }

    std::string take(int fd) { return std::exchange(ring.socket(fd).output, {}); }
    /// What came on `fd` behind the head of a response.
    std::string take_content(int fd) {
        const std::string output = take(fd);
        return output.substr(output.find("\r\n\r\n") + 4);
    }

    std::function<HttpAnswer()> next;
    ExchangeId last;
};

/// A state that says when it is destroyed.
inline StatePointer counting_state(int& destroyed) {
    return {&destroyed, [](void* count) noexcept { ++*static_cast<int*>(count); }};
}

}  // namespace ringcast::shard

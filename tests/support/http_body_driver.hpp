#pragma once
// Feeds octets to http::RequestParser and then to http::BodyParser, cut anywhere, as a shard does:
// unit tests and the fuzz target compare what comes of different cuts.

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "http/body.hpp"
#include "support/http_reference.hpp"

namespace ringcast::test {

/// What came of a stream that starts with a request.
struct SeenBody {
    enum class Outcome : std::uint8_t { need_more, request, bad_head, bad_body };
    Outcome outcome = Outcome::need_more;
    std::optional<http::BodyReason> reason;  ///< With bad_body.
    SeenRequest request;                     ///< With request; without head_bytes.
    std::string body;
    std::size_t consumed = 0;  ///< Octets of the stream that belong to the request.

    friend bool operator==(const SeenBody&, const SeenBody&) = default;
};

/// Feeds `stream`, cut at `cuts` (ascending positions in it), each slice in memory of exactly its
/// size that dies when the next one comes, until the first request or failure.
class BodyDriver {
public:
    explicit BodyDriver(const http::BodyLimits& limits, const http::HeadLimits& head_limits = {})
        : limits_{limits}, head_limits_{head_limits} {}

    [[nodiscard]] SeenBody run(std::string_view stream, const std::vector<std::size_t>& cuts) {
        std::size_t start = 0;
        for (std::size_t next_cut = 0;
             start < stream.size() && seen_.outcome == SeenBody::Outcome::need_more; ++next_cut) {
            const std::size_t end = next_cut < cuts.size() ? cuts[next_cut] : stream.size();
            const std::size_t size = end - start;
            const std::unique_ptr<std::byte[]> slice{new std::byte[size]};
            if (size != 0) std::memcpy(slice.get(), stream.data() + start, size);
            std::span<std::byte> input{slice.get(), size};
            start = end;
            feed(input);
            if (seen_.outcome == SeenBody::Outcome::request) seen_.consumed = end - input.size();
            if (seen_.outcome == SeenBody::Outcome::need_more) RC_ASSERT(input.empty());
        }
        return seen_;
    }

private:
    void feed(std::span<std::byte>& input) {
        using Found = http::RequestParser::Found;
        if (body_) return feed_body(input);
        switch (head_.next(input, *storage_, pool_, head_limits_).found) {
            case Found::need_more: return;
            case Found::failure: seen_.outcome = SeenBody::Outcome::bad_head; return;
            case Found::request: break;
        }
        const http::Request& request = storage_->request;
        if (const auto failure = http::check_body(request, limits_)) return fail(failure->reason);
        if (!request.is_chunked && request.content_length <= input.size()) {
            const auto size = static_cast<std::size_t>(request.content_length);
            found(input.first(size));
            input = input.subspan(size);
            return;
        }
        body_ = http::BodyParser::begin(request, pool_, limits_);
        head_.reset();
        if (!body_) return fail(http::BodyReason::out_of_memory);
        feed_body(input);
    }

    void feed_body(std::span<std::byte>& input) {
        using Found = http::BodyParser::Found;
        const http::BodyParser::Result result = body_->next(input, *storage_, pool_, limits_);
        switch (result.found) {
            case Found::need_more: return;
            case Found::failure: return fail(result.failure.reason);
            case Found::request: return found(result.body);
        }
    }

    void found(std::span<const std::byte> body) {
        seen_.outcome = SeenBody::Outcome::request;
        seen_.request = copy_request(storage_->request);
        seen_.body.assign(reinterpret_cast<const char*>(body.data()), body.size());
    }
    void fail(http::BodyReason reason) {
        seen_.outcome = SeenBody::Outcome::bad_body;
        seen_.reason = reason;
    }

    BufferPool pool_;
    http::BodyLimits limits_;
    http::HeadLimits head_limits_;
    http::RequestParser head_;
    std::optional<http::BodyParser> body_;
    std::unique_ptr<http::RequestStorage> storage_ = std::make_unique<http::RequestStorage>();
    SeenBody seen_;
};

[[nodiscard]] inline SeenBody read_body(std::string_view stream,
                                        const std::vector<std::size_t>& cuts,
                                        const http::BodyLimits& limits,
                                        const http::HeadLimits& head_limits = {}) {
    return BodyDriver{limits, head_limits}.run(stream, cuts);
}

}  // namespace ringcast::test

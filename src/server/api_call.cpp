#include "server/api_call.hpp"

#include "api/centrifuge_rules.hpp"
#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "server/api_share.hpp"
#include "shard/shard.hpp"

namespace ringcast::server {

namespace api = dialect::centrifuge::server_api;
using dialect::centrifuge::ErrorCode;
using dialect::centrifuge::Malformed;

bool ApiCall::begin(std::string_view method, std::span<const std::byte> body) {
    call_.batch = {};
    done_count_ = 0;
    if (!api::choose_method(method, call_)) return false;
    text_.assign(as_text(body));
    answer_ = api::AnswerText{call_.is_batch};
    if (api::decode_body(text_, call_) == Malformed::none) return true;
    // Of the whole request, be it a batch.
    call_.batch.commands.clear();
    answer_ = api::AnswerText{false};
    answer_.add({api::Error{ErrorCode::bad_request}});
    call_.is_batch = false;
    return true;
}

bool ApiCall::run(shard::HttpExchange& exchange) {
    if (progress_.missing_count > 0) return false;
    share_bytes_ = share_bytes_max;
    for (; done_count_ < call_.batch.commands.size(); ++done_count_) {
        const bool is_done =
            std::visit([&](const auto& request) { return serve(exchange, request); },
                       call_.batch.commands[done_count_].request);
        if (!is_done) return false;
        progress_.clear();
    }
    return true;
}

/// Keeps the memory: a call is used again for the next request.
void ApiCall::Progress::clear() noexcept {
    has_asked = false;
    figures = {};
    history = nullptr;
    crowd = {};
    targets.clear();
    publication = nullptr;
    responses.clear();
    epochs.clear();
}

bool ApiCall::await(std::uint32_t count) noexcept {
    progress_.has_asked = true;
    progress_.missing_count = count;
    return count == 0;
}

void ApiCall::count_answer() noexcept {
    RC_ASSERT(progress_.missing_count > 0);
    --progress_.missing_count;
}

bool ApiCall::finish(const api::Result& result) {
    answer_.add(result);
    return true;
}

std::optional<ErrorCode> ApiCall::fault_of(const shard::HttpExchange& exchange,
                                           std::string_view channel) {
    return ringcast::api::channel_fault(*exchange.shard().settings().topics.home.namespaces,
                                        channel);
}

bool ApiCall::serve(shard::HttpExchange&, const std::monostate&) {
    return refuse(ErrorCode::method_not_found);
}

shard::HttpAnswer answer_of(ApiCall& call) {
    return {.fields = "Cache-Control: no-store\r\n",
            .content_type = "application/json",
            .body = call.take_answer()};
}

void proceed(shard::HttpExchange& exchange) {
    auto& call = *static_cast<ApiCall*>(exchange.state());
    // With the answer the exchange ends, and the call with it.
    if (call.run(exchange)) exchange.answer(answer_of(call));
}

}  // namespace ringcast::server

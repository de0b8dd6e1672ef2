#include "dialect/centrifuge/server_api_codec.hpp"

#include <utility>

#include "base/assert.hpp"
#include "dialect/centrifuge/read_json.hpp"
#include "dialect/centrifuge/write_json.hpp"
#include "simd/utf8.hpp"

namespace ringcast::dialect::centrifuge::server_api {

namespace {

/// Walks Command's list for a method's name.
struct MethodChoice {
    std::string_view name;
    bool is_found = false;

    template <class Request>
    void one_of(int, std::string_view method, auto& request) {
        if (name != method) return;
        request.template emplace<Request>();
        is_found = true;
    }
};

void append(std::string& text, const auto& message) {
    append_measured(text, [&]<class Out>(Out& out) { JsonWriter<Out>{out}.write(message); });
}

}  // namespace

bool choose_method(std::string_view name, Call& call) {
    call.is_batch = name == "batch";
    if (call.is_batch) return true;
    MethodChoice choice{name};
    Command::fields(call.batch.commands.emplace_back(), choice);
    return choice.is_found;
}

Malformed decode_body(std::span<char> body, Call& call) {
    if (body.empty()) return Malformed::none;
    if (!simd::is_utf8(std::as_bytes(body))) return Malformed::not_utf8;
    JsonObjectReader reader{body};
    if (call.is_batch) return reader.read_all(call.batch);
    return std::visit(
        [&]<class Request>(Request& request) {
            if constexpr (std::is_same_v<Request, std::monostate>) {
                RC_ASSERT(false && "a call without a method");
                return Malformed::none;
            } else {
                return reader.read_all(request);
            }
        },
        call.batch.commands.front().request);
}

void AnswerText::add(const Result& result) {
    if (!is_batch_) {
        RC_ASSERT(text_.empty());
        return append(text_, result);
    }
    text_ += text_.empty() ? "{\"replies\":[" : ",";
    append(text_, Reply{result});
}

std::string AnswerText::finish() {
    if (is_batch_) text_ += text_.empty() ? "{\"replies\":[]}" : "]}";
    return std::move(text_);
}

}  // namespace ringcast::dialect::centrifuge::server_api

#pragma once
// Bodies of the server API: from the text of a request to what is to be done, and from what became
// of it to the text of the answer. Bytes in, bytes out.
//
//   POST /api/publish   {"channel":"a","data":1}                         -> {"result":{}}
//   POST /api/batch     {"commands":[{"publish":{...}},{"info":{}}]}     -> {"replies":[...]}
//   what went wrong, with status 200, too:     {"error":{"code":107,"message":"bad request"}}

#include <span>
#include <string>
#include <string_view>

#include "dialect/centrifuge/malformed.hpp"
#include "dialect/centrifuge/server_api_request.hpp"
#include "dialect/centrifuge/server_api_result.hpp"

namespace ringcast::dialect::centrifuge::server_api {

/// All that one request asks for.
struct Call {
    bool is_batch = false;
    BatchRequest batch;  ///< If it is none: with one command.
};

/// Makes `call`, which is as new, one of the method that has that name. False: there is none.
[[nodiscard]] bool choose_method(std::string_view name, Call& call);

/// Fills it from a body, whose strings are decoded in place. No body at all is as good as `{}`.
/// After a fault the call is of no use.
[[nodiscard]] Malformed decode_body(std::span<char> body, Call& call);

/// Puts the text of an answer together, result by result.
class AnswerText {
public:
    explicit AnswerText(bool is_batch) : is_batch_{is_batch} {}

    /// One for each command, in their order.
    void add(const Result& result);
    /// What has come together so far.
    [[nodiscard]] std::size_t bytes() const noexcept { return text_.size(); }
    /// The text; then this is at its end.
    [[nodiscard]] std::string finish();

private:
    bool is_batch_;
    std::string text_;
};

}  // namespace ringcast::dialect::centrifuge::server_api

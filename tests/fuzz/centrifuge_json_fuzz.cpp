// Any octets as a message of JSON commands of the Centrifuge protocol. What is accepted is JSON by
// the grammar, line by line; payloads are what may be embedded; and the same commands written anew,
// in either format, say the same.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "dialect/json.hpp"
#include "simd/utf8.hpp"
#include "support/centrifuge_client.hpp"
#include "support/centrifuge_text.hpp"
#include "support/json_reference.hpp"

namespace {

using namespace ringcast;
using namespace ringcast::dialect::centrifuge;

/// Depth of the command around a payload.
constexpr std::size_t depth_around = 5;

void check_lines(std::string_view text, std::size_t line_count) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        if (line.empty()) continue;
        if (line_count-- == 0) return;  // A line that was refused.
        RC_ASSERT((test::JsonGrammar{line, dialect::json_depth_max + depth_around}.matches()));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    std::vector<char> message(text.begin(), text.end());
    CommandDecoder decoder{Format::json, message};
    std::size_t count = 0;
    while (decoder.next()) {
        ++count;
        const Command& command = decoder.command();
        const std::string said = test::CentrifugeText{command}.text;
        if (const auto* const request = std::get_if<PublishRequest>(&command.request))
            RC_ASSERT(request->data.bytes.empty() || dialect::is_json(request->data.bytes));
        if (command.is_pong()) continue;
        for (const Format format : {Format::json, Format::protobuf}) {
            const std::string again = test::client_message(format, {command});
            RC_ASSERT(test::decoded_text(format, again) == said + "\n");
        }
    }
    if (decoder.fault() == Malformed::not_utf8)
        RC_ASSERT(!simd::is_utf8(std::as_bytes(std::span{text})));
    check_lines(text, count);
    return 0;
}

// Any octets as the body of a request of the server API. The first octet chooses the method.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/assert.hpp"
#include "dialect/centrifuge/channel_pattern.hpp"
#include "dialect/centrifuge/server_api_codec.hpp"
#include "support/centrifuge_client.hpp"
#include "support/centrifuge_text.hpp"

using namespace ringcast;
using namespace ringcast::dialect::centrifuge;

namespace {

constexpr std::string_view methods[] = {
    "batch",   "publish",  "broadcast", "subscribe", "unsubscribe",    "disconnect",    "refresh",
    "history", "channels", "info",      "presence",  "presence_stats", "history_remove"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view method = methods[data[0] % std::size(methods)];
    const std::span input{reinterpret_cast<const char*>(data) + 1, size - 1};
    std::vector<char> body(input.begin(), input.end());
    server_api::Call call;
    RC_ASSERT(server_api::choose_method(method, call));
    if (server_api::decode_body(body, call) != Malformed::none) return 0;
    // A single command reads the same from within a batch.
    const std::string said = test::CentrifugeText{call.batch}.text;
    std::string again = test::ClientJson::of(call.batch);
    server_api::Call same;
    RC_ASSERT(server_api::choose_method("batch", same));
    RC_ASSERT(server_api::decode_body(again, same) == Malformed::none);
    RC_ASSERT(test::CentrifugeText{same.batch}.text == said);
    for (const server_api::Command& command : call.batch.commands) {
        const auto* const channels = std::get_if<server_api::ChannelsRequest>(&command.request);
        if (channels != nullptr && is_channel_pattern(channels->pattern))
            (void)matches_pattern("some/name", channels->pattern);
    }
    return 0;
}

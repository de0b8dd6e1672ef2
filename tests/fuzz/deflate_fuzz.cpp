// Any octets as messages of a server: what the compressors make of them, mixed in any order, is
// what a client with just the agreed window reads. Input: one octet of choices, then messages:
// (first octet, size, content) each, where the first octet says who compresses and how often the
// content is repeated.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "support/deflate_reference.hpp"
#include "ws/deflate.hpp"

namespace {

using namespace ringcast;

void check_payload(std::string_view payload, const std::string& message, std::string& context,
                   std::uint8_t window_bits) {
    RC_ASSERT(payload.size() < message.size());
    const test::Inflated inflated = test::reference_inflate_message(payload, context);
    RC_ASSERT(inflated.end == test::Inflated::End::between_blocks);
    RC_ASSERT(inflated.output == message);
    RC_ASSERT(inflated.distance_max <= std::size_t{1} << window_bits);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1 || size > 2048) return 0;
    const ws::DeflateParameters agreed{
        .server_no_context_takeover = (data[0] & 1) != 0,
        .server_max_window_bits = static_cast<std::uint8_t>(8 + (data[0] >> 1 & 7))};
    ws::Deflaters deflaters{
        {.level = static_cast<std::uint8_t>(1 + (data[0] >> 4) % 9), .dedicated_memory_level = 1}};
    ws::Deflation deflation{deflaters, agreed};
    std::string context;
    std::string_view octets{reinterpret_cast<const char*>(data) + 1, size - 1};
    while (octets.size() >= 2) {
        const auto first = static_cast<std::uint8_t>(octets[0]);
        const std::size_t content_bytes = static_cast<std::uint8_t>(octets[1]);
        const std::string_view content = octets.substr(2, content_bytes);
        octets.remove_prefix(2 + content.size());
        std::string message;
        for (std::size_t repeated = 0; repeated <= first >> 3; ++repeated) message += content;

        // In memory of its own, so that a sanitizer sees a write past its end.
        std::vector<char> target(message.size() + ((first & 2) != 0 ? 4 : 0));
        const std::span<const std::byte> input = std::as_bytes(std::span{message});
        const std::span<std::byte> output = std::as_writable_bytes(std::span{target});
        const bool is_for_all = (first & 1) != 0;
        const std::size_t payload_bytes =
            is_for_all ? deflaters.deflate(input, output, deflation.window_bits())
                       : deflation.deflate(input, output);
        if (payload_bytes == 0) continue;
        if (is_for_all) deflation.sent_without_context();
        if (agreed.server_no_context_takeover) context.clear();
        check_payload({target.data(), payload_bytes}, message, context, deflation.window_bits());
        context += message;
    }
    return 0;
}

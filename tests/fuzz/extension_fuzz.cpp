// Any octets as Sec-WebSocket-Extensions lines (one per line of the input, behind one octet that
// chooses the policy): an answer is one that a strict client accepts, and it comes only if an offer
// of permessage-deflate is there.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "support/http_reference.hpp"
#include "ws/permessage_deflate.hpp"

namespace {

using namespace ringcast;
using ws::DeflateParameters;

ws::DeflatePolicy policy_of(std::uint8_t choice) {
    return {.compression = static_cast<Compression>(choice % 3),
            .server_window_bits_max = static_cast<std::uint8_t>(8 + (choice >> 2) % 8),
            .client_window_bits_max = static_cast<std::uint8_t>(8 + (choice >> 5) % 8)};
}

void check_agreed(const DeflateParameters& agreed, const ws::DeflatePolicy& policy,
                  const std::string& offers) {
    RC_ASSERT(policy.compression != Compression::off);
    RC_ASSERT(offers.find("permessage-deflate") != std::string::npos);
    RC_ASSERT(agreed.server_window_bits() >= 8);
    RC_ASSERT(agreed.server_window_bits() <= policy.server_window_bits_max);
    RC_ASSERT(agreed.client_window_bits() >= 8 && agreed.client_window_bits() <= 15);
    const bool is_shared = policy.compression == Compression::shared;
    if (is_shared)
        RC_ASSERT(agreed.server_no_context_takeover && agreed.client_no_context_takeover);
    // What is kept for a client is no larger than we allow.
    RC_ASSERT(agreed.client_no_context_takeover ||
              agreed.client_window_bits() <= policy.client_window_bits_max);
    // Named only if it was offered (RFC 7692 section 7.1.2.2).
    if (agreed.client_max_window_bits)
        RC_ASSERT(offers.find("client_max_window_bits") != std::string::npos);
}

/// An answer, offered back, is accepted as it is: the writer writes what the reader reads.
void check_round_trip(const DeflateParameters& agreed) {
    const std::string line = ws::response_field(agreed);
    RC_ASSERT(line.ends_with("\r\n") && line.find('\n') == line.size() - 1);
    const std::string_view value = std::string_view{line}.substr(line.find(": ") + 2);
    const http::Field field{.name = "Sec-WebSocket-Extensions",
                            .value = value.substr(0, value.size() - 2)};
    http::Request request;
    request.fields = {&field, 1};
    const auto again = ws::negotiate_deflate(request, {.compression = Compression::dedicated});
    RC_ASSERT(again && *again && **again == agreed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const ws::DeflatePolicy policy = policy_of(data[0]);
    // Each value in memory of its own size, so that a sanitizer sees a read past its end.
    std::vector<std::vector<char>> values(1);
    for (std::size_t i = 1; i < size; ++i) {
        if (data[i] == '\n')
            values.emplace_back();
        else
            values.back().push_back(static_cast<char>(data[i]));
    }
    std::vector<http::Field> fields;
    std::string offers;
    for (std::vector<char>& value : values) {
        value.shrink_to_fit();
        fields.push_back(
            {.name = "sec-websocket-extensions", .value = {value.data(), value.size()}});
        offers += test::detail::lower({value.data(), value.size()}) + "\n";
    }
    http::Request request;
    request.fields = fields;
    const auto agreed = ws::negotiate_deflate(request, policy);
    if (agreed && *agreed) {
        check_agreed(**agreed, policy, offers);
        check_round_trip(**agreed);
    }
    return 0;
}

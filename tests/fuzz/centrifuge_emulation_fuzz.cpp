// Any octets as the body of a POST to the emulation endpoint, and as a connect request that stands
// alone. The first octet chooses the format.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/assert.hpp"
#include "support/centrifuge_client.hpp"
#include "support/centrifuge_text.hpp"

using namespace ringcast;
using namespace ringcast::dialect::centrifuge;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Format format = data[0] % 2 == 0 ? Format::json : Format::protobuf;
    const std::span input{reinterpret_cast<const char*>(data) + 1, size - 1};
    std::vector<char> body(input.begin(), input.end());
    EmulationRequest request;
    if (decode_emulation(format, body, request) == Malformed::none) {
        const std::string said = test::CentrifugeText{request}.text;
        std::string again = format == Format::json ? test::ClientJson::of(request)
                                                   : test::ClientProtobuf::of(request);
        EmulationRequest same;
        RC_ASSERT(decode_emulation(format, again, same) == Malformed::none);
        RC_ASSERT(test::CentrifugeText{same}.text == said);
        CommandDecoder decoder{format, commands_of(request, body)};
        while (decoder.next()) (void)test::CentrifugeText{decoder.command()};
    }
    std::vector<char> text(input.begin(), input.end());
    ConnectRequest connect;
    if (decode_connect(text, connect) == Malformed::none) {
        const std::string said = test::CentrifugeText{connect}.text;
        std::string again = test::ClientJson::of(connect);
        ConnectRequest same;
        RC_ASSERT(decode_connect(again, same) == Malformed::none);
        RC_ASSERT(test::CentrifugeText{same}.text == said);
    }
    return 0;
}

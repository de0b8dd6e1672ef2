// Any octets as a message of Protobuf commands of the Centrifuge protocol. What is accepted says
// the same when it is written anew.

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
    const std::span input{reinterpret_cast<const char*>(data), size};
    std::vector<char> message(input.begin(), input.end());
    CommandDecoder decoder{Format::protobuf, message};
    while (decoder.next()) {
        const Command& command = decoder.command();
        if (command.is_pong()) continue;
        const std::string said = test::CentrifugeText{command}.text + "\n";
        const std::string again = test::client_message(Format::protobuf, {command});
        RC_ASSERT(test::decoded_text(Format::protobuf, again) == said);
    }
    return 0;
}

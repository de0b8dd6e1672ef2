#include "shard/encoding.hpp"

#include "base/assert.hpp"
#include "dialect/event_stream.hpp"

namespace ringcast::shard {

using dialect::centrifuge::Format;
using dialect::centrifuge::Framing;
using dialect::centrifuge::Wire;

Wire wire_of(Encoding encoding) noexcept {
    constexpr bool is_unidirectional = true;
    switch (encoding) {
        case Encoding::centrifuge_json: return {Format::json, Framing::message};
        case Encoding::centrifuge_protobuf: return {Format::protobuf, Framing::message};
        case Encoding::centrifuge_uni_json:
            return {Format::json, Framing::message, is_unidirectional};
        case Encoding::centrifuge_lines: return {Format::json, Framing::line};
        case Encoding::centrifuge_events: return {Format::json, Framing::event};
        case Encoding::centrifuge_delimited: return {Format::protobuf, Framing::line};
        case Encoding::centrifuge_uni_lines:
            return {Format::json, Framing::line, is_unidirectional};
        case Encoding::centrifuge_uni_events:
            return {Format::json, Framing::event, is_unidirectional};
        case Encoding::raw:
        case Encoding::event_stream: break;
    }
    RC_ASSERT(false && "not of the Centrifuge protocol");
    return {};
}

std::string_view content_type_of(Encoding encoding) noexcept {
    switch (encoding) {
        case Encoding::event_stream:
        case Encoding::centrifuge_events:
        case Encoding::centrifuge_uni_events: return dialect::event_stream::content_type;
        case Encoding::centrifuge_lines:
        case Encoding::centrifuge_uni_lines: return "application/json";
        case Encoding::centrifuge_delimited: return "application/octet-stream";
        case Encoding::raw:
        case Encoding::centrifuge_json:
        case Encoding::centrifuge_protobuf:
        case Encoding::centrifuge_uni_json: break;
    }
    RC_ASSERT(false && "not the content of an answer");
    return {};
}

std::string_view stream_ping_of(Encoding encoding) noexcept {
    return encoding == Encoding::event_stream ? dialect::event_stream::comment : std::string_view{};
}

}  // namespace ringcast::shard

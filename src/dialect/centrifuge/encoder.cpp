#include "dialect/centrifuge/encoder.hpp"

#include "base/assert.hpp"
#include "dialect/centrifuge/output.hpp"
#include "dialect/centrifuge/write_json.hpp"
#include "dialect/centrifuge/write_protobuf.hpp"

namespace ringcast::dialect::centrifuge {

namespace {

void put_message(auto& out, Format format, const auto& message) {
    using Out = std::remove_reference_t<decltype(out)>;
    if (format == Format::json) {
        JsonWriter<Out>{out}.write(message);
    } else {
        ProtobufWriter<Out>{out}.write_delimited(message);
    }
}

void put_unframed(auto& out, const Wire& wire, const Reply& reply) {
    if (!wire.is_unidirectional) return put_message(out, wire.format, reply);
    const Push* const push = std::get_if<Push>(&reply.result);
    RC_ASSERT(push != nullptr || reply.result.index() == 0);
    put_message(out, wire.format, push != nullptr ? *push : Push{});
}

void put_framed(auto& out, const Wire& wire, const Reply& reply) {
    const bool is_json = wire.format == Format::json;
    if (is_json && wire.framing == Framing::event) out.put("data: ");
    put_unframed(out, wire, reply);
    if (!is_json) return;
    switch (wire.framing) {
        case Framing::message: return;
        case Framing::line: return out.put('\n');
        case Framing::event: return out.put("\n\n");
    }
}

bool needs_separator(std::string_view message, const Wire& wire) noexcept {
    return !message.empty() && wire.format == Format::json && wire.framing == Framing::message;
}

}  // namespace

std::size_t encoded_bytes(const Wire& wire, const Reply& reply) {
    Measure measure;
    put_framed(measure, wire, reply);
    return measure.bytes;
}

void encode(std::span<std::byte> target, const Wire& wire, const Reply& reply) {
    Write write{reinterpret_cast<char*>(target.data())};
    put_framed(write, wire, reply);
    RC_ASSERT(write.at == reinterpret_cast<char*>(target.data() + target.size()));
}

void append(std::string& message, const Wire& wire, const Reply& reply) {
    if (needs_separator(message, wire)) message += '\n';
    append_measured(message, [&](auto& out) { put_framed(out, wire, reply); });
}

void append_encoded(std::string& message, const Wire& wire, std::string_view replies) {
    if (replies.empty()) return;
    if (needs_separator(message, wire)) message += '\n';
    message += replies;
}

}  // namespace ringcast::dialect::centrifuge

#include "dialect/centrifuge/decoder.hpp"

#include <cstring>
#include <protozero/varint.hpp>

#include "base/assert.hpp"
#include "dialect/centrifuge/read_json.hpp"
#include "dialect/centrifuge/read_protobuf.hpp"
#include "simd/utf8.hpp"

namespace ringcast::dialect::centrifuge {

namespace {

void skip_line_ends(std::span<char>& rest) noexcept {
    while (!rest.empty() && rest.front() == '\n') rest = rest.subspan(1);
}

/// Takes the line that `rest` begins with, and the line ends behind it.
std::span<char> take_line(std::span<char>& rest) noexcept {
    const void* const found = std::memchr(rest.data(), '\n', rest.size());
    const auto line_bytes =
        found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - rest.data())
                         : rest.size();
    const std::span line = rest.first(line_bytes);
    rest = rest.subspan(line_bytes);
    skip_line_ends(rest);
    return line;
}

bool needs_id(const Command& command) noexcept {
    return command.request.index() != 0 && !std::holds_alternative<SendRequest>(command.request);
}

}  // namespace

CommandDecoder::CommandDecoder(Format format, std::span<char> message,
                               std::size_t decoded_before) noexcept
    : rest_(message), decoded_count_(decoded_before), format_(format) {
    if (format == Format::protobuf) return;
    // Of the whole message, once.
    if (decoded_before == 0 && !simd::is_utf8(std::as_bytes(message))) fault_ = Malformed::not_utf8;
    skip_line_ends(rest_);
}

bool CommandDecoder::fail(Malformed fault) noexcept {
    fault_ = fault;
    rest_ = {};
    return false;
}

bool CommandDecoder::next() {
    if (fault_ != Malformed::none) return false;
    if (rest_.empty()) return decoded_count_ > 0 ? false : fail(Malformed::empty_message);
    if (decoded_count_ == commands_per_message_max) return fail(Malformed::too_many_commands);
    command_ = {};
    const Malformed fault = format_ == Format::json ? decode_json() : decode_protobuf();
    if (fault != Malformed::none) return fail(fault);
    if (command_.id == 0 && needs_id(command_)) return fail(Malformed::missing_id);
    ++decoded_count_;
    return true;
}

Malformed CommandDecoder::decode_json() {
    return JsonObjectReader{take_line(rest_)}.read_all(command_);
}

Malformed CommandDecoder::decode_protobuf() {
    const char* at = rest_.data();
    const char* const end = at + rest_.size();
    std::uint64_t bytes = 0;
    try {
        bytes = protozero::decode_varint(&at, end);
    } catch (const protozero::exception&) {
        return Malformed::not_protobuf;
    }
    if (bytes > static_cast<std::uint64_t>(end - at)) return Malformed::not_protobuf;
    const std::string_view message{at, static_cast<std::size_t>(bytes)};
    rest_ = rest_.subspan(static_cast<std::size_t>(at - rest_.data()) + message.size());
    return ProtobufMessageReader{}.read_all(message, command_);
}

Malformed decode_connect(std::span<char> text, ConnectRequest& request) {
    if (!simd::is_utf8(std::as_bytes(text))) return Malformed::not_utf8;
    return JsonObjectReader{text}.read_all(request);
}

Malformed decode_emulation(Format format, std::span<char> body, EmulationRequest& request) {
    if (format == Format::protobuf)
        return ProtobufMessageReader{}.read_all({body.data(), body.size()}, request);
    if (!simd::is_utf8(std::as_bytes(body))) return Malformed::not_utf8;
    return JsonObjectReader{body}.read_all(request);
}

std::span<char> commands_of(const EmulationRequest& request, std::span<char> body) {
    if (request.data.empty()) return {};
    const auto offset = static_cast<std::size_t>(request.data.data() - body.data());
    RC_ASSERT(offset + request.data.size() <= body.size());
    return body.subspan(offset, request.data.size());
}

std::string_view to_string(Malformed fault) noexcept {
    switch (fault) {
        case Malformed::none: return "";
        case Malformed::empty_message: return "no command";
        case Malformed::not_utf8: return "text that is not UTF-8";
        case Malformed::not_json: return "malformed JSON";
        case Malformed::not_protobuf: return "malformed Protobuf";
        case Malformed::wrong_type: return "a field of a wrong type";
        case Malformed::out_of_range: return "a number out of range";
        case Malformed::repeated_field: return "a field twice";
        case Malformed::several_methods: return "several methods in one command";
        case Malformed::missing_id: return "a command without an id";
        case Malformed::too_many_commands: return "too many commands in one message";
        case Malformed::too_many_entries: return "too many entries in a map or list";
    }
    return "";
}

}  // namespace ringcast::dialect::centrifuge

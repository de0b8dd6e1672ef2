#include "dialect/event_stream.hpp"

#include <charconv>
#include <system_error>

#include "base/assert.hpp"
#include "dialect/centrifuge/output.hpp"

namespace ringcast::dialect::event_stream {

namespace {

using centrifuge::Measure;
using centrifuge::Write;

/// Takes the next line off `text`, without its end, which is CR LF, LF or CR.
std::string_view take_line(std::string_view& text, bool& is_last) noexcept {
    std::size_t size = 0;
    while (size < text.size() && text[size] != '\n' && text[size] != '\r') ++size;
    const std::string_view line = text.substr(0, size);
    is_last = size == text.size();
    if (!is_last) text.remove_prefix(size + (text.substr(size, 2) == "\r\n" ? 2 : 1));
    return line;
}

void put_field(auto& out, std::string_view name, std::string_view value) noexcept {
    out.put(name);
    out.put(": ");
    out.put(value);
    out.put('\n');
}

void put_event(auto& out, const Event& event) noexcept {
    const bool is_binary = event.kind == PublicationKind::binary;
    if (!event.epoch.empty()) {
        out.put("id: ");
        out.put(event.epoch);
        out.put(':');
        centrifuge::put_decimal(out, event.offset);
        out.put('\n');
    }
    const std::string_view name = is_binary ? std::string_view{"binary"} : event.name;
    if (!name.empty()) put_field(out, "event", name);
    if (is_binary) {
        out.put("data: ");
        out.put_base64(event.data);
        out.put('\n');
    } else {
        std::string_view rest = event.data;
        for (bool is_last = false; !is_last;) put_field(out, "data", take_line(rest, is_last));
    }
    out.put('\n');
}

}  // namespace

std::size_t encoded_bytes(const Event& event) noexcept {
    Measure measure;
    put_event(measure, event);
    return measure.bytes;
}

void encode(std::span<std::byte> target, const Event& event) noexcept {
    Write write{reinterpret_cast<char*>(target.data())};
    put_event(write, event);
    RC_ASSERT(write.at == reinterpret_cast<char*>(target.data() + target.size()));
}

void append(std::string& text, const Event& event) {
    centrifuge::append_measured(text, [&](auto& out) { put_event(out, event); });
}

std::optional<LastEvent> read_id(std::string_view id) noexcept {
    const std::size_t colon = id.find(':');
    if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
    LastEvent last{.epoch = id.substr(0, colon), .offset = 0};
    const std::string_view digits = id.substr(colon + 1);
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, last.offset);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return last;
}

}  // namespace ringcast::dialect::event_stream

#include "packet_reader.hpp"

#include <algorithm>
#include <fmt/core.h>
#include <string_view>
#include <utility>

namespace ringcast::bench {

namespace {

constexpr std::size_t packet_bytes_max = 8 * 1024;  ///< Of one that is no delivery.

std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// In quotes and on one line, whatever it is, and not much of it.
std::string quote(std::string_view text) {
    constexpr std::size_t shown_max = 120;
    std::string quoted = "'";
    for (const char letter : text.substr(0, shown_max)) {
        const bool is_shown = ' ' <= letter && letter <= '~';
        quoted += is_shown         ? std::string(1, letter)
                  : letter == '\r' ? "\\r"
                  : letter == '\n' ? "\\n"
                                   : fmt::format("\\x{:02x}", static_cast<unsigned char>(letter));
    }
    return quoted + (text.size() > shown_max ? "'..." : "'");
}

/// Moves `at` in an envelope's `after` on by one octet that came; false if another one was due.
bool follow(std::string_view after, std::size_t& at, char got) {
    while (at < after.size()) {
        const char due = after[at];
        if (due == Envelope::digits && '0' <= got && got <= '9') return true;
        if (due == Envelope::optional && got != after[at + 1]) {
            at = after.find(Envelope::optional_end, at) + 1;
        } else if (due == Envelope::digits || due == Envelope::optional ||
                   due == Envelope::optional_end) {
            ++at;
        } else {
            ++at;
            return due == Envelope::any || due == got;
        }
    }
    return false;
}

void append_message(ws::Opcode opcode, std::string_view text, std::vector<std::byte>& frames) {
    append_frame(opcode, std::as_bytes(std::span(text)), frames);
}

/// Messages of a protocol have packets in them, of which the one with a publication is not the only
/// one.
MessageShape shape_of_messages(MessageShape shape, const Subprotocol* subprotocol) {
    if (subprotocol == nullptr) return shape;
    shape.opcode = subprotocol->opcode();
    shape.has_any_size = true;
    return shape;
}

}  // namespace

PacketReader::PacketReader(const MessageShape& shape, const Subprotocol* subprotocol)
    : subprotocol_(subprotocol),
      payload_bytes_(shape.payload_bytes),
      messages_(shape_of_messages(shape, subprotocol), "delivery") {}

Expected<Piece> PacketReader::next_of_packet(PacketState& state, const TopicOrder& topic,
                                             Bytes& bytes, std::vector<std::byte>& replies) const {
    const auto message = messages_.next(state, bytes, replies);
    if (!message) return message;
    Bytes rest = message->payload;
    Piece piece;
    if (state.in_delivery) {
        const auto read = read_delivery(state, topic, rest);
        if (!read) return read;
        piece = *read;
    } else if (auto read = read_packet(state, topic, rest, replies); !read) {
        return std::unexpected(read.error());
    }
    const bool is_packet = subprotocol_->packet_end().empty();
    if (!rest.empty()) {
        if (is_packet && piece.completes_message) {
            return fail("delivery {}: {} behind its end", state.messages, quote(text_of(rest)));
        }
        MessageReader::put_back(state, bytes, rest.size());
    } else if (is_packet && message->completes_message && !piece.completes_message) {
        if (auto ended = end_message(state, topic, replies); !ended)
            return std::unexpected(ended.error());
    }
    return piece;
}

/// Until a delivery's payload is due, or a packet that is no delivery is complete, or all is read.
Expected<void> PacketReader::read_packet(PacketState& state, const TopicOrder& topic, Bytes& rest,
                                         std::vector<std::byte>& replies) const {
    const std::string& before = topic.delivery().before;
    const std::string_view end = subprotocol_->packet_end();
    if (state.packet.empty() && text_of(rest).starts_with(before)) {
        rest = rest.subspan(before.size());
        state.in_delivery = true;
        return {};
    }
    while (!rest.empty()) {
        state.packet += std::to_integer<char>(rest.front());
        rest = rest.subspan(1);
        if (state.packet == before) {
            state.packet.clear();
            state.in_delivery = true;
            return {};
        }
        if (!end.empty() && state.packet.ends_with(end)) return end_packet(state, topic, replies);
        if (state.packet.size() > packet_bytes_max)
            return fail("the server sent {}, which has no end", quote(state.packet));
    }
    return {};
}

/// What a delivery has of payload in `rest`, or of what stands behind that.
Expected<Piece> PacketReader::read_delivery(PacketState& state, const TopicOrder& topic,
                                            Bytes& rest) const {
    const std::string_view after = topic.delivery().after;
    Piece piece{.payload = {}, .offset = state.delivery_offset};
    if (state.delivery_offset < payload_bytes_) {
        const std::uint64_t left = payload_bytes_ - state.delivery_offset;
        piece.payload =
            rest.first(static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), left)));
        rest = rest.subspan(piece.payload.size());
        state.delivery_offset += piece.payload.size();
    } else {
        auto at = static_cast<std::size_t>(state.delivery_offset - payload_bytes_);
        const std::string_view got = text_of(rest);
        const std::string_view due = after.substr(at);
        while (!rest.empty() && at < after.size()) {
            if (!follow(after, at, std::to_integer<char>(rest.front()))) {
                return fail("delivery {}: {} behind the payload where {} was due", state.messages,
                            quote(got.substr(0, due.size())), quote(due));
            }
            rest = rest.subspan(1);
        }
        state.delivery_offset = payload_bytes_ + at;
    }
    if (state.delivery_offset < payload_bytes_ + after.size()) return piece;
    piece.completes_message = true;
    state.in_delivery = false;
    state.delivery_offset = 0;
    return piece;
}

/// Of a protocol whose packets are messages: it ends before a delivery did.
Expected<void> PacketReader::end_message(PacketState& state, const TopicOrder& topic,
                                         std::vector<std::byte>& replies) const {
    if (!state.in_delivery) return end_packet(state, topic, replies);
    return fail("delivery {}: ends after {} of {} bytes of its payload, or right behind that",
                state.messages, state.delivery_offset, payload_bytes_);
}

Expected<void> PacketReader::end_packet(PacketState& state, const TopicOrder& topic,
                                        std::vector<std::byte>& replies) const {
    const std::string packet = std::exchange(state.packet, {});
    const auto kind = subprotocol_->kind_of(packet);
    if (kind == PacketKind::ping) {
        append_message(subprotocol_->opcode(), subprotocol_->pong(), replies);
    } else if (kind == PacketKind::greeting && !state.is_greeted) {
        state.is_greeted = true;
        append_message(subprotocol_->opcode(), subprotocol_->join(topic.name()), replies);
    } else if (kind == PacketKind::welcome && state.is_greeted && !state.is_welcome) {
        state.is_welcome = true;
    } else if (kind != PacketKind::receipt || !state.is_welcome) {
        return fail("delivery {}: the server sent {}", state.messages, quote(packet));
    }
    return {};
}

}  // namespace ringcast::bench

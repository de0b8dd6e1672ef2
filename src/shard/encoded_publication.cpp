#include "shard/encoded_publication.hpp"

#include <cstring>
#include <optional>
#include <utility>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/publication_info.hpp"
#include "dialect/centrifuge/encoder.hpp"
#include "dialect/centrifuge/named_client.hpp"
#include "dialect/event_stream.hpp"
#include "http/chunked.hpp"
#include "ws/frame.hpp"

namespace ringcast::shard {

namespace centrifuge = dialect::centrifuge;

namespace {

/// Null if it does not get smaller.
SharedFrame compress(const SharedFrame& plain, std::size_t payload_bytes, std::uint8_t window_bits,
                     ws::Deflaters& deflaters, BufferPool& pool) {
    const std::span<const std::byte> payload = plain.bytes().last(payload_bytes);
    const auto opcode = static_cast<ws::Opcode>(plain.bytes()[0] & std::byte{0x0f});
    const Block block = pool.get(payload_bytes);
    const std::size_t size =
        deflaters.deflate(payload, {block.data(), block.capacity()}, window_bits);
    if (size == 0) return {};
    SharedFrame frame{pool, ws::server_header_bytes(size) + size};
    std::byte* const target = frame.bytes().data() + ws::server_header_bytes(size);
    ws::write_header_before(target, opcode, size, ws::rsv1);
    std::memcpy(target, block.data(), size);
    return frame;
}

/// A chunk whose payload is yet to be written (RFC 9112 section 7.1).
SharedFrame make_chunk(BufferPool& pool, std::size_t payload_bytes) {
    std::array<char, http::chunk_begin_bytes_max> begin;
    const std::size_t begin_bytes = http::write_chunk_begin(begin.data(), payload_bytes);
    SharedFrame frame{pool, begin_bytes + payload_bytes + http::chunk_end.size()};
    std::memcpy(frame.bytes().data(), begin.data(), begin_bytes);
    std::memcpy(frame.bytes().data() + begin_bytes + payload_bytes, http::chunk_end.data(),
                http::chunk_end.size());
    return frame;
}

/// Likewise a frame.
SharedFrame make_frame(BufferPool& pool, dialect::centrifuge::Format format,
                       std::size_t payload_bytes) {
    const std::size_t header_bytes = ws::server_header_bytes(payload_bytes);
    SharedFrame frame{pool, header_bytes + payload_bytes};
    ws::write_header_before(
        frame.bytes().data() + header_bytes,
        format == dialect::centrifuge::Format::json ? ws::Opcode::text : ws::Opcode::binary,
        payload_bytes);
    return frame;
}

}  // namespace

const SharedFrame& EncodedPublication::compressed(Encoding encoding, std::uint8_t window_bits,
                                                  ws::Deflaters& deflaters, BufferPool& pool,
                                                  Shape shape) {
    Form& plain = form(encoding, shape, pool);
    if (!plain.compressed) plain.compressed = std::make_unique<Compressed>();
    const std::uint8_t window = ws::Deflaters::window_class(window_bits, plain.payload_bytes);
    const auto index = static_cast<std::size_t>(window - ws::Deflaters::window_class_min);
    SharedFrame& frame = plain.compressed->frames[index];
    if (!std::exchange(plain.compressed->is_tried[index], true))
        frame = compress(plain.frame, plain.payload_bytes, window, deflaters, pool);
    return frame ? frame : plain.frame;
}

std::string_view EncodedPublication::tag(std::string_view name) const noexcept {
    RC_ASSERT(is_publication());
    return info_ ? unpack_publication_info(info_.bytes()).tags.find(name) : std::string_view{};
}

EncodedPublication::Form& EncodedPublication::form(Encoding encoding, Shape shape,
                                                   BufferPool& pool) {
    if (encoding == Encoding::raw) {
        RC_ASSERT(what_ == What::publication && shape == Shape::plain);
        return raw_;
    }
    Forms* forms = &others_;
    if (shape != Shape::plain) [[unlikely]] {
        RC_ASSERT(what_ == What::publication);
        if (deltas_ == nullptr) deltas_ = std::make_unique<Deltas>();
        const centrifuge::Format format = wire_of(encoding).format;
        if (shape == Shape::delta && !delta(format, pool).text) shape = Shape::whole;
        // Which differ in JSON only.
        if (shape == Shape::whole && format == centrifuge::Format::protobuf) shape = Shape::plain;
        if (shape != Shape::plain)
            forms = shape == Shape::delta ? &deltas_->delta_forms : &deltas_->whole_forms;
    }
    Form& form = (*forms)[static_cast<std::size_t>(encoding) - 1];
    if (!form.frame) {
        encoding == Encoding::event_stream ? encode_event(form, pool)
                                           : encode_push(form, encoding, shape, pool);
    }
    return form;
}

std::size_t EncodedPublication::bytes_saved(Encoding encoding, BufferPool& pool) {
    return deltas_ == nullptr ? 0 : delta(wire_of(encoding).format, pool).bytes_saved;
}

const EncodedPublication::Delta& EncodedPublication::delta(centrifuge::Format format,
                                                           BufferPool& pool) {
    const hub::PreviousPublication& previous = deltas_->previous;
    Delta& delta = deltas_->deltas[static_cast<std::size_t>(format)];
    if (std::exchange(delta.is_tried, true) || !previous.frame) return delta;
    const std::string_view text =
        deltas_->maker->make(format,
                             {.bytes = as_text(previous.frame.bytes().last(previous.payload_bytes)),
                              .kind = previous.kind},
                             {.bytes = as_text(raw_.payload(Encoding::raw)), .kind = kind_});
    if (text.empty()) return delta;
    // What counts is what is sent, with its escapes and the word that it is a delta.
    const auto bytes_of = [&](Shape shape) {
        std::size_t bytes = 0;
        with_push(format, shape, shape == Shape::delta ? text : "",
                  [&](const centrifuge::Reply& reply) {
                      bytes = centrifuge::encoded_bytes({.format = format}, reply);
                  });
        return bytes;
    };
    const std::size_t whole_bytes = bytes_of(Shape::whole);
    const std::size_t delta_bytes = bytes_of(Shape::delta);
    if (delta_bytes >= whole_bytes) return delta;
    delta.bytes_saved = whole_bytes - delta_bytes;
    delta.text = SharedFrame{pool, text.size()};
    std::memcpy(delta.text.bytes().data(), text.data(), text.size());
    return delta;
}

std::span<std::byte> EncodedPublication::Form::payload(Encoding encoding) const noexcept {
    const std::size_t behind_bytes = is_streamed(encoding) ? http::chunk_end.size() : 0;
    return frame.bytes().last(payload_bytes + behind_bytes).first(payload_bytes);
}

void EncodedPublication::encode_event(Form& form, BufferPool& pool) const {
    const bool has_id = position_.offset != 0;
    const dialect::event_stream::Event event{
        .epoch = has_id ? position_.epoch.text() : std::string_view{},
        .offset = position_.offset,
        .kind = kind_,
        .data = as_text(raw_.payload(Encoding::raw))};
    form.payload_bytes = dialect::event_stream::encoded_bytes(event);
    form.frame = make_chunk(pool, form.payload_bytes);
    dialect::event_stream::encode(form.payload(Encoding::event_stream), event);
}

template <class Use>
void EncodedPublication::with_push(centrifuge::Format format, Shape shape, std::string_view delta,
                                   Use&& use) const {
    std::string text;
    PublicationInfo info;
    if (info_ && is_publication()) info = unpack_publication_info(info_.bytes());
    const std::span<const std::byte> packed_client =
        info_ && !is_publication() ? info_.bytes() : info.client;
    std::optional<centrifuge::NamedClient> client;
    if (!packed_client.empty()) client.emplace(packed_client);
    centrifuge::Push push{topic_, {}};
    switch (what_) {
        case What::publication: {
            auto& publication = push.event.emplace<centrifuge::Publication>();
            publication.data = {.bytes = as_text(raw_.payload(Encoding::raw)), .kind = kind_};
            publication.is_quoted = shape != Shape::plain;
            publication.delta = !delta.empty();
            if (publication.delta) {
                publication.data.bytes = delta;
            } else if (publication.is_quoted) {
                publication.data.bytes = PublicationDeltas::data_of(format, publication.data, text);
            }
            publication.offset = position_.offset;
            publication.tags = info.tags;
            publication.skipped = skipped_;
            if (client) publication.info = &client->info();
            break;
        }
        case What::join: push.event = centrifuge::Join{client->info()}; break;
        case What::leave: push.event = centrifuge::Leave{client->info()}; break;
    }
    use(centrifuge::Reply{0, push});
}

void EncodedPublication::encode_push(Form& form, Encoding encoding, Shape shape,
                                     BufferPool& pool) const {
    const centrifuge::Wire wire = wire_of(encoding);
    std::string_view delta;
    if (shape == Shape::delta)
        delta = as_text(deltas_->deltas[static_cast<std::size_t>(wire.format)].text.bytes());
    with_push(wire.format, shape, delta, [&](const centrifuge::Reply& reply) {
        form.payload_bytes = centrifuge::encoded_bytes(wire, reply);
        form.frame = is_streamed(encoding) ? make_chunk(pool, form.payload_bytes)
                                           : make_frame(pool, wire.format, form.payload_bytes);
        centrifuge::encode(form.payload(encoding), wire, reply);
    });
}

}  // namespace ringcast::shard

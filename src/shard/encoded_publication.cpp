#include "shard/encoded_publication.hpp"

#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "dialect/centrifuge/encoder.hpp"
#include "dialect/centrifuge/named_client.hpp"
#include "ws/frame.hpp"

namespace ringcast::shard {

namespace {

/// What a client finds on a publication that stands for others, too: how many.
constexpr std::string_view skipped_tag_name = "skipped";

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

}  // namespace

const SharedFrame& EncodedPublication::compressed(Encoding encoding, std::uint8_t window_bits,
                                                  ws::Deflaters& deflaters, BufferPool& pool) {
    Form& plain = form(encoding, pool);
    if (!plain.compressed) plain.compressed = std::make_unique<Compressed>();
    const std::uint8_t window = ws::Deflaters::window_class(window_bits, plain.payload_bytes);
    const auto index = static_cast<std::size_t>(window - ws::Deflaters::window_class_min);
    SharedFrame& frame = plain.compressed->frames[index];
    if (!std::exchange(plain.compressed->is_tried[index], true))
        frame = compress(plain.frame, plain.payload_bytes, window, deflaters, pool);
    return frame ? frame : plain.frame;
}

EncodedPublication::Form& EncodedPublication::form(Encoding encoding, BufferPool& pool) {
    if (encoding == Encoding::raw) return raw_;
    Form& form = others_[static_cast<std::size_t>(encoding) - 1];
    if (!form.frame) encode(form, encoding, pool);
    return form;
}

void EncodedPublication::encode(Form& form, Encoding encoding, BufferPool& pool) const {
    namespace centrifuge = dialect::centrifuge;
    const bool is_json = encoding == Encoding::centrifuge_json;
    const std::span<const std::byte> data = raw_.frame.bytes().last(raw_.payload_bytes);
    centrifuge::Publication publication;
    publication.data = {.bytes = {reinterpret_cast<const char*>(data.data()), data.size()},
                        .kind = kind_};
    publication.offset = offset_;
    const std::string skipped = std::to_string(skipped_);
    const std::pair<std::string_view, std::string_view> tag{skipped_tag_name, skipped};
    if (skipped_ > 0) publication.tags = {&tag, 1};
    std::optional<centrifuge::NamedClient> publisher;
    if (info_) publication.info = &publisher.emplace(info_.bytes()).info();
    const centrifuge::Reply reply{0, centrifuge::Push{topic_, publication}};
    const centrifuge::Wire wire{.format = is_json ? centrifuge::Format::json
                                                  : centrifuge::Format::protobuf};
    form.payload_bytes = centrifuge::encoded_bytes(wire, reply);
    const std::size_t header_bytes = ws::server_header_bytes(form.payload_bytes);
    form.frame = SharedFrame{pool, header_bytes + form.payload_bytes};
    const std::span<std::byte> payload = form.frame.bytes().last(form.payload_bytes);
    centrifuge::encode(payload, wire, reply);
    ws::write_header_before(payload.data(), is_json ? ws::Opcode::text : ws::Opcode::binary,
                            form.payload_bytes);
}

}  // namespace ringcast::shard

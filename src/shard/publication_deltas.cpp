#include "shard/publication_deltas.hpp"

namespace ringcast::shard {

namespace {

constexpr std::uint64_t work_per_delta = 500;
constexpr std::uint64_t work_per_byte = 4;

}  // namespace

std::string_view PublicationDeltas::data_of(Format format, const Payload& payload,
                                            std::string& text) {
    if (format == Format::protobuf || payload.kind == PublicationKind::json) return payload.bytes;
    text.clear();
    append_json(text, payload);
    return text;
}

std::string_view PublicationDeltas::make(Format format, const Payload& source,
                                         const Payload& target) {
    using Cuts = dialect::centrifuge::FossilDelta::Cuts;
    const std::string_view from = data_of(format, source, source_);
    const std::string_view to = data_of(format, target, target_);
    const Cuts cuts = format == Format::json ? Cuts::at_characters : Cuts::anywhere;
    delta_.clear();
    work_ += work_per_delta + work_per_byte * (from.size() + to.size());
    return encoder_.encode(from, to, cuts, delta_) ? std::string_view{delta_} : std::string_view{};
}

}  // namespace ringcast::shard

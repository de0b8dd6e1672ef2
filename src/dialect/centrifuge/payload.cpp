#include "dialect/centrifuge/payload.hpp"

#include "dialect/centrifuge/output.hpp"
#include "dialect/json.hpp"

namespace ringcast::dialect::centrifuge {

PublicationKind kind_received(Format format, std::string_view bytes) noexcept {
    if (format == Format::json || is_json(bytes)) return PublicationKind::json;
    return PublicationKind::binary;
}

void append_json(std::string& text, const Payload& payload) {
    append_measured(text, [&](auto& out) { put_json_payload(out, payload); });
}

}  // namespace ringcast::dialect::centrifuge

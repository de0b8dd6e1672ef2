#pragma once
// Publications that are kept, as clients of the Centrifuge protocol are told of them.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/publication_info.hpp"
#include "dialect/centrifuge/named_client.hpp"
#include "dialect/centrifuge/reply.hpp"
#include "shard/history_query.hpp"
#include "shard/publication_deltas.hpp"

namespace ringcast::api {

/// Views of what was missed, with what goes with it.
class Publications {
public:
    enum class For : std::uint8_t {
        everybody,
        delta_takers,  ///< Deltas to the last one may follow, and are of its data in their format.
    };
    explicit Publications(std::span<const shard::MissedPublication> missed,
                          For receiver = For::everybody,
                          dialect::centrifuge::Format format = dialect::centrifuge::Format::json) {
        all_.reserve(missed.size());
        for (const shard::MissedPublication& each : missed) {
            const std::span<const std::byte> data = each.payload();
            dialect::centrifuge::Publication& publication = all_.emplace_back();
            publication.data = {.bytes = as_text(data), .kind = each.kind};
            publication.offset = each.offset;
            if (receiver == For::delta_takers) quote(publication, format);
            const PublicationInfo info = unpack_publication_info(each.info());
            publication.tags = info.tags;
            if (!info.client.empty())
                publication.info = &publishers_.emplace_back(info.client).info();
        }
    }
    Publications(const Publications&) = delete;
    Publications& operator=(const Publications&) = delete;

    [[nodiscard]] std::span<const dialect::centrifuge::Publication> all() const noexcept {
        return all_;
    }

private:
    void quote(dialect::centrifuge::Publication& publication, dialect::centrifuge::Format format) {
        std::string text;
        publication.data.bytes = shard::PublicationDeltas::data_of(format, publication.data, text);
        publication.is_quoted = true;
        if (!text.empty()) publication.data.bytes = texts_.emplace_back(std::move(text));
    }

    std::vector<dialect::centrifuge::Publication> all_;
    std::deque<dialect::centrifuge::NamedClient> publishers_;
    std::deque<std::string> texts_;
};

}  // namespace ringcast::api

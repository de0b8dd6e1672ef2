#pragma once
// Publications that are kept, as clients of the Centrifuge protocol are told of them.

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "dialect/centrifuge/named_client.hpp"
#include "dialect/centrifuge/reply.hpp"
#include "shard/history_query.hpp"

namespace ringcast::api {

/// Views of what was missed, with who has published it.
class Publications {
public:
    explicit Publications(std::span<const shard::MissedPublication> missed) {
        all_.reserve(missed.size());
        for (const shard::MissedPublication& each : missed) {
            const std::span<const std::byte> data = each.payload();
            dialect::centrifuge::Publication& publication = all_.emplace_back();
            publication.data = {.bytes = as_text(data), .kind = each.kind};
            publication.offset = each.offset;
            if (!each.info().empty())
                publication.info = &publishers_.emplace_back(each.info()).info();
        }
    }
    Publications(const Publications&) = delete;
    Publications& operator=(const Publications&) = delete;

    [[nodiscard]] std::span<const dialect::centrifuge::Publication> all() const noexcept {
        return all_;
    }

private:
    std::vector<dialect::centrifuge::Publication> all_;
    std::deque<dialect::centrifuge::NamedClient> publishers_;
};

}  // namespace ringcast::api

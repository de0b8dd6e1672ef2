#pragma once
// The way back to an exchange that has asked another shard something. It is held meanwhile, and may
// be over when the answer comes.
//
//   exchange -> Shard::run_on(there, task) -> ... -> WayBack -> take(exchange), here, or nobody

#include <utility>

#include "shard/http_exchange.hpp"
#include "shard/shard.hpp"

namespace ringcast::shard {

class WayBack {
public:
    /// On the shard of `exchange`.
    explicit WayBack(const HttpExchange& exchange)
        : exchange_{exchange.id()}, shard_{exchange.shard().topics().shard()} {}

    /// On the shard that was asked: `take(HttpExchange&)` runs in the next turn of the one that
    /// asks, unless the exchange is over by then.
    template <class Take>
    void operator()(Shard& there, Take take) const {
        there.run_on(shard_, [id = exchange_, take = std::move(take)](Shard& here) mutable {
            if (auto exchange = here.find_exchange(id)) take(*exchange);
        });
    }

private:
    ExchangeId exchange_;
    std::uint32_t shard_;
};

}  // namespace ringcast::shard

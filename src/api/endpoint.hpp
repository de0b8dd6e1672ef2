#pragma once
// The bridge between a shard's Endpoint and a user's handler. Whatever the user throws ends here.

#include <memory>

#include "ringcast/detail/handler.hpp"
#include "shard/endpoint.hpp"

namespace ringcast::api {

/// One per mounted path and shard.
class HandlerEndpoint final : public shard::Endpoint {
public:
    HandlerEndpoint(const shard::SessionLimits& limits, std::unique_ptr<detail::Handler> handler)
        : Endpoint{limits}, handler_{std::move(handler)} {}

    shard::Verdict on_upgrade(shard::Upgrade& upgrade) override;
    void on_open(shard::Session& session) override;
    void on_message(shard::Session& session, const Message& message) override;
    void on_drain(shard::Session& session) override;
    void on_close(shard::Session& session, CloseCode code, std::string_view reason) override;
    void on_tick(shard::Shard& shard) override;

    [[nodiscard]] const void* state_tag() const noexcept { return handler_->state_tag(); }

private:
    std::unique_ptr<detail::Handler> handler_;
};

}  // namespace ringcast::api

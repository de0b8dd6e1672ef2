#pragma once
// The bridge between a shard's Endpoint and a user's handler. Whatever the user throws ends here.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/session_orders.hpp"
#include "ringcast/detail/handler.hpp"
#include "shard/endpoint.hpp"
#include "shard/shard.hpp"

namespace ringcast::api {

/// Runs a hook of the user. An exception is counted and logged; false then.
template <class Hook>
bool call(shard::Shard& shard, const char* name, Hook&& hook) noexcept {
    try {
        hook();
        return true;
    } catch (const std::exception& exception) {
        shard.report_handler_exception(name, exception.what());
    } catch (...) {
        shard.report_handler_exception(name, "not a std::exception");
    }
    return false;
}

/// Every endpoint of a server that is made through the public API.
class ApiEndpoint : public shard::Endpoint {
public:
    using Endpoint::Endpoint;
    /// Which type the states of its sessions have.
    [[nodiscard]] virtual const void* state_tag() const noexcept = 0;
    [[nodiscard]] const void* class_tag() const noexcept final;

    /// Of api::carry_out(): the part of this endpoint's sessions.
    virtual void carry_out(shard::Shard& shard, const SessionOrder& order, shard::Task done) = 0;
    /// Users who have sessions of it.
    [[nodiscard]] virtual std::size_t user_count() const noexcept = 0;
};

/// One whose sessions are a user's, whom the token of their opening handshake has named, or
/// nobody's. They have no ids and no subscriptions for others to end: an order for them is a
/// disconnect of their user.
class UserEndpoint : public ApiEndpoint {
public:
    using ApiEndpoint::ApiEndpoint;
    void carry_out(shard::Shard& shard, const SessionOrder& order, shard::Task done) final;
    [[nodiscard]] std::size_t user_count() const noexcept final { return users_.size(); }

protected:
    /// Whose an open session is; empty: nobody's.
    [[nodiscard]] virtual std::string_view user_of(const shard::Session& session) const = 0;
    /// From on_open(), and from on_close(), with what user_of() says.
    void count_user(std::string_view user);
    void discount_user(std::string_view user);

private:
    void disconnect(shard::Shard& shard, const SessionOrder& order, shard::Task done,
                    std::uint32_t next_slot);

    std::unordered_map<std::string, std::uint32_t> users_;  // With how many sessions.
};

/// A user's handler. One per mounted path and shard.
class HandlerEndpoint final : public UserEndpoint {
public:
    HandlerEndpoint(const shard::SessionLimits& limits, std::unique_ptr<detail::Handler> handler)
        : UserEndpoint{limits}, handler_{std::move(handler)} {}

    shard::Verdict on_upgrade(shard::Upgrade& upgrade) override;
    shard::Verdict on_late_verdict(shard::Verdict late, shard::Verdict pending) override;
    void on_open(shard::Session& session) override;
    void on_message(shard::Session session, std::string_view payload, MessageKind kind) override;
    void on_skipped(shard::Session& session, std::uint64_t count) override;
    void on_drain(shard::Session& session) override;
    void on_close(shard::Session& session, CloseCode code, std::string_view reason) override;
    void on_tick(shard::Shard& shard) override;

    [[nodiscard]] const void* state_tag() const noexcept override { return handler_->state_tag(); }

private:
    [[nodiscard]] std::string_view user_of(const shard::Session& session) const override;
    [[nodiscard]] bool tell_skipped(shard::Session& session);

    std::unique_ptr<detail::Handler> handler_;
    std::string opening_user_;  // Of the session that on_open() is called for next, if it is.
    std::unordered_map<std::uint32_t, std::string>
        session_users_;  // By slot: of those that have one.
    // What sessions have missed and the handler has not been told, by slot: of few, slow ones.
    std::unordered_map<std::uint32_t, std::uint64_t> skipped_;
};

}  // namespace ringcast::api

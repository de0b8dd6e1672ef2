#include "dialect/centrifuge/client_session.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"

namespace ringcast::dialect::centrifuge {

namespace {

/// What a unidirectional client is told instead of an error.
DisconnectCode disconnect_for(ErrorCode code) noexcept {
    if (code == ErrorCode::token_expired || code == ErrorCode::expired)
        return DisconnectCode::expired;
    if (code == ErrorCode::too_many_requests) return DisconnectCode::too_many_requests;
    if (is_temporary(code)) return DisconnectCode::server_error;
    if (code == ErrorCode::bad_request) return DisconnectCode::bad_request;
    return DisconnectCode::permission_denied;
}

}  // namespace

ClientSession::ClientSession(const SessionSettings& settings, const Wire& wire, Instant now,
                             Pings pings) noexcept
    : settings_(settings), wire_(wire), pings_(pings), stale_at_(now + settings.stale_timeout) {}

ClientSession::Step ClientSession::step() const noexcept {
    return is_closed() ? Step::closed : Step::idle;
}

ClientSession::Step ClientSession::receive(std::span<char>& message, std::string& out) {
    RC_ASSERT(!wire_.is_unidirectional);
    if (is_closed()) return Step::closed;
    if (pending_) return Step::held;
    CommandDecoder decoder{wire_.format, message, decoded_count_};
    while (decoder.next()) {
        const Step step = take(decoder.command(), out);
        if (step == Step::idle) continue;
        message = decoder.rest();
        decoded_count_ = message.empty() ? 0 : decoder.decoded_count();
        return step;
    }
    message = {};
    decoded_count_ = 0;
    malformed_ = decoder.fault();
    if (malformed_ != Malformed::none) close(DisconnectCode::bad_request, out);
    return step();
}

ClientSession::Step ClientSession::connect(const ConnectRequest& request, std::string& out) {
    RC_ASSERT(wire_.is_unidirectional);
    if (is_closed()) return Step::closed;
    if (pending_) return Step::held;
    if (state_ == State::fresh) return ask(0, Kind::connect, {}, request);
    close(DisconnectCode::bad_request, out);
    return Step::closed;
}

ClientSession::Step ClientSession::take(const Command& command, std::string& out) {
    const bool is_connect = std::holds_alternative<ConnectRequest>(command.request);
    if (is_connect != (state_ == State::fresh) || state_ == State::refused) {
        close(DisconnectCode::bad_request, out);
        return Step::closed;
    }
    return std::visit(
        [&](const auto& request) {
            using Request = std::remove_cvref_t<decltype(request)>;
            const std::uint32_t id = command.id;
            if constexpr (std::is_same_v<Request, ConnectRequest>) {
                return ask(id, Kind::connect, {}, request);
            } else if constexpr (std::is_same_v<Request, std::monostate>) {
                if (command.is_pong()) {
                    take_pong(out);
                } else {
                    refuse(id, ErrorCode::method_not_found, out);
                }
            } else if constexpr (std::is_same_v<Request, PingRequest>) {
                reply(id, PingResult{}, out);
            } else if constexpr (std::is_same_v<Request, RpcRequest>) {
                refuse(id, ErrorCode::not_available, out);
            } else if constexpr (std::is_same_v<Request, SendRequest>) {
                // Nobody takes it, and no reply could say so.
                close(DisconnectCode::not_available, out);
            } else {
                return take_request(id, request, out);
            }
            return step();
        },
        command.request);
}

void ClientSession::take_pong(std::string& out) {
    if (pongs_due_ == 0) return close(DisconnectCode::bad_request, out);
    // Those behind it were sent while nobody listened: all came in time if the first one did.
    --pongs_due_;
    pong_until_ = instant_never;
}

bool ClientSession::check_channel(std::uint32_t id, std::string_view channel, std::string& out) {
    if (channel.empty()) {
        close(DisconnectCode::bad_request, out);
        return false;
    }
    if (channel.size() <= settings_.channel_bytes_max) return true;
    refuse(id, ErrorCode::bad_request, out);
    return false;
}

ClientSession::Step ClientSession::take_request(std::uint32_t id, const SubscribeRequest& request,
                                                std::string& out) {
    if (!check_channel(id, request.channel, out)) return step();
    if (is_subscribed(request.channel)) {
        refuse(id, ErrorCode::already_subscribed, out);
    } else if (subscriptions_.size() >= settings_.subscriptions_max) {
        refuse(id, ErrorCode::limit_exceeded, out);
    } else {
        return ask(id, Kind::subscribe, request.channel, request);
    }
    return Step::idle;
}

ClientSession::Step ClientSession::take_request(std::uint32_t id, const UnsubscribeRequest& request,
                                                std::string& out) {
    if (request.channel.empty()) {
        close(DisconnectCode::bad_request, out);
        return Step::closed;
    }
    reply(id, UnsubscribeResult{}, out);
    const auto found = find(request.channel);
    if (found == subscriptions_.end()) return Step::idle;
    subscriptions_.erase(found);
    request_ = {0, request};
    return Step::request;
}

ClientSession::Step ClientSession::take_request(std::uint32_t id, const PublishRequest& request,
                                                std::string& out) {
    if (!check_channel(id, request.channel, out)) return step();
    if (!request.data.bytes.empty()) return ask(id, Kind::other, {}, request);
    refuse(id, ErrorCode::bad_request, out);
    return Step::idle;
}

ClientSession::Step ClientSession::take_request(std::uint32_t id, const RefreshRequest& request,
                                                std::string& out) {
    if (client_refreshes_) return ask(id, Kind::refresh, {}, request);
    close(DisconnectCode::bad_request, out);
    return Step::closed;
}

ClientSession::Step ClientSession::take_request(std::uint32_t id, const SubRefreshRequest& request,
                                                std::string& out) {
    if (!check_channel(id, request.channel, out)) return step();
    // The others are not the client's to refresh.
    if (subscribed_by(request.channel) == SubscribedBy::client)
        return ask(id, Kind::sub_refresh, request.channel, request);
    refuse(id, ErrorCode::permission_denied, out);
    return Step::idle;
}

ClientSession::Step ClientSession::take_request(std::uint32_t id, const auto& request,
                                                std::string& out) {
    if (!check_channel(id, request.channel, out)) return step();
    return ask(id, Kind::other, {}, request);
}

ClientSession::Step ClientSession::ask(std::uint32_t id, Kind kind, std::string_view channel,
                                       auto what) {
    if (++ticket_ == 0) ++ticket_;
    pending_.emplace(ticket_, id, kind, std::string{channel});
    request_ = {ticket_, std::move(what)};
    return Step::request;
}

void ClientSession::reply(std::uint32_t id, const auto& result, std::string& out) {
    append(out, wire_, Reply{id, result});
}

void ClientSession::refuse(std::uint32_t id, ErrorCode code, std::string& out) {
    if (wire_.is_unidirectional) return close(disconnect_for(code), out);
    reply(id, Error{code}, out);
}

void ClientSession::answer(Ticket ticket, const SessionAnswer& answer, Instant now, Prng& prng,
                           std::string& out) {
    if (!pending_ || pending_->ticket != ticket) return;
    const Pending pending = *std::exchange(pending_, std::nullopt);
    if (const auto* const code = std::get_if<DisconnectCode>(&answer)) return close(*code, out);
    if (const auto* const code = std::get_if<ErrorCode>(&answer)) {
        if (pending.kind == Kind::connect) state_ = State::refused;
        return refuse(pending.command_id, *code, out);
    }
    switch (pending.kind) {
        case Kind::connect: return accept(pending, std::get<ConnectResult>(answer), now, prng, out);
        case Kind::subscribe: return accept(pending, std::get<SubscribeResult>(answer), now, out);
        case Kind::refresh: return accept(pending, std::get<RefreshResult>(answer), now, out);
        case Kind::sub_refresh:
            return accept(pending, std::get<SubRefreshResult>(answer), now, out);
        case Kind::other: break;
    }
    std::visit(
        [&](const auto& result) {
            using Result = std::remove_cvref_t<decltype(result)>;
            if constexpr (std::is_same_v<Result, ErrorCode> ||
                          std::is_same_v<Result, DisconnectCode>) {
                RC_ASSERT(false);
            } else {
                reply(pending.command_id, result, out);
            }
        },
        answer);
}

void ClientSession::accept(const Pending& pending, const ConnectResult& result, Instant now,
                           Prng& prng, std::string& out) {
    state_ = State::connected;
    stale_at_ = instant_never;
    client_refreshes_ = result.expires;
    if (result.expires) expires_at_ = expiry(true, result.ttl, now);
    for (const auto& [channel, subscribed] : result.subs)
        add(channel, expiry(subscribed.expires, subscribed.ttl, now), SubscribedBy::token);
    ConnectResult complete = result;
    if (settings_.ping_interval.count() > 0) {
        // The first one is drawn, so that the pings of a crowd that came together spread out.
        const Duration interval = settings_.ping_interval;
        const auto half = static_cast<std::uint64_t>(interval.count() / 2);
        ping_at_ = now + interval - Duration{static_cast<Duration::rep>(prng.below(half + 1))};
    }
    if (settings_.ping_interval.count() > 0 && pings_ == Pings::message) {
        complete.ping = static_cast<std::uint32_t>(settings_.ping_interval.count());
        complete.pong = settings_.pong_timeout.count() > 0 && !wire_.is_unidirectional;
    }
    if (wire_.is_unidirectional) {
        append(out, wire_, Reply{0, Push{{}, complete}});
    } else {
        reply(pending.command_id, complete, out);
    }
}

void ClientSession::accept(const Pending& pending, const SubscribeResult& result, Instant now,
                           std::string& out) {
    add(pending.channel, expiry(result.expires, result.ttl, now), SubscribedBy::client);
    reply(pending.command_id, result, out);
}

void ClientSession::accept(const Pending& pending, const RefreshResult& result, Instant now,
                           std::string& out) {
    expires_at_ = expiry(result.expires, result.ttl, now);
    reply(pending.command_id, result, out);
}

void ClientSession::accept(const Pending& pending, const SubRefreshResult& result, Instant now,
                           std::string& out) {
    // It may have ended meanwhile; the push that said so is out.
    const auto found = find(pending.channel);
    if (found != subscriptions_.end()) set_expiry(*found, expiry(result.expires, result.ttl, now));
    reply(pending.command_id, result, out);
}

Instant ClientSession::expiry(bool expires, std::uint32_t ttl, Instant now) const noexcept {
    if (!expires) return instant_never;
    return now + std::chrono::seconds{ttl} + settings_.refresh_delay;
}

Instant ClientSession::deadline() const noexcept {
    if (is_closed()) return instant_never;
    return std::min({stale_at_, ping_at_, expires_at_, pong_until_, next_look_});
}

void ClientSession::on_time(Instant now, std::string& out, bool is_input_held) {
    if (is_closed()) return;
    if (now >= stale_at_) {
        // It has connected, and waits for the answer.
        if (!pending_) return close(DisconnectCode::stale, out);
        stale_at_ = now + settings_.stale_timeout;
    }
    if (now >= pong_until_) {
        // The pong may be in what is held back.
        if (!pending_ && !is_input_held) return close(DisconnectCode::no_pong, out);
        pong_until_ = now + settings_.pong_timeout;
    }
    if (now >= expires_at_) return close(DisconnectCode::expired, out);
    end_expired(now, out);
    if (now >= ping_at_) ping(now, out);
}

void ClientSession::ping(Instant now, std::string& out) {
    ping_at_ = now + settings_.ping_interval;
    if (pings_ == Pings::frame) {
        is_ping_due_ = true;
        return;
    }
    append(out, wire_, Reply{});
    const bool is_answered = settings_.pong_timeout.count() > 0 && !wire_.is_unidirectional;
    if (!is_answered) return;
    ++pongs_due_;
    pong_until_ = std::min(pong_until_, now + settings_.pong_timeout);
}

void ClientSession::add(std::string_view channel, Instant expires_at, SubscribedBy by) {
    set_expiry(subscriptions_.emplace_back(std::string{channel}, instant_never, by), expires_at);
}

void ClientSession::set_expiry(Subscription& subscription, Instant expires_at) noexcept {
    subscription.expires_at = expires_at;
    next_look_ = std::min(next_look_, expires_at);
}

void ClientSession::end_expired(Instant now, std::string& out) {
    if (now < next_look_) return;
    next_look_ = instant_never;
    std::erase_if(subscriptions_, [&](Subscription& each) {
        if (now < each.expires_at) {
            next_look_ = std::min(next_look_, each.expires_at);
            return false;
        }
        append(out, wire_, Reply{0, Push{each.channel, Unsubscribe{UnsubscribeCode::expired}}});
        expired_.push_back(std::move(each.channel));
        return true;
    });
}

std::optional<std::string> ClientSession::take_expired() {
    if (expired_.empty()) return std::nullopt;
    std::string channel = std::move(expired_.back());
    expired_.pop_back();
    return channel;
}

bool ClientSession::subscribe(std::string_view channel, const Subscribe& what,
                              std::optional<std::uint32_t> ttl, Instant now, std::string& out) {
    if (!is_connected() || is_subscribed(channel)) return false;
    add(channel, expiry(ttl.has_value(), ttl.value_or(0), now), SubscribedBy::host);
    append(out, wire_, Reply{0, Push{channel, what}});
    return true;
}

void ClientSession::push(std::string_view channel, const Publication& publication,
                         std::string& out) {
    append(out, wire_, Reply{0, Push{channel, publication}});
}

void ClientSession::pass_on(std::string_view pushes, std::string& out) const {
    if (!is_closed()) append_encoded(out, wire_, pushes);
}

bool ClientSession::unsubscribe(std::string_view channel, UnsubscribeCode code, std::string& out) {
    const auto found = find(channel);
    if (is_closed() || found == subscriptions_.end()) return false;
    append(out, wire_, Reply{0, Push{channel, Unsubscribe{code}}});
    subscriptions_.erase(found);
    return true;
}

void ClientSession::refresh(bool expires, std::uint32_t ttl, Instant now, std::string& out) {
    if (!is_connected()) return;
    expires_at_ = expiry(expires, ttl, now);
    append(out, wire_, Reply{0, Push{{}, Refresh{expires, ttl}}});
}

void ClientSession::close(DisconnectCode code, std::string& out) {
    if (is_closed()) return;
    state_ = State::closed;
    disconnect_ = code;
    pending_.reset();
    subscriptions_.clear();
    // A WebSocket says it in its close frame.
    if (wire_.framing == Framing::message) return;
    append(out, wire_, Reply{0, Push{{}, Disconnect{code}}});
}

std::optional<SubscribedBy> ClientSession::subscribed_by(std::string_view channel) const noexcept {
    const auto found = std::ranges::find(subscriptions_, channel, &Subscription::channel);
    if (found == subscriptions_.end()) return std::nullopt;
    return found->by;
}

std::vector<ClientSession::Subscription>::iterator ClientSession::find(
    std::string_view channel) noexcept {
    return std::ranges::find(subscriptions_, channel, &Subscription::channel);
}

}  // namespace ringcast::dialect::centrifuge

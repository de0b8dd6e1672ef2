// Who is at the other end: proxies that speak for others, and how much each client may have.

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "shard/shard.hpp"

namespace ringcast::shard {

namespace {

constexpr std::string_view retry_soon = "Retry-After: 5\r\n";

// What is said to a connection that gets no memory here: one send, then the end. Its request has
// come perhaps; unread, it turns the end into a reset, which a client sees behind the answer.
constexpr http::Response server_is_full{
    .status = code_of(http::Status::service_unavailable),
    .fields = retry_soon,
    .body = "too many connections\n",
};
constexpr http::Response too_many_requests{
    .status = code_of(http::Status::too_many_requests),
    .fields = retry_soon,
    .body = "too many connections from this address\n",
};
constexpr http::Response malformed_forwarded{
    .status = code_of(http::Status::bad_request),
    .body = "malformed Forwarded field\n",
};

}  // namespace

void Shard::refuse_full(int fd, const Listener& listener) {
    if (listener.access == Access::admin) {
        log_.limited(limiters_.admin_refused)
            .field("admin_connections_max", settings_.admin_connections_max);
    } else {
        ++metrics_.accepts_refused;
        auto line = log_.limited(limiters_.refused);
        const std::uint64_t whole = settings_.server_connections_max;
        line.field("connections_max", whole != 0 ? whole : settings_.connections_max);
        if (whole != 0 && whole != settings_.connections_max)
            line.field("of_this_shard", settings_.connections_max);
    }
    refuse_accepted(fd, listener.transport, &server_is_full);
}

/// Tells it `answer`, unless there is none or TLS is expected, and closes it as soon as the ring
/// has given the answer back, without a Connection.
void Shard::refuse_accepted(int fd, Transport transport, const http::Response* answer) {
    const ring::Token token{.tag = static_cast<std::uint8_t>(Tag::refused)};
    ++refused_closing_;
    if (answer == nullptr || transport == Transport::tls) return ring_.close(token, fd);
    if (refused_told_.empty()) refusals_.clear();
    std::string& text = refusals_[answer->status];
    if (text.empty()) http::write_response(text, dated(*answer));
    ring_.send_quiet(token, fd, as_bytes(text));
    refused_told_.push_back(fd);
    is_turn_owed_ = true;
}

void Shard::close_refused() {
    for (const int fd : refused_told_)
        ring_.close({.tag = static_cast<std::uint8_t>(Tag::refused)}, fd);
    refused_told_.clear();
}

/// Looks at who has connected, where that matters. Null: refused.
std::unique_ptr<Guest> Shard::receive_guest(int fd, Transport transport) {
    const ring::Address peer = ring_.peer_address(fd);
    const bool is_trusted = settings_.trusted_proxies.contains(peer);
    auto guest = std::make_unique<Guest>();
    if (settings_.proxy_protocol == ProxyProtocol::required) {
        if (is_trusted) {
            guest->proxy_header = std::make_unique<http::ProxyHeaderParser>();
            return guest;
        }
        ++metrics_.proxies_untrusted;
        log_.limited(limiters_.proxy).field("peer", peer.to_string()).field("reason", "untrusted");
        refuse_accepted(fd, transport, nullptr);
        return nullptr;
    }
    const auto endpoint = peer.ip_endpoint();
    if (is_trusted || !endpoint || admit(*guest, endpoint->ip)) return guest;
    refuse_accepted(fd, transport, &too_many_requests);
    return nullptr;
}

/// Counts one more connection of the client; false if it has too many, or too often.
bool Shard::admit(Guest& guest, const IpAddress& ip) {
    RC_ASSERT(guest.place == ClientLimits::no_place);
    if (!limits_clients()) return true;
    const ClientLimits::Entry entry = client_limits_->admit(ip, ring_.now());
    guest.place = entry.place;
    if (entry.verdict == ClientLimits::Verdict::admitted) return true;
    const bool is_too_often = entry.verdict == ClientLimits::Verdict::too_often;
    ++(is_too_often ? metrics_.clients_too_often : metrics_.clients_too_many);
    log_.limited(limiters_.client)
        .field("client", ring::Address::of({.ip = ip}).ip_string())
        .field("reason", is_too_often ? "too often" : "too many");
    return false;
}

/// Its connection, or the request on it, is another client's from now on.
void Shard::forget_client(Guest& guest) {
    if (client_limits_ != nullptr)
        client_limits_->leave(std::exchange(guest.place, ClientLimits::no_place));
}

/// What has come from a client with a Guest: takes the PROXY header from the front of it, or the
/// tokens for it.
void Shard::take_from_guest(Connection& connection, std::span<std::byte>& bytes) {
    Guest& guest = *connection.guest;
    if (connection.broken) {  // More of the turn in which its PROXY header was refused.
        bytes = {};
        return;
    }
    if (guest.proxy_header) return take_proxy_header(connection, bytes);
    if (connection.phase != Phase::open) return;
    const TokenRate& rate = connection.endpoint->limits().byte_rate;
    if (rate.is_limited()) pace(connection, guest.bytes.take(bytes.size(), rate, ring_.now()));
}

/// For a message or a control frame that has come.
void Shard::take_message_token(Connection& connection) {
    if (connection.phase != Phase::open) return;
    const TokenRate& rate = connection.endpoint->limits().message_rate;
    if (rate.is_limited()) pace(connection, connection.guest->messages.take(1, rate, ring_.now()));
}

/// Suspends the input until then: TCP slows the client down, and nothing is lost.
void Shard::pace(Connection& connection, Instant resumes_at) {
    if (resumes_at <= ring_.now()) return;
    Guest& guest = *connection.guest;
    guest.resumes_at = std::max(guest.resumes_at, resumes_at);
    ++metrics_.rate_suspensions;
    suspend(connection, Suspension::rate);
    schedule_open(connection);
}

ClientLimits::Permit Shard::take_publication(std::uint64_t publisher, std::string_view topic,
                                             const TokenRate& rate, ClientLimits::Excess excess) {
    if (client_limits_ == nullptr) return {};
    const ClientLimits::Permit permit =
        client_limits_->take_publication(publisher, topic, rate, now(), excess);
    if (!permit.is_given) ++metrics_.publications_refused;
    return permit;
}

void Shard::take_proxy_header(Connection& connection, std::span<std::byte>& bytes) {
    using Found = http::ProxyHeaderParser::Found;
    Guest& guest = *connection.guest;
    switch (guest.proxy_header->next(bytes)) {
        case Found::need_more: return;
        case Found::header: break;
        case Found::failure:
            ++metrics_.proxy_headers_malformed;
            log_.limited(limiters_.proxy)
                .field("peer", ring_.peer_address(connection.fd).to_string())
                .field("reason", to_string(guest.proxy_header->reason()));
            bytes = {};
            connection.broken = true;
            return attend(connection);
    }
    guest.proxied = guest.proxy_header->source();
    guest.proxy_header.reset();
    const bool has_client = guest.proxied && !settings_.trusted_proxies.contains(guest.proxied->ip);
    if (has_client && connection.phase == Phase::request && !admit(guest, guest.proxied->ip))
        refuse(connection, too_many_requests);
}

/// Finds out whose request it is, if it comes from a trusted proxy that says so. That counts as a
/// connection of the client if it shall become a session; the proxy brings plain requests of all
/// clients on a few connections of its own. False: refused.
bool Shard::identify_client(Connection& connection, const http::Request& request,
                            bool wants_upgrade) {
    const TrustedProxies& trusted = settings_.trusted_proxies;
    if (connection.guest && connection.guest->forwarded) {  // The request before was another's.
        connection.guest->forwarded.reset();
        forget_client(*connection.guest);
    }
    if (trusted.empty() || connection.access == Access::admin) return true;
    const auto hops = http::ForwardedHops::read(request, settings_.forwarded_field);
    if (hops && hops->count() == 0) return true;
    const bool is_proxied = connection.guest && connection.guest->proxied;
    if (is_proxied ? !trusted.contains(connection.guest->proxied->ip)
                   : !trusted.contains(ring_.peer_address(connection.fd)))
        return true;
    if (!hops) {
        refuse(connection, malformed_forwarded);
        return false;
    }
    if (!connection.guest) connection.guest = std::make_unique<Guest>();
    Guest& guest = *connection.guest;
    for (std::size_t i = 0; i < hops->count() && hops->from_end(i); ++i) {
        guest.forwarded = hops->from_end(i);
        if (!trusted.contains(guest.forwarded->ip)) break;
    }
    return !wants_upgrade || admit_forwarded(connection);
}

/// Before the connection becomes a session of whom a trusted proxy has named. False: refused.
bool Shard::admit_forwarded(Connection& connection) {
    if (!connection.guest || !connection.guest->forwarded) return true;
    Guest& guest = *connection.guest;
    const bool has_client = !settings_.trusted_proxies.contains(guest.forwarded->ip);
    if (!has_client || admit(guest, guest.forwarded->ip)) return true;
    refuse(connection, too_many_requests);
    return false;
}

ring::Address Shard::client_address(const Connection& connection) const {
    if (connection.guest && connection.guest->forwarded)
        return ring::Address::of(*connection.guest->forwarded);
    if (connection.guest && connection.guest->proxied)
        return ring::Address::of(*connection.guest->proxied);
    return ring_.peer_address(connection.fd);
}

}  // namespace ringcast::shard

// Requests that endpoints have: held, answered piece by piece, and how they end.

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.hpp"
#include "shard/answers.hpp"
#include "shard/http_exchange.hpp"
#include "shard/session.hpp"
#include "shard/shard.hpp"

namespace ringcast::shard {

namespace {

constexpr http::Response answer_overdue{
    .status = code_of(http::Status::service_unavailable),
    .body = "the answer took too long\n",
};

/// What can still be answered; null if there is nothing.
Exchange* exchange_of(Connection& connection) noexcept {
    if (connection.phase != Phase::answering || connection.broken) return nullptr;
    auto& exchange = std::get<Exchange>(connection.parser);
    return exchange.is_gone ? nullptr : &exchange;
}

}  // namespace

bool HttpExchange::answer(HttpAnswer answer) {
    RC_ASSERT(answer.kind == HttpAnswer::Kind::whole || answer.kind == HttpAnswer::Kind::stream);
    Exchange* const exchange = exchange_of(*connection_);
    if (exchange == nullptr || exchange->is_stream) return false;
    if (answer.kind == HttpAnswer::Kind::stream) {
        if (answer.state) exchange->state = std::move(answer.state);
        shard_->start_stream(*connection_, answer);
    } else {
        const http::ResponseRules rules = exchange->rules;  // The exchange ends with it.
        shard_->answer_whole(*connection_, rules, answer);
    }
    return true;
}

SendStatus HttpExchange::write(std::string_view bytes) {
    return shard_->write(*connection_, bytes);
}

void HttpExchange::finish() {
    const Exchange* const exchange = exchange_of(*connection_);
    if (exchange != nullptr && exchange->is_stream) shard_->finish_stream(*connection_);
}

void HttpExchange::await_room(std::string_view topic) {
    shard_->topics_.wait_for_room(connection_->id, shard_->topics_.home_of(topic));
}

bool HttpExchange::history(std::string_view topic, const HistoryQuery& query) {
    // The tag is what tells it from later exchanges of the connection.
    return shard_->topics_.ask_history(*connection_, topic, query, id().request);
}

bool HttpExchange::take_tokens(const SessionLimits& limits, std::uint64_t bytes) {
    const TokenRate& messages = limits.message_rate;
    const TokenRate& octets = limits.byte_rate;
    if (!messages.is_limited() && !octets.is_limited()) return true;
    if (!connection_->guest) connection_->guest = std::make_unique<Guest>();
    Guest& guest = *connection_->guest;
    const auto has_one = [now = shard_->now()](TokenBucket bucket, const TokenRate& rate) {
        return !rate.is_limited() || bucket.take(1, rate, now) <= now + rate.time_of(1);
    };
    if (!has_one(guest.messages, messages) || !has_one(guest.bytes, octets)) return false;
    if (messages.is_limited()) (void)guest.messages.take(1, messages, shard_->now());
    // They may be fewer: then the next ones wait the longer.
    if (octets.is_limited()) (void)guest.bytes.take(bytes, octets, shard_->now());
    return true;
}

void HttpExchange::abort() {
    Exchange* const exchange = exchange_of(*connection_);
    if (exchange == nullptr) return;
    exchange->is_told = true;  // It knows.
    shard_->terminate(*connection_);
}

void* HttpExchange::state() const noexcept {
    const auto* const exchange = std::get_if<Exchange>(&connection_->parser);
    return exchange == nullptr ? nullptr : exchange->state.get();
}

ExchangeId HttpExchange::id() const noexcept {
    return {.connection = connection_->id, .request = connection_->requests_count};
}

Session HttpExchange::as_session() const noexcept {
    return Session{*shard_, *connection_};
}

std::uint64_t HttpExchange::queued_bytes() const noexcept {
    return connection_->queued_bytes;
}

ring::Address HttpExchange::peer_address() const {
    return shard_->client_address(*connection_);
}

std::optional<HttpExchange> Shard::find_exchange(ExchangeId id) {
    affinity_.check();
    Connection* const connection = connections_.find(id.connection);
    if (connection == nullptr || connection->requests_count != id.request ||
        exchange_of(*connection) == nullptr)
        return std::nullopt;
    return HttpExchange{*this, *connection};
}

/// Of the request under way, or of one before.
void Shard::tell_exchange(Connection& connection, const HistoryAnswer& answer) {
    Exchange* const exchange = exchange_of(connection);
    if (exchange == nullptr || answer.tag != connection.requests_count) return;
    HttpExchange view{*this, connection};
    exchange->endpoint->on_history(view, answer);
}

/// The endpoint has not said all. Input is kept from here on; what the client does is still seen.
void Shard::begin_exchange(Connection& connection, HttpEndpoint& endpoint,
                           const http::ResponseRules& rules, HttpAnswer& said) {
    connection.parser.emplace<Exchange>(Exchange{.endpoint = &endpoint,
                                                 .state = std::move(said.state),
                                                 .began_at = ring_.now(),
                                                 .rules = rules});
    connection.phase = Phase::answering;
    if (said.kind == HttpAnswer::Kind::stream) return start_stream(connection, said);
    schedule_by(connection, exchange_deadline(std::get<Exchange>(connection.parser)));
}

void Shard::start_stream(Connection& connection, const HttpAnswer& said) {
    ++metrics_.http_requests;
    auto& exchange = std::get<Exchange>(connection.parser);
    exchange.is_stream = true;
    exchange.is_told = false;  // If time was up, this is what came of it.
    exchange.began_at = ring_.now();
    // Where there are no chunks, the end of the connection is that of the stream.
    if (!exchange.rules.takes_chunks) exchange.rules.persistence = http::Persistence::close;
    const http::Response response{.status = said.status,
                                  .fields = said.fields,
                                  .content_type = said.content_type,
                                  .body = {}};
    scratch_.clear();
    http::write_stream_head(scratch_, completed(connection, response), exchange.rules);
    enqueue_raw(connection, as_bytes(scratch_));
    if (!http::takes_content(said.status, exchange.rules))
        return end_request(connection, exchange.rules.persistence);
    if (!said.body.empty()) write_piece(connection, said.body, exchange.rules.takes_chunks);
    schedule_by(connection,
                std::min(exchange_deadline(exchange), ring_.now() + settings_.http.idle_timeout));
}

SendStatus Shard::write(Connection& connection, std::string_view bytes) {
    const Exchange* const exchange = exchange_of(connection);
    if (exchange == nullptr || !exchange->is_stream) return SendStatus::closed;
    if (!has_room(connection, bytes.size() + http::chunk_begin_bytes_max + http::chunk_end.size(),
                  settings_.http.send_queue_bytes_max)) {
        ++metrics_.messages_dropped;
        connection.behind = true;
        return SendStatus::dropped;
    }
    if (!bytes.empty()) write_piece(connection, bytes, exchange->rules.takes_chunks);
    if (connection.queued_bytes <= settings_.http.high_water_bytes()) return SendStatus::accepted;
    connection.behind = true;
    return SendStatus::behind;
}

void Shard::write_piece(Connection& connection, std::string_view bytes, bool takes_chunks) {
    if (!takes_chunks) return enqueue_raw(connection, as_bytes(bytes));
    std::array<char, http::chunk_begin_bytes_max> begin;
    const std::size_t begin_bytes = http::write_chunk_begin(begin.data(), bytes.size());
    enqueue_raw(connection, as_bytes({begin.data(), begin_bytes}));
    enqueue_raw(connection, as_bytes(bytes));
    enqueue_raw(connection, as_bytes(http::chunk_end));
}

void Shard::finish_stream(Connection& connection) {
    const http::ResponseRules rules = std::get<Exchange>(connection.parser).rules;
    if (rules.takes_chunks) enqueue_raw(connection, as_bytes(http::last_chunk));
    end_request(connection, rules.persistence);
}

/// Output has gone.
void Shard::serve_exchange(Connection& connection) {
    if (!connection.behind || connection.queued_bytes > settings_.http.low_water_bytes()) return;
    connection.behind = false;
    HttpExchange exchange{*this, connection};
    std::get<Exchange>(connection.parser).endpoint->on_drain(exchange);
}

void Shard::continue_exchange(Connection& connection) {
    Exchange* const exchange = exchange_of(connection);
    if (exchange == nullptr) return;
    HttpExchange view{*this, connection};
    exchange->endpoint->on_room(view);
}

void Shard::resolve_exchange(Connection& connection, Verdict verdict) {
    Exchange* const exchange = exchange_of(connection);
    if (exchange == nullptr || exchange->is_stream) return;
    HttpExchange view{*this, connection};
    exchange->endpoint->on_late_verdict(view, std::move(verdict));
}

/// The endpoint hears, once, that the exchange ends without its word.
void Shard::tell_end(Connection& connection, HttpEnd reason) {
    auto& exchange = std::get<Exchange>(connection.parser);
    exchange.is_gone |= reason == HttpEnd::aborted;
    if (std::exchange(exchange.is_told, true)) return;
    if (reason == HttpEnd::aborted) ++metrics_.http_aborts;
    HttpExchange view{*this, connection};
    exchange.endpoint->on_end(view, reason);
}

/// Ends the exchange in order, as the endpoint wants, or with 503, or where the stream stands.
void Shard::end_exchange(Connection& connection, HttpEnd reason) {
    auto& ending = std::get<Exchange>(connection.parser);
    const bool was_stream = ending.is_stream;
    if (reason == HttpEnd::shutdown) ending.rules.persistence = http::Persistence::close;
    tell_end(connection, reason);
    Exchange* const exchange = exchange_of(connection);
    if (exchange == nullptr) return;  // That was the answer.
    const bool has_begun = exchange->is_stream && !was_stream;
    if (has_begun && reason == HttpEnd::timed_out) return;
    exchange->rules.persistence = http::Persistence::close;
    if (exchange->is_stream) return finish_stream(connection);
    const http::ResponseRules rules = exchange->rules;
    answer(connection, rules, reason == HttpEnd::shutdown ? shutting_down : answer_overdue);
}

/// When the endpoint has to have answered, or its stream ends.
Instant Shard::exchange_deadline(const Exchange& exchange) const noexcept {
    if (!exchange.is_stream) return exchange.began_at + settings_.http.answer_timeout;
    const bool is_limited = settings_.http.stream_timeout > Duration{0};
    return is_limited ? exchange.began_at + settings_.http.stream_timeout : instant_never;
}

/// Lazy, as those of open sessions. A stream is looked at in between: its client has to take what
/// is sent.
void Shard::on_exchange_deadline(Connection& connection) {
    auto& exchange = std::get<Exchange>(connection.parser);
    const Instant now = ring_.now();
    const Instant deadline = exchange_deadline(exchange);
    if (now >= deadline) {
        ++metrics_.timeouts;
        return end_exchange(connection, HttpEnd::timed_out);
    }
    if (!exchange.is_stream) return timers_.schedule(connection, deadline);
    // Output that was there when it was looked at before, and nothing of it has gone since.
    const bool was_behind = exchange.behind_at != instant_never;
    if (connection.backlog && was_behind && connection.active_at < exchange.behind_at) {
        ++metrics_.timeouts;
        return terminate(connection);
    }
    exchange.behind_at = connection.backlog ? now : instant_never;
    timers_.schedule(connection, std::min(deadline, now + settings_.http.idle_timeout));
}

}  // namespace ringcast::shard

#pragma once
// A request that its endpoint has and has not answered completely: held for as long as the endpoint
// needs, or answered piece by piece, as Server-Sent Events and long polling are.
//
//   on_request -> whole -------------------------------------> over
//        |------> held -> answer() whole ---------------------> over
//        |          +---> answer() stream --+
//        +------> stream -------------------+-> write() ... -> finish() -> over
//        +------> session: no exchange any more, see session_stream.hpp
//
// Before that: on_end, when the client has gone, time is up or the server stops.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/slab.hpp"
#include "base/time.hpp"
#include "http/response.hpp"
#include "ring/address.hpp"
#include "ringcast/message.hpp"
#include "shard/endpoint.hpp"
#include "shard/history_query.hpp"

namespace ringcast::shard {

struct Connection;
class HttpEndpoint;
class Shard;

/// Names one request until it has been answered, and nothing afterwards: the next one on the same
/// connection has another name.
struct ExchangeId {
    SlotId connection;
    std::uint16_t request = 0;

    friend bool operator==(const ExchangeId&, const ExchangeId&) = default;
};

/// Whose session an answer becomes.
struct SessionOffer {
    Endpoint& endpoint;  ///< Of the same shard.
    /// As of Endpoint::on_upgrade(); a late one goes through that endpoint, too. Its encoding
    /// is_streamed(), and instead of the 101 there is a 200.
    Verdict verdict;
};

/// What an endpoint answers with.
struct HttpAnswer {
    enum class Kind : std::uint8_t {
        whole,    ///< Sent with its length.
        stream,   ///< `body`, if there is any, is the first piece; the others follow by write().
        held,     ///< None yet: the rest of this, but for `state`, is not looked at.
        session,  ///< What `session` sends. Nothing else of this is looked at. Not in answer().
    };
    Kind kind = Kind::whole;
    std::uint16_t status = 200;  ///< 200 to 599.
    std::string fields;          ///< Extra header lines, each ended by CRLF; Date comes by itself.
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;  ///< Of any size; left out of the answer to HEAD.
    /// stream, held: belongs to the exchange from now on. Null in answer(): it keeps what it has.
    StatePointer state = no_state();
    std::unique_ptr<SessionOffer> session = nullptr;
};

/// Why an exchange ends without the endpoint's word.
enum class HttpEnd : std::uint8_t {
    aborted,    ///< The client has gone. Nothing can be sent any more.
    timed_out,  ///< Held for too long: 503, unless on_end answers. A stream for too long: it ends,
                ///< behind what on_end adds.
    shutdown,   ///< The server stops: 503, or the end of the stream, unless on_end says more.
};

/// A view: made for one call, never kept; Shard::find_exchange finds the exchange later. Nothing
/// that is called here throws or blocks.
class HttpExchange {
public:
    HttpExchange(Shard& shard, Connection& connection) noexcept
        : shard_{&shard}, connection_{&connection} {}

    /// Answers a request that was held, as a whole or with the begin of a stream. To HEAD, and with
    /// a status that has no content, a stream is over with its head. False if the request is not
    /// held (any more).
    bool answer(HttpAnswer answer);
    /// Sends a piece of a stream: one chunk. Limits and results are those of Session::send: dropped
    /// when the queue is full, behind above its half, and on_drain when it is below again. closed:
    /// the exchange is no stream, or over.
    SendStatus write(std::string_view bytes);
    /// The stream is complete; the connection goes on to its next request. Does nothing if the
    /// exchange is no stream.
    void finish();
    /// For an exchange that publishes, and is held or about to be: HttpEndpoint::on_room() is
    /// called in the next turn in which there is room towards the home of `topic`.
    void await_room(std::string_view topic);
    /// Asks for publications of `topic`, a valid name, that are kept: HttpEndpoint::on_history()
    /// brings them to an exchange that is held, or about to be. False if too many ask.
    [[nodiscard]] bool history(std::string_view topic, const HistoryQuery& query);
    /// Takes tokens for a message of so many bytes. False if the connection has used up what these
    /// limits allow; then nothing was taken.
    [[nodiscard]] bool take_tokens(const SessionLimits& limits, std::uint64_t bytes);
    /// Cuts the connection, so that the client knows the answer to be incomplete.
    void abort();

    /// What came with the HttpAnswer; null while on_request has not returned.
    [[nodiscard]] void* state() const noexcept;
    [[nodiscard]] ExchangeId id() const noexcept;
    /// Output waiting for the client, in bytes.
    [[nodiscard]] std::uint64_t queued_bytes() const noexcept;
    /// As Session::peer_address.
    [[nodiscard]] ring::Address peer_address() const;
    [[nodiscard]] Shard& shard() const noexcept { return *shard_; }
    /// The same connection, as whoever decides about a session sees it: to ask for its id and peer
    /// address.
    [[nodiscard]] Session as_session() const noexcept;

private:
    Shard* shard_;
    Connection* connection_;
};

/// What a connection keeps of one: the state behind the view.
struct Exchange {
    HttpEndpoint* endpoint;
    StatePointer state;
    Instant began_at;                   // The request is complete; then: the stream has begun.
    Instant behind_at = instant_never;  // Output was found then that had not gone.
    http::ResponseRules rules;
    bool is_stream = false;
    bool is_told = false;  // on_end was called.
    bool is_gone = false;  // The client: nothing can be sent to it any more.
};

}  // namespace ringcast::shard

#include "shard/session.hpp"

#include "shard/shard.hpp"

namespace ringcast::shard {

void Session::close(CloseCode code, std::string_view reason) {
    shard_->start_close(*connection_, code, reason);
}

void* Session::state() const noexcept {
    return connection_->state.get();
}

Endpoint& Session::endpoint() const noexcept {
    return *connection_->endpoint;
}

SlotId Session::id() const noexcept {
    return connection_->id;
}

std::uint64_t Session::queued_bytes() const noexcept {
    return connection_->queued_bytes;
}

ring::Address Session::peer_address() const {
    return shard_->ring_.peer_address(connection_->fd);
}

}  // namespace ringcast::shard

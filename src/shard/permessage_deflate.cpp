#include "shard/permessage_deflate.hpp"

#include <malloc.h>
#include <utility>

namespace ringcast::shard {

namespace {

/// What the inflater costs that a client is promised.
std::size_t promised_bytes(const ws::DeflateParameters& agreed) noexcept {
    if (agreed.client_no_context_takeover) return 0;
    return ws::Inflater::memory_bytes_max(agreed.client_window_bits());
}

}  // namespace

DeflateSession::DeflateSession(PermessageDeflate& shared, const ws::DeflateParameters& parameters)
    : agreed{parameters},
      inflation{shared.inflaters(), parameters},
      deflation{shared.deflaters(), parameters},
      shared_{shared} {
    shared_.deflaters().reserve(promised_bytes(agreed));
}

DeflateSession::~DeflateSession() {
    shared_.note_peak();
    shared_.deflaters().give_back(promised_bytes(agreed));
}

std::expected<std::unique_ptr<DeflateSession>, ws::HandshakeFailure> PermessageDeflate::negotiate(
    const http::Request& request) {
    ws::DeflatePolicy policy{.compression = settings_.mode};
    const std::size_t wanted_bytes = ws::Inflater::memory_bytes_max(policy.client_window_bits_max) +
                                     deflaters_.dedicated_bytes_of(policy.server_window_bits_max);
    const bool is_short =
        settings_.mode == Compression::dedicated && !deflaters_.has_room(wanted_bytes);
    if (is_short) policy.compression = Compression::shared;
    const auto agreed = ws::negotiate_deflate(request, policy);
    if (!agreed) return std::unexpected{agreed.error()};
    if (!*agreed) return nullptr;
    if (is_short) ++contexts_refused_;
    return std::make_unique<DeflateSession>(*this, **agreed);
}

void PermessageDeflate::on_tick() noexcept {
    constexpr std::size_t worth_bytes = 4 << 20;
    const std::size_t bytes = memory_bytes();
    if (bytes > memory_peak_ / 2 || memory_peak_ - bytes < worth_bytes) return;
    memory_peak_ = bytes;
    malloc_trim(0);
}

std::uint64_t PermessageDeflate::work() const noexcept {
    // By bench/micro/deflate_bench: orders of magnitude. What came compressed costs most by far
    // where nothing comes out of it: up to 70 for blocks of a few octets.
    constexpr std::uint64_t inflate_message = 1000, inflate_byte = 1, inflate_payload_byte = 16;
    constexpr std::uint64_t deflate_message = 2000, deflate_byte = 4;
    const ws::DeflateCounts& in = inflaters_.counts();
    const ws::DeflateCounts& out = deflaters_.counts();
    return in.messages * inflate_message + in.message_bytes * inflate_byte +
           in.payload_bytes * inflate_payload_byte + out.messages * deflate_message +
           out.message_bytes * deflate_byte;
}

}  // namespace ringcast::shard

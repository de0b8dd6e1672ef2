#include "sim/hostile_crowd.hpp"

#include <algorithm>
#include <utility>

#include "sim/rules.hpp"

namespace ringcast::sim {

namespace {

/// For faults of the network, late turns and a clock that jumps.
constexpr Duration weather_max = std::chrono::seconds{20};

}  // namespace

void HostilePeer::run(Wire wire, Instant now) {
    active_at_ = now;
    read(wire, now);
    if (wire.is_connected()) write(wire, now);
    Instant next = instant_never;
    if (now < write_after_ && !is_written()) next = write_after_;
    if (now < read_after_ && !wire.arrived().empty()) next = std::min(next, read_after_);
    if (next != instant_never) wire.call_at(next);
}

void HostilePeer::read(Wire wire, Instant now) {
    const bool reads = hostile_.read_bytes > 0 && reads_ < hostile_.reads_max;
    if (!reads || now < read_after_ || wire.arrived().empty()) return;
    ++reads_;
    wire.consume(std::min(hostile_.read_bytes, wire.arrived().size()));
    read_after_ = now + hostile_.read_interval;
}

void HostilePeer::write(Wire wire, Instant now) {
    while (now >= write_after_) {
        const bool has_begun = written_ >= hostile_.head.size();
        if (has_begun && hostile_.is_slow()) slow_since_ = std::min(slow_since_, now);
        if (is_written()) return end(wire);
        const std::string_view octets = next_octets();
        const std::size_t taken = wire.write(std::as_bytes(std::span{octets}));
        written_ += taken;
        if (taken < octets.size()) return;  // The network says when there is room.
        if (has_begun) write_after_ = now + hostile_.interval;
    }
}

std::string_view HostilePeer::next_octets() const noexcept {
    const std::string_view head{hostile_.head};
    if (written_ < head.size()) return head.substr(written_);
    const std::size_t position = written_ - head.size();
    const std::string_view body =
        std::string_view{hostile_.body}.substr(position % hostile_.body.size());
    const bool is_slow = hostile_.interval > Duration{0};
    return body.substr(0, is_slow ? 1 : hostile_.body_bytes - position);
}

/// Who only falls silent stays, and reads on.
void HostilePeer::end(Wire wire) const {
    switch (hostile_.end) {
        case Hostile::End::none: return;
        case Hostile::End::reset: return wire.reset();
        case Hostile::End::shut_down: return wire.shutdown();
        case Hostile::End::close: return wire.close();
    }
}

HostileCrowd::HostileCrowd(Network& network, std::vector<Hostile> hostiles,
                           const HostileGround& ground)
    : network_{network},
      slow_max_{ground.handshake_timeout + 2 * ground.message_timeout + 2 * ground.close_timeout +
                weather_max},
      silent_max_{slow_max_ + ground.idle_timeout} {
    members_.reserve(hostiles.size());
    for (Hostile& hostile : hostiles) {
        Member& member = members_.emplace_back(Member{.hostile = std::move(hostile)});
        member.peer = std::make_unique<HostilePeer>(member.hostile);
    }
}

void HostileCrowd::connect(Prng& prng, std::span<const int> listeners) {
    for (Member& member : members_) {
        const Hostile& hostile = member.hostile;
        const int listener = listeners[prng.below(listeners.size())];
        std::unique_ptr<TlsEnd> tls;
        if (hostile.speaks_tls)
            tls = std::make_unique<TlsEnd>(Prng{prng.next()}, hostile.record_bytes);
        member.connection = network_.connect(*member.peer, listener, network_.now() + hostile.after,
                                             hostile.link, std::move(tls));
    }
}

void HostileCrowd::announce(TurnBook& book) const {
    for (const Member& member : members_) {
        book.expect(member.connection, member.hostile.flood());
        if (member.hostile.record_bytes > 0) book.expect_small_records(member.connection);
    }
}

/// From when on the server is late.
Instant HostileCrowd::deadline(const Member& member) const {
    const HostilePeer& peer = *member.peer;
    if (peer.slow_since() != instant_never) return peer.slow_since() + slow_max_;
    return peer.active_at() != instant_never ? peer.active_at() + silent_max_ : instant_never;
}

void HostileCrowd::watch() {
    for (Member& member : members_) {
        if (member.is_over) continue;
        if (network_.is_over(member.connection)) {
            member.is_over = true;
            ++over_count_;
            continue;
        }
        if (network_.now() <= deadline(member)) continue;
        throw Violation{Rule::hostile_ended, "a hostile client is still there: " +
                                                 std::string{to_string(member.hostile.hostility)}};
    }
}

std::string HostileCrowd::what_is_left() const {
    std::string text;
    for (const Member& member : members_) {
        if (!member.is_over) text.append(", there: ").append(to_string(member.hostile.hostility));
    }
    return text;
}

void HostileCrowd::add_to(Tally& tally) const {
    for (const Member& member : members_)
        ++tally.hostiles[static_cast<std::size_t>(member.hostile.hostility)];
}

}  // namespace ringcast::sim

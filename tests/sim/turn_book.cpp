#include "sim/turn_book.hpp"

#include <algorithm>
#include <utility>

#include "sim/rules.hpp"

namespace ringcast::sim {

namespace {

constexpr std::uint64_t work_noted_min = 16, work_bytes = 4096;
/// A connection that stopped after its share goes on, and one whose output has gone.
constexpr std::uint64_t resumptions_max = 2;
/// Of TLS: so many small reads of so many records are a share.
constexpr std::uint64_t small_reads_max = 8, records_per_read_max = 64, small_read_bytes = 4096;
/// Compressed input that is inflated in one go, whatever is left of the share.
constexpr std::uint64_t piece_bytes_max = 1024;
constexpr std::uint64_t turns_to_hand_over_max = 1;

}  // namespace

void TurnBook::watch(std::uint32_t connection, std::uint64_t turns_max, bool is_alone) {
    Client& client = clients_[connection];
    client.is_watched = true;
    client.is_alone = is_alone;
    client.turns_max = turns_max;
}

TurnBook::Client& TurnBook::in_this_turn(std::uint32_t connection) {
    Client& client = clients_[connection];
    if (client.turn != turn_) {
        client.turn = turn_;
        client.receives = client.work = 0;
    }
    return client;
}

/// Where it was listened to all the time, what came in a turn was looked at in that turn.
void TurnBook::on_received(std::uint32_t connection, std::span<const std::byte> bytes) {
    Client& before = clients_[connection];
    if (before.is_listened_to && before.turn != turn_) settle(before, before.turn);
    Client& client = in_this_turn(connection);
    ++client.receives;
    ++client.receives_unsettled;
    client.octets += bytes.size();
    if (client.records) client.records_unsettled += client.records->take(bytes);
    if (client.is_watched) client.received.push_back({.octets = client.octets, .turn = turn_});
}

/// Only the first one of a turn can have begun before it, and what of it was looked at then is not
/// known. Of the others, what comes in pieces is rounded down piece by piece.
void TurnBook::on_message(std::uint32_t connection, std::size_t payload_bytes) {
    Client& client = in_this_turn(connection);
    check_bound(Rule::turn_shared, "parts of a turn's work taken by one client", client.work + 1,
                shares_.work_per_turn + looks_max(client, client.receives, 1) * forgotten_max());
    const std::uint64_t parts = client.work > 0 ? payload_bytes / work_bytes : 0;
    client.work += 1 + parts - std::min(parts, client.receives + 1);
    if (!client.is_watched) return;
    client.heard.push_back(turn_);
    client.unsent_since = turn_;
}

void TurnBook::on_close(std::uint32_t connection) {
    Client& client = clients_[connection];
    if (client.is_listened_to && client.turn != turn_) settle(client, client.turn);
    client.is_open = false;
}

std::uint64_t TurnBook::forgotten_max() const noexcept {
    return std::min(work_noted_min, shares_.work_per_turn) - 1;
}

/// In how many pieces input was looked at: slices, what was held, and reads of TLS, either small or
/// of so many octets.
std::uint64_t TurnBook::looks_max(const Client& client, std::uint64_t receives,
                                  std::uint64_t turns) const noexcept {
    std::uint64_t looks = receives + turns * resumptions_max;
    if (shares_.is_secure)
        looks +=
            turns * small_reads_max + (client.octets - client.octets_settled) / small_read_bytes;
    return looks;
}

/// Everything that has come was looked at by the end of `last_turn`.
void TurnBook::settle(Client& client, std::uint64_t last_turn) {
    if (client.is_open && client.octets > client.octets_settled) {
        const std::uint64_t turns = last_turn - client.settled_in + 1;
        check_flood(client, turns);
        if (client.records) check_records(client, turns);
    }
    client.octets_settled = client.octets;
    client.settled_in = turn_;
    client.receives_unsettled = client.records_unsettled = 0;
    client.was_cancelled = false;
}

void TurnBook::check_flood(const Client& client, std::uint64_t turns) {
    const Flood& flood = client.flood;
    const std::uint64_t bodies = flood.bodies(client.octets) - flood.bodies(client.octets_settled);
    if (bodies == 0) return;
    ++floods_settled_;
    const std::uint64_t looks = looks_max(client, client.receives_unsettled, turns);
    check_bound(Rule::input_shared, "frames of one client looked at", bodies * flood.frames,
                turns * shares_.work_per_turn + looks * (forgotten_max() + 1));
    const InflationWork piece{1, piece_bytes_max, shares_.message_bytes_max};
    check_bound(Rule::input_shared, "nanoseconds or so of inflation for one client",
                bodies * flood.inflation.nanoseconds(),
                turns * (shares_.inflation_per_turn + piece.nanoseconds()));
}

/// Records of a client that has to wait are read, too, until its receive is cancelled.
void TurnBook::check_records(const Client& client, std::uint64_t turns) const {
    if (client.was_cancelled) return;
    check_bound(Rule::input_shared, "records with next to nothing in them read",
                client.records_unsettled,
                (turns * small_reads_max + client.receives_unsettled) * records_per_read_max);
}

void TurnBook::on_sending(std::uint32_t connection, bool is_quiet) {
    Client& client = clients_[connection];
    const std::uint64_t since = std::exchange(client.unsent_since, 0);
    if (since == 0 || !is_quiet) return;  // Else it was behind something.
    check_bound(Rule::latency_bounded, "turns before an echo was handed over", turn_ - since,
                turns_to_hand_over_max);
}

void TurnBook::on_receive_cancelled(std::uint32_t connection) {
    Client& client = clients_[connection];
    client.is_listened_to = false;
    client.was_cancelled = true;
}

/// Before the first message it may have had to wait for the application to let it in; nor is there
/// a bound where other output than echoes may have to go first.
void TurnBook::on_receive_ended(std::uint32_t connection) {
    Client& client = clients_[connection];
    client.is_listened_to = false;
    if (client.is_alone && !client.heard.empty()) client.deaf_since = turn_;
}

/// It may have been armed in this turn, which has begun to hand over its output.
void TurnBook::on_receive_armed(std::uint32_t connection) {
    Client& client = clients_[connection];
    settle(client, turn_);
    client.is_listened_to = true;
    const std::uint64_t since = std::exchange(client.deaf_since, 0);
    if (since == 0) return;
    check_bound(Rule::latency_bounded, "turns before a client was listened to again", turn_ - since,
                client.turns_max + 1);
}

std::optional<std::uint64_t> TurnBook::turns_to_hear(std::uint32_t connection, std::uint64_t octets,
                                                     std::size_t message) const {
    const Client& client = clients_.at(connection);
    const auto receipt = std::ranges::lower_bound(client.received, octets, {}, &Receipt::octets);
    if (receipt == client.received.end() || message >= client.heard.size()) return std::nullopt;
    const std::uint64_t turns = client.heard[message] - receipt->turn;
    check_bound(Rule::latency_bounded, "turns before a message was heard of", turns,
                client.turns_max);
    return turns;
}

}  // namespace ringcast::sim

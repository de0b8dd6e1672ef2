#include "sim/turn_book.hpp"

#include <algorithm>
#include <utility>

#include "sim/rules.hpp"

namespace ringcast::sim {

namespace {

constexpr std::uint64_t work_noted_min = 16, work_bytes = 4096;
/// A connection that stopped after its share goes on, and one whose output has gone.
constexpr std::uint64_t resumptions_max = 2;
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

void TurnBook::on_received(std::uint32_t connection, std::size_t bytes) {
    Client& client = in_this_turn(connection);
    ++client.receives;
    client.octets += bytes;
    if (client.is_watched) client.received.push_back({.octets = client.octets, .turn = turn_});
}

void TurnBook::on_message(std::uint32_t connection, std::size_t payload_bytes) {
    Client& client = in_this_turn(connection);
    const std::uint64_t forgotten_max = std::min(work_noted_min, work_per_turn_) - 1;
    check_bound(Rule::turn_shared, "parts of a turn's work taken by one client", client.work + 1,
                work_per_turn_ + (client.receives + resumptions_max) * forgotten_max);
    client.work += 1 + payload_bytes / work_bytes;
    if (!client.is_watched) return;
    client.heard.push_back(turn_);
    client.unsent_since = turn_;
}

void TurnBook::on_sending(std::uint32_t connection, bool is_quiet) {
    Client& client = clients_[connection];
    const std::uint64_t since = std::exchange(client.unsent_since, 0);
    if (since == 0 || !is_quiet) return;  // Else it was behind something.
    check_bound(Rule::latency_bounded, "turns before an echo was handed over", turn_ - since,
                turns_to_hand_over_max);
}

/// Before the first message it may have had to wait for the application to let it in; nor is there
/// a bound where other output than echoes may have to go first.
void TurnBook::on_receive_ended(std::uint32_t connection) {
    Client& client = clients_[connection];
    if (client.is_alone && !client.heard.empty()) client.deaf_since = turn_;
}

void TurnBook::on_receive_armed(std::uint32_t connection) {
    Client& client = clients_[connection];
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

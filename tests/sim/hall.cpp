#include "sim/hall.hpp"

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>

#include "base/client_info.hpp"
#include "shard/session.hpp"
#include "shard/shard.hpp"
#include "sim/pick.hpp"
#include "sim/rules.hpp"

namespace ringcast::sim {

namespace {

/// Sets its source apart; see topic_scenario.cpp.
constexpr std::uint64_t hall_salt = 7;

std::uint32_t number_in(std::string_view text) {
    std::uint32_t number = UINT32_MAX;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

}  // namespace

// ---- The server ----

shard::Verdict Hall::on_upgrade(shard::Upgrade& upgrade) {
    shard::Verdict verdict;
    verdict.encoding = shard::Encoding::centrifuge_json;
    verdict.state = {new std::uint32_t{number_in(upgrade.parameters[0].value)},
                     [](void* guest) noexcept { delete static_cast<std::uint32_t*>(guest); }};
    return verdict;
}

void Hall::on_message(shard::Session session, std::string_view payload, MessageKind) {
    const std::uint32_t guest = *static_cast<const std::uint32_t*>(session.state());
    const std::string& topic = book_.topic_of(guest);
    const Instant now = session.shard().now();
    switch (payload[0]) {
        case '+': return enter(session, guest);
        case '-':
            if (!session.unsubscribe(topic)) return;
            book_.on_end(guest, now);
            session.send("gone", MessageKind::text);
            return;
        default:
            // May be refused, to a session that closes.
            (void)session.presence(topic, shard::PresenceQuery::clients, book_.on_question(now));
    }
}

void Hall::enter(shard::Session& session, std::uint32_t guest) {
    ClientId id{};
    id[0] = static_cast<std::byte>(guest);
    const std::string connection = pack(Info{.bytes = std::string(guest % 3 * 60, '1')});
    const std::string info = pack(ClientInfo{
        .id = id, .user = "g" + std::to_string(guest), .connection = connection, .channel = {}});
    const auto status =
        session.subscribe(book_.topic_of(guest), {},
                          {.info = info, .seen = {.is_announced = true}, .hears_others = true});
    if (status == SubscribeStatus::accepted) return book_.on_asked(guest);
    session.send("no", MessageKind::text);
}

void Hall::on_subscribed(shard::Session& session, const shard::Subscribed& answer) {
    const std::uint32_t guest = *static_cast<const std::uint32_t*>(session.state());
    const bool is_live = answer.outcome == shard::Subscribed::Outcome::live;
    is_live ? book_.on_live(guest) : book_.on_end(guest, session.shard().now());
    session.send(is_live ? "live" : "no", MessageKind::text);
}

void Hall::on_subscription_lost(shard::Session& session, std::string_view, std::string_view) {
    book_.on_end(*static_cast<const std::uint32_t*>(session.state()), session.shard().now());
    session.send("lost", MessageKind::text);
}

void Hall::on_presence(shard::Session& session, const shard::PresenceAnswer& answer) {
    if (answer.is_lost) return;
    std::vector<std::uint32_t> list;
    answer.clients.for_each([&](const ClientInfo& client) {
        list.push_back(number_in(client.user.substr(1)));
        RC_ASSERT(client.connection.size() ==
                  (list.back() % 3 == 0 ? 0 : list.back() % 3 * 60 + 1));
    });
    RC_ASSERT(answer.counts.clients == list.size() && answer.counts.users == list.size());
    if (broken_ == TopicBreak::shorten_list && list.size() > 1) list.pop_back();
    book_.on_list(*static_cast<const std::uint32_t*>(session.state()), answer.tag, list);
    session.send("who:" + text_of({list.begin(), list.end()}), MessageKind::text);
}

void Hall::on_close(shard::Session& session, CloseCode, std::string_view) {
    book_.on_end(*static_cast<const std::uint32_t*>(session.state()), session.shard().now());
}

// ---- A guest ----

void Guest::fail(const std::string& text) const {
    fail_presence("guest " + std::to_string(number_) + " " + text);
}

void Guest::run(Wire wire, Instant now) {
    if (is_done_) return;
    if (!std::exchange(has_begun_, true))
        output_ = test::encode(test::UpgradeRequest{.target = "/hall/" + std::to_string(number_)});
    read(wire);
    if (wire.is_connected()) play(wire, now);
    if (is_done_ || !(wire.was_reset() || wire.at_end())) return;
    is_done_ = true;
    wire.close();
}

void Guest::read(Wire wire) {
    const auto bytes = wire.arrived();
    if (bytes.empty()) return;
    reader_.feed({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    wire.consume(bytes.size());
    if (!is_upgraded_) {
        const auto response = reader_.next_response();
        if (!response) return;
        is_upgraded_ = response->status == 101;
        if (!is_upgraded_) action_ = actions_.size();
    }
    if (!is_upgraded_) return;
    while (auto frame = reader_.next_frame()) take(*frame);
    if (!reader_.error().empty()) throw Violation{Rule::frames_well_formed, reader_.error()};
}

void Guest::take(const test::ServerFrame& frame) {
    const std::string_view text = frame.payload;
    if (frame.opcode == test::opcode_ping) output_ += test::pong_frame(text);
    if (frame.opcode == test::opcode_close && !std::exchange(has_sent_close_, true)) {
        output_ +=
            test::encode(test::ClientFrame{.opcode = test::opcode_close, .payload = frame.payload});
        action_ = actions_.size();
    }
    if (frame.opcode != test::opcode_text) return;
    if (text == "live" || text == "gone" || text == "lost") {
        text == "live" ? company_.begin() : company_.end();
    } else if (text.starts_with("who:")) {
        GuestSet guests;
        for (std::string_view rest = text.substr(4); !rest.empty();) {
            guests.insert(number_in(rest));
            rest.remove_prefix(std::min(rest.size(), rest.find(',')));
            rest.remove_prefix(std::min<std::size_t>(rest.size(), 1));
        }
        company_.learn(std::move(guests));
    } else if (text.starts_with("{\"push\":")) {
        const bool is_join = text.contains("\"join\":");
        if (!is_join && break_ == TopicBreak::lose_leave && !std::exchange(has_broken_, true))
            return;
        take_event(text, is_join);
    }
}

void Guest::take_event(std::string_view text, bool is_join) {
    constexpr std::string_view user = "\"user\":\"g";
    const std::uint32_t guest = number_in(text.substr(text.find(user) + user.size()));
    ++events_;
    const std::string fault = company_.hear(number_, guest, is_join);
    if (!fault.empty()) fail(fault);
}

void Guest::play(Wire wire, Instant now) {
    for (;;) {
        if (!output_.empty()) {
            output_.erase(0, wire.write(std::as_bytes(std::span{output_})));
            if (!output_.empty()) return;  // The network says when there is room.
        }
        if (!is_upgraded_ || action_ == actions_.size()) return;
        const GuestAction& action = actions_[action_];
        switch (action.kind) {
            case GuestAction::Kind::say: output_ = test::text_frame({&action.word, 1}); break;
            case GuestAction::Kind::pause:
                if (!std::exchange(is_pausing_, true)) pause_until_ = now + action.duration;
                if (now < pause_until_) return wire.call_at(pause_until_);
                is_pausing_ = false;
                break;
            case GuestAction::Kind::close:
                has_sent_close_ = true;
                output_ = test::close_frame(1000);
                break;
            case GuestAction::Kind::reset:
            case GuestAction::Kind::vanish:
                action.kind == GuestAction::Kind::reset ? wire.reset() : wire.close();
                is_done_ = true;
                return;
        }
        ++action_;
    }
}

// ---- All of them ----

HallCrowd::HallCrowd(const TopicScenario& scenario, bool is_open, TopicBreak broken)
    : scenario_{scenario},
      book_{scenario,
            scenario.has_slow_readers || scenario.is_memory_scarce || !scenario.hostiles.empty()},
      prng_{scenario.settings.topics.seed ^ hall_salt} {
    Prng& prng = prng_;
    if (!is_open || !prng.chance(1, 4)) return;
    for (std::uint64_t i = 0, count = 1 + prng.below(2); i < count; ++i)
        topics_.push_back("hall/" + std::to_string(i));
    const auto draw_time = [&] {
        return Duration{static_cast<Duration::rep>(
            prng.below(static_cast<std::uint64_t>(scenario.activity_span.count())))};
    };
    for (std::uint32_t i = 0, count = static_cast<std::uint32_t>(2 + prng.below(6)); i < count;
         ++i) {
        book_.add_guest(topics_[prng.below(topics_.size())]);
        std::vector<GuestAction> actions{{.kind = GuestAction::Kind::say, .word = '+'}};
        for (std::uint64_t left = prng.below(10); left > 0; --left) {
            if (prng.chance(1, 3)) {
                actions.push_back({.kind = GuestAction::Kind::pause, .duration = draw_time()});
            } else {
                actions.push_back({.kind = GuestAction::Kind::say,
                                   .word = pick<char>(prng, {'+', '+', '-', '?', '?'})});
            }
        }
        using Kind = GuestAction::Kind;
        const Kind end = pick<Kind>(
            prng, {Kind::pause, Kind::pause, Kind::pause, Kind::close, Kind::reset, Kind::vanish});
        if (end == Kind::pause) actions.push_back({.kind = Kind::say, .word = '?'});
        actions.push_back({.kind = end});
        guests_.push_back(std::make_unique<Guest>(i, std::move(actions), broken));
        Link link;
        link.latency = std::chrono::microseconds{pick<int>(prng, {0, 10, 1000, 20'000})};
        arrivals_.push_back({.shard = static_cast<std::uint32_t>(prng.below(scenario.shards_count)),
                             .after = draw_time(),
                             .link = link});
    }
}

void HallCrowd::connect(Network& network, const std::vector<int>& listeners) {
    for (std::size_t i = 0; i < guests_.size(); ++i) {
        std::unique_ptr<TlsEnd> tls;
        if (scenario_.is_secure) tls = std::make_unique<TlsEnd>(Prng{prng_.next()});
        const Arrival& arrival = arrivals_[i];
        network.connect(*guests_[i], listeners[arrival.shard], network.now() + arrival.after,
                        arrival.link, std::move(tls));
    }
}

bool HallCrowd::is_waiting() const {
    return std::ranges::all_of(guests_, [](const auto& guest) { return guest->is_waiting(); });
}

bool HallCrowd::is_done() const {
    return std::ranges::all_of(guests_, [](const auto& guest) { return guest->is_done(); });
}

void HallCrowd::check(const std::string& topic, const GuestSet& listed) const {
    book_.check(topic, listed);
    if (book_.may_be_closed()) return;
    const GuestSet present = book_.present(topic);
    for (std::uint32_t i = 0; i < guests_.size(); ++i) {
        const Guest& guest = *guests_[i];
        if (book_.topic_of(i) != topic || !guest.is_live() || !present.contains(i)) continue;
        const std::string who = "guest " + std::to_string(i);
        if (!guest.has_heard_itself()) fail_presence(who + " has not heard that it came");
        if (guest.view() != nullptr && *guest.view() != present)
            fail_presence(who + " knows of " + text_of(*guest.view()) + ", there are " +
                          text_of(present));
    }
}

void HallCrowd::add_to(Tally& tally) const {
    tally.topics.guests += guests_.size();
    tally.topics.presence_lists += book_.lists();
    for (const auto& guest : guests_) tally.topics.presence_events += guest->events();
}

}  // namespace ringcast::sim

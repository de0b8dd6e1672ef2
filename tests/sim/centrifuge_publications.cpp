// Publications as a client of the Centrifuge protocol is told of them: live, missed and kept.

#include <algorithm>
#include <optional>
#include <string>

#include "sim/centrifuge_conversation.hpp"
#include "support/fossil_reference.hpp"

namespace ringcast::sim {

namespace {

std::optional<std::string> from_base64(std::string_view text) {
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    std::uint32_t bits = 0, bits_count = 0;
    if (text.size() % 4 != 0) return std::nullopt;
    while (text.ends_with('=')) text.remove_suffix(1);
    for (const char c : text) {
        const std::size_t value = letters.find(c);
        if (value == std::string_view::npos) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        bits_count += 6;
        if (bits_count < 8) continue;
        bits_count -= 8;
        bytes += static_cast<char>(bits >> bits_count & 0xff);
    }
    return bytes;
}

}  // namespace

void CentrifugeConversation::take_publication(std::uint32_t topic, told::Publication publication) {
    ++counts_.publications;
    Subscription& subscription = subscriptions_[topic];
    if (publication.delta && !subscription.takes_deltas)
        fail(Rule::publications_exact, "a delta that it has not asked for");
    if (subscription.takes_deltas)
        subscription.previous = publication.data = whole(publication, subscription.previous);
    const auto skipped = publication.tags.find("skipped");
    if (skipped != publication.tags.end()) {
        ++counts_.skips;
        stage_.book.on_skipped(visitor(), topic, std::stoull(skipped->second));
    }
    const Payload payload = payload_of(publication);
    check_publisher(publication, payload.bytes);
    const auto id = stage_.book.read(payload.bytes);
    if (!id || stage_.book.publication(*id).topic != topic)
        fail(Rule::publications_exact, "a publication of another topic, or of none");
    if ((publication.offset != 0) != is_kept())
        fail(Rule::positions_true, "a publication without a number, or with one");
    (void)stage_.book.on_publication(visitor(), payload.is_text, payload.bytes, publication.offset);
}

/// What is sent instead of data to who takes deltas: those in Protobuf, or their text in JSON.
std::string CentrifugeConversation::whole(const told::Publication& publication,
                                          const std::string& previous) const {
    const auto text =
        visit_.is_protobuf ? std::optional{publication.data} : told::text_in_json(publication.data);
    if (!text) fail(Rule::publications_exact, "no text where a delta might stand");
    if (!publication.delta) return *text;
    ++counts_.deltas;
    const auto target = test::FossilReader{previous, *text}.read();
    if (!target) fail(Rule::publications_exact, "a delta to something else");
    return *target;
}

/// In Protobuf nothing says what it is.
CentrifugeConversation::Payload CentrifugeConversation::payload_of(
    const told::Publication& publication) const {
    if (visit_.is_protobuf) {
        const auto id = stage_.book.read(publication.data);
        return {.is_text = !id || stage_.book.publication(*id).is_text, .bytes = publication.data};
    }
    const auto text = told::text_in_json(publication.data);
    if (!text) fail(Rule::publications_exact, "a publication that is no string");
    const auto encoding = publication.tags.find("encoding");
    if (encoding != publication.tags.end() && encoding->second == "base64") {
        const auto bytes = from_base64(*text);
        if (!bytes) fail(Rule::publications_exact, "a publication that is no base64");
        return {.is_text = false, .bytes = *bytes};
    }
    const auto id = stage_.book.read(*text);
    const bool is_json = id && stage_.book.publication(*id).is_json;
    return {.is_text = true, .bytes = is_json ? publication.data : *text};
}

/// It is told who has published, if that is a client of this protocol.
void CentrifugeConversation::check_publisher(const told::Publication& publication,
                                             std::string_view payload) const {
    const auto id = stage_.book.read(payload);
    if (!id) return;  // Which is found by others.
    const std::uint32_t publisher = stage_.book.publication(*id).publisher;
    const bool is_client = publisher != TopicBook::nobody && publisher >= stage_.first_visitor;
    const bool is_told =
        publication.info && stage_.first_visitor + visit_of(*publication.info) == publisher;
    if (is_client ? !is_told : publication.info.has_value())
        fail(Rule::publications_exact, std::to_string(*id) + " came as somebody else's");
}

/// A piece of the topic, in the order that it has asked for, next to the place that it has named.
void CentrifugeConversation::on_history(const Asked& asked, const told::History& result) {
    const CentrifugeAction& action = asked.action;
    const auto fail_if = [&](bool is_wrong, const char* text) {
        if (is_wrong) fail(Rule::positions_true, std::string{"a history that "} + text);
    };
    ++counts_.histories;
    const std::uint64_t count = result.publications.size();
    fail_if(asked.from && asked.from->is_made_up, "begins where nobody was");
    fail_if(action.limit >= 0 && count > static_cast<std::uint64_t>(action.limit), "is too long");
    // It is subscribed, so that the topic has not been forgotten meanwhile.
    const TopicBook::Standing* const here = stage_.book.standing(visitor(), action.topic);
    fail_if(here == nullptr || here->place.epoch != result.epoch, "is of another epoch");
    fail_if(asked.from && asked.from->place.epoch != result.epoch, "is of another epoch");
    fail_if(asked.from && !action.is_backward && asked.from->place.offset > result.offset,
            "ends before it begins");
    for (std::size_t i = 0; i < count; ++i) {
        const told::Publication& each = result.publications[i];
        const std::uint64_t before = i == 0 ? 0 : result.publications[i - 1].offset;
        const bool is_next =
            i == 0 || each.offset == (action.is_backward ? before - 1 : before + 1);
        fail_if(!is_next, "has a gap");
        fail_if(each.offset > result.offset, "goes on behind its end");
        const Payload payload = payload_of(each);
        check_publisher(each, payload.bytes);
        const auto id = stage_.book.read(payload.bytes);
        fail_if(!id || stage_.book.publication(*id).topic != action.topic, "is of another topic");
        stage_.book.on_kept({.epoch = result.epoch, .offset = each.offset}, payload.is_text,
                            payload.bytes);
    }
    fail_if(count < history_count_min(asked), "has forgotten something");
    if (!asked.from || count == 0) return;
    const std::uint64_t first = result.publications.front().offset;
    fail_if(action.is_backward ? first + 1 > asked.from->place.offset
                               : first != asked.from->place.offset + 1,
            "begins somewhere else");
}

/// What it has heard itself is kept, if the topic keeps so many, and so long.
std::uint64_t CentrifugeConversation::history_count_min(const Asked& asked) const {
    const TopicScenario& scenario = stage_.scenario;
    const hub::StreamLimits& stream = scenario.settings.topics.home.stream;
    const auto subscription = subscriptions_.find(asked.action.topic);
    const bool is_same =
        subscription != subscriptions_.end() && subscription->second.since == asked.heard_since;
    const bool keeps_all = is_same && !scenario.may_forget() &&
                           stage_.now - asked.heard_since < stream.age_max &&
                           written_count(asked.action.topic) <= stream.count_max;
    if (asked.from || !keeps_all) return 0;
    const std::uint64_t answered_max = scenario.settings.topics.recovered_max;
    const std::uint64_t wanted_max =
        asked.action.limit < 0 ? answered_max : static_cast<std::uint64_t>(asked.action.limit);
    return std::min({asked.heard, wanted_max, answered_max});
}

/// All of the topic that was published since then.
bool CentrifugeConversation::is_surely_kept(std::uint32_t topic, Instant since) const {
    const TopicScenario& scenario = stage_.scenario;
    if (scenario.may_forget() || stage_.now - since >= scenario.kept_for()) return false;
    return written_count(topic) <= scenario.kept_min();
}

std::uint64_t CentrifugeConversation::written_count(std::uint32_t topic) const {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        stage_.book.publications(),
        [topic](const auto& each) { return each.topic == topic && each.written != 0; }));
}

}  // namespace ringcast::sim

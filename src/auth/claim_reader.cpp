#include "auth/claim_reader.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "auth/base64.hpp"

namespace ringcast::auth {

namespace {

bool is_free_of_controls(std::string_view text) noexcept {
    return std::ranges::none_of(text, [](char c) {
        const auto octet = static_cast<unsigned char>(c);
        return octet < 0x20 || octet == 0x7f;
    });
}

/// Seconds from 1970 to the end of 9999: what a millisecond clock says is beyond.
constexpr double date_max = 253'402'300'799;

/// JSON that came in base64 is taken for what it is; anything else is binary.
Payload payload_of(std::string octets) {
    JsonTree tree;
    if (!tree.parse_any(octets)) return {PublicationKind::binary, std::move(octets)};
    return {PublicationKind::json, simdjson::minify(tree.root())};
}

}  // namespace

std::optional<std::string_view> ClaimReader::text(std::string_view name, std::size_t bytes_max) {
    const auto element = member(claims_, name);
    if (!element) return std::nullopt;
    const auto text = text_of(*element);
    expect(text && is_free_of_controls(*text));
    if (text) expect_size(text->size(), bytes_max);
    return text;
}

std::optional<std::chrono::sys_seconds> ClaimReader::date(std::string_view name) {
    const auto element = member(claims_, name);
    if (!element) return std::nullopt;
    double seconds = -1;
    const bool is_date = element->is_number() &&
                         element->get_double().get(seconds) == simdjson::SUCCESS && seconds >= 0 &&
                         seconds <= date_max;
    expect(is_date);
    if (!is_date) return std::nullopt;
    return std::chrono::sys_seconds{
        std::chrono::seconds{static_cast<std::int64_t>(std::ceil(seconds))}};
}

bool ClaimReader::names(std::string_view name, std::string_view wanted) {
    const auto element = member(claims_, name);
    if (!element) return false;
    if (const auto text = text_of(*element)) return *text == wanted;
    simdjson::dom::array array;
    expect(element->get(array) == simdjson::SUCCESS);
    if (!is_good()) return false;
    bool found = false;
    for (const simdjson::dom::element entry : array) {
        const auto text = text_of(entry);
        expect(text.has_value());
        found = found || text == wanted;
    }
    return found;
}

std::optional<Payload> ClaimReader::payload(std::string_view json_name,
                                            std::string_view base64_name, std::size_t bytes_max) {
    std::optional<Payload> payload;
    if (const auto element = find(json_name))
        payload = {PublicationKind::json, simdjson::minify(*element)};
    if (const auto element = find(base64_name)) {
        const auto text = text_of(*element);
        auto octets = text ? decode_base64(*text, Base64::standard) : std::nullopt;
        expect(octets.has_value());
        if (octets && !octets->empty()) payload = payload_of(*std::move(octets));
    }
    if (payload) expect_size(payload->bytes.size(), bytes_max);
    return payload;
}

std::optional<std::string> ClaimReader::object_text(std::string_view name, std::size_t bytes_max) {
    const auto value = object(name);
    if (!value) return std::nullopt;
    std::string text = simdjson::minify(*value);
    expect_size(text.size(), bytes_max);
    return text;
}

Overrides ClaimReader::overrides(std::string_view name) {
    Overrides overrides;
    const auto all = object(name);
    if (!all) return overrides;
    ClaimReader reader{*all};
    const auto flag = [&](std::string_view flag_name) -> std::optional<bool> {
        const auto holder = reader.object(flag_name);
        const auto element = holder ? member(*holder, "value") : std::nullopt;
        if (!element) return std::nullopt;
        bool value = false;
        expect(element->get(value) == simdjson::SUCCESS);
        return value;
    };
    overrides = {.presence = flag("presence"),
                 .join_leave = flag("join_leave"),
                 .force_push_join_leave = flag("force_push_join_leave"),
                 .force_positioning = flag("force_positioning"),
                 .force_recovery = flag("force_recovery")};
    expect(reader.is_good());
    return overrides;
}

SubscriptionOptions ClaimReader::subscription_options() {
    return {.info = payload("info", "b64info", info_bytes_max),
            .data = payload("data", "b64data", data_bytes_max),
            .overrides = overrides("override")};
}

std::vector<Grant> ClaimReader::grants() {
    Named named;
    if (const auto subscriptions = object("subs")) {
        for (const auto field : *subscriptions) {
            expect_channel(field.key);
            simdjson::dom::object options;
            expect(field.value.get(options) == simdjson::SUCCESS && has_unique_names(options));
            if (!is_good()) return {};
            ClaimReader reader{options};
            named.try_emplace(std::string{field.key}, reader.subscription_options());
            if (!fault_) fault_ = reader.fault();
        }
    }
    add_channels(named);
    std::vector<Grant> grants;
    grants.reserve(named.size());
    for (auto& [channel, options] : named) grants.push_back({channel, std::move(options)});
    return grants;
}

/// What both name is as `subs` says.
void ClaimReader::add_channels(Named& named) {
    const auto channels = find("channels");
    if (!channels) return;
    simdjson::dom::array array;
    expect(channels->get(array) == simdjson::SUCCESS);
    if (!is_good()) return;
    for (const simdjson::dom::element element : array) {
        const auto channel = text_of(element);
        expect(channel.has_value());
        if (channel) expect_channel(*channel);
        if (!is_good()) return;
        named.try_emplace(std::string{*channel});
    }
}

/// 1 to 255 bytes without control characters; JSON has made sure of its UTF-8.
void ClaimReader::expect_channel(std::string_view name) noexcept {
    expect(!name.empty() && is_free_of_controls(name));
    expect_size(name.size(), name_bytes_max);
}

/// The member called `name`, unless it is null.
std::optional<simdjson::dom::element> ClaimReader::find(std::string_view name) const {
    const auto element = member(claims_, name);
    return element && !element->is_null() ? element : std::nullopt;
}

/// Likewise one that has to be an object, of names that differ.
std::optional<simdjson::dom::object> ClaimReader::object(std::string_view name) {
    const auto element = find(name);
    if (!element) return std::nullopt;
    simdjson::dom::object found;
    const bool is_object = element->get(found) == simdjson::SUCCESS && has_unique_names(found);
    expect(is_object);
    return is_object ? std::optional{found} : std::nullopt;
}

}  // namespace ringcast::auth

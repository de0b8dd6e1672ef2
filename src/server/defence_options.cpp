#include "server/defence_options.hpp"

#include <array>

#include "server/option_values.hpp"
#include "shard/client_limits.hpp"
#include "shard/origin.hpp"
#include "shard/trusted_proxies.hpp"

namespace ringcast::server {
namespace {

using namespace option_values;

Result add_origin(Options& options, std::string_view text) {
    if (const auto pattern = shard::OriginPattern::parse(text); !pattern)
        return std::unexpected{pattern.error()};
    options.allow_origin.emplace_back(text);
    return {};
}

Result add_proxy(Options& options, std::string_view text) {
    shard::TrustedProxies proxies;
    if (auto added = proxies.add(text); !added) return added;
    options.trusted_proxies.emplace_back(text);
    return {};
}

constexpr std::array field_words{
    Word<http::ForwardedField>{"x-forwarded-for", http::ForwardedField::x_forwarded_for},
    Word<http::ForwardedField>{"forwarded", http::ForwardedField::forwarded}};

constexpr OptionNeed a_message_rate{"--message-rate",
                                    [](const Options& o) { return o.message_rate > 0; }};
constexpr OptionNeed a_byte_rate{"--byte-rate", [](const Options& o) { return o.byte_rate > 0; }};
constexpr OptionNeed proxies{"--trusted-proxies",
                             [](const Options& o) { return !o.trusted_proxies.empty(); }};

constexpr std::string_view defences = "Defences";

constexpr std::array defence_table{
    OptionRow{
        .section = defences,
        .name = "connections-per-ip-max",
        .value_name = "N",
        .help = "connections of one client at a time, in the whole process; more are answered "
                "with status 429, over TLS closed and counted; a client is an IPv4 address or the "
                "first 64 bits of an IPv6 "
                "one, and none of --trusted-proxies; of the requests that these bring, those for a "
                "WebSocket count; 0: any number",
        .set = set_count<&Options::connections_per_ip_max, 0, shard::ClientLimits::count_max>,
        .get = get_count<&Options::connections_per_ip_max>},
    OptionRow{.section = defences,
              .name = "handshakes-per-ip",
              .value_name = "N",
              .help = "connections that one client may make in a second, ten seconds' worth at "
                      "once; more are answered with status 429, over TLS closed and counted; 0: "
                      "any number",
              .set = set_count<&Options::handshakes_per_ip, 0, shard::ClientLimits::rate_max>,
              .get = get_count<&Options::handshakes_per_ip>},
    OptionRow{.section = defences,
              .name = "message-rate",
              .value_name = "N",
              .help =
                  "messages and control frames that one client may send in a second; beyond, it "
                  "is not read from until it may again; 0: any number",
              .set = set_count<&Options::message_rate, 0, 1'000'000>,
              .get = get_count<&Options::message_rate>},
    OptionRow{.section = defences,
              .name = "message-burst",
              .value_name = "N",
              .help = "so many of them at once; 0: as many as in a second",
              .set = set_count<&Options::message_burst, 0, 1'000'000>,
              .get = get_count<&Options::message_burst>,
              .needs = {&a_message_rate}},
    OptionRow{.section = defences,
              .name = "byte-rate",
              .value_name = "SIZE",
              .help = "bytes that one client may send in a second, as TCP carries them; beyond, it "
                      "is not read from until it may again; 0: any number",
              .set = set_bytes<&Options::byte_rate, kib, 4 * gib, Zero::allowed>,
              .get = get_bytes<&Options::byte_rate>},
    OptionRow{.section = defences,
              .name = "byte-burst",
              .value_name = "SIZE",
              .help = "so many of them at once; 0: as many as in a second",
              .set = set_bytes<&Options::byte_burst, 0, 4 * gib>,
              .get = get_bytes<&Options::byte_burst>,
              .needs = {&a_byte_rate}},
    OptionRow{.section = defences,
              .name = "trusted-proxies",
              .value_name = "CIDR",
              .help = "whose word is taken for whose connection or request it is: 10.0.0.0/8, "
                      "2001:db8::/32, one address, or unix for all who come through a Unix socket; "
                      "may be repeated",
              .form = OptionRow::Form::list,
              .set = add_proxy,
              .get = [](const Options& options) { return options.trusted_proxies; },
              .clear = [](Options& options) { options.trusted_proxies.clear(); }},
    OptionRow{.section = defences,
              .name = "proxy-protocol",
              .help =
                  "each connection through --listen has to begin with a PROXY header, of version "
                  "1 or 2, and to come from one of --trusted-proxies; others are closed",
              .form = OptionRow::Form::toggle,
              .set = set_word<&Options::proxy_protocol, toggle_words>,
              .get = get_word<&Options::proxy_protocol, toggle_words>},
    OptionRow{
        .section = defences,
        .name = "forwarded-field",
        .value_name = "FIELD",
        .help =
            "where --trusted-proxies write whose request it is: x-forwarded-for or forwarded; the "
            "client is the last address there that is none of them, and the other field is "
            "not looked at",
        .set = set_word<&Options::forwarded_field, field_words>,
        .get = get_word<&Options::forwarded_field, field_words>,
        .needs = {&proxies}},
    OptionRow{
        .section = defences,
        .name = "allow-origin",
        .value_name = "PATTERN",
        .help = "pages that may connect besides those from the host and port that they connect to: "
                "https://example.org, https://*.example.org:* (a * is any port, or at least one "
                "letter, digit, - or _ of a label of the host, never a dot), null, or * for all; "
                "others are answered with status 403; may be repeated",
        .form = OptionRow::Form::list,
        .set = add_origin,
        .get = [](const Options& options) { return options.allow_origin; },
        .clear = [](Options& options) { options.allow_origin.clear(); }},
};

}  // namespace

std::span<const OptionRow> defence_options() noexcept {
    return defence_table;
}

}  // namespace ringcast::server

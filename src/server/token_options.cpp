#include "server/token_options.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <fmt/format.h>
#include <optional>

#include "server/option_values.hpp"

namespace ringcast::server {
namespace {

using namespace option_values;
using Seconds = std::chrono::sys_seconds;

constexpr OptionNeed keys{"--token-hmac-secret-file, --token-public-key-file or --token-jwks-file",
                          &takes_tokens};
constexpr OptionNeed previous_until{
    "--token-previous-until", [](const Options& o) { return o.token_previous_until != Seconds{}; }};
constexpr OptionNeed previous_keys{
    "--token-previous-secret-file or --token-previous-public-key-file", [](const Options& o) {
        return !o.token_previous_hmac_secret_files.empty() ||
               !o.token_previous_public_key_files.empty();
    }};

constexpr std::string_view tokens = "Tokens";

/// The digits at `begin`, as many as `size`.
std::optional<unsigned> digits(std::string_view text, std::size_t begin, std::size_t size) {
    unsigned value = 0;
    const char* const first = text.data() + begin;
    const auto [stop, error] = std::from_chars(first, first + size, value);
    if (error != std::errc{} || stop != first + size) return std::nullopt;
    return value;
}

/// `2027-01-31T12:00:00Z` (RFC 3339, in UTC), or the day alone, from its beginning.
std::optional<Seconds> parse_time(std::string_view text) {
    constexpr std::string_view form = "dddd-dd-ddTdd:dd:ddZ";
    constexpr std::size_t day_size = 10;
    if (text.size() != day_size && text.size() != form.size()) return std::nullopt;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_right =
            form[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i];
        if (!is_right) return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*digits(text, 0, 4))},
                                           std::chrono::month{*digits(text, 5, 2)},
                                           std::chrono::day{*digits(text, 8, 2)}};
    if (!date.ok()) return std::nullopt;
    Seconds time = std::chrono::sys_days{date};
    if (text.size() == day_size) return time;
    const unsigned hours = *digits(text, 11, 2), minutes = *digits(text, 14, 2),
                   seconds = *digits(text, 17, 2);
    if (hours > 23 || minutes > 59 || seconds > 59) return std::nullopt;
    return time + std::chrono::hours{hours} + std::chrono::minutes{minutes} +
           std::chrono::seconds{seconds};
}

std::string print_time(Seconds time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{time - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

Result set_previous_until(Options& options, std::string_view text) {
    const auto time = text.empty() ? Seconds{} : parse_time(text);
    if (!time) return refuse(text, "a time in UTC as 2027-01-31T12:00:00Z, or a day");
    options.token_previous_until = *time;
    return {};
}

Texts get_previous_until(const Options& options) {
    if (options.token_previous_until == Seconds{}) return {""};
    return {print_time(options.token_previous_until)};
}

constexpr std::array token_table{
    OptionRow{.section = tokens,
              .name = "token-hmac-secret-file",
              .value_name = "FILE",
              .help = "file with a secret that tokens (JWT) are signed with: HS256 needs 32 bytes, "
                      "HS384 48, HS512 64; may be repeated; read again at SIGHUP, as all keys",
              .form = OptionRow::Form::list,
              .set = add_text<&Options::token_hmac_secret_files>,
              .get = get_texts<&Options::token_hmac_secret_files>,
              .clear = clear_texts<&Options::token_hmac_secret_files>},
    OptionRow{.section = tokens,
              .name = "token-public-key-file",
              .value_name = "FILE",
              .help = "PEM file with public keys or certificates for tokens: RSA, EC or Ed25519; "
                      "may be repeated",
              .form = OptionRow::Form::list,
              .set = add_text<&Options::token_public_key_files>,
              .get = get_texts<&Options::token_public_key_files>,
              .clear = clear_texts<&Options::token_public_key_files>},
    OptionRow{.section = tokens,
              .name = "token-jwks-file",
              .value_name = "FILE",
              .help = "JSON file with public keys (JWKS), which tokens name by their kid",
              .set = set_text<&Options::token_jwks_file>,
              .get = get_text<&Options::token_jwks_file>},
    OptionRow{.section = tokens,
              .name = "token-issuer",
              .value_name = "NAME",
              .help = "what the iss of a token has to be; without it anything",
              .set = set_text<&Options::token_issuer>,
              .get = get_text<&Options::token_issuer>,
              .needs = {&keys}},
    OptionRow{.section = tokens,
              .name = "token-audience",
              .value_name = "NAME",
              .help = "what the aud of a token has to be, or to contain; without it anything",
              .set = set_text<&Options::token_audience>,
              .get = get_text<&Options::token_audience>,
              .needs = {&keys}},
    OptionRow{.section = tokens,
              .name = "token-leeway",
              .value_name = "DURATION",
              .help = "by how much the clocks of those who make tokens may differ; whole seconds "
                      "count",
              .set = set_duration<&Options::token_leeway, 1'000, hour, Zero::allowed>,
              .get = get_duration<&Options::token_leeway>,
              .needs = {&keys}},
    OptionRow{.section = tokens,
              .name = "token-previous-secret-file",
              .value_name = "FILE",
              .help = "file with the secret before, for tokens that are still about; may be "
                      "repeated",
              .form = OptionRow::Form::list,
              .set = add_text<&Options::token_previous_hmac_secret_files>,
              .get = get_texts<&Options::token_previous_hmac_secret_files>,
              .clear = clear_texts<&Options::token_previous_hmac_secret_files>,
              .needs = {&keys, &previous_until}},
    OptionRow{.section = tokens,
              .name = "token-previous-public-key-file",
              .value_name = "FILE",
              .help = "likewise with public keys",
              .form = OptionRow::Form::list,
              .set = add_text<&Options::token_previous_public_key_files>,
              .get = get_texts<&Options::token_previous_public_key_files>,
              .clear = clear_texts<&Options::token_previous_public_key_files>,
              .needs = {&keys, &previous_until}},
    OptionRow{.section = tokens,
              .name = "token-previous-until",
              .value_name = "TIME",
              .help = "when the previous keys end, in UTC: 2027-01-31T12:00:00Z, or 2027-01-31",
              .set = set_previous_until,
              .get = get_previous_until,
              .needs = {&keys, &previous_keys}},
    OptionRow{.section = tokens,
              .name = "token-cookie",
              .value_name = "NAME",
              .help = "a cookie that may carry the token, besides Authorization: Bearer",
              .set = set_text<&Options::token_cookie>,
              .get = get_text<&Options::token_cookie>,
              .needs = {&keys}},
    OptionRow{.section = tokens,
              .name = "token-query",
              .value_name = "NAME",
              .help = "a query parameter that may carry it, for clients that can do nothing else: "
                      "proxies see it, and may log it",
              .set = set_text<&Options::token_query>,
              .get = get_text<&Options::token_query>,
              .needs = {&keys}},
    OptionRow{.section = tokens,
              .name = "token-subprotocol",
              .value_name = "PREFIX",
              .help = "a subprotocol that begins so carries it behind that: bearer. of "
                      "bearer.eyJh, for browsers, which should offer another one with it",
              .set = set_text<&Options::token_subprotocol>,
              .get = get_text<&Options::token_subprotocol>,
              .needs = {&keys}},
};

}  // namespace

std::span<const OptionRow> token_options() noexcept {
    return token_table;
}

}  // namespace ringcast::server

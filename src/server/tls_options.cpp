#include "server/tls_options.hpp"

#include <algorithm>
#include <array>

#include "server/listening.hpp"
#include "server/option_values.hpp"

namespace ringcast::server {
namespace {

using namespace option_values;

constexpr std::array client_words{
    Word<ClientCertificates>{"required", ClientCertificates::required},
    Word<ClientCertificates>{"optional", ClientCertificates::optional}};
constexpr std::array version_words{Word<TlsVersion>{"1.2", TlsVersion::tls_1_2},
                                   Word<TlsVersion>{"1.3", TlsVersion::tls_1_3}};

constexpr OptionNeed tls_listener{
    "--listen wss://", [](const Options& o) {
        return std::ranges::any_of(
            o.listen, [](const ListenUrl& url) { return scheme_of(url.text) == "wss"; });
    }};
constexpr OptionNeed client_ca{"--tls-client-ca",
                               [](const Options& o) { return !o.tls_client_ca.empty(); }};
constexpr OptionNeed version_1_2{"--tls-version-min 1.2", [](const Options& o) {
                                     return o.tls_version_min == TlsVersion::tls_1_2;
                                 }};

constexpr std::string_view tls = "TLS";

constexpr std::array tls_table{
    OptionRow{.section = tls,
              .name = "tls-cert",
              .value_name = "FILE",
              .help = "PEM file with a certificate of listeners at wss:// and its issuers; may be "
                      "repeated: clients get the one for the name that they ask for, else the "
                      "first; read again at SIGHUP",
              .form = OptionRow::Form::list,
              .set = add_text<&Options::tls_certs>,
              .get = get_texts<&Options::tls_certs>,
              .clear = clear_texts<&Options::tls_certs>,
              .needs = {&tls_listener}},
    OptionRow{.section = tls,
              .name = "tls-key",
              .value_name = "FILE",
              .help = "PEM file with its private key; as many as --tls-cert, in the same order, or "
                      "none: then they are in the files of the certificates",
              .form = OptionRow::Form::list,
              .set = add_text<&Options::tls_keys>,
              .get = get_texts<&Options::tls_keys>,
              .clear = clear_texts<&Options::tls_keys>,
              .needs = {&tls_listener}},
    OptionRow{.section = tls,
              .name = "tls-directory",
              .value_name = "PATH",
              .help = "where there are more: NAME.crt or NAME.pem with NAME.key or NAME-key.pem, "
                      "and folders with fullchain.pem and privkey.pem; or one such folder",
              .set = set_text<&Options::tls_directory>,
              .get = get_text<&Options::tls_directory>,
              .needs = {&tls_listener}},
    OptionRow{.section = tls,
              .name = "tls-client-ca",
              .value_name = "FILE",
              .help = "PEM file with the issuers of clients' certificates; without it clients are "
                      "asked for none",
              .set = set_text<&Options::tls_client_ca>,
              .get = get_text<&Options::tls_client_ca>,
              .needs = {&tls_listener}},
    OptionRow{.section = tls,
              .name = "tls-client-certificates",
              .value_name = "MODE",
              .help = "with --tls-client-ca: required, or optional: who shows none is served, too",
              .set = set_word<&Options::tls_client_certificates, client_words>,
              .get = get_word<&Options::tls_client_certificates, client_words>,
              .needs = {&tls_listener, &client_ca}},
    OptionRow{.section = tls,
              .name = "tls-version-min",
              .value_name = "1.2|1.3",
              .help = "the oldest version of TLS that is spoken",
              .set = set_word<&Options::tls_version_min, version_words>,
              .get = get_word<&Options::tls_version_min, version_words>,
              .needs = {&tls_listener}},
    OptionRow{.section = tls,
              .name = "tls-ciphers",
              .value_name = "LIST",
              .help = "ciphers of TLS 1.2, as OpenSSL names them, separated by colons; without it "
                      "those of Mozilla's intermediate configuration",
              .set = set_text<&Options::tls_ciphers>,
              .get = get_text<&Options::tls_ciphers>,
              .needs = {&tls_listener, &version_1_2}},
    OptionRow{.section = tls,
              .name = "tls-cipher-suites",
              .value_name = "LIST",
              .help = "likewise of TLS 1.3",
              .set = set_text<&Options::tls_cipher_suites>,
              .get = get_text<&Options::tls_cipher_suites>,
              .needs = {&tls_listener}},
    OptionRow{.section = tls,
              .name = "tls-ticket-lifetime",
              .value_name = "DURATION",
              .help = "how long a client may come back with a session ticket; the keys change "
                      "after half of it",
              .set = set_duration<&Options::tls_ticket_lifetime, 60'000, 7 * 24 * hour>,
              .get = get_duration<&Options::tls_ticket_lifetime>,
              .needs = {&tls_listener}},
    OptionRow{.section = tls,
              .name = "tls-handshakes-per-turn",
              .value_name = "N",
              .help = "steps of TLS handshakes, of 0.1 to 0.5 ms each, that a shard answers before "
                      "it serves its other connections again",
              .set = set_count<&Options::tls_handshakes_per_turn, 1, 1'000'000>,
              .get = get_count<&Options::tls_handshakes_per_turn>,
              .needs = {&tls_listener}},
};

}  // namespace

std::span<const OptionRow> tls_options() noexcept {
    return tls_table;
}

}  // namespace ringcast::server

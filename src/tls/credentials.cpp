#include "tls/credentials.hpp"

#include <algorithm>
#include <openssl/pem.h>
#include <ranges>
#include <utility>

namespace ringcast::tls {

namespace {

std::unexpected<LoadError> refused(LoadReason reason, const std::string& name, std::string text) {
    ERR_clear_error();
    return std::unexpected{LoadError{reason, name + ": " + std::move(text)}};
}

/// Instead of OpenSSL's own, which would ask on the terminal.
int note_password_wanted(char*, int, int, void* is_wanted) {
    *static_cast<bool*>(is_wanted) = true;
    return -1;
}

bool is_end_of_pem() noexcept {
    const unsigned long code = ERR_peek_last_error();
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

std::expected<KeyPointer, LoadError> load_key(std::string_view pem, const std::string& name) {
    bool is_password_wanted = false;
    const BioPointer bio = bio_over(pem);
    KeyPointer key{
        PEM_read_bio_PrivateKey(bio.get(), nullptr, note_password_wanted, &is_password_wanted)};
    if (key) return key;
    if (is_password_wanted)
        return refused(LoadReason::encrypted_key, name, "the private key is encrypted");
    if (!holds_private_key(pem))
        return refused(LoadReason::no_key, name, "there is no private key in it");
    return refused(LoadReason::malformed_key, name, "the private key cannot be read");
}

std::vector<std::string> dns_names(const X509* certificate) {
    std::vector<std::string> names;
    auto* const all = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(all, i);
        if (name->type != GEN_DNS) continue;
        const ASN1_IA5STRING* const text = name->d.dNSName;
        names.push_back(lower_case({reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                    static_cast<std::size_t>(ASN1_STRING_length(text))}));
    }
    GENERAL_NAMES_free(all);
    std::ranges::sort(names);
    return names;
}

/// The end of the validity (RFC 5280 section 4.1.2.5).
std::chrono::sys_seconds expiry(const X509* certificate) {
    const std::unique_ptr<ASN1_TIME, FreedBy<ASN1_TIME_free>> epoch{ASN1_TIME_set(nullptr, 0)};
    int days = 0, seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, epoch.get(), X509_get0_notAfter(certificate)) == 0)
        return {};  // Unreadable: as good as expired.
    return std::chrono::sys_seconds{std::chrono::days{days} + std::chrono::seconds{seconds}};
}

}  // namespace

std::expected<Credentials, LoadError> load(const Identity& identity) {
    auto certificates =
        load_certificates(identity.certificate_pem.text(), identity.certificate_name,
                          LoadReason::no_certificate, LoadReason::malformed_certificate);
    if (!certificates) return std::unexpected{std::move(certificates.error())};
    auto key = load_key(identity.key_pem.text(), identity.key_name);
    if (!key) return std::unexpected{std::move(key.error())};

    Credentials credentials;
    credentials.certificate = std::move(certificates->front());
    credentials.key = std::move(*key);
    if (X509_check_private_key(credentials.certificate.get(), credentials.key.get()) != 1) {
        return refused(
            LoadReason::key_mismatch, identity.key_name,
            "the private key does not belong to the certificate in " + identity.certificate_name);
    }
    credentials.names = dns_names(credentials.certificate.get());
    credentials.expires_at = expiry(credentials.certificate.get());
    for (X509Pointer& issuer : *certificates | std::views::drop(1)) {
        credentials.expires_at = std::min(credentials.expires_at, expiry(issuer.get()));
        credentials.chain.push_back(std::move(issuer));
    }
    return credentials;
}

std::expected<std::vector<X509Pointer>, LoadError> load_certificates(std::string_view pem,
                                                                     const std::string& name,
                                                                     LoadReason reason_none,
                                                                     LoadReason reason_malformed) {
    std::vector<X509Pointer> certificates;
    const BioPointer bio = bio_over(pem);
    while (X509* const certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
        certificates.emplace_back(certificate);
    if (!is_end_of_pem())
        return refused(
            reason_malformed, name,
            "certificate " + std::to_string(certificates.size() + 1) + " in it cannot be read");
    if (certificates.empty()) return refused(reason_none, name, "there is no certificate in it");
    ERR_clear_error();
    return certificates;
}

std::string lower_case(std::string_view name) {
    std::string result{name};
    for (char& letter : result) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return result;
}

}  // namespace ringcast::tls

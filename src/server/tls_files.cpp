#include "server/tls_files.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fmt/core.h>
#include <optional>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <utility>

#include "server/secret_file.hpp"

namespace ringcast::server {

namespace {

using Paths = std::vector<std::filesystem::path>;

/// Those of `paths` that are there, by name: a link that leads nowhere is, and found out when it is
/// read. What cannot be looked at is an error, or a certificate would be dropped without a word
/// when it is out of sight.
std::expected<Paths, std::string> those_there(Paths paths) {
    Paths found;
    for (std::filesystem::path& path : paths) {
        struct stat status{};
        if (lstat(path.c_str(), &status) == 0) {
            found.push_back(std::move(path));
        } else if (errno != ENOENT && errno != ENOTDIR) {
            return cannot_read(path, errno);
        }
    }
    return found;
}

/// A certificate, or none.
using Found = std::expected<std::optional<TlsCertificate>, std::string>;

/// What a certificate authority's client keeps in one folder for each certificate, beside parts of
/// it in files of their own.
Found certificate_in(const std::filesystem::path& folder) {
    const std::filesystem::path chain = folder / "fullchain.pem", key = folder / "privkey.pem";
    const auto found = those_there({chain, key});
    if (!found) return std::unexpected{found.error()};
    if (found->empty()) return std::nullopt;
    if (found->size() == 2) return TlsCertificate{.certificate_file = chain, .key_file = key};
    return std::unexpected{fmt::format("there is {}, but not {}", found->front().string(),
                                       (found->front() == chain ? key : chain).string())};
}

/// The file beside a certificate with its key; empty if the certificate's own holds that, too.
std::expected<std::string, std::string> key_of(const std::filesystem::path& certificate) {
    const std::string name = std::filesystem::path{certificate}.replace_extension().string();
    const std::string key = name + ".key", mkcert_key = name + "-key.pem";
    const auto found = those_there({key, mkcert_key});
    if (!found) return std::unexpected{found.error()};
    if (found->size() == 1) return found->front().string();
    if (found->size() == 2) {
        return std::unexpected{fmt::format("{}: there are two keys for it, {} and {}",
                                           certificate.string(), key, mkcert_key)};
    }
    const auto text = read_secret(certificate);
    if (!text) return std::unexpected{text.error()};
    if (tls::holds_private_key(text->text())) return std::string{};
    return std::unexpected{
        fmt::format("{}: there is no private key in it, and neither {} nor {} is there",
                    certificate.string(), key, mkcert_key)};
}

/// Whether it is NAME-key.pem beside a certificate called NAME.
std::expected<bool, std::string> is_key(const std::filesystem::path& path) {
    constexpr std::string_view end = "-key.pem";
    const std::string text = path.string();
    if (!text.ends_with(end)) return false;
    const std::string name = text.substr(0, text.size() - end.size());
    const auto found = those_there({name + ".crt", name + ".pem"});
    if (!found) return std::unexpected{found.error()};
    return !found->empty();
}

/// What stands in a directory under that path, if it is a certificate.
Found certificate_at(const std::filesystem::path& path) {
    auto certificate = certificate_in(path);
    if (!certificate || *certificate) return certificate;
    if (path.extension() != ".crt" && path.extension() != ".pem") return std::nullopt;
    const auto is_other = is_key(path);
    if (!is_other) return std::unexpected{is_other.error()};
    if (*is_other) return std::nullopt;
    auto key = key_of(path);
    if (!key) return std::unexpected{std::move(key.error())};
    return TlsCertificate{.certificate_file = path, .key_file = *std::move(key)};
}

std::expected<tls::Identity, std::string> read_identity(const TlsCertificate& certificate) {
    const std::string& key_file =
        certificate.key_file.empty() ? certificate.certificate_file : certificate.key_file;
    auto certificates = read_secret(certificate.certificate_file);
    if (!certificates) return std::unexpected{std::move(certificates.error())};
    auto key = read_secret(key_file);
    if (!key) return std::unexpected{std::move(key.error())};
    return tls::Identity{.certificate_name = certificate.certificate_file,
                         .certificate_pem = std::move(*certificates),
                         .key_name = key_file,
                         .key_pem = std::move(*key)};
}

/// A list of ciphers comes from no file that the text could name.
std::string sentence_of(const tls::LoadError& error) {
    if (error.reason == tls::LoadReason::bad_ciphers) return "--tls-ciphers: " + error.text;
    if (error.reason == tls::LoadReason::bad_cipher_suites)
        return "--tls-cipher-suites: " + error.text;
    return error.text;
}

}  // namespace

std::expected<std::vector<TlsCertificate>, std::string> find_certificates(
    const TlsSettings& settings) {
    std::vector<TlsCertificate> certificates = settings.certificates;
    if (settings.directory.empty()) return certificates;
    auto alone = certificate_in(settings.directory);
    if (!alone) return std::unexpected{std::move(alone.error())};
    if (*alone) {
        certificates.push_back(**std::move(alone));
        return certificates;
    }
    std::error_code error;
    Paths paths;
    for (std::filesystem::directory_iterator entry{settings.directory, error}, end; entry != end;
         entry.increment(error)) {
        paths.push_back(entry->path());
        if (error) break;
    }
    if (error) return cannot_read(settings.directory, error.value());
    std::ranges::sort(paths);
    for (const std::filesystem::path& path : paths) {
        auto certificate = certificate_at(path);
        if (!certificate) return std::unexpected{std::move(certificate.error())};
        if (*certificate) certificates.push_back(**std::move(certificate));
    }
    if (certificates.empty())
        return std::unexpected{fmt::format("there is no certificate in {}", settings.directory)};
    return certificates;
}

std::expected<tls::LoadedContext, std::string> load_tls(const TlsSettings& settings) {
    const auto certificates = find_certificates(settings);
    if (!certificates) return std::unexpected{certificates.error()};
    tls::ContextSettings context;
    for (const TlsCertificate& certificate : *certificates) {
        auto identity = read_identity(certificate);
        if (!identity) return std::unexpected{std::move(identity.error())};
        context.identities.push_back(std::move(*identity));
    }
    if (!settings.client_ca_file.empty()) {
        auto issuers = read_secret(settings.client_ca_file);
        if (!issuers) return std::unexpected{std::move(issuers.error())};
        context.client_ca_name = settings.client_ca_file;
        context.client_ca_pem = std::move(*issuers);
        context.client_certificates = settings.client_certificates == ClientCertificates::optional
                                          ? tls::ClientCertificates::optional
                                          : tls::ClientCertificates::required;
    }
    context.version_min =
        settings.version_min == TlsVersion::tls_1_3 ? tls::Version::tls_1_3 : tls::Version::tls_1_2;
    if (!settings.ciphers.empty()) context.ciphers = settings.ciphers;
    if (!settings.cipher_suites.empty()) context.cipher_suites = settings.cipher_suites;
    context.ticket_lifetime =
        std::chrono::duration_cast<std::chrono::seconds>(settings.ticket_lifetime);
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    auto loaded = tls::Context::load(context, now);
    if (!loaded) return std::unexpected{sentence_of(loaded.error())};
    return std::move(*loaded);
}

}  // namespace ringcast::server

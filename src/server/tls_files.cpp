#include "server/tls_files.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <span>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "ring/listen.hpp"

namespace ringcast::server {

namespace {

/// Longer than any chain; a device that never ends is none.
constexpr off_t file_bytes_max = 1 << 20;

std::unexpected<std::string> cannot_read(const std::string& path, int error) {
    return std::unexpected{fmt::format("cannot read {}: {}", path, std::strerror(error))};
}

/// Without a copy of the text anywhere else: it may be a private key.
std::expected<tls::Secret, std::string> read_secret(const std::string& path) {
    const ring::Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat status{};
    if (!file || fstat(file.get(), &status) != 0) return cannot_read(path, errno);
    if (!S_ISREG(status.st_mode) || status.st_size > file_bytes_max)
        return std::unexpected{fmt::format("{} is not a file of at most 1 MiB", path)};
    tls::Secret secret{static_cast<std::size_t>(status.st_size)};
    std::span<char> rest = secret.chars();
    while (!rest.empty()) {
        const ssize_t size = read(file.get(), rest.data(), rest.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return cannot_read(path, errno);
        if (size == 0)
            return std::unexpected{fmt::format("{} was changed while it was read", path)};
        rest = rest.subspan(static_cast<std::size_t>(size));
    }
    return secret;
}

/// By name: a link that leads nowhere is there, and found out when it is read. What cannot be
/// looked at is an error, or a certificate would be dropped without a word when it is out of sight.
std::expected<bool, std::string> is_there(const std::filesystem::path& path) {
    struct stat status{};
    if (lstat(path.c_str(), &status) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return cannot_read(path, errno);
}

/// A certificate, or none.
using Found = std::expected<std::optional<TlsCertificate>, std::string>;

/// What a certificate authority's client keeps in one folder for each certificate, beside parts of
/// it in files of their own.
Found certificate_in(const std::filesystem::path& folder) {
    const std::filesystem::path chain = folder / "fullchain.pem", key = folder / "privkey.pem";
    const auto has_chain = is_there(chain), has_key = is_there(key);
    if (!has_chain) return std::unexpected{has_chain.error()};
    if (!has_key) return std::unexpected{has_key.error()};
    if (*has_chain != *has_key) {
        return std::unexpected{fmt::format("there is {}, but not {}",
                                           (*has_chain ? chain : key).string(),
                                           (*has_chain ? key : chain).string())};
    }
    if (!*has_chain) return std::nullopt;
    return TlsCertificate{.certificate_file = chain, .key_file = key};
}

/// What stands in a directory under that path, if it is a certificate.
Found certificate_at(const std::filesystem::path& path) {
    auto certificate = certificate_in(path);
    if (!certificate || *certificate) return certificate;
    if (path.extension() != ".crt" && path.extension() != ".pem") return std::nullopt;
    const std::filesystem::path key = std::filesystem::path{path}.replace_extension(".key");
    const auto has_key = is_there(key);
    if (!has_key) return std::unexpected{has_key.error()};
    return TlsCertificate{.certificate_file = path,
                          .key_file = *has_key ? key.string() : std::string{}};
}

std::expected<tls::Identity, std::string> read_identity(const TlsCertificate& certificate) {
    const std::string& key_file =
        certificate.key_file.empty() ? certificate.certificate_file : certificate.key_file;
    auto certificates = read_secret(certificate.certificate_file);
    if (!certificates) return std::unexpected{std::move(certificates.error())};
    auto key = read_secret(key_file);
    if (!key) return std::unexpected{std::move(key.error())};
    return tls::Identity{.certificate_name = certificate.certificate_file,
                         .certificate_pem = std::string{certificates->text()},
                         .key_name = key_file,
                         .key_pem = std::move(*key)};
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
    std::vector<std::filesystem::path> paths;
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
        const auto issuers = read_secret(settings.client_ca_file);
        if (!issuers) return std::unexpected{issuers.error()};
        context.client_ca_name = settings.client_ca_file;
        context.client_ca_pem = issuers->text();
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
    if (!loaded) return std::unexpected{std::move(loaded.error().text)};
    return std::move(*loaded);
}

}  // namespace ringcast::server

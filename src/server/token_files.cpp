#include "server/token_files.hpp"

#include <utility>
#include <vector>

#include "server/secret_file.hpp"

namespace ringcast::server {

namespace {

std::expected<auth::KeyFile, std::string> read_key_file(const std::string& path) {
    auto text = read_secret(path);
    if (!text) return std::unexpected{std::move(text.error())};
    return auth::KeyFile{.name = path, .text = std::move(*text)};
}

std::expected<std::vector<auth::KeyFile>, std::string> read_key_files(
    const std::vector<std::string>& paths) {
    std::vector<auth::KeyFile> files;
    for (const std::string& path : paths) {
        auto file = read_key_file(path);
        if (!file) return std::unexpected{std::move(file.error())};
        files.push_back(std::move(*file));
    }
    return files;
}

std::expected<auth::KeyFiles, std::string> read_keys(const TokenKeyFiles& names) {
    auto secrets = read_key_files(names.secret_files);
    if (!secrets) return std::unexpected{std::move(secrets.error())};
    auto public_keys = read_key_files(names.public_key_files);
    if (!public_keys) return std::unexpected{std::move(public_keys.error())};
    return auth::KeyFiles{std::move(*secrets), std::move(*public_keys)};
}

}  // namespace

bool has_token_keys(const TokenSettings& settings) noexcept {
    return !settings.keys.secret_files.empty() || !settings.keys.public_key_files.empty() ||
           !settings.jwks_file.empty();
}

std::expected<auth::LoadedKeys, std::string> load_token_keys(const TokenSettings& settings) {
    auth::KeySources sources;
    auto current = read_keys(settings.keys);
    if (!current) return std::unexpected{std::move(current.error())};
    auto previous = read_keys(settings.previous_keys);
    if (!previous) return std::unexpected{std::move(previous.error())};
    sources.current = std::move(*current);
    sources.previous = std::move(*previous);
    sources.previous_until = settings.previous_until;
    if (!settings.jwks_file.empty()) {
        auto jwks = read_key_file(settings.jwks_file);
        if (!jwks) return std::unexpected{std::move(jwks.error())};
        sources.jwks = std::move(*jwks);
    }
    return auth::KeySet::load(sources);
}

auth::Rules token_rules(const TokenSettings& settings) {
    return {.issuer = settings.issuer, .audience = settings.audience, .leeway = settings.leeway};
}

http::TokenPlaces token_places(const TokenSettings& settings) {
    return {.subprotocol_prefix = settings.subprotocol_prefix,
            .cookie = settings.cookie,
            .query = settings.query_parameter};
}

}  // namespace ringcast::server

#include "server/api_keys.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/assert.hpp"
#include "http/characters.hpp"
#include "server/secret_file.hpp"

namespace ringcast::server {

namespace {

/// Shorter ones can be guessed.
constexpr std::size_t key_bytes_min = 16;
constexpr std::size_t key_bytes_max = 512;
constexpr std::size_t keys_max = 64;

/// Takes the line that `rest` begins with.
std::string_view take_line(std::string_view& rest) noexcept {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

/// What a header field can bring in one word.
bool is_word(std::string_view text) noexcept {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

std::expected<ApiKeys, std::string> ApiKeys::load(const std::string& path) {
    const auto text = read_secret(path);
    if (!text) return std::unexpected{text.error()};
    return parse(text->text(), path);
}

std::expected<ApiKeys, std::string> ApiKeys::parse(std::string_view text, const std::string& path) {
    ApiKeys keys;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::string_view key = http::trimmed(take_line(text));
        if (key.empty() || key.starts_with('#')) continue;
        if (key.size() < key_bytes_min || key.size() > key_bytes_max || !is_word(key)) {
            return std::unexpected{
                fmt::format("{} line {}: a key is {} to {} visible characters of ASCII", path,
                            number, key_bytes_min, key_bytes_max)};
        }
        if (keys.digests_.size() == keys_max)
            return std::unexpected{fmt::format("{} has more than {} keys", path, keys_max)};
        keys.digests_.push_back(digest_of(key));
    }
    if (keys.digests_.empty()) return std::unexpected{fmt::format("{} has no key", path)};
    return keys;
}

bool ApiKeys::has(std::string_view key) const noexcept {
    const Digest digest = digest_of(key);
    bool is_found = false;
    // To the end, also when it is found: the place of a key is nobody's business.
    for (const Digest& ours : digests_)
        is_found |= CRYPTO_memcmp(ours.data(), digest.data(), digest.size()) == 0;
    return is_found;
}

ApiKeys::Digest ApiKeys::digest_of(std::string_view key) noexcept {
    // Looked up once: by itself it would cost more than the digest of a key.
    static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    RC_ASSERT(sha256 != nullptr);
    Digest digest;
    const int is_done =
        EVP_Digest(key.data(), key.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr,
                   sha256, nullptr);
    RC_ASSERT(is_done == 1);
    return digest;
}

std::optional<std::string_view> api_key_of(const http::Request& request) noexcept {
    constexpr std::string_view key_field = "X-API-Key", other_field = "Authorization";
    constexpr std::string_view scheme = "apikey";
    const std::size_t count = request.field_count(key_field);
    if (count > 1) return std::nullopt;
    if (count == 1) return request.field(key_field);
    if (request.field_count(other_field) != 1) return std::nullopt;
    const std::string_view value = *request.field(other_field);
    if (value.size() <= scheme.size() || value[scheme.size()] != ' ' ||
        !http::equals_ignoring_case(value.substr(0, scheme.size()), scheme))
        return std::nullopt;
    return http::trimmed(value.substr(scheme.size()));
}

}  // namespace ringcast::server

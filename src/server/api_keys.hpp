#pragma once
// The keys of applications that may use the server API. What is kept of a key is its SHA-256, so
// that no key stays in memory, and comparing takes the same time whatever is wrong with one.

#include <array>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.hpp"

namespace ringcast::server {

class ApiKeys {
public:
    /// Reads a file of one key a line; several let an old one go out of use without a gap. Empty
    /// lines and those that begin with `#` are left out. The error is one sentence that names the
    /// file, and the line, but never a key.
    [[nodiscard]] static std::expected<ApiKeys, std::string> load(const std::string& path);
    /// The same of a text.
    [[nodiscard]] static std::expected<ApiKeys, std::string> parse(std::string_view text,
                                                                   const std::string& path);

    /// The time that it takes depends on the length of `key`, and on no key of ours.
    [[nodiscard]] bool has(std::string_view key) const noexcept;
    [[nodiscard]] std::size_t count() const noexcept { return digests_.size(); }

private:
    using Digest = std::array<std::byte, 32>;
    [[nodiscard]] static Digest digest_of(std::string_view key) noexcept;

    std::vector<Digest> digests_;
};

/// The key that a request brings: `X-API-Key: K`, or `Authorization: apikey K`. Nothing if there is
/// none, or more than one field of that name.
[[nodiscard]] std::optional<std::string_view> api_key_of(const http::Request& request) noexcept;

}  // namespace ringcast::server

#include "auth/jws.hpp"

#include <algorithm>
#include <optional>

#include "auth/base64.hpp"
#include "auth/claims.hpp"
#include "auth/json.hpp"

namespace ringcast::auth {

namespace {

struct Header {
    Algorithm algorithm;
    std::optional<std::string> key_id;
};

/// RFC 7515 section 4.1; `text` is the JSON.
std::expected<Header, Reason> parse_header(std::string_view text) {
    JsonTree tree;
    const auto header = tree.parse_object(text);
    if (!header) return std::unexpected{Reason::malformed_header};
    if (member(*header, "crit")) return std::unexpected{Reason::critical_extension};
    const auto name = member(*header, "alg");
    const auto algorithm = name ? text_of(*name) : std::nullopt;
    if (!algorithm) return std::unexpected{Reason::malformed_header};
    const auto known = find_algorithm(*algorithm);
    if (!known) {
        constexpr auto lower = [](char c) { return static_cast<char>(c | 0x20); };
        const bool is_none = std::ranges::equal(*algorithm, std::string_view{"none"}, {}, lower);
        return std::unexpected{is_none ? Reason::unsecured : Reason::unsupported_algorithm};
    }
    Header result{*known, std::nullopt};
    if (const auto key_id = member(*header, "kid")) {
        const auto id = text_of(*key_id);
        if (!id) return std::unexpected{Reason::malformed_header};
        result.key_id = std::string{*id};
    }
    return result;
}

}  // namespace

std::expected<std::string, Reason> open_jws(std::string_view token, const KeySet& keys,
                                            std::chrono::sys_seconds now) {
    if (token.size() > token_bytes_max) return std::unexpected{Reason::too_long};
    const std::size_t header_end = token.find('.'), input_end = token.rfind('.');
    if (header_end == token.npos || header_end == input_end)
        return std::unexpected{Reason::malformed};
    // A third dot is no digit of base64, nor are those of five parts, which are encrypted.
    const auto header_text = decode_base64(token.substr(0, header_end), Base64::url);
    const auto payload =
        decode_base64(token.substr(header_end + 1, input_end - header_end - 1), Base64::url);
    const auto signature = decode_base64(token.substr(input_end + 1), Base64::url);
    if (!header_text || !payload || !signature) return std::unexpected{Reason::malformed};
    const auto header = parse_header(*header_text);
    if (!header) return std::unexpected{header.error()};
    const auto checked =
        keys.check(header->algorithm, header->key_id, token.substr(0, input_end), *signature, now);
    if (!checked) return std::unexpected{checked.error()};
    return *payload;
}

}  // namespace ringcast::auth

#include "ws/permessage_deflate.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "http/characters.hpp"
#include "ws/extension.hpp"

namespace ringcast::ws {

namespace {

constexpr std::string_view field_name = "Sec-WebSocket-Extensions";
constexpr std::string_view extension_name = "permessage-deflate";
constexpr std::string_view server_no_context_takeover = "server_no_context_takeover";
constexpr std::string_view client_no_context_takeover = "client_no_context_takeover";
constexpr std::string_view server_max_window_bits = "server_max_window_bits";
constexpr std::string_view client_max_window_bits = "client_max_window_bits";

/// An element of the list while its parameters are read.
struct Offer {
    bool is_valid = false;  // It is one of permessage-deflate, and nothing wrong has been found.
    bool names_client_max_window_bits = false;  // With or without a value.
    DeflateParameters parameters;
};

/// A decimal number without leading zeros, 8 to 15 (RFC 7692 section 7.1.2), that may have been
/// quoted.
std::optional<std::uint8_t> window_bits_of(std::string_view value) noexcept {
    unsigned bits = 0;
    for (const char c : value) {
        if (c == '\\') continue;
        if (!http::is_digit(c) || (bits == 0 && c == '0')) return std::nullopt;
        bits = bits * 10 + static_cast<unsigned>(c - '0');
        if (bits > window_bits_max) return std::nullopt;
    }
    if (bits < window_bits_min) return std::nullopt;
    return static_cast<std::uint8_t>(bits);
}

/// False if the parameter makes the offer invalid.
bool add_parameter(Offer& offer, std::string_view name,
                   std::optional<std::string_view> value) noexcept {
    DeflateParameters& parameters = offer.parameters;
    const auto is_named = [name](std::string_view known) {
        return http::equals_ignoring_case(name, known);
    };
    const auto set_flag = [value](bool& flag) { return !std::exchange(flag, true) && !value; };
    if (is_named(server_no_context_takeover))
        return set_flag(parameters.server_no_context_takeover);
    if (is_named(client_no_context_takeover))
        return set_flag(parameters.client_no_context_takeover);
    if (is_named(server_max_window_bits)) {
        if (parameters.server_max_window_bits || !value) return false;
        parameters.server_max_window_bits = window_bits_of(*value);
        return parameters.server_max_window_bits.has_value();
    }
    if (is_named(client_max_window_bits)) {
        if (std::exchange(offer.names_client_max_window_bits, true)) return false;
        if (!value) return true;
        parameters.client_max_window_bits = window_bits_of(*value);
        return parameters.client_max_window_bits.has_value();
    }
    return false;
}

DeflateParameters accept(const Offer& offer, const DeflatePolicy& policy) noexcept {
    const bool is_shared = policy.compression == Compression::shared;
    DeflateParameters agreed = offer.parameters;
    agreed.server_no_context_takeover |= is_shared;
    agreed.client_no_context_takeover |= is_shared;
    // We may name a smaller window than was offered, or one where none was.
    if (agreed.server_max_window_bits || policy.server_window_bits_max < window_bits_max) {
        agreed.server_max_window_bits =
            std::min(agreed.server_window_bits(), policy.server_window_bits_max);
    }
    // The client's only if it says that it knows the parameter.
    if (agreed.client_window_bits() > policy.client_window_bits_max) {
        if (offer.names_client_max_window_bits) {
            agreed.client_max_window_bits = policy.client_window_bits_max;
        } else {
            agreed.client_no_context_takeover = true;
        }
    }
    return agreed;
}

/// Walks over all header fields. The first valid offer, if there is one; a failure if a field is
/// malformed, even behind that offer.
std::expected<std::optional<Offer>, HandshakeFailure> first_valid_offer(
    const http::Request& request) {
    const HandshakeFailure malformed{http::Status::bad_request,
                                     HandshakeReason::malformed_extensions};
    std::optional<Offer> first;
    bool is_there = false, has_element = false;
    for (const http::Field& field : request.fields) {
        if (!http::equals_ignoring_case(field.name, field_name)) continue;
        is_there = true;
        Offer offer;
        const auto finish_offer = [&] {
            if (offer.is_valid && !first) first = offer;
        };
        ExtensionReader reader{field.value};
        using Found = ExtensionReader::Found;
        for (Found found = reader.next(); found != Found::end; found = reader.next()) {
            if (found == Found::malformed) return std::unexpected{malformed};
            if (found == Found::extension) {
                finish_offer();
                has_element = true;
                offer = {.is_valid = http::equals_ignoring_case(reader.name(), extension_name)};
            } else if (offer.is_valid) {
                offer.is_valid = add_parameter(offer, reader.name(), reader.value());
            }
        }
        finish_offer();
    }
    if (is_there && !has_element) return std::unexpected{malformed};
    return first;
}

}  // namespace

std::expected<std::optional<DeflateParameters>, HandshakeFailure> negotiate_deflate(
    const http::Request& request, const DeflatePolicy& policy) {
    for (const std::uint8_t limit : {policy.server_window_bits_max, policy.client_window_bits_max})
        RC_ASSERT(limit >= window_bits_min && limit <= window_bits_max);
    const auto offer = first_valid_offer(request);
    if (!offer) return std::unexpected{offer.error()};
    if (!*offer || policy.compression == Compression::off) return std::nullopt;
    return accept(**offer, policy);
}

std::string response_field(const DeflateParameters& parameters) {
    std::string line;
    line.append(field_name).append(": ").append(extension_name);
    const auto append = [&line](std::string_view name) { line.append("; ").append(name); };
    const auto append_bits = [&](std::string_view name, std::uint8_t bits) {
        append(name);
        line.append("=").append(std::to_string(bits));
    };
    if (parameters.server_no_context_takeover) append(server_no_context_takeover);
    if (parameters.client_no_context_takeover) append(client_no_context_takeover);
    if (parameters.server_max_window_bits)
        append_bits(server_max_window_bits, *parameters.server_max_window_bits);
    if (parameters.client_max_window_bits)
        append_bits(client_max_window_bits, *parameters.client_max_window_bits);
    line += "\r\n";
    return line;
}

}  // namespace ringcast::ws

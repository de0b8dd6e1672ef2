#include "server/web_page.hpp"

#include <algorithm>

namespace ringcast::server {

namespace {

bool starts_ignoring_case(std::string_view text, std::string_view prefix) noexcept {
    return http::equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

bool is_browsers(const http::Field& field) noexcept {
    return http::equals_ignoring_case(field.name, "Origin") ||
           http::equals_ignoring_case(field.name, "Accept-Language") ||
           starts_ignoring_case(field.name, "Sec-Fetch-");
}

}  // namespace

bool is_web_page_by_name(const http::Request& request) noexcept {
    return is_domain_name(request.authority) && std::ranges::any_of(request.fields, is_browsers);
}

bool is_domain_name(std::string_view authority) noexcept {
    if (authority.starts_with('[')) return false;
    std::string_view host = authority.substr(0, authority.find(':'));
    if (host.ends_with('.')) host.remove_suffix(1);
    const std::string_view last = host.substr(host.rfind('.') + 1);  // All of it without a dot.
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const bool is_number = std::ranges::all_of(last, is_digit) || starts_ignoring_case(last, "0x");
    return !is_number && !http::equals_ignoring_case(last, "localhost");
}

}  // namespace ringcast::server

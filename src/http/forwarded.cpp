#include "http/forwarded.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "http/characters.hpp"

namespace ringcast::http {

namespace {

/// The longest node (RFC 7239 section 6) that is an address: `[v6]:port`.
constexpr std::size_t node_bytes_max = 64;

constexpr std::string_view name_of(ForwardedField field) noexcept {
    return field == ForwardedField::forwarded ? "Forwarded" : "X-Forwarded-For";
}

void skip_white_space(std::string_view& rest) noexcept {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
}

bool take(std::string_view& rest, char c) noexcept {
    if (!rest.starts_with(c)) return false;
    rest.remove_prefix(1);
    return true;
}

std::string_view take_token(std::string_view& rest) noexcept {
    std::size_t size = 0;
    while (size < rest.size() && is_token_character(rest[size])) ++size;
    const std::string_view token = rest.substr(0, size);
    rest.remove_prefix(size);
    return token;
}

/// A value of a pair, with the quotes and backslashes of a quoted-string (RFC 9110 section 5.6.4)
/// taken off.
class Value {
public:
    /// Takes it from `rest`; false if there is none.
    bool take_from(std::string_view& rest) noexcept {
        if (!take(rest, '"')) {
            const std::string_view token = take_token(rest);
            for (const char c : token) add(c);
            return !token.empty();
        }
        while (!take(rest, '"')) {
            take(rest, '\\');
            if (rest.empty()) return false;
            add(rest.front());
            rest.remove_prefix(1);
        }
        return true;
    }
    /// Empty if it is longer than any address.
    [[nodiscard]] std::string_view text() const noexcept {
        return size_ <= text_.size() ? std::string_view{text_.data(), size_} : std::string_view{};
    }

private:
    void add(char c) noexcept {
        if (size_ < text_.size()) text_[size_] = c;
        ++size_;
    }
    std::array<char, node_bytes_max> text_{};
    std::size_t size_ = 0;
};

/// The address of a node, whose port may be hidden: `192.0.2.43:_x7`.
std::optional<IpEndpoint> read_node(std::string_view node) noexcept {
    const std::size_t hidden_port = node.find(":_");
    return parse_ip_endpoint(node.substr(0, hidden_port));
}

/// One forwarded-element (RFC 7239 section 4) up to the comma behind it. False if it is none.
bool take_element(std::string_view& rest, std::optional<IpEndpoint>& hop) noexcept {
    bool has_for = false;
    while (true) {
        skip_white_space(rest);
        if (const std::string_view name = take_token(rest); !name.empty()) {
            Value value;
            if (!take(rest, '=') || !value.take_from(rest)) return false;
            if (equals_ignoring_case(name, "for")) {
                if (has_for) return false;
                has_for = true;
                hop = read_node(value.text());
            }
            skip_white_space(rest);
        }
        if (rest.empty() || rest.front() == ',') return true;
        if (!take(rest, ';')) return false;
    }
}

}  // namespace

std::optional<ForwardedHops> ForwardedHops::read(const Request& request,
                                                 ForwardedField field) noexcept {
    ForwardedHops hops;
    for (const Field& line : request.fields) {
        if (!equals_ignoring_case(line.name, name_of(field))) continue;
        if (field == ForwardedField::forwarded) {
            if (!hops.add_elements(line.value)) return std::nullopt;
            continue;
        }
        for (std::string_view rest = line.value; !rest.empty();) {
            const std::string_view element = take_list_element(rest);
            if (!element.empty()) hops.add(parse_ip_endpoint(element));
        }
    }
    return hops;
}

bool ForwardedHops::add_elements(std::string_view rest) noexcept {
    while (true) {
        const bool is_empty = trimmed(rest).empty() || trimmed(rest).starts_with(',');
        Hop hop;
        if (!take_element(rest, hop)) return false;
        if (!is_empty) add(hop);  // A list may have empty elements (RFC 9110 section 5.6.1.2).
        if (!take(rest, ',')) return true;
    }
}

void ForwardedHops::add(const Hop& hop) noexcept {
    hops_[next_] = hop;
    next_ = (next_ + 1) % hops_max;
    count_ = std::min(count_ + 1, hops_max);
}

const std::optional<IpEndpoint>& ForwardedHops::from_end(std::size_t index) const noexcept {
    RC_ASSERT(index < count_);
    return hops_[(next_ + 2 * hops_max - 1 - index) % hops_max];
}

}  // namespace ringcast::http

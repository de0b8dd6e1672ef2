#pragma once
// What proxies on the way say of a request's client: X-Forwarded-For, or Forwarded (RFC 7239). Each
// appends the address that the request came from; so the list is read from its end, for as long as
// whoever appended an element can be trusted. What stands before that may be a client's invention.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/ip_address.hpp"
#include "http/request.hpp"

namespace ringcast::http {

/// The field that the trusted proxies write. Only one of the two is ever looked at: proxies pass
/// the other one on as the client sent it.
enum class ForwardedField : std::uint8_t { x_forwarded_for, forwarded };

/// The addresses in such a field, over all its lines.
class ForwardedHops {
public:
    /// Of a longer list the last so many are kept.
    static constexpr std::size_t hops_max = 32;

    /// No value: the field breaks the grammar, so that nobody can say where its last element
    /// begins. X-Forwarded-For has no quotes and cannot do that.
    [[nodiscard]] static std::optional<ForwardedHops> read(const Request& request,
                                                           ForwardedField field) noexcept;

    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    /// `index` counts from the end. No value: whoever wrote it did not tell (`unknown`, `_name`),
    /// or it is no address.
    [[nodiscard]] const std::optional<IpEndpoint>& from_end(std::size_t index) const noexcept;

private:
    using Hop = std::optional<IpEndpoint>;
    void add(const Hop& hop) noexcept;
    [[nodiscard]] bool add_elements(std::string_view value) noexcept;

    std::array<Hop, hops_max> hops_;  // The last one stands at next_ - 1, around the end.
    std::size_t next_ = 0;
    std::size_t count_ = 0;
};

}  // namespace ringcast::http

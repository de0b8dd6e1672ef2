#pragma once
// Reads the members of an object of claims, each of one type; what is not of it is remembered.
// Only for the sources of this layer.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/claims.hpp"
#include "auth/json.hpp"

namespace ringcast::auth {

/// Whether `name` is 1 to 255 bytes without control characters. JSON has made sure of its UTF-8.
[[nodiscard]] bool is_channel_name(std::string_view name) noexcept;

/// Life: made for one object, asked for members, then for the verdict. Views live as long as the
/// tree.
class ClaimReader {
public:
    explicit ClaimReader(const simdjson::dom::object& claims) : claims_{claims} {}

    /// False if any member so far was not what it had to be; of what was returned, nothing counts.
    [[nodiscard]] bool is_good() const noexcept { return is_good_; }

    [[nodiscard]] bool has(std::string_view name) const {
        return member(claims_, name).has_value();
    }
    /// A string of `bytes_max` bytes at most, without control characters.
    [[nodiscard]] std::optional<std::string_view> text(std::string_view name,
                                                       std::size_t bytes_max);
    /// A NumericDate (RFC 7519 section 2) from 1970 to 9999. One within a second is the next: so
    /// is the first moment when that date has passed.
    [[nodiscard]] std::optional<std::chrono::sys_seconds> date(std::string_view name);
    /// Whether `wanted` is the string called `name`, or in that array of strings. False without
    /// one.
    [[nodiscard]] bool names(std::string_view name, std::string_view wanted);

    // Where null is as good as nothing.

    [[nodiscard]] std::optional<Payload> payload(std::string_view json_name,
                                                 std::string_view base64_name,
                                                 std::size_t bytes_max);
    [[nodiscard]] std::optional<std::string> object_text(std::string_view name,
                                                         std::size_t bytes_max);
    [[nodiscard]] Overrides overrides(std::string_view name);
    /// `info`, `data` and `override` of a subscription.
    [[nodiscard]] SubscriptionOptions subscription_options();
    /// `subs` and `channels`, each channel once, in the order of their names.
    [[nodiscard]] std::vector<Grant> grants();

private:
    [[nodiscard]] std::optional<simdjson::dom::element> find(std::string_view name) const;
    [[nodiscard]] std::optional<simdjson::dom::object> object(std::string_view name);
    void add_channels(std::vector<Grant>& grants);
    void expect(bool condition) noexcept { is_good_ = is_good_ && condition; }

    simdjson::dom::object claims_;
    bool is_good_ = true;
};

}  // namespace ringcast::auth

#pragma once
// Reads the members of an object of claims, each of one type; what is not of it is remembered.
// Only for the sources of this layer.

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/claims.hpp"
#include "auth/json.hpp"
#include "auth/reason.hpp"

namespace ringcast::auth {

/// Life: made for one object, asked for members, then for the verdict. Views live as long as the
/// tree.
class ClaimReader {
public:
    explicit ClaimReader(const simdjson::dom::object& claims) : claims_{claims} {}

    /// What was wrong first with the members so far, if anything: of what was returned, nothing
    /// counts then.
    [[nodiscard]] std::optional<Reason> fault() const noexcept { return fault_; }
    [[nodiscard]] bool is_good() const noexcept { return !fault_; }

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
    using Named = std::map<std::string, SubscriptionOptions>;

    [[nodiscard]] std::optional<simdjson::dom::element> find(std::string_view name) const;
    [[nodiscard]] std::optional<simdjson::dom::object> object(std::string_view name);
    void add_channels(Named& named);
    void expect(bool condition, Reason otherwise = Reason::bad_claim) noexcept {
        if (!condition && !fault_) fault_ = otherwise;
    }
    void expect_size(std::size_t bytes, std::size_t bytes_max) noexcept {
        expect(bytes <= bytes_max, Reason::long_claim);
    }
    void expect_channel(std::string_view name) noexcept;

    simdjson::dom::object claims_;
    std::optional<Reason> fault_;
};

}  // namespace ringcast::auth

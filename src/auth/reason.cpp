#include "auth/reason.hpp"

namespace ringcast::auth {

std::string_view to_string(Reason reason) noexcept {
    switch (reason) {
        case Reason::too_long: return "too long";
        case Reason::malformed: return "not a signed token";
        case Reason::malformed_header: return "malformed header";
        case Reason::critical_extension: return "critical extension";
        case Reason::unsecured: return "not signed";
        case Reason::unsupported_algorithm: return "unsupported algorithm";
        case Reason::no_key: return "no key for it";
        case Reason::bad_signature: return "bad signature";
        case Reason::malformed_claims: return "malformed claims";
        case Reason::bad_claim: return "bad claim";
        case Reason::long_claim:
            return "claim too long: 255 bytes for names as sub, 4 KiB for info and meta, 8 KiB for "
                   "data";
        case Reason::expired: return "expired";
        case Reason::not_yet_valid: return "not yet valid";
        case Reason::wrong_issuer: return "wrong issuer";
        case Reason::wrong_audience: return "wrong audience";
        case Reason::wrong_kind: return "token of the other kind";
        case Reason::wrong_user: return "token of another user";
        case Reason::wrong_channel: return "token for another channel";
        case Reason::wrong_client: return "token of another client";
    }
    return "unknown";
}

}  // namespace ringcast::auth

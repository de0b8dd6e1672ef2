#include "ring/error.hpp"

#include <cerrno>
#include <system_error>

namespace ringcast::ring {

std::string describe(std::string_view what, int error) {
    return std::string{what} + ": " + std::generic_category().message(error);
}

bool is_connection_lost(int error) noexcept {
    switch (error) {
        case EPIPE:
        case ECONNRESET:
        case ETIMEDOUT:
        case EHOSTUNREACH:
        case ENETUNREACH:
        case ENOTCONN: return true;
        default: return false;
    }
}

}  // namespace ringcast::ring

#include "ring/error.hpp"

#include <system_error>

namespace ringcast::ring {

std::string describe(std::string_view what, int error) {
    return std::string{what} + ": " + std::generic_category().message(error);
}

}  // namespace ringcast::ring

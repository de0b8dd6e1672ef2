#include "server/dev_page.hpp"

#include <string>

namespace ringcast::server {

Page dev_page(const EmbeddedPage& page) {
    return {.content = std::string{page.content},
            .headers = {{"Content-Security-Policy", std::string{page.policy}},
                        {"X-Content-Type-Options", "nosniff"},
                        {"Referrer-Policy", "no-referrer"},
                        {"Cache-Control", "no-store"}}};
}

}  // namespace ringcast::server

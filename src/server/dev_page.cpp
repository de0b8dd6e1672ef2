#include "server/dev_page.hpp"

#include <string>

namespace ringcast::server {

Page dev_page() {
    return {.content = std::string{dev_page_content},
            .headers = {{"Content-Security-Policy", std::string{dev_page_policy}},
                        {"X-Content-Type-Options", "nosniff"},
                        {"Referrer-Policy", "no-referrer"},
                        {"Cache-Control", "no-store"}}};
}

}  // namespace ringcast::server

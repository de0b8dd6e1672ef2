#pragma once
// A fixed document on a path: what a browser opens before it opens a WebSocket.

#include <string>
#include <vector>

#include "ringcast/upgrade.hpp"

namespace ringcast {

/// Served to plain GET and HEAD requests, whole each time. A handler on the same path gets the
/// requests that ask for an upgrade to WebSocket.
struct Page {
    std::string content{};
    std::string content_type = "text/html; charset=utf-8";
    std::vector<Header> headers{};  ///< Further fields of the answer.
};

}  // namespace ringcast

#pragma once
// The --config file: TOML whose keys are the names of the flags, and a table for each namespace.
//
//     listen = ["ws://0.0.0.0:8080", "unix:/run/ringcast.sock"]
//     message-bytes-max = "64KiB"
//     shards = 4
//     echo = true
//
//     [namespaces.news]
//     history-size = 100

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "ringcast/topic_namespace.hpp"
#include "server/option_table.hpp"

namespace ringcast::server {

/// Reads the text of the file called `path`. Unknown keys and values of a wrong type are refused;
/// what a value means is for options.cpp. The error is one line that starts with `path:line:`.
[[nodiscard]] std::expected<std::vector<Setting>, std::string> parse_config(
    std::string_view text, const std::string& path);

/// The namespaces in the same text, by name. The error is likewise.
[[nodiscard]] std::expected<std::vector<TopicNamespace>, std::string> parse_namespaces(
    std::string_view text, const std::string& path);

/// `text` as a TOML value: bare if it is a number or a boolean, else a quoted string.
[[nodiscard]] std::string toml_value(std::string_view text);

}  // namespace ringcast::server

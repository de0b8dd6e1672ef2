#include "dialect/json.hpp"

#include <simdjson.h>

namespace ringcast::dialect {

bool is_json(std::string_view text) {
    simdjson::dom::parser parser;
    if (parser.allocate(text.size(), json_depth_max) != simdjson::SUCCESS) return false;
    return parser.parse(text.data(), text.size()).error() == simdjson::SUCCESS;
}

}  // namespace ringcast::dialect

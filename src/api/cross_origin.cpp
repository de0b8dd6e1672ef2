#include "api/cross_origin.hpp"

#include <utility>

namespace ringcast::api {

namespace {

void append_line(std::string& fields, std::string_view name, std::string_view value) {
    fields.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

shard::HttpAnswer preflight_answer(const http::Request& request, std::string_view methods) {
    shard::HttpAnswer answer{.status = code_of(http::Status::no_content)};
    append_line(answer.fields, "Allow", methods);
    if (request.field_count("Origin") == 0) return answer;
    append_line(answer.fields, "Access-Control-Allow-Methods", methods);
    if (const auto wanted = request.field("Access-Control-Request-Headers"))
        append_line(answer.fields, "Access-Control-Allow-Headers", *wanted);
    append_line(answer.fields, "Access-Control-Max-Age", "300");
    return answer;
}

shard::HttpAnswer origin_refusal() {
    return short_answer(http::Status::forbidden, "this origin is not allowed to connect\n");
}

shard::HttpAnswer short_answer(http::Status status, std::string_view text, std::string fields) {
    fields += "Cache-Control: no-store\r\n";
    return {.status = code_of(status), .fields = std::move(fields), .body = std::string{text}};
}

shard::HttpAnswer answer_of(shard::Verdict refusal) {
    return {.status = refusal.status,
            .fields = std::move(refusal.fields) + "Cache-Control: no-store\r\n",
            .body = std::move(refusal.body)};
}

}  // namespace ringcast::api

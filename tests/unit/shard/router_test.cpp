#include "shard/router.hpp"

#include <doctest/doctest.h>
#include <string>
#include <utility>
#include <vector>

#include "shard/session.hpp"

using namespace ringcast;
using shard::PathPattern;
using shard::Router;

namespace {

/// `name=value` pairs in order, or `no match`.
std::string matched(std::string_view pattern, std::string_view path) {
    const auto parsed = PathPattern::parse(pattern);
    REQUIRE_MESSAGE(parsed.has_value(), pattern);
    const auto parameters = parsed->match(path);
    if (!parameters) return "no match";
    std::string text;
    for (const shard::PathParameter& parameter : *parameters) {
        if (!text.empty()) text += ' ';
        text.append(parameter.name).append("=").append(parameter.value);
    }
    return text;
}

class Nothing final : public shard::Endpoint {
public:
    Nothing() : Endpoint{{}} {}
    shard::Verdict on_upgrade(shard::Upgrade&) override { return {}; }
    void on_open(shard::Session&) override {}
    void on_message(shard::Session, std::string_view, MessageKind) override {}
    void on_drain(shard::Session&) override {}
    void on_close(shard::Session&, CloseCode, std::string_view) override {}
    void on_tick(shard::Shard&) override {}
};

}  // namespace

TEST_CASE("a path matches a pattern segment by segment") {
    struct {
        const char *pattern, *path, *result;
    } const cases[] = {
        {"/echo", "/echo", ""},
        {"/echo", "/echo/", "no match"},
        {"/echo", "/ech", "no match"},
        {"/echo", "/echoo", "no match"},
        {"/echo", "/Echo", "no match"},
        {"/echo", "", "no match"},
        {"/echo", "*", "no match"},
        {"/", "/", ""},
        {"/", "//", "no match"},
        {"/a/", "/a/", ""},
        {"/a/", "/a", "no match"},
        {"/a b", "/a%20b", ""},
        {"/rooms/{room}", "/rooms/7", "room=7"},
        {"/rooms/{room}", "/rooms/", "no match"},
        {"/rooms/{room}", "/rooms", "no match"},
        {"/rooms/{room}", "/rooms/7/8", "no match"},
        {"/rooms/{room}/seats/{seat}", "/rooms/a/seats/b", "room=a seat=b"},
        {"/rooms/{room}/seats/{seat}", "/rooms/a/chairs/b", "no match"},
        {"/t/{rest...}", "/t/a", "rest=a"},
        {"/t/{rest...}", "/t/a/b//c", "rest=a/b//c"},
        {"/t/{rest...}", "/t/", "no match"},
        {"/t/{rest...}", "/t", "no match"},
        {"/{rest...}", "/a/b", "rest=a/b"},
    };
    for (const auto& [pattern, path, result] : cases) {
        CAPTURE(pattern);
        CAPTURE(path);
        CHECK(matched(pattern, path) == result);
    }
}

TEST_CASE("segments are decoded once, after the path was split") {
    CHECK(matched("/rooms/{room}", "/rooms/a%2Fb") == "room=a/b");
    CHECK(matched("/rooms/{room}", "/rooms/a%252Fb") == "room=a%2Fb");
    CHECK(matched("/rooms/{room}", "/rooms/%C3%A4+") == "room=\xc3\xa4+");
    CHECK(matched("/a/b", "/a%2Fb") == "no match");
    CHECK(matched("/t/{rest...}", "/t/a%2Fb/c") == "rest=a/b/c");
    for (const char* path : {"/rooms/%", "/rooms/%2", "/rooms/%zz", "/rooms/%00"}) {
        CAPTURE(path);
        CHECK(matched("/rooms/{room}", path) == "no match");
    }
}

TEST_CASE("a malformed pattern is refused with a sentence that quotes it") {
    for (const char* pattern :
         {"",       "echo",      "{a}",    "/{",       "/}",       "/{}",        "/{a",
          "/a}",    "/x{a}",     "/{a}x",  "/{a}{b}",  "/{1a}",    "/{a-b}",     "/{a b}",
          "/{...}", "/{a...}/b", "/{a..}", "/{a....}", "/{a}/{a}", "/{a}/{a...}"}) {
        CAPTURE(pattern);
        const auto parsed = PathPattern::parse(pattern);
        REQUIRE_FALSE(parsed.has_value());
        CHECK(parsed.error().find("'" + std::string{pattern} + "'") != std::string::npos);
    }
}

TEST_CASE("the first route that matches serves") {
    Router router;
    std::vector<shard::Endpoint*> endpoints;
    for (const char* pattern : {"/a/b", "/a/{x}", "/{all...}"}) {
        auto endpoint = std::make_unique<Nothing>();
        endpoints.push_back(endpoint.get());
        router.mount(PathPattern::parse(pattern).value(), std::move(endpoint));
    }
    CHECK(router.match("/a/b").endpoint == endpoints[0]);
    CHECK(router.match("/a/b").parameters.empty());
    CHECK(router.match("/a/c").endpoint == endpoints[1]);
    CHECK(router.match("/a/b/c").endpoint == endpoints[2]);
    CHECK(router.match("/").endpoint == nullptr);
    std::size_t visited = 0;
    router.for_each([&](shard::Endpoint& endpoint) { CHECK(&endpoint == endpoints[visited++]); });
    CHECK(visited == 3);
}

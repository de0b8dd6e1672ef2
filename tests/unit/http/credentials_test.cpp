#include "http/credentials.hpp"

#include <doctest/doctest.h>
#include <initializer_list>
#include <utility>
#include <vector>

namespace ringcast::http {

namespace {

/// A request with these fields.
class Asking {
public:
    Asking(std::initializer_list<Field> fields, std::string_view query = {}) : fields_{fields} {
        request_.fields = fields_;
        request_.query = query;
    }
    [[nodiscard]] const Request& request() const { return request_; }

private:
    std::vector<Field> fields_;
    Request request_;
};

std::optional<std::string_view> bearer(std::string_view value) {
    return bearer_token(Asking{{"authorization", value}}.request());
}

std::optional<std::string_view> session_cookie(std::string_view value) {
    return cookie(Asking{{"cookie", value}}.request(), "session");
}

const TokenPlaces all{.subprotocol_prefix = "bearer.", .cookie = "session", .query = "token"};

std::optional<TokenPlace> place_of(const Asking& asking, const TokenPlaces& places = all) {
    const auto found = find_token(asking.request(), places);
    return found ? std::optional{found->place} : std::nullopt;
}

}  // namespace

TEST_CASE("a bearer token is what follows the scheme (RFC 6750 section 2.1)") {
    CHECK(bearer("Bearer a.b.c") == "a.b.c");
    CHECK(bearer("bearer  a.b.c") == "a.b.c");
    CHECK(bearer("BEARER\ta b") == "a b");
    CHECK(bearer("Bearer") == "");
    for (const auto* value : {"", "Bear", "Bearera.b.c", "Basic YTpi", "a.b.c", "Token Bearer x"})
        CHECK_MESSAGE(!bearer(value), value);
    CHECK(!bearer_token(Asking{}.request()));
}

TEST_CASE("a cookie is found by its whole name, in any line") {
    CHECK(session_cookie("session=a.b.c") == "a.b.c");
    CHECK(session_cookie("x=1; session=a.b.c; y=2") == "a.b.c");
    CHECK(session_cookie("x=1;session=a=b") == "a=b");
    CHECK(session_cookie(R"(session="a.b.c")") == "a.b.c");
    CHECK(session_cookie("session=\"") == "\"");
    CHECK(session_cookie("session=1; session=2") == "1");
    CHECK(session_cookie("session=") == "");
    CHECK(session_cookie("session") == "");
    for (const auto* value : {"", ";", "Session=1", "xsession=1", "session2=1", "x=session=1"})
        CHECK_MESSAGE(!session_cookie(value), value);
    CHECK(cookie(Asking{{"Cookie", "x=1"}, {"Cookie", "session=2"}}.request(), "session") == "2");
}

TEST_CASE("a subprotocol carries a token behind a prefix") {
    const Asking asking{{"Sec-WebSocket-Protocol", "chat"},
                        {"Sec-WebSocket-Protocol", "x, bearer.a.b.c"}};
    CHECK(subprotocol_token(asking.request(), "bearer.") == "a.b.c");
    CHECK(!subprotocol_token(asking.request(), "token."));
}

TEST_CASE("the first place that has something counts") {
    CHECK(place_of({}) == std::nullopt);
    CHECK(place_of({{"Authorization", "Basic x"}}) == std::nullopt);
    CHECK(place_of({{{"Authorization", "Bearer x"}, {"Cookie", "session=y"}}, "token=z"}) ==
          TokenPlace::authorization);
    CHECK(place_of({{{"Cookie", "session=y"}, {"Sec-WebSocket-Protocol", "bearer."}}, "token=z"}) ==
          TokenPlace::subprotocol);
    CHECK(place_of({{{"Cookie", "session="}}, "token=z"}) == TokenPlace::cookie);
    CHECK(place_of({{}, "a=1&token=z"}) == TokenPlace::query);
    CHECK(find_token(Asking({}, "token=a%2Eb").request(), all)->text == "a.b");
    CHECK(place_of({{{"Cookie", "session=y"}, {"Sec-WebSocket-Protocol", "bearer.x"}}, "token=z"},
                   {}) == std::nullopt);
}

}  // namespace ringcast::http

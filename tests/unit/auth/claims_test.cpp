// What a token that is in order says: times, issuers, audiences, and the claims of the Centrifuge
// protocol.

#include <algorithm>

#include "auth_kit.hpp"

namespace ringcast::auth {

namespace {

using enum Algorithm;
using std::chrono::seconds;
using test::TokenSigner;

const std::string secret(32, 'k');

std::string token_of(std::string_view claims) {
    return TokenSigner{hs256, secret}.sign(claims);
}

std::string fate_of_claims(std::string_view claims, const Rules& rules = {}) {
    return fate_of(token_of(claims), secret_keys(secret), rules);
}

ConnectionClaims connection(std::string_view claims) {
    auto verified = verify_connection(token_of(claims), secret_keys(secret), {}, now);
    REQUIRE_MESSAGE(verified.has_value(), claims);
    return std::move(*verified);
}

std::string subscription_fate(std::string_view claims, const SubscriptionWish& wish) {
    const auto verified = verify_subscription(token_of(claims), wish, secret_keys(secret), {}, now);
    return verified ? "accepted" : std::string{to_string(verified.error())};
}

const Payload json_payload(std::string text) {
    return {PublicationKind::json, std::move(text)};
}

}  // namespace

TEST_CASE("a token expires in the second that it names, or so much later as clocks may differ") {
    CHECK(fate_of_claims(R"({"exp":1700000001})") == "accepted");
    CHECK(fate_of_claims(R"({"exp":1700000000})") == fate(Reason::expired));
    CHECK(fate_of_claims(R"({"exp":1700000000.5})") == "accepted");
    CHECK(fate_of_claims(R"({"exp":1.7000000005e9})") == "accepted");
    CHECK(fate_of_claims(R"({"exp":0})") == fate(Reason::expired));
    CHECK(fate_of_claims(R"({"exp":253402300799})") == "accepted");
    const Rules rules{.leeway = seconds{30}};
    CHECK(fate_of_claims(R"({"exp":1699999971})", rules) == "accepted");
    CHECK(fate_of_claims(R"({"exp":1699999970})", rules) == fate(Reason::expired));
    CHECK(answer_to(Reason::expired) == Answer::token_expired);
    CHECK(answer_to(Reason::not_yet_valid) == Answer::invalid_token);
    CHECK(answer_to(Reason::bad_signature) == Answer::invalid_token);
}

TEST_CASE("a token is not valid before the second that it names") {
    CHECK(fate_of_claims(R"({"nbf":1700000000})") == "accepted");
    CHECK(fate_of_claims(R"({"nbf":1700000001})") == fate(Reason::not_yet_valid));
    CHECK(fate_of_claims(R"({"nbf":1700000000.5})") == fate(Reason::not_yet_valid));
    CHECK(fate_of_claims(R"({"nbf":1700000030})", {.leeway = seconds{30}}) == "accepted");
    CHECK(fate_of_claims(R"({"iat":1800000000})") == "accepted");
}

TEST_CASE("issuer and audience are asked for only where there is a rule") {
    const Rules rules{.issuer = "us", .audience = "here"};
    CHECK(fate_of_claims(R"({"iss":"us","aud":"here"})", rules) == "accepted");
    CHECK(fate_of_claims(R"({"iss":"us","aud":["there","here"]})", rules) == "accepted");
    CHECK(fate_of_claims(R"({"iss":"us","aud":["there"]})", rules) == fate(Reason::wrong_audience));
    CHECK(fate_of_claims(R"({"iss":"us","aud":[]})", rules) == fate(Reason::wrong_audience));
    CHECK(fate_of_claims(R"({"iss":"us","aud":"here2"})", rules) == fate(Reason::wrong_audience));
    CHECK(fate_of_claims(R"({"iss":"us"})", rules) == fate(Reason::wrong_audience));
    CHECK(fate_of_claims(R"({"iss":"US","aud":"here"})", rules) == fate(Reason::wrong_issuer));
    CHECK(fate_of_claims(R"({"aud":"here"})", rules) == fate(Reason::wrong_issuer));
    CHECK(fate_of_claims(R"({"iss":"x","aud":["y"]})") == "accepted");
}

TEST_CASE("a connection's claims are handed on") {
    const ConnectionClaims claims = connection(
        R"({"sub":"42","jti":"id","exp":1700000060,"iat":1,"info":{ "name": "Ann\n" , "n":1 },
            "meta":{"role" : "admin"},"channels":["a","b","a"],"more":null,
            "subs":{"b":{"info":[1],"b64data":"AP8=","override":{"presence":{"value":true},
                         "force_recovery":{"value":false}}},"ü":{}}})");
    CHECK(claims.user == "42");
    CHECK(claims.id == "id");
    CHECK(claims.info == json_payload(R"({"name":"Ann\n","n":1})"));
    CHECK(claims.meta == R"({"role":"admin"})");
    CHECK(claims.expires_at == now + seconds{60});
    REQUIRE(claims.grants.size() == 3);
    CHECK(claims.grants[0].channel == "a");
    CHECK(claims.grants[0].options.overrides == Overrides{});
    CHECK(claims.grants[1].channel == "b");
    CHECK(claims.grants[1].options.info == json_payload("[1]"));
    CHECK(claims.grants[1].options.data ==
          Payload{PublicationKind::binary, std::string{"\x00\xff", 2}});
    CHECK(claims.grants[1].options.overrides ==
          Overrides{.presence = true, .force_recovery = false});
    CHECK(claims.grants[2].channel == "ü");
}

TEST_CASE("a connection's token names as many channels as fit into it") {
    constexpr std::size_t count = 1000;
    std::string channels, subs;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string separator = i == 0 ? "" : ",";
        channels += separator + '"' + std::to_string(i * 7 % count) + '"';
        if (i < 100) subs += separator + '"' + std::to_string(i) + R"(":{"info":1})";
    }
    const auto grants =
        connection(R"({"channels":[)" + channels + R"(],"subs":{)" + subs + "}}").grants;
    REQUIRE(grants.size() == count);
    CHECK(std::ranges::is_sorted(grants, {}, &Grant::channel));
    CHECK(std::ranges::adjacent_find(grants, {}, &Grant::channel) == grants.end());
    CHECK(std::ranges::count_if(
              grants, [](const Grant& each) { return each.options.info.has_value(); }) == 100);
}

TEST_CASE("a connection's claims are all optional") {
    const ConnectionClaims claims =
        connection(R"({"info":null,"b64info":null,"meta":null,"channels":null,"subs":null})");
    CHECK(claims.user == "");
    CHECK(!claims.info);
    CHECK(!claims.meta);
    CHECK(claims.grants.empty());
    CHECK(!claims.expires_at);
}

TEST_CASE("what is in base64 counts, and is JSON if it is JSON") {
    CHECK(connection(R"({"info":1,"b64info":"eyJhIjogMX0="})").info == json_payload(R"({"a":1})"));
    CHECK(connection(R"({"info":1,"b64info":""})").info == json_payload("1"));
    CHECK(connection(R"({"b64info":"AAECAw=="})").info ==
          Payload{PublicationKind::binary, std::string{"\0\1\2\3", 4}});
}

TEST_CASE("a connection may outlive its token, or end before it") {
    CHECK(connection(R"({"exp":1700000060,"expire_at":0})").expires_at == std::nullopt);
    CHECK(connection(R"({"exp":1700000060,"expire_at":1700000010})").expires_at ==
          now + seconds{10});
    CHECK(connection(R"({"expire_at":1700000010})").expires_at == now + seconds{10});
    CHECK(fate_of_claims(R"({"exp":1700000060,"expire_at":1700000000})") == fate(Reason::expired));
    CHECK(fate_of_claims(R"({"exp":1699999999,"expire_at":0})") == fate(Reason::expired));
}

TEST_CASE("a subscription's token is for that user and channel, and for no connection") {
    const SubscriptionWish wish{.user = "42", .channel = "$a", .client = "c1"};
    CHECK(subscription_fate(R"({"sub":"42","channel":"$a"})", wish) == "accepted");
    CHECK(subscription_fate(R"({"sub":"42","channel":"$b"})", wish) == fate(Reason::wrong_channel));
    CHECK(subscription_fate(R"({"sub":"42","channel":""})", wish) == fate(Reason::wrong_channel));
    CHECK(subscription_fate(R"({"sub":"42"})", wish) == fate(Reason::wrong_kind));
    CHECK(subscription_fate(R"({"sub":"4","channel":"$a"})", wish) == fate(Reason::wrong_user));
    CHECK(subscription_fate(R"({"channel":"$a"})", wish) == fate(Reason::wrong_user));
    CHECK(subscription_fate(R"({"sub":42,"channel":"$a"})", wish) == fate(Reason::bad_claim));
    CHECK(subscription_fate(R"({"sub":"42","channel":1})", wish) == fate(Reason::bad_claim));
    CHECK(subscription_fate(R"({"sub":"42","channel":"$a","exp":1})", wish) ==
          fate(Reason::expired));
    CHECK(subscription_fate(R"({"channel":"$a"})", {.user = "", .channel = "$a", .client = ""}) ==
          "accepted");
    CHECK(fate_of_claims(R"({"sub":"42","channel":"$a"})") == fate(Reason::wrong_kind));
}

TEST_CASE("a subscription's token of old names the connection") {
    const SubscriptionWish wish{.user = "42", .channel = "$a", .client = "c1"};
    CHECK(subscription_fate(R"({"client":"c1","channel":"$a"})", wish) == "accepted");
    CHECK(subscription_fate(R"({"client":"c2","channel":"$a"})", wish) ==
          fate(Reason::wrong_client));
    CHECK(subscription_fate(R"({"client":"c1","sub":"4","channel":"$a"})", wish) ==
          fate(Reason::wrong_user));
    CHECK(subscription_fate(R"({"client":"","channel":"$a"})", wish) == fate(Reason::wrong_user));
}

TEST_CASE("a subscription's claims are handed on") {
    const auto claims = verify_subscription(
        token_of(R"({"sub":"42","channel":"a","jti":"x","expire_at":1700000009,"info":true,
                     "data":{"z":1},"override":{"join_leave":{"value":true}}})"),
        {.user = "42", .channel = "a", .client = {}}, secret_keys(secret), {}, now);
    REQUIRE(claims);
    CHECK(claims->id == "x");
    CHECK(claims->options.info == json_payload("true"));
    CHECK(claims->options.data == json_payload(R"({"z":1})"));
    CHECK(claims->options.overrides.join_leave == true);
    CHECK(claims->expires_at == now + seconds{9});
}

}  // namespace ringcast::auth

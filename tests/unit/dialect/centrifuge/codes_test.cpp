#include "dialect/centrifuge/codes.hpp"

#include <doctest/doctest.h>
#include <string_view>

using namespace ringcast::dialect::centrifuge;

TEST_CASE("errors have the numbers and texts of the protocol") {
    struct {
        unsigned code;
        std::string_view message;
        bool is_temporary;
    } const cases[] = {
        {100, "internal server error", true},
        {101, "unauthorized", false},
        {102, "unknown channel", false},
        {103, "permission denied", false},
        {104, "method not found", false},
        {105, "already subscribed", false},
        {106, "limit exceeded", false},
        {107, "bad request", false},
        {108, "not available", false},
        {109, "token expired", false},
        {110, "expired", false},
        {111, "too many requests", true},
        {112, "unrecoverable position", false},
        {113, "concurrent pagination", true},
    };
    for (const auto& [code, message, temporary] : cases) {
        CAPTURE(code);
        CHECK(message_of(static_cast<ErrorCode>(code)) == message);
        CHECK(is_temporary(static_cast<ErrorCode>(code)) == temporary);
    }
}

TEST_CASE("disconnects have the numbers and reasons of the protocol") {
    struct {
        unsigned code;
        std::string_view reason;
    } const cases[] = {
        {3000, "connection closed"},
        {3001, "shutdown"},
        {3004, "internal server error"},
        {3005, "connection expired"},
        {3006, "subscription expired"},
        {3008, "slow"},
        {3009, "write error"},
        {3010, "insufficient state"},
        {3011, "force reconnect"},
        {3012, "no pong"},
        {3013, "too many requests"},
        {3014, "state invalidated"},
        {3500, "invalid token"},
        {3501, "bad request"},
        {3502, "stale"},
        {3503, "force disconnect"},
        {3504, "connection limit"},
        {3505, "channel limit"},
        {3506, "inappropriate protocol"},
        {3507, "permission denied"},
        {3508, "not available"},
        {3509, "too many errors"},
    };
    for (const auto& [code, reason] : cases) {
        CAPTURE(code);
        CHECK(reason_of(static_cast<DisconnectCode>(code)) == reason);
        CHECK(reconnects(code) == (code < 3500));
    }
}

TEST_CASE("clients come back unless the code is in one of two ranges") {
    for (const unsigned code : {3000u, 3499u, 4000u, 4499u, 5000u}) CHECK(reconnects(code));
    for (const unsigned code : {3500u, 3999u, 4500u, 4999u}) CHECK_FALSE(reconnects(code));
}

TEST_CASE("clients subscribe anew from 2500 on") {
    struct {
        unsigned code;
        std::string_view reason;
    } const cases[] = {{2000, "server unsubscribe"},
                       {2500, "insufficient state"},
                       {2501, "subscription expired"},
                       {2502, "state invalidated"}};
    for (const auto& [code, reason] : cases) {
        CHECK(reason_of(static_cast<UnsubscribeCode>(code)) == reason);
        CHECK(resubscribes(code) == (code >= 2500));
    }
}

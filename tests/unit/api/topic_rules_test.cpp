// Who may do what with which topic, as a table.

#include "api/topic_rules.hpp"

#include <doctest/doctest.h>
#include <string_view>

using namespace ringcast;
using namespace ringcast::api;

namespace {

const hub::TopicNamespaces& some_namespaces() {
    static const hub::TopicNamespaces namespaces = [] {
        using enum TopicAudience;
        hub::TopicNamespaces made;
        made.add("open", {.stream = {}, .subscribe = anyone, .publish = anyone});
        made.add("news", {.stream = {}, .subscribe = anyone, .publish = nobody});
        made.add("team", {.stream = {}, .subscribe = users, .publish = users});
        made.add("deal", {.stream = {}, .subscribe = token, .publish = token});
        made.add("shut", {.stream = {}, .subscribe = nobody, .publish = anyone});
        return made;
    }();
    return namespaces;
}

constexpr Identity stranger{};
constexpr Identity ann{.user = "ann"};
constexpr Identity bearer{.has_token = true};
constexpr Identity ann_with_token{.user = "ann", .has_token = true};

}  // namespace

TEST_CASE("each action on a topic is allowed, or denied for one reason") {
    using enum Denial;
    struct Row {
        std::string_view topic;
        Identity who;
        Denial subscribe;
        Denial publish;
    };
    const Row rows[] = {
        {"open:a", stranger, none, none},
        {"open:a", ann, none, none},
        {"news:a", stranger, none, forbidden},
        {"news:a", ann_with_token, none, forbidden},
        {"team:a", stranger, needs_user, needs_user},
        {"team:a", ann, none, none},
        {"team:a", bearer, none, needs_user},
        {"deal:a", stranger, needs_token, needs_token},
        {"deal:a", ann, needs_token, needs_token},
        {"deal:a", bearer, none, none},
        {"shut:a", ann, forbidden, none},
        {"shut:a", ann_with_token, forbidden, none},
        // The prefix of what is private.
        {"$open:a", stranger, needs_token, needs_token},
        {"$open:a", ann, needs_token, needs_token},
        {"$open:a", bearer, none, none},
        {"$news:a", bearer, none, forbidden},
        {"$team:a", ann_with_token, none, none},
        // Names that say for whom they are.
        {"open:a#ann", stranger, needs_user, needs_user},
        {"open:a#ann", ann, none, none},
        {"open:a#bob,ann", ann, none, none},
        {"open:a#bob,ann,cleo", ann, none, none},
        {"open:a#bob", ann, not_listed, not_listed},
        {"open:a#", ann, not_listed, not_listed},
        {"open:a#", stranger, needs_user, needs_user},
        {"open:a#,", stranger, needs_user, needs_user},
        {"open:a#annabel,an", ann, not_listed, not_listed},
        {"open:a#ann#bob", ann, not_listed, not_listed},
        {"open:a#bob", bearer, none, none},
        {"news:a#ann", ann, none, forbidden},
    };
    for (const Row& row : rows) {
        CAPTURE(row.topic);
        CAPTURE(row.who.user);
        CAPTURE(row.who.has_token);
        // What holds for topics without a namespace does not matter to those that have one.
        for (const TopicAccess everybody : {TopicAccess::none, TopicAccess::publish}) {
            const auto said = [&](TopicAction action) {
                return decide(some_namespaces(), everybody, row.topic, row.who, action);
            };
            CHECK(said(TopicAction::subscribe) == row.subscribe);
            CHECK(said(TopicAction::look_back) == row.subscribe);
            CHECK(said(TopicAction::publish) == row.publish);
        }
    }
}

TEST_CASE("a topic without a namespace is for everybody as far as that goes") {
    using enum TopicAction;
    for (const Identity& who : {stranger, ann, ann_with_token}) {
        for (const char* topic : {"a", "a#bob", "a/b$"}) {
            const auto said = [&](TopicAccess everybody, TopicAction action) {
                return decide(some_namespaces(), everybody, topic, who, action);
            };
            CHECK(said(TopicAccess::none, subscribe) == Denial::forbidden);
            CHECK(said(TopicAccess::none, publish) == Denial::forbidden);
            CHECK(said(TopicAccess::subscribe, subscribe) == Denial::none);
            CHECK(said(TopicAccess::subscribe, look_back) == Denial::none);
            CHECK(said(TopicAccess::subscribe, publish) == Denial::forbidden);
            CHECK(said(TopicAccess::publish, publish) == Denial::none);
        }
    }
}

TEST_CASE("who may publish need not be one who may subscribe") {
    const auto rights = [](std::string_view topic, const Identity& who) {
        return rights_of(some_namespaces(), TopicAccess::subscribe, topic, who);
    };
    constexpr TopicRights none{}, reader{.may_subscribe = true}, both{true, true},
        writer{.may_publish = true, .is_closed = true};
    CHECK(rights("a", stranger) == reader);
    CHECK(rights("open:a", stranger) == both);
    CHECK(rights("news:a", stranger) == reader);
    CHECK(rights("shut:a", stranger) == writer);
    CHECK(rights("$shut:a", stranger) == none);
    CHECK(rights("team:a", stranger) == none);
    CHECK(rights("team:a", ann) == both);
    CHECK(rights_in(TopicAccess::none) == none);
    CHECK(rights_in(TopicAccess::subscribe) == reader);
    CHECK(rights_in(TopicAccess::publish) == both);
}

TEST_CASE("names are reserved where there are no rules for them") {
    using Fault = dialect::TopicNameFault;
    for (const char* topic : {"open:a", "$open:a", "open:a#1", "open:a:b", "a", "a#1"})
        CHECK(check_topic(some_namespaces(), topic) == Fault::none);
    for (const char* topic :
         {"$a", "#a", "open:", "other:", "$open:", ":a", "$:a", "#open:a", "a b:c"})
        CHECK(check_topic(some_namespaces(), topic) == Fault::reserved);
    for (const char* topic : {"other:a", "$other:a", "other:a#1", "Open:a", "other:open:a"})
        CHECK(check_topic(some_namespaces(), topic) == Fault::unknown_namespace);
    CHECK(check_topic(hub::no_namespaces, "open:a") == Fault::unknown_namespace);
    CHECK(check_topic(some_namespaces(), "") == Fault::empty);
    CHECK(check_topic(some_namespaces(), "open:a\n") == Fault::control_character);
    CHECK(check_topic(some_namespaces(), "open:\xff") == Fault::not_utf8);
}

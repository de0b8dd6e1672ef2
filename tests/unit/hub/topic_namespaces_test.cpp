#include "hub/topic_namespaces.hpp"

#include <doctest/doctest.h>
#include <string>

using namespace ringcast;
using namespace ringcast::hub;

TEST_CASE("a topic has the policy of the namespace before its first colon") {
    TopicNamespaces namespaces;
    CHECK(namespaces.empty());
    CHECK(namespaces.find("news:today") == nullptr);
    CHECK(namespaces.add("news", {.stream = {.count_max = 7}}));
    CHECK(namespaces.add("new", {.stream = {.count_max = 8}}));
    CHECK_FALSE(namespaces.add("news", {.stream = {.count_max = 9}}));
    CHECK_FALSE(namespaces.empty());
    for (const char* topic : {"news:today", "$news:today", "news:a:b", "news::", "news:#1,2"}) {
        CAPTURE(topic);
        const TopicPolicy* const policy = namespaces.find(topic);
        REQUIRE(policy != nullptr);
        CHECK(policy->stream.count_max == 7);
    }
    REQUIRE(namespaces.find("new:s") != nullptr);
    CHECK(namespaces.find("new:s")->stream.count_max == 8);
    for (const char* topic : {"", "news", "$news", "news:", "$news:", ":news", "old:news", "ne:ws",
                              "News:today", "$$news:today", "#news:today", " news:today"}) {
        CAPTURE(topic);
        CHECK(namespaces.find(topic) == nullptr);
    }
    CHECK(no_namespaces.find("news:today") == nullptr);
}

TEST_CASE("a topic says what its namespace is, whether that is there or not") {
    for (const char* topic : {"news:today", "$news:today", "news:a:b", "news::", "news:#1,2"})
        CHECK(TopicNamespaces::name_in(topic) == "news");
    for (const char* topic :
         {"", "news", "$news", "news:", "$news:", ":news", "$:", "$$news:a", "#news:a", " news:a"})
        CHECK(TopicNamespaces::name_in(topic).empty());
}

TEST_CASE("the name of a namespace is short and plain") {
    for (const char* name : {"a", "news", "News-2", "a_b.c"}) CHECK(TopicNamespaces::is_name(name));
    CHECK(TopicNamespaces::is_name(std::string(64, 'a')));
    CHECK_FALSE(TopicNamespaces::is_name(std::string(65, 'a')));
    for (const char* name : {"", "a:b", "$a", "#a", "a b", "\xc3\xa4", "a/b"})
        CHECK_FALSE(TopicNamespaces::is_name(name));
}

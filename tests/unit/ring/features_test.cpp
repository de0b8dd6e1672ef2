#include "ring/features.hpp"

#include <doctest/doctest.h>

#include "ring/make_ring.hpp"

namespace ringcast::ring {
namespace {

std::string parsed(std::string_view text) {
    const auto features = parse_features(text);
    return features ? features->to_string() : "error: " + features.error();
}

TEST_CASE("a feature list is applied from left to right") {
    CHECK(parsed("all") == "defer-taskrun multishot-accept multishot-recv incremental min-wait");
    CHECK(parsed("6.1") == "defer-taskrun multishot-accept multishot-recv");
    CHECK(parsed("none") == "none");
    CHECK(parsed("-incremental,-min-wait") == parsed("6.1"));
    CHECK(parsed("none,+min-wait,+multishot-recv") == "multishot-recv min-wait");
    CHECK(parsed("-min-wait,+min-wait") == parsed("all"));
    CHECK(parsed("-incremental,all") == parsed("all"));
    CHECK(parsed("-defer-taskrun,-multishot-accept") == "multishot-recv incremental min-wait");
}

TEST_CASE("a feature that is two in the list may be named by the word that they share") {
    CHECK(parse_features("-multishot").value() ==
          parse_features("-multishot-accept,-multishot-recv").value());
    CHECK(parse_features("none,+multishot").value().to_string() ==
          "multishot-accept multishot-recv");
    CHECK_FALSE(parse_features("-multi"));
}

TEST_CASE("an unknown feature is refused by its name") {
    for (const std::string_view text : {"", "x", "all,", ",all", "incremental", "-", "+", "-x",
                                        "-min_wait", "all, none", "ALL", "6.12"}) {
        CAPTURE(text);
        CHECK(parsed(text).starts_with("error: unknown io_uring feature '"));
    }
    CHECK(parsed("all,-sqpoll").starts_with("error: unknown io_uring feature '-sqpoll': expected"));
}

TEST_CASE("the intersection has what both have") {
    const Features six_one = Features::linux_6_1();
    CHECK(Features::all().intersect(six_one) == six_one);
    CHECK(six_one.intersect(Features::all()) == six_one);
    CHECK(parse_features("none").value().intersect(Features::all()).to_string() == "none");
}

TEST_CASE("every feature is named, with the Linux that has it first") {
    for (const NamedFeature& feature : named_features()) {
        CAPTURE(feature.name);
        const Features alone = parse_features("none,+" + std::string{feature.name}).value();
        CHECK(alone.*feature.member);
        CHECK(alone.to_string() == feature.name);
        const bool is_in_six_one = Features::linux_6_1().*feature.member;
        CHECK(is_in_six_one == (feature.since != "6.12"));
    }
}

TEST_CASE("the probe either names features or a reason") {
    const Probe probe = probe_uring();
    CHECK(probe.usable == probe.reason.empty());
    if (probe.usable) CHECK(probe.error == 0);
    if (probe.usable)
        CHECK(probe.features.intersect(Features::linux_6_1()) == Features::linux_6_1());
    CHECK(kernel_release().find('.') != std::string::npos);
}

TEST_CASE("only epoll keeps something for each connection, only io_uring has queues by options") {
    CHECK(bytes_per_connection(Backend::uring) == 0);
    CHECK(bytes_per_connection(Backend::epoll) > 0);
    // 64 octets and an index for each submission, 16 octets for each completion.
    CHECK(queue_bytes({.submissions_max = 8, .completions_max = 16}) == 8 * 68 + 16 * 16);
}

TEST_CASE("sizes that a ring cannot have are refused with a sentence") {
    const auto error_of = [](const Options& options) {
        const auto ring = make_ring(Backend::epoll, options);
        return ring ? std::string{} : ring.error();
    };
    CHECK(error_of({}).empty());
    CHECK(error_of({.submissions_max = 0}) == "the number of submissions must be a power of two");
    CHECK(error_of({.submissions_max = 100}) == "the number of submissions must be a power of two");
    CHECK(error_of({.submissions_max = 8, .completions_max = 4})
              .starts_with("the number of completions"));
    CHECK(error_of({.buffers_count = 3}).starts_with("the number of receive buffers"));
    CHECK(error_of({.buffers_count = 65536}).starts_with("the number of receive buffers"));
    CHECK(error_of({.buffer_bytes = 1}).starts_with("a receive buffer must have"));
}

}  // namespace
}  // namespace ringcast::ring

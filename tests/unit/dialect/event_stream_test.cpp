// Events as a plain HTTP client reads them (WHATWG HTML section 9.2.6), and the ids that it comes
// back with.

#include "dialect/event_stream.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

using namespace ringcast;
using namespace ringcast::dialect::event_stream;

namespace {

std::string encoded(const Event& event) {
    std::string text;
    append(text, event);
    CHECK(encoded_bytes(event) == text.size());
    std::string written(text.size(), '\0');
    encode(std::as_writable_bytes(std::span{written}), event);
    CHECK(written == text);
    return text;
}

/// The data of the one event in `stream`, by the rules of section 9.2.6.
std::string data_read_from(std::string_view stream) {
    std::string data;
    int dispatched = 0;
    while (!stream.empty()) {
        const std::size_t end = stream.find_first_of("\r\n");
        REQUIRE(end != std::string_view::npos);
        const std::string_view line = stream.substr(0, end);
        stream.remove_prefix(end + (stream.substr(end, 2) == "\r\n" ? 2 : 1));
        if (line.empty()) {
            ++dispatched;
        } else if (line.starts_with("data: ")) {
            data += std::string{line.substr(6)} + "\n";
        }
    }
    CHECK(dispatched == 1);
    REQUIRE(!data.empty());
    data.pop_back();
    return data;
}

}  // namespace

TEST_CASE("an event has an id, a name and its data as far as there are any") {
    CHECK(encoded({.data = "hello"}) == "data: hello\n\n");
    CHECK(encoded({.epoch = "k3VxQ_9a", .offset = 41, .data = "hello"}) ==
          "id: k3VxQ_9a:41\ndata: hello\n\n");
    CHECK(encoded({.name = "position", .epoch = "k3VxQ_9a", .offset = 0, .data = "{}"}) ==
          "id: k3VxQ_9a:0\nevent: position\ndata: {}\n\n");
    CHECK(encoded({.kind = PublicationKind::binary, .data = std::string_view{"\0\xff", 2}}) ==
          "event: binary\ndata: AP8=\n\n");
    CHECK(encoded({.kind = PublicationKind::binary, .data = ""}) == "event: binary\ndata: \n\n");
}

TEST_CASE(
    "text is split at line ends of every kind, and nothing in it ends an event or begins one") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", ""},
        {"\n", "\n"},
        {"a\nb", "a\nb"},
        {"a\r\nb", "a\nb"},
        {"a\rb", "a\nb"},
        {"a\n\rb", "a\n\nb"},
        {"a\r\n", "a\n"},
        {"\n\nevent: x\ndata: y\n\n", "\n\nevent: x\ndata: y\n\n"},
        {" leading", " leading"},
        {"id: 1", "id: 1"},
        {": comment", ": comment"},
    };
    for (const auto& [text, read] : cases) {
        CAPTURE(text);
        CHECK(data_read_from(encoded({.data = text})) == read);
    }
}

TEST_CASE("an id says where a client was") {
    const auto last = read_id("k3VxQ_9a:41");
    REQUIRE(last);
    CHECK(last->epoch == "k3VxQ_9a");
    CHECK(last->offset == 41);
    CHECK(read_id("x:0").has_value());
    for (const char* id : {"", ":", ":1", "a", "a:", "a:b", "a:1x", "a:-1", "a: 1",
                           "a:18446744073709551616", "a:1:2"})
        CHECK_FALSE(read_id(id).has_value());
}

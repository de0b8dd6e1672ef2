#include "base/publication_info.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "base/client_info.hpp"

using namespace ringcast;

namespace {

/// "name=value ..." of what is packed, and the packed client.
std::string unpacked(const std::string& packed) {
    const PublicationInfo info = unpack_publication_info(as_bytes(packed));
    std::string text;
    info.tags.for_each([&](std::string_view name, std::string_view value) {
        text.append(name).append("=").append(value).append(" ");
    });
    return text + "|" + std::string{as_text(info.client)};
}

}  // namespace

TEST_CASE("tags come back as they were packed, with or without a client behind them") {
    CHECK(unpacked("") == "|");
    CHECK(pack(std::span<const Tag>{}) == untagged);
    CHECK(unpacked(std::string{untagged} + "client") == "|client");
    const Tag tags[] = {{"a", "b"}, {"", ""}, {"key", std::string_view{"\0x", 2}}};
    CHECK(unpacked(pack(tags)) == std::string{"a=b = key=\0x |", 14});
    CHECK(unpacked(pack(tags) + "client") == std::string{"a=b = key=\0x |client", 20});
    ClientId id{};
    id[3] = std::byte{7};
    const std::string packed =
        pack(tags) + pack(ClientInfo{.id = id, .user = "ann", .connection = "1", .channel = {}});
    const std::string later = packed + "2";
    const ClientInfo client = unpack_client(unpack_publication_info(as_bytes(later)).client);
    CHECK(client.id == id);
    CHECK(client.user == "ann");
    CHECK(client.channel == "2");
}

TEST_CASE("the last tag of a name is found") {
    const Tag tags[] = {{"a", "1"}, {"key", "2"}, {"a", "3"}};
    const std::string packed = pack(tags);
    const Tags found = unpack_publication_info(as_bytes(packed)).tags;
    CHECK(found.find("a") == "3");
    CHECK(found.find("key") == "2");
    CHECK(found.find("none").empty());
    CHECK(found.find("").empty());
    CHECK(Tags{}.find("a").empty());
    CHECK(Tags{}.is_empty());
}

TEST_CASE("tags have limits: how many, how long their names, how long all of them") {
    const std::string name(Tags::name_bytes_max, 'n');
    std::vector<Tag> tags(Tags::count_max, Tag{"n", "v"});
    CHECK(Tags::are_valid(tags));
    CHECK(unpacked(pack(tags)).size() == Tags::count_max * 4 + 1);
    tags.emplace_back("n", "v");
    CHECK_FALSE(Tags::are_valid(tags));
    const std::string value(Tags::bytes_max - name.size(), 'v');
    const Tag largest[] = {{name, value}};
    CHECK(Tags::are_valid(largest));
    CHECK(unpacked(pack(largest)) == name + "=" + value + " |");
    const std::string longer_value = value + "v", longer_name = name + "n";
    const Tag too_large[] = {{name, longer_value}};
    CHECK_FALSE(Tags::are_valid(too_large));
    const Tag badly_named[] = {{longer_name, ""}};
    CHECK_FALSE(Tags::are_valid(badly_named));
}

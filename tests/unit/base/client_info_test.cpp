#include "base/client_info.hpp"

#include <doctest/doctest.h>
#include <string>

using namespace ringcast;

namespace {

std::string round_trip(const ClientInfo& client) {
    const std::string packed = pack(client);
    const ClientInfo read = unpack_client(std::as_bytes(std::span{packed}));
    CHECK(read.id == client.id);
    return std::string{read.user} + "|" + std::string{read.connection} + "|" +
           std::string{read.channel};
}

}  // namespace

TEST_CASE("a client comes back as it was packed, and a channel's info may be added later") {
    ClientId id{};
    for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::byte>(0x10 * i + i);
    CHECK(round_trip({.id = id}) == "||");
    CHECK(round_trip({.id = id, .user = "ann", .connection = "12345", .channel = "678"}) ==
          "ann|12345|678");
    CHECK(round_trip({.id = id, .channel = "678"}) == "||678");
    const std::string user(255, 'u'), info(4097, 'i');
    CHECK(round_trip({.id = id, .user = user, .connection = info, .channel = info}) ==
          user + "|" + info + "|" + info);
    const std::string later =
        pack(ClientInfo{.id = id, .user = "ann", .connection = "1", .channel = {}}) + "2";
    CHECK(unpack_client(std::as_bytes(std::span{later})).channel == "2");
    const auto text = text_of(id);
    CHECK(std::string{text.data(), text.size()} == "00112233-4455-6677-8899-aabbccddeeff");
}

TEST_CASE("an info keeps its kind, and nothing stays nothing") {
    for (const auto kind : {PublicationKind::json, PublicationKind::binary}) {
        const std::string packed = pack(Info{.kind = kind, .bytes = "{}"});
        CHECK(unpack_info(packed).kind == kind);
        CHECK(unpack_info(packed).bytes == "{}");
    }
    CHECK(pack(Info{}).empty());
    CHECK(unpack_info("").bytes.empty());
}

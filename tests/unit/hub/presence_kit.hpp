#pragma once
// What the tests of presence share: clients and members by number.

#include <cstdint>
#include <cstring>
#include <string_view>

#include "hub/presence.hpp"

namespace ringcast::hub {

inline ClientId client(std::uint32_t number) {
    ClientId id{};
    std::memcpy(id.data() + 5, &number, sizeof number);
    return id;
}

inline std::uint32_t number_of(const ClientId& id) {
    std::uint32_t number;
    std::memcpy(&number, id.data() + 5, sizeof number);
    return number;
}

inline Member member(std::uint32_t number, std::string_view user, std::uint32_t shard = 0) {
    return {.client = client(number),
            .user = user,
            .connection_info = {},
            .channel_info = {},
            .shard = shard,
            .session = {.slot = number, .generation = 1}};
}

}  // namespace ringcast::hub

#pragma once
// How a client names its session in requests of their own, when what it says cannot go the way that
// what it is told comes: which shard has the session, which one that is there, and a secret that
// nobody but the client knows.
//
//   shard 2, slot 8, generation 4   secret 32
//   00      0000002a 0001           8f14e45f...      digits of hexadecimal numbers

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/slab.hpp"

namespace ringcast::api {

/// Fills bytes that nobody can foresee. Called on the shards' threads, several at a time.
using EntropySource = std::function<void(std::span<std::byte>)>;

struct StreamId {
    std::uint32_t shard = 0;
    SlotId session;
};

/// The name of that session, with a new secret.
[[nodiscard]] std::string draw_stream_id(const StreamId& id, const EntropySource& entropy);
/// Where a session of that name would be; nothing if no session has such a name.
[[nodiscard]] std::optional<StreamId> read_stream_id(std::string_view text) noexcept;
/// In a time that says nothing about where they differ.
[[nodiscard]] bool are_equal(std::string_view secret, std::string_view said) noexcept;

}  // namespace ringcast::api

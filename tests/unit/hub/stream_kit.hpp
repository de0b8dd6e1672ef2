#pragma once
// A stream with its History, and blocks for what is published.

#include <cstdint>
#include <doctest/doctest.h>
#include <span>
#include <string>
#include <string_view>

#include "base/buffer_pool.hpp"
#include "base/bytes.hpp"
#include "base/prng.hpp"
#include "base/shared_payload.hpp"
#include "hub/stream.hpp"

namespace ringcast::hub {

struct StreamKit {
    explicit StreamKit(const StreamLimits& limits, std::uint64_t bytes_max = 1 << 20)
        : history{bytes_max}, stream{Epoch::draw(prng), limits} {}
    ~StreamKit() {
        history.clear(stream);
        home.free_all();
        CHECK(pool.blocks_in_use() == 0);
    }

    std::uint64_t append(std::string_view text, std::string_view info = {}) {
        return append_to(stream, text, info);
    }
    std::uint64_t append_to(Stream& target, std::string_view text, std::string_view info = {}) {
        SharedPayload& payload = SharedPayload::make(pool, home, as_bytes(text), as_bytes(info));
        return history.append(target, payload, PublicationKind::text, now);
    }
    static std::string_view text(const SharedPayload& payload) {
        return {reinterpret_cast<const char*>(payload.bytes().data()), payload.bytes().size()};
    }
    /// "5:five 6:six"
    [[nodiscard]] std::string kept() const {
        std::string all;
        for (std::uint64_t offset = stream.first(); offset <= stream.top(); ++offset) {
            all += (all.empty() ? "" : " ") + std::to_string(offset) + ":";
            all += text(*stream.at(offset).payload);
        }
        return all;
    }

    BufferPool pool;
    PayloadReturn home;
    Prng prng{1};
    Instant now{std::chrono::hours{1}};
    History history;
    Stream stream;
};

}  // namespace ringcast::hub

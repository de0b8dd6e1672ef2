#pragma once
// A client as this dialect tells others of it, out of the packed form in which it is carried
// (base/client_info.hpp).

#include <array>
#include <cstddef>
#include <deque>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/client_info.hpp"
#include "dialect/centrifuge/reply.hpp"

namespace ringcast::dialect::centrifuge {

/// Who has published without a connection has no id, and is told of without one.
///
/// Holds what info() has views of, beside the packed bytes: it stays where it was made.
class NamedClient {
public:
    explicit NamedClient(const ringcast::ClientInfo& client) noexcept
        : id_{text_of(client.id)},
          info_{.user = client.user,
                .client = {id_.data(), client.id == ClientId{} ? 0 : id_.size()},
                .conn_info = payload_of(client.connection),
                .chan_info = payload_of(client.channel)} {}
    explicit NamedClient(std::span<const std::byte> packed) noexcept
        : NamedClient{unpack_client(packed)} {}
    NamedClient(const NamedClient&) = delete;
    NamedClient& operator=(const NamedClient&) = delete;

    [[nodiscard]] const ClientInfo& info() const noexcept { return info_; }

private:
    static Payload payload_of(std::string_view packed) noexcept {
        const Info info = unpack_info(packed);
        return {.bytes = info.bytes, .kind = info.kind};
    }

    const std::array<char, 36> id_;
    const ClientInfo info_;
};

/// Several of them by their ids, as the answer to who is there.
class NamedClients {
public:
    /// `list.for_each(visit)` calls `visit(ringcast::ClientInfo)`.
    explicit NamedClients(const auto& list) {
        list.for_each([this](const ringcast::ClientInfo& client) {
            const ClientInfo& info = clients_.emplace_back(client).info();
            all_.emplace_back(info.client, info);
        });
    }
    [[nodiscard]] EntriesView<ClientInfo> all() const noexcept { return all_; }

private:
    std::deque<NamedClient> clients_;
    std::vector<std::pair<std::string_view, ClientInfo>> all_;
};

}  // namespace ringcast::dialect::centrifuge

#pragma once
// What a server of the Centrifuge protocol says to a client, read from either format. Written from
// the protocol alone, and without anything of src/dialect, so that a mistake there is not repeated
// here.
//
// Each struct lists its fields once, with the number that they have in Protobuf and the name that
// they have in JSON.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringcast::sim::told {

struct Nothing {
    static void fields(auto&, auto&&) {}
};

struct Error {
    std::uint32_t code = 0;
    static void fields(auto& self, auto&& field) { field(1, "code", self.code); }
};

struct Client {
    std::string user, client;
    static void fields(auto& self, auto&& field) {
        field(1, "user", self.user);
        field(2, "client", self.client);
    }
};

struct Publication {
    std::string data;  ///< In JSON the text of that value.
    std::optional<Client> info;
    std::uint64_t offset = 0;
    std::map<std::string, std::string> tags;
    bool delta = false;
    static void fields(auto& self, auto&& field) {
        field.payload(4, "data", self.data);
        field(5, "info", self.info);
        field(6, "offset", self.offset);
        field(7, "tags", self.tags);
        field(8, "delta", self.delta);
    }
};

struct Subscribe {
    bool recoverable = false;
    std::string epoch;
    std::vector<Publication> publications;
    bool recovered = false;
    std::uint64_t offset = 0;
    bool positioned = false, was_recovering = false, delta = false;
    static void fields(auto& self, auto&& field) {
        field(3, "recoverable", self.recoverable);
        field(6, "epoch", self.epoch);
        field(7, "publications", self.publications);
        field(8, "recovered", self.recovered);
        field(9, "offset", self.offset);
        field(10, "positioned", self.positioned);
        field(12, "was_recovering", self.was_recovering);
        field(13, "delta", self.delta);
    }
};

struct Connect {
    std::string client;
    bool expires = false;
    std::uint32_t ttl = 0;
    std::map<std::string, Subscribe> subs;
    std::uint32_t ping = 0;
    bool pong = false;
    static void fields(auto& self, auto&& field) {
        field(1, "client", self.client);
        field(3, "expires", self.expires);
        field(4, "ttl", self.ttl);
        field(6, "subs", self.subs);
        field(7, "ping", self.ping);
        field(8, "pong", self.pong);
    }
};

struct Presence {
    std::map<std::string, Client> presence;
    static void fields(auto& self, auto&& field) { field(1, "presence", self.presence); }
};

struct PresenceStats {
    std::uint32_t num_clients = 0, num_users = 0;
    static void fields(auto& self, auto&& field) {
        field(1, "num_clients", self.num_clients);
        field(2, "num_users", self.num_users);
    }
};

struct History {
    std::vector<Publication> publications;
    std::string epoch;
    std::uint64_t offset = 0;
    static void fields(auto& self, auto&& field) {
        field(1, "publications", self.publications);
        field(2, "epoch", self.epoch);
        field(3, "offset", self.offset);
    }
};

/// Somebody who comes or goes.
struct Member {
    Client info;
    static void fields(auto& self, auto&& field) { field(1, "info", self.info); }
};

struct Unsubscribe {
    std::uint32_t code = 0;
    static void fields(auto& self, auto&& field) { field(2, "code", self.code); }
};

/// The application has subscribed it.
struct Imposed {
    bool recoverable = false, positioned = false;
    std::string epoch;
    std::uint64_t offset = 0;
    std::string data;  ///< As of a publication.
    static void fields(auto& self, auto&& field) {
        field(1, "recoverable", self.recoverable);
        field(4, "epoch", self.epoch);
        field(5, "offset", self.offset);
        field(6, "positioned", self.positioned);
        field.payload(7, "data", self.data);
    }
};

struct Refresh {
    bool expires = false;
    std::uint32_t ttl = 0;
    static void fields(auto& self, auto&& field) {
        field(1, "expires", self.expires);
        field(2, "ttl", self.ttl);
    }
};

/// The answer to a renewal.
struct Refreshed {
    std::string client;
    bool expires = false;
    std::uint32_t ttl = 0;
    static void fields(auto& self, auto&& field) {
        field(1, "client", self.client);
        field(3, "expires", self.expires);
        field(4, "ttl", self.ttl);
    }
};

struct Push {
    std::string channel;
    std::optional<Publication> pub;
    std::optional<Member> join, leave;
    std::optional<Unsubscribe> unsubscribe;
    std::optional<Imposed> subscribe;
    std::optional<Refresh> refresh;
    static void fields(auto& self, auto&& field) {
        field(2, "channel", self.channel);
        field(4, "pub", self.pub);
        field(5, "join", self.join);
        field(6, "leave", self.leave);
        field(7, "unsubscribe", self.unsubscribe);
        field(9, "subscribe", self.subscribe);
        field(12, "refresh", self.refresh);
    }
};

struct Reply {
    std::uint32_t id = 0;
    std::optional<Error> error;
    std::optional<Push> push;
    std::optional<Connect> connect;
    std::optional<Subscribe> subscribe;
    std::optional<Nothing> unsubscribe, publish;
    std::optional<Presence> presence;
    std::optional<PresenceStats> presence_stats;
    std::optional<History> history;
    std::optional<Nothing> ping;
    std::optional<Refreshed> refresh;
    static void fields(auto& self, auto&& field) {
        field(1, "id", self.id);
        field(2, "error", self.error);
        field(4, "push", self.push);
        field(5, "connect", self.connect);
        field(6, "subscribe", self.subscribe);
        field(7, "unsubscribe", self.unsubscribe);
        field(8, "publish", self.publish);
        field(9, "presence", self.presence);
        field(10, "presence_stats", self.presence_stats);
        field(11, "history", self.history);
        field(12, "ping", self.ping);
        field(14, "refresh", self.refresh);
    }
    /// The server asks whether the client is there.
    [[nodiscard]] bool is_ping() const noexcept { return id == 0 && !push; }
};

/// The replies of one message; nothing if it is malformed, or says what is not listed here.
[[nodiscard]] std::optional<std::vector<Reply>> read_json(std::string_view message);
[[nodiscard]] std::optional<std::vector<Reply>> read_protobuf(std::string_view message);

/// The text that a string of JSON means; nothing if it is none.
[[nodiscard]] std::optional<std::string> text_in_json(const std::string& value);

}  // namespace ringcast::sim::told

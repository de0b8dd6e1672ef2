// A chat with rooms. Everybody connects with a name, ws://127.0.0.1:9001/chat?name=Ann, and says
//
//     /join garden     to enter a room, and leave the one before
//     /leave           to leave it
//     anything else    to everybody in the room
//
// A room is a topic: who is inside is subscribed to it. So guests hear each other in one order,
// whichever shards they are connected to, and this file holds no list of them.

#include <ringcast/ringcast.hpp>

#include <algorithm>
#include <string>
#include <string_view>

/// What the server keeps for each connection.
struct Guest {
    std::string name;
    std::string room{};  // The topic; empty: outside.
};

class Chat {
public:
    using Session = ringcast::Session<Guest>;

    ringcast::Admission<Guest> on_upgrade(ringcast::Upgrade& upgrade) {
        const std::string name = upgrade.query("name").value_or("");
        const auto is_letter = [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; };
        if (name.empty() || name.size() > 20 || !std::ranges::all_of(name, is_letter))
            return ringcast::reject(400, "?name=... has 1 to 20 letters from a to z\n");
        return Guest{name};
    }

    void on_open(Session& session) { session.send("hello " + session->name + ", /join a room"); }

    void on_message(Session& session, ringcast::Message message) {
        const std::string_view line = message.payload;
        if (message.kind != ringcast::MessageKind::text) {
            session.close(ringcast::CloseCode::unsupported_data, "text only");
        } else if (line.starts_with("/join ")) {
            enter(session, line.substr(6));
        } else if (line == "/leave") {
            leave(session);
        } else if (session->room.empty()) {
            session.send("nobody hears you, /join a room");
        } else {
            session.publish(session->room, session->name + ": " + std::string{line});
        }
    }

    void on_close(Session& session, ringcast::CloseCode) { leave(session); }

private:
    void enter(Session& session, std::string_view name) {
        const std::string room = "rooms/" + std::string{name};
        leave(session);
        if (session.subscribe(room) != ringcast::SubscribeStatus::accepted) {
            session.send("no room can be called that");
            return;
        }
        session->room = room;
        session.publish(room, session->name + " comes in");  // The guest hears it, too.
    }

    void leave(Session& session) {
        if (session->room.empty()) return;
        session.unsubscribe(session->room);
        // In the name of the shard, since on_close comes here with a session that has ended.
        session.shard().publish(session->room, session->name + " goes out");
        session->room.clear();
    }
};

int main() {
    ringcast::Server server{{.port = 9001}};
    server.mount<Chat>("/chat");
    return server.run();
}

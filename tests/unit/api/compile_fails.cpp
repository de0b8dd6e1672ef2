// Handlers that must not compile, one for each value of CASE, and one (0) that must.
// compile_fails.py compiles them.

#include <cstdint>
#include <string>

#include "ringcast/ringcast.hpp"

using namespace ringcast;

struct NoDefault {
    explicit NoDefault(int) {}
};

struct Handler {
#if CASE == 0
    void on_message(Session<>&, Message) {}
    Admission<NoState> on_upgrade(Upgrade&) { return NoState{}; }
    void on_open(Session<>&) {}
    void on_skipped(Session<>&, std::uint64_t) {}
    void on_drain(Session<>&) {}
    void on_close(Session<>&, CloseCode) {}
    void on_tick(Shard) {}
#elif CASE == 1   // on_upgrade takes an Upgrade&
    void on_message(Session<>&, Message) {}
    Admission<NoState> on_upgrade(const std::string&) { return NoState{}; }
#elif CASE == 2   // on_open takes a Session<State>&
    void on_message(Session<>&, Message) {}
    void on_open(Session<NoDefault>&) {}
#elif CASE == 3   // on_drain takes a Session<State>&
    void on_message(Session<>&, Message) {}
    void on_drain() {}
#elif CASE == 4   // on_close takes a Session<State>&, a CloseCode
    void on_message(Session<>&, Message) {}
    void on_close(Session<>&) {}
#elif CASE == 5   // on_tick takes a Shard
    void on_message(Session<>&, Message) {}
    void on_tick(Session<>&) {}
#elif CASE == 6   // a handler whose session state has no default needs on_upgrade
    void on_message(Session<NoDefault>&, Message) {}
#elif CASE == 7   // HasOnMessage
    void on_open(Session<>&) {}
#elif CASE == 8   // HasOnMessage
    void on_message(Message) {}
#elif CASE == 9   // Admission
    void on_message(Session<NoDefault>&, Message) {}
    Admission<NoState> on_upgrade(Upgrade&) { return NoState{}; }
#elif CASE == 10  // on_skipped takes a Session<State>& and a count
    void on_message(Session<>&, Message) {}
    void on_skipped(Session<>&) {}
#endif
};

void mount(Server& server) {
    server.mount<Handler>("/x");
}

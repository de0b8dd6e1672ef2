"""What the server does to sessions of the Centrifuge protocol by itself, over real sockets. Run by run.py."""

import contextlib
import json
import signal
import time

from admin_tests import ADMIN, LISTEN, rings
from api_tests import call, key_file
from kit import Server, read_exactly, upgrade
from token_tests import SECRET, keys, token


class Client:
    """Speaks JSON; connected by a token with these claims."""

    def __init__(self, server, claims):
        self.socket, line = upgrade(("127.0.0.1", server.port()), "/connection/websocket")
        assert " 101 " in line, line
        self.lines = []
        self.say({"id": 1, "connect": {"token": token(claims)}})
        self.connected = self.hear()["connect"]

    def say(self, command):
        payload = json.dumps(command).encode()
        assert len(payload) < 1 << 16
        length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
        self.socket.sendall(b"\x81" + length + bytes(4) + payload)

    def frame(self):
        head, size = read_exactly(self.socket, 2)
        if size == 126:
            size = int.from_bytes(read_exactly(self.socket, 2), "big")
        return head & 0xf, read_exactly(self.socket, size)

    def hear(self):
        """The next reply."""
        while not self.lines:
            opcode, payload = self.frame()
            assert opcode == 1, (opcode, payload)
            self.lines += payload.decode().split("\n")
        return json.loads(self.lines.pop(0))

    def pushed(self):
        return self.hear()["push"]

    def ended(self):
        """Code and reason of the Close."""
        opcode, payload = self.frame()
        assert opcode == 8, (opcode, payload)
        return int.from_bytes(payload[:2], "big"), payload[2:].decode()


@contextlib.contextmanager
def edge(*flags):
    with keys(secret=SECRET) as path, key_file() as api_keys:
        with Server(*LISTEN, *ADMIN, "--shards", "2", "--token-hmac-secret-file", path("secret"), "--api-key-file",
                    api_keys, "--users", "publish", *flags) as server:
            yield server, server.admin_urls()[0]


def test_a_client_may_have_as_many_subscriptions_as_the_flag_says():
    with edge("--subscriptions-max", "130") as (server, _):
        client = Client(server, {"sub": "7", "channels": ["mine"]})
        for number in range(2, 132):
            client.say({"id": number, "subscribe": {"channel": f"r{number}"}})
            wanted = {"subscribe": {}} if number < 131 else {"error": {"code": 106, "message": "limit exceeded"}}
            assert client.hear() == {"id": number, **wanted}


def test_a_token_subscribes_its_client_and_recovers_what_it_missed():
    for ring in rings():
        with edge("--io", ring, "--history-size", "10") as (server, admin):
            channels = [f"room/{i}" for i in range(5)]  # At home on both shards.
            claims = {"sub": "7", "channels": channels}
            clients = [Client(server, claims) for _ in range(6)]
            for client in clients:
                assert sorted(client.connected["subs"]) == channels
            for channel in channels:
                call(admin, "publish", {"channel": channel, "data": 1})
            for client in clients:
                pushes = [client.pushed() for _ in channels]
                assert sorted(push["channel"] for push in pushes) == channels
                assert all(push["pub"] == {"data": 1, "offset": 1} for push in pushes)
                client.socket.close()
            for channel in channels:
                call(admin, "publish", {"channel": channel, "data": 2})
            subs = clients[0].connected["subs"]
            late = Client.__new__(Client)
            late.lines = []
            late.socket, _ = upgrade(("127.0.0.1", server.port()), "/connection/websocket")
            late.say({"id": 1, "connect": {"token": token(claims), "subs": {
                channel: {"recover": True, "offset": 1, "epoch": subs[channel]["epoch"]} for channel in channels}}})
            for sub in late.hear()["connect"]["subs"].values():
                assert sub["recovered"] and sub["publications"] == [{"data": 2, "offset": 2}], sub


def test_the_api_reaches_the_sessions_of_a_user_on_all_shards():
    for ring in rings():
        with edge("--io", ring) as (server, admin):
            clients, other = [Client(server, {"sub": "7"}) for _ in range(12)], Client(server, {"sub": "8"})
            assert call(admin, "subscribe", {"user": "7", "channel": "a", "data": {"b": 1}}) == {"result": {}}
            assert call(admin, "publish", {"channel": "a", "data": 1})["result"] is not None
            for client in clients:
                assert client.pushed() == {"channel": "a", "subscribe": {"data": {"b": 1}}}
                assert client.pushed() == {"channel": "a", "pub": {"data": 1}}
            assert call(admin, "unsubscribe", {"user": "7", "channel": "a"}) == {"result": {}}
            for client in clients:
                assert client.pushed() == {"channel": "a", "unsubscribe": {"code": 2000, "reason": "server unsubscribe"}}
            until = int(time.time()) + 1000
            assert call(admin, "refresh", {"user": "7", "expire_at": until}) == {"result": {}}
            for client in clients:
                assert client.pushed()["refresh"]["expires"]
            one = clients.pop()
            assert call(admin, "disconnect", {"user": "7", "client": one.connected["client"]}) == {"result": {}}
            assert one.ended() == (3503, "force disconnect")
            assert call(admin, "disconnect", {"user": "7", "disconnect": {"code": 4321, "reason": "go"}}) == {"result": {}}
            for client in clients:
                assert client.ended() == (4321, "go")
            other.say({"id": 2, "ping": {}})
            assert other.hear() == {"id": 2, "ping": {}}


def test_the_api_reads_and_removes_what_is_kept():
    for ring in rings():
        with edge("--io", ring, "--history-size", "10") as (_, admin):
            for channel in ("a", "b", "c", "d"):  # At home on both shards.
                for n in (1, 2, 3):
                    call(admin, "publish", {"channel": channel, "data": n})
                result = call(admin, "history", {"channel": channel, "limit": 2, "reverse": True})["result"]
                assert result["publications"] == [{"data": 3, "offset": 3}, {"data": 2, "offset": 2}], result
                assert call(admin, "history_remove", {"channel": channel}) == {"result": {}}
                left = call(admin, "history", {"channel": channel, "limit": -1})["result"]
                assert left == {"publications": [], "epoch": result["epoch"], "offset": 3}


def test_the_ping_interval_is_that_of_the_protocol_too():
    for given, told in (("7500ms", 7), ("300ms", 1), ("0", None)):
        with edge("--ping-interval", given) as (server, _):
            assert Client(server, {"sub": "7"}).connected.get("ping") == told


def test_a_stop_is_told_in_the_words_of_the_protocol():
    for ring in rings():
        with edge("--io", ring) as (server, _):
            client = Client(server, {"sub": "7"})
            assert client.connected["version"]
            server.process.send_signal(signal.SIGTERM)
            assert client.ended() == (3001, "shutdown")
            client.socket.close()
            assert server.end()[0] == 0

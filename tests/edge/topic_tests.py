"""Topics of the edge binary. Run by run.py."""

import json
import random
import selectors
import signal

from admin_tests import ADMIN, LISTEN, rings
from api_tests import call, key_file
from centrifuge import Centrifuge
from kit import PATIENCE_SECONDS, Server, read_exactly, upgrade


class Subscriber:
    """A client of one topic that takes what comes apart: `received`, then `code` of a Close, then `has_ended`."""

    def __init__(self, port, topic):
        self.socket, status = upgrade(("127.0.0.1", port), f"/topics/{topic}")
        assert " 101 " in status, status
        self.socket.setblocking(False)
        self.received, self.code, self.has_ended = [], None, False
        self.rest = b""
        self.published = 0

    def publish(self, number):
        payload = f"{number} {self.published} ".encode() + b"x" * random.randrange(100)
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else bytes([0x80 | 126]) + len(payload).to_bytes(2, "big")
        self.send(b"\x81" + size + bytes(4) + payload)
        self.published += 1

    def send(self, frame):
        """What is on its way is little and always has room."""
        assert self.socket.send(frame) == len(frame)

    def read(self):
        try:
            piece = self.socket.recv(1 << 16)
        except BlockingIOError:
            return
        self.has_ended = not piece
        self.rest += piece
        while self.take_frame():
            pass

    def take_frame(self):
        if len(self.rest) < 2 or self.rest[1] == 126 and len(self.rest) < 4:
            return False
        head, size = (2, self.rest[1]) if self.rest[1] < 126 else (4, int.from_bytes(self.rest[2:4], "big"))
        if len(self.rest) < head + size:
            return False
        opcode, payload = self.rest[0], self.rest[head:head + size]
        self.rest = self.rest[head + size:]
        assert self.code is None, "something follows the Close"
        if opcode == 0x88:
            self.code = int.from_bytes(payload[:2], "big")
            self.send(bytes([0x88, 0x82, 0, 0, 0, 0]) + payload[:2])
        else:
            assert opcode == 0x81, f"opcode {opcode:#x}"
            self.received.append(payload)
        return True


def test_sigterm_under_load_delivers_what_one_has_got_to_all_and_closes_with_1012():
    for ring in (["--io", "epoll"], ["--io", "auto"]):
        for stop_at in (1, 500):
            expect_whole_end(ring, stop_at)


def expect_whole_end(flags, stop_at):
    with Server(*LISTEN, "--shards", "4", "--anonymous", "publish", "--mesh-bytes", "64KiB", *flags) as server:
        clients = [Subscriber(server.port(), "last") for _ in range(40)]
        with selectors.DefaultSelector() as selector:
            for client in clients:
                selector.register(client.socket, selectors.EVENT_READ, client)
            is_stopped = False
            while not all(client.has_ended for client in clients):
                for number, client in enumerate(clients[:4]):
                    if client.code is None and client.published < min(len(other.received) for other in clients) + 50:
                        client.publish(number)
                ready = selector.select(PATIENCE_SECONDS)
                assert ready, "nothing happened for too long"
                for key, _ in ready:
                    key.data.read()
                    if key.data.has_ended:
                        selector.unregister(key.fileobj)
                        key.fileobj.close()
                if not is_stopped and len(clients[0].received) >= stop_at:
                    server.process.send_signal(signal.SIGTERM)
                    is_stopped = True
        longest = max((client.received for client in clients), key=len)
        for client in clients:
            assert client.received == longest, f"{len(client.received)} of {len(longest)} publications"
            assert client.code == 1012, client.code
        for number in range(4):  # Each publisher's in their order, none left out.
            own = [int(payload.split()[1]) for payload in longest if payload.startswith(b"%d " % number)]
            assert own == list(range(len(own)))
        assert server.end()[0] == 0


def read_json(client):
    """The next message of a WebSocket, which is one frame."""
    opcode, size = read_exactly(client, 2)
    assert opcode == 0x81, opcode
    if size > 125:
        size = int.from_bytes(read_exactly(client, 2 if size == 126 else 8), "big")
    return json.loads(read_exactly(client, size))


def test_whoever_is_behind_gets_the_newest_of_a_topic_and_is_told_of_the_others():
    count, narrow = 600, 64 << 10  # Far more than the buffers of a socket hold.
    for ring in rings():
        with key_file() as keys, Server(*LISTEN, *ADMIN, "--shards", "2", "--io", ring, "--anonymous", "subscribe",
                                        "--slow-consumer", "latest", "--send-queue-bytes-max", "64KiB",
                                        "--history-size", "1", "--api-key-file", keys) as server:
            client = Centrifuge(server.port(), receive_buffer=narrow)
            client.ask({"subscribe": {"channel": "price"}})
            raw, _ = upgrade(("127.0.0.1", server.port()), "/topics/price?gaps=1", receive_buffer=narrow)
            for n in range(1, count + 1):
                data = {"n": n, "padding": "x" * 20_000}
                answer = call(server.admin_urls()[0], "publish", {"channel": "price", "data": data})
                assert answer["result"]["offset"] == n, answer
            seen = skipped = last = 0
            while last < count:
                publication = client.push()["push"]["pub"]
                skipped += int(publication.get("tags", {}).get("skipped", 0))
                seen += 1
                last = publication["data"]["n"]
                assert seen + skipped == last == publication["offset"], (seen, skipped, last)
            assert skipped > 0
            seen = skipped = last = 0
            while last < count:
                message = read_json(raw)
                if "skipped" in message:
                    skipped += message["skipped"]
                else:
                    seen += 1
                    last = message["n"]
                    assert seen + skipped == last, (seen, skipped, last)
            assert skipped > 0
            client.close()
            raw.close()

"""A small WebSocket server that makes one mistake, for commands_test.py: whoever measures it must notice.

It echoes at /echo and passes publications on at /topics/NAME, in one order for all subscribers of the topic; likewise in
the protocol of NATS at /nats, in that of Socket.IO at /socket.io, and in that of Centrifuge at /centrifuge; with more of
the latter at /connection/websocket (faulty_centrifuge.py). A mistake is a word of MISTAKES there or here; "" is none.
With the words PINGS behind it, each connection gets pings all the time, the first one with its 101. All of it over TLS if
there is a certificate.
"""

import asyncio
import base64
import hashlib
import json
import ssl
import struct

from faulty_centrifuge import FaultyCentrifuge

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

MISTAKES = {
    "": "none",
    "lose": "leaves one message out",
    "double": "sends one message twice",
    "swap": "sends two messages in the wrong order",
    "corrupt": "changes one byte of a message",
    "cut": "closes a connection in the middle",
    "stall": "does not answer any more",
    "more": "sends a message that nobody asked for when it is asked for a pong",
    "unclosed": "does not answer a Close frame, but closes the connection",
    "refuse": "answers the upgrade with 503",
    "trickle": "comes to no end in its responses to the upgrade",
    "hollow": "sends a message whose continuation frames have nothing in them, and no end",
    "flood": "sends pings as fast as it can, and reads nothing",
    "join": "lets a subscriber miss what comes right behind its 101",
}
PINGS = " with pings"
PING_SECONDS = 0.1
CLIENT = "00000000-0000-4000-8000-000000000000"  # Whoever it is.
MISTAKE_INTERVAL = 31  # Of so many messages one goes wrong, since lives that end abruptly do not look at all of theirs.
TRICKLES_FROM = 3  # This response to an upgrade, so that something comes to its end before.
LATE_SUBSCRIBER = 8  # From here on those who subscribe join a topic in the middle of a run.


def frame(opcode, payload):
    if len(payload) < 126:
        return struct.pack("!BB", 0x80 | opcode, len(payload)) + payload
    if len(payload) > 0xffff:
        return struct.pack("!BBQ", 0x80 | opcode, 127, len(payload)) + payload
    return struct.pack("!BBH", 0x80 | opcode, 126, len(payload)) + payload


async def read_frame(reader):
    """(opcode, payload), both of a whole message that is not fragmented."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        size, = struct.unpack("!H", await reader.readexactly(2))
    key = await reader.readexactly(4)
    masked = await reader.readexactly(size)
    pad = (key * (size // 4 + 1))[:size]
    return first & 0x0F, (int.from_bytes(masked, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")


# What comes right behind the 101.
GREETINGS = {"/nats": frame(BINARY, b"INFO {}\r\n"), "/socket.io": frame(TEXT, b"0{}"), "/centrifuge": b""}


async def read_topic(path, reader, writer):
    """(topic, welcome) of a client that answers the greeting."""
    _, payload = await read_frame(reader)
    if path == "/nats":
        connect, subscribe, ping, _ = payload.decode().split("\r\n")
        assert connect.startswith("CONNECT {") and subscribe.endswith(" 1") and ping == "PING"
        return subscribe.split(" ")[1], frame(BINARY, b"PONG\r\n")
    if path == "/centrifuge":
        assert json.loads(payload) == {"connect": {}, "id": 1}
        writer.write(frame(TEXT, b'{"id":1,"connect":{"client":"a"}}'))
        _, payload = await read_frame(reader)
        return json.loads(payload)["subscribe"]["channel"], frame(TEXT, b'{"id":2,"subscribe":{}}')
    assert payload.startswith(b"40")
    return json.loads(payload[2:])["topic"], frame(TEXT, b'40{"sid":"a"}')


class FaultyServer:
    """Serves on `port` within `async with`."""

    def __init__(self, mistake, mistake_interval=MISTAKE_INTERVAL, certificate=None):
        self._pings = mistake.endswith(PINGS)
        self._mistake = mistake = mistake.removesuffix(PINGS)
        self._mistake_interval = mistake_interval
        self._handshakes = 0
        self._tasks = []  # A task that nobody knows may vanish.
        self._messages = 0
        self._held = None  # A message that the next one overtakes.
        self._topics = {}
        self._subscribers = 0
        self._deaf = set()  # Subscribers that are to miss something.
        self._centrifuge = FaultyCentrifuge(mistake)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certificate else None
        if certificate:
            self._tls.load_cert_chain(certificate)

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=256, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1].partition("?")[0]
            if self._mistake == "refuse":
                writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
                return
            key = next(line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key"))
            digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
            head = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n")
            self._handshakes += 1
            if self._mistake == "trickle" and self._handshakes >= TRICKLES_FROM:
                return await self._repeat(writer, head + b"X: ", b"x")
            writer.write(head + b"\r\n" + (frame(PING, b"at once") if self._pings else b""))
            pinger = self._begin(self._repeat(writer, b"", frame(PING, b"again"))) if self._pings else None
            if self._mistake == "flood":
                while not writer.is_closing():
                    writer.write(frame(PING, b"x" * 125) * 500)
                    await writer.drain()
                    await asyncio.sleep(0)
            if path == "/connection/websocket":
                return await self._serve_centrifuge(reader, writer)
            welcome = b""
            if path in GREETINGS:
                writer.write(GREETINGS[path])
                path, welcome = await read_topic(path, reader, writer)
            subscribers = self._subscribe(path, writer)
            writer.write(welcome)
            while await self._answer(reader, writer, subscribers):
                pass
            if pinger:
                pinger.cancel()
                if subscribers:
                    subscribers.discard(writer)
                writer.write_eof()
                await reader.read()  # A pong that nobody has read would reset the connection.
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError, ssl.SSLError):
            pass
        finally:
            if subscribers := self._topics.get(locals().get("path")):
                subscribers.discard(writer)
            writer.close()

    def _begin(self, work):
        self._tasks.append(asyncio.create_task(work))
        return self._tasks[-1]

    @staticmethod
    async def _repeat(writer, first, data):
        """Sends `first`, and then `data` until the connection is closed."""
        try:
            writer.write(first)
            while not writer.is_closing():
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(PING_SECONDS)
        except ConnectionError:
            pass

    async def _serve_centrifuge(self, reader, writer):
        def send(reply):
            if not writer.is_closing():
                writer.write(frame(TEXT, json.dumps(reply, separators=(",", ":")).encode()))

        try:
            while True:
                opcode, payload = await read_frame(reader)
                if opcode == PING:
                    self._answer_ping(writer, payload)
                elif opcode == TEXT:
                    self._centrifuge.take(payload, send, writer.close)
        finally:
            self._centrifuge.leave(send)

    def _subscribe(self, path, writer):
        """All subscribers of the topic at `path`, `writer` among them; None where messages are echoed."""
        if path == "/echo":
            return None
        self._subscribers += 1
        if self._mistake == "join" and self._subscribers > LATE_SUBSCRIBER:
            self._deaf.add(writer)
        subscribers = self._topics.setdefault(path, set())
        subscribers.add(writer)
        return subscribers

    async def _answer(self, reader, writer, subscribers):
        """Takes one frame; False if it was the last."""
        opcode, payload = await read_frame(reader)
        if opcode == CLOSE:
            if self._mistake != "unclosed":
                writer.write(frame(CLOSE, payload))
            return False
        if opcode == PING:
            self._answer_ping(writer, payload)
            return True
        if opcode != PONG:
            if payload.startswith(b"PUB "):
                head, _, rest = payload.partition(b"\r\n")
                payload = b"MSG %s 1 %s\r\n" % tuple(head.split(b" ")[1:]) + rest
            elif payload.startswith(b'{"publish":'):
                writer.write(frame(TEXT, b'{"id":3,"publish":{}}'))
                published = json.loads(payload)["publish"]
                push = {"push": {"channel": published["channel"], "pub": {"data": published["data"],
                                                                     "info": {"client": CLIENT}}}}
                payload = json.dumps(push, separators=(",", ":")).encode()
            self._pass_on(opcode, payload, [writer] if subscribers is None else sorted(subscribers, key=id))
        return True

    def _answer_ping(self, writer, payload):
        if self._mistake == "more":
            writer.write(frame(BINARY, b"x" * 64))
        writer.write(frame(PONG, payload))

    def _pass_on(self, opcode, payload, writers):
        self._messages += 1
        is_mistaken = self._messages % self._mistake_interval == 0
        if self._mistake == "stall" and self._messages >= self._mistake_interval:
            return
        for number, writer in enumerate(writers):
            if writer in self._deaf:
                self._deaf.discard(writer)
                continue
            # In a fan-out only the last subscriber suffers.
            self._write(writer, frame(opcode, payload), payload, is_mistaken and number == len(writers) - 1)

    def _write(self, writer, data, payload, is_mistaken):
        if self._held and self._held[0] is writer:
            data, self._held = data + self._held[1], None
        if not is_mistaken or self._mistake in ("", "more", "unclosed", "join"):
            writer.write(data)
        elif self._mistake == "double":
            writer.write(data + data)
        elif self._mistake == "swap":
            self._held = (writer, data)
        elif self._mistake == "corrupt":
            writer.write(data[:-1] + bytes([payload[-1] ^ 1]))
        elif self._mistake == "hollow":
            self._begin(self._repeat(writer, b"\x02\x00", b"\x00\x00"))
        elif self._mistake == "cut":
            writer.close()

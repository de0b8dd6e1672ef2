"""Debian's python3-websockets as a client of the server: URL SCENARIO PID_OF_SERVER (see run.py)."""

import asyncio
import json
import os
import signal
import sys

import websockets
from results import MESSAGE_BYTES_MAX, SIZES, expect_equal, pattern, run_tests
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

url, scenario, server_pid = sys.argv[1:4]

CROWD_CONNECTIONS = 60
CROWD_MESSAGES = 50


def connect(path="/echo"):
    return websockets.connect(url + path, max_size=None, ping_interval=None, close_timeout=20)


async def echo(socket, message):
    await socket.send(message)
    expect_equal(await socket.recv(), message)


async def text_sizes():
    async with connect() as socket:
        for size in SIZES:
            await echo(socket, "x" * size)


async def binary_sizes():
    async with connect() as socket:
        for size in SIZES:
            await echo(socket, pattern(size))


async def characters():
    async with connect() as socket:
        await echo(socket, "aé日🚀 \0\uffff\U0010ffff" * 100)


async def fragments():
    async with connect() as socket:
        await socket.send([pattern(100)] * 50)
        expect_equal(await socket.recv(), pattern(100) * 50)
        await socket.send(list("κόσμε 🚀"))
        expect_equal(await socket.recv(), "κόσμε 🚀")


async def subprotocol():
    async with websockets.connect(url + "/echo", subprotocols=["chat"]) as socket:
        expect_equal(socket.subprotocol, None)


async def pings():
    async with connect() as socket:
        for size in (0, 1, 125):
            await (await socket.ping(pattern(size)))  # Resolved by the pong with the same payload.
        await echo(socket, "still here")


async def in_order():
    async with connect() as socket:
        sent = [f"message {i} " + "." * i for i in range(1000)]
        received = asyncio.create_task(receive(socket, len(sent)))
        for message in sent:
            await socket.send(message)
        expect_equal(await received, sent)


async def receive(socket, count):
    return [await socket.recv() for _ in range(count)]


async def close_codes():
    for code in (1000, 1001, 1003, 1011, 3000, 4999):
        async with connect() as socket:
            await socket.close(code, "a reason")
            expect_equal(socket.close_code, code)


async def oversize():
    for message in ("x" * (MESSAGE_BYTES_MAX + 1), pattern(MESSAGE_BYTES_MAX + 1), [pattern(MESSAGE_BYTES_MAX), b"x"]):
        async with connect() as socket:
            await socket.send(message)
            await socket.wait_closed()
            expect_equal(socket.close_code, 1009)


async def compress(**parameters):
    """A session with these parameters is sent less than its messages are long, and all of them right."""
    offer = [ClientPerMessageDeflateFactory(**parameters)]
    async with websockets.connect(url + "/echo", compression=None, extensions=offer, max_size=None) as socket:
        expect_equal([extension.name for extension in socket.extensions], ["permessage-deflate"])
        for i in range(20):
            await echo(socket, json.dumps([{"id": j * 7919 % 1000, "on": j % 3 == 0} for j in range(5 + i * 100)]))
        for size in SIZES:
            await echo(socket, "x" * size)
            await echo(socket, pattern(size))
        await socket.send([pattern(100)] * 50)
        expect_equal(await socket.recv(), pattern(100) * 50)


async def no_offer():
    async with websockets.connect(url + "/echo", compression=None) as socket:
        expect_equal(socket.extensions, [])
        await echo(socket, "x" * 10000)


async def unknown_path():
    try:
        async with connect("/nowhere"):
            raise AssertionError("welcome")
    except websockets.InvalidStatusCode as refusal:
        expect_equal(refusal.status_code, 404)


async def subscribe(count, topic):
    """Clients of a topic, whichever shards they come to."""
    return await asyncio.gather(*(connect(f"/topics/{topic}") for _ in range(count)))


async def publications():
    publisher, *others = sockets = await subscribe(4, "websockets/publications")
    for size in SIZES:
        for message in ("x" * size, pattern(size)):
            await publisher.send(message)
            for socket in sockets:
                expect_equal(await socket.recv(), message)
    await others[0].send("κόσμε 🚀")
    for socket in sockets:
        expect_equal(await socket.recv(), "κόσμε 🚀")
        await socket.close()


async def one_order():
    sockets = await subscribe(6, "websockets/order")
    count = 100

    async def publish(number, socket):
        for i in range(count):
            await socket.send(f"{number} {i}")

    received, _ = await asyncio.gather(
        asyncio.gather(*(receive(socket, count * len(sockets)) for socket in sockets)),
        asyncio.gather(*(publish(number, socket) for number, socket in enumerate(sockets))))
    for other in received[1:]:
        expect_equal(other, received[0])
    for number, socket in enumerate(sockets):
        expect_equal([m for m in received[0] if m.startswith(f"{number} ")], [f"{number} {i}" for i in range(count)])
        await socket.close()


async def leaving():
    staying, leaving = await subscribe(2, "websockets/leaving")
    await leaving.close()
    await staying.send("to myself")
    expect_equal(await staying.recv(), "to myself")
    back, = await subscribe(1, "websockets/leaving")
    await back.send("back again")
    for socket in (staying, back):
        expect_equal(await socket.recv(), "back again")
        await socket.close()


async def bad_names():
    for name in ("ns:name", "$name", "%23", "x" * 256, "%ff", "a%0Ab"):
        try:
            async with connect(f"/topics/{name}"):
                raise AssertionError(f"{name}: welcome")
        except websockets.InvalidStatusCode as refusal:
            expect_equal(refusal.status_code, 400)


async def large_messages():
    async with connect() as socket:
        for size in (1 << 20, (1 << 20) + 1, 1 << 24):
            await echo(socket, pattern(1 << 16) * (size >> 16) + pattern(size & 0xFFFF))
        await echo(socket, "日" * (1 << 19))


async def large_fragments():
    async with connect() as socket:
        await socket.send([pattern(1 << 16)] * 16)
        expect_equal(await socket.recv(), pattern(1 << 16) * 16)


def stop(with_signal, code):
    async def test():
        async with connect() as socket:
            await echo(socket, "hello")
            os.kill(int(server_pid), with_signal)
            await socket.wait_closed()
            expect_equal(socket.close_code, code)
    return test


async def crowd():
    """Connections that echo, leave politely or abruptly, or stay until the server stops."""
    async def member(number):
        socket = await connect()
        for i in range(CROWD_MESSAGES):
            await echo(socket, pattern(number * 97 + i * 13) if i % 2 else f"{number}: {i}" * i)
        if number % 4 == 0:
            await socket.close()
        elif number % 4 == 1:
            socket.transport.abort()
        else:
            return socket
        return None

    members = await asyncio.gather(*(member(number) for number in range(CROWD_CONNECTIONS)))
    staying = [socket for socket in members if socket is not None]
    os.kill(int(server_pid), signal.SIGTERM)
    for socket in staying:
        await socket.wait_closed()
        expect_equal(socket.close_code, 1012)


SCENARIOS = {
    "standard": {
        "text of many sizes comes back": text_sizes,
        "binary of many sizes comes back": binary_sizes,
        "characters of one to four bytes come back": characters,
        "fragmented messages come back whole": fragments,
        "no subprotocol is chosen": subprotocol,
        "pings are answered with their payload": pings,
        "a thousand messages without waiting come back in order": in_order,
        "the close code comes back": close_codes,
        "a message over the limit is refused with 1009": oversize,
        "an unknown path is refused with 404": unknown_path,
    },
    "large": {
        "large messages come back": large_messages,
        "a large message in fragments comes back whole": large_fragments,
    },
    "compression": {
        "messages are compressed": compress,
        "without contexts": lambda: compress(server_no_context_takeover=True, client_no_context_takeover=True),
        "with a small window of the server": lambda: compress(server_max_window_bits=9),
        "with the smallest window of the server": lambda: compress(server_max_window_bits=8),
        "with a small window of the client": lambda: compress(client_max_window_bits=10),
        "a message that is too long when it is inflated closes with 1009": oversize,
        "who does not offer it gets none": no_offer,
    },
    "topics": {
        "a publication of any size reaches its publisher and all others": publications,
        "what six publish at once comes to all in one order": one_order,
        "who leaves hears no more, who comes back does": leaving,
        "names that are none are refused with 400": bad_names,
    },
    "sigterm": {"SIGTERM closes with 1012": stop(signal.SIGTERM, 1012)},
    "sigint": {"SIGINT closes with 1001": stop(signal.SIGINT, 1001)},
    "crowd": {"a crowd is served, and told of the end with 1012": crowd},
}

asyncio.run(run_tests(SCENARIOS[scenario]))

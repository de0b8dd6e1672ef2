"""Debian's python3-tornado as a client of the server: URL SCENARIO PID_OF_SERVER (see run.py)."""

import asyncio
import sys

from results import MESSAGE_BYTES_MAX, SIZES, Skip, expect_equal, pattern, run_tests
from tornado.httpclient import HTTPClientError
from tornado.websocket import websocket_connect

url, scenario = sys.argv[1:3]


def connect(path="/echo", **options):
    return websocket_connect(url + path, max_message_size=1 << 25, **options)


async def send(socket, message):
    await socket.write_message(message, binary=isinstance(message, bytes))


async def echo(socket, message):
    await send(socket, message)
    expect_equal(await socket.read_message(), message)


async def closed(socket):
    """Reads to the end; returns the close code."""
    while await socket.read_message() is not None:
        pass
    return socket.close_code


async def sizes(**options):
    socket = await connect(**options)
    for size in SIZES:
        await echo(socket, "x" * size)
        await echo(socket, pattern(size))
    await echo(socket, "aé日🚀 \0\uffff\U0010ffff" * 100)
    socket.close()
    await closed(socket)


async def compressed():
    socket = await connect(compression_options={"compression_level": 6})
    agreed = socket.headers.get("Sec-WebSocket-Extensions", "")
    socket.close()
    if "client_no_context_takeover" in agreed:
        raise Skip("this client overlooks parameters without a value, and keeps its context")
    await sizes(compression_options={"compression_level": 6})


async def keepalive():
    socket = await connect(ping_interval=0.05, ping_timeout=5)
    for _ in range(10):
        await asyncio.sleep(0.03)
        await echo(socket, "still here")
    socket.close()
    await closed(socket)


async def in_order():
    socket = await connect()
    sent = [f"message {i} " + "." * i for i in range(1000)]

    async def send_all():
        for message in sent:
            await send(socket, message)

    async def receive_all():
        return [await socket.read_message() for _ in sent]

    _, received = await asyncio.gather(send_all(), receive_all())
    expect_equal(received, sent)
    socket.close()
    await closed(socket)


async def close_codes():
    for code in (1000, 1001, 3000, 4999):
        socket = await connect()
        socket.close(code, "a reason")
        expect_equal(await closed(socket), code)


async def oversize():
    socket = await connect()
    await send(socket, pattern(MESSAGE_BYTES_MAX + 1))
    expect_equal(await closed(socket), 1009)


async def unknown_path():
    try:
        await connect("/nowhere")
    except HTTPClientError as refusal:
        expect_equal(refusal.code, 404)
    else:
        raise AssertionError("welcome")


async def publications():
    one, other = await connect("/topics/tornado"), await connect("/topics/tornado")
    for size in SIZES:
        for message in ("x" * size, pattern(size)):
            await send(one, message)
            for socket in (one, other):
                expect_equal(await socket.read_message(), message)
    for socket in (one, other):
        socket.close()
        await closed(socket)


SCENARIOS = {
    "standard": {
        "messages of many sizes come back": sizes,
        "messages of many sizes come back to who offers compression": compressed,
        "pings of the client are answered": keepalive,
        "a thousand messages without waiting come back in order": in_order,
        "the close code comes back": close_codes,
        "a message over the limit is refused with 1009": oversize,
        "an unknown path is refused with 404": unknown_path,
    },
    "topics": {"a publication of any size reaches its publisher and another": publications},
}

asyncio.run(run_tests(SCENARIOS[scenario]))

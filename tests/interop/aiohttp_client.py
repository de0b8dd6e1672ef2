"""Debian's python3-aiohttp as a client of the server: URL SCENARIO PID_OF_SERVER (see run.py)."""

import asyncio
import sys

import aiohttp
from results import MESSAGE_BYTES_MAX, SIZES, expect_equal, pattern, run_tests

url, scenario = sys.argv[1:3]


class Connection:
    """A session of aiohttp with one WebSocket in it."""

    def __init__(self, path, compress):
        self.path, self.compress = path, compress

    async def __aenter__(self):
        self.session = aiohttp.ClientSession(trust_env=True)
        try:
            return await self.session.ws_connect(url + self.path, max_msg_size=0, compress=self.compress)
        except BaseException:
            await self.session.close()
            raise

    async def __aexit__(self, *_):
        await self.session.close()


def connect(path="/echo", compress=0):
    return Connection(path, compress)


async def send(socket, message):
    await (socket.send_str if isinstance(message, str) else socket.send_bytes)(message)


async def echo(socket, message):
    await send(socket, message)
    expect_equal((await socket.receive()).data, message)


async def sizes(compress=0):
    async with connect(compress=compress) as socket:
        for size in SIZES:
            await echo(socket, "x" * size)
            await echo(socket, pattern(size))
        await echo(socket, "aé日🚀 \0\uffff\U0010ffff" * 100)


async def pings():
    async with connect() as socket:
        await socket.ping(b"payload")
        await echo(socket, "still here")  # The pong is eaten by the library.


async def in_order():
    async with connect() as socket:
        sent = [f"message {i} " + "." * i for i in range(1000)]

        async def send_all():
            for message in sent:
                await socket.send_str(message)

        async def receive_all():
            return [(await socket.receive()).data for _ in sent]

        _, received = await asyncio.gather(send_all(), receive_all())
        expect_equal(received, sent)


async def close_codes():
    for code in (1000, 1001, 3000, 4999):
        async with connect() as socket:
            await socket.close(code=code, message=b"a reason")
            expect_equal(socket.close_code, code)


async def oversize():
    async with connect() as socket:
        await send(socket, pattern(MESSAGE_BYTES_MAX + 1))
        refusal = await socket.receive()
        expect_equal((refusal.type, refusal.data), (aiohttp.WSMsgType.CLOSE, 1009))


async def unknown_path():
    try:
        async with connect("/nowhere"):
            raise AssertionError("welcome")
    except aiohttp.WSServerHandshakeError as refusal:
        expect_equal(refusal.status, 404)


async def plain_requests():
    """Two on one connection."""
    async with aiohttp.ClientSession(trust_env=True, connector=aiohttp.TCPConnector(limit=1)) as session:
        for _ in range(2):
            async with session.get("http" + url.removeprefix("ws") + "/nowhere") as answer:
                expect_equal(answer.status, 404)
                await answer.read()


async def publications():
    async with connect("/topics/aiohttp") as one, connect("/topics/aiohttp") as other:
        for size in SIZES:
            for message in ("x" * size, pattern(size)):
                await send(one, message)
                for socket in (one, other):
                    expect_equal((await socket.receive()).data, message)


SCENARIOS = {
    "standard": {
        "messages of many sizes come back": sizes,
        "messages of many sizes come back to who offers compression": lambda: sizes(15),
        "and with a small window": lambda: sizes(9),
        "a ping does no harm": pings,
        "a thousand messages without waiting come back in order": in_order,
        "the close code comes back": close_codes,
        "a message over the limit is refused with 1009": oversize,
        "an unknown path is refused with 404": unknown_path,
        "plain requests are answered on one connection": plain_requests,
    },
    "topics": {"a publication of any size reaches its publisher and another": publications},
}

asyncio.run(run_tests(SCENARIOS[scenario]))

"""A line between a client and the server, which tests cut: a port that passes on whatever comes, both ways."""

import asyncio
import contextlib

CHUNK_BYTES = 64 * 1024


class Line:
    """`url` is where it leads now; whoever connects to `port` is brought there. While it is held nobody gets through."""

    def __init__(self, url):
        self.url = url
        self.is_held = False
        self.writers = set()

    async def __aenter__(self):
        self.listener = await asyncio.start_server(self.carry, "127.0.0.1", 0)
        self.port = self.listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.listener.close()
        self.cut()

    def cut(self):
        """As a network does it, without a word: both ends get a reset."""
        for writer in self.writers:
            writer.transport.abort()

    def hold(self):
        self.is_held = True
        self.cut()

    def let_go(self):
        self.is_held = False

    async def carry(self, reader, writer):
        if self.is_held:
            writer.transport.abort()
            return
        host, port = self.url.split("://")[1].split(":")
        to_reader, to_writer = await asyncio.open_connection(host, int(port))
        pair = {writer, to_writer}
        self.writers |= pair
        await asyncio.gather(self.pass_on(reader, to_writer), self.pass_on(to_reader, writer))
        self.writers -= pair
        for each in pair:
            each.transport.abort()

    async def pass_on(self, reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                writer.write(data)
                await writer.drain()
            writer.write_eof()

#!/usr/bin/python3
"""python3-websockets as a peer of scripts/bench: /echo echoes, /topics/NAME subscribes and publishes. Argument: the port.
One process, no compression."""

import asyncio
import sys
from collections import defaultdict

# The folder of this file has the package's name in it.
sys.path.pop(0)
import websockets  # noqa: E402

topics = defaultdict(set)


async def serve(client, path):
    try:
        if path == "/echo":
            async for message in client:
                await client.send(message)
            return
        subscribers = topics[path]
        subscribers.add(client)
        try:
            async for message in client:
                websockets.broadcast(subscribers, message)
        finally:
            subscribers.discard(client)
    except websockets.ConnectionClosed:
        pass


async def main():
    async with websockets.serve(serve, "127.0.0.1", int(sys.argv[1]), compression=None, max_size=16 << 20, backlog=4096,
                                ping_interval=None):
        await asyncio.Future()


asyncio.run(main())

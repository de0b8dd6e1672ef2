#!/usr/bin/python3
"""Installs a build, and builds and runs the examples against what was installed and nothing else.

    tests/install/run.py BUILD_FOLDER    whose prefix is BUILD_FOLDER/installed (scripts/configure test)

Prints a line for each step, `ok NAME` or `FAILED NAME: why`; the last line is `N passed, N failed, N skipped`.
"""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS_MAX = 60

# No header of these may be reachable from ringcast's.
THIRD_PARTIES = ["liburing", "openssl", "zlib", "libdeflate", "xxhash", "simdjson", "protozero", "fmt", "spdlog", "CLI", "toml++"]


def run(*command, **options):
    """The output of a command that must succeed."""
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=180, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stdout.strip()[-2000:]}")
    return done.stdout


def readme_example():
    """The program that the README shows."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    programs = [block for block in re.findall(r"^```cpp\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
                if "int main(" in block]
    if not programs:
        raise RuntimeError("README.md shows no program")
    return programs[0]


def with_port(program, port):
    """The program, on a port of ours."""
    program, replaced = re.subn(r"\.port = \d+", f".port = {port}", program)
    if replaced != 1:
        raise RuntimeError("the program does not set one .port")
    return program


def free_port():
    """A port that nobody uses just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Installation:
    """The steps; each stands on those before it."""

    def __init__(self, build, folder):
        self.build = build
        self.prefix = build / "installed"
        self.folder = Path(folder)
        self.flags = []

    def install(self):
        """meson installs library, headers and ringcast.pc below the prefix"""
        shutil.rmtree(self.prefix, ignore_errors=True)
        run("meson", "install", "-C", self.build, "--no-rebuild", "--quiet")
        if not (self.prefix / "include/ringcast/ringcast.hpp").exists():
            raise RuntimeError(f"no ringcast/ringcast.hpp below {self.prefix}/include")

    def find(self):
        """pkg-config finds it"""
        configurations = [str(file.parent) for file in self.prefix.rglob("ringcast.pc")]
        self.flags = run("pkg-config", "--cflags", "--libs", "ringcast",
                         env={**os.environ, "PKG_CONFIG_PATH": ":".join(configurations)}).split()

    def headers(self):
        """no third party's header is reachable from the public ones"""
        source = self.folder / "all.cpp"
        headers = sorted(file.relative_to(self.prefix / "include").as_posix()
                         for file in (self.prefix / "include/ringcast").glob("*.hpp"))
        source.write_text("".join(f"#include <{header}>\n" for header in headers))
        reached = run("g++", "-std=c++23", "-M", source, *self.flags)
        strangers = [name for name in THIRD_PARTIES if re.search(rf"include/{re.escape(name)}[/.]", reached)]
        if strangers:
            raise RuntimeError(f"reachable: {' '.join(strangers)}")

    def echo(self):
        """the example of README.md compiles without a warning, echoes, and ends with exit code 0"""
        self.run_example("echo", readme_example(), converse)

    def chat(self):
        """so does tests/install/chat.cpp, in which guests hear each other"""
        self.run_example("chat", (ROOT / "tests/install/chat.cpp").read_text(encoding="utf-8"), talk)

    def run_example(self, name, program, conversation):
        """Compiles the program, starts it, holds the conversation, and ends it."""
        port = free_port()
        source, binary = self.folder / f"{name}.cpp", self.folder / name
        source.write_text(with_port(program, port))
        run("g++", "-std=c++23", "-Wall", "-Wextra", "-Werror", source, "-o", binary, *self.flags)
        server = subprocess.Popen([binary], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
        try:
            asyncio.run(asyncio.wait_for(conversation(f"ws://127.0.0.1:{port}/{name}", server), SECONDS_MAX))
            server.send_signal(signal.SIGTERM)
            output, _ = server.communicate(timeout=SECONDS_MAX)
            if server.returncode != 0:
                raise RuntimeError(f"exit code {server.returncode}: {output.strip()[-500:]}")
        finally:
            if server.poll() is None:
                server.kill()
                server.wait()


async def connected(url, server):
    """A client, as soon as the server listens."""
    import websockets  # Here, so that the steps before run without it.
    while True:
        try:
            return await websockets.connect(url)
        except ConnectionRefusedError:
            if server.poll() is not None:
                raise RuntimeError(f"it ended with {server.returncode}: {server.stdout.read().strip()[-500:]}") from None
            await asyncio.sleep(0.02)  # The library does not say when it listens; asking again is all one can do.


async def converse(url, server):
    """Compares echoes."""
    client = await connected(url, server)
    for message in ("hello", b"\0\1\2", "x" * 65536):
        await client.send(message)
        if await client.recv() != message:
            raise RuntimeError("the echo differs")
    await client.close()


class Guest:
    """Somebody in the chat."""

    def __init__(self, name, client):
        self.name = name
        self.client = client

    @classmethod
    async def arrive(cls, url, server, name):
        guest = cls(name, await connected(f"{url}?name={name}", server))
        await guest.hears(f"hello {name}, /join a room")
        return guest

    async def says(self, line):
        await self.client.send(line)

    async def hears(self, *lines):
        for line in lines:
            heard = await self.client.recv()
            if heard != line:
                raise RuntimeError(f"{self.name} hears {heard!r}, not {line!r}")


async def talk(url, server):
    """Guests come, talk, move on, and leave by the door or by the window."""
    import websockets
    ann, bob, eve = [await Guest.arrive(url, server, name) for name in ("Ann", "Bob", "Eve")]
    await ann.says("is anybody there?")
    await ann.hears("nobody hears you, /join a room")
    await ann.says("/join garden")
    await ann.hears("Ann comes in")
    await bob.says("/join garden")
    for guest in (ann, bob):
        await guest.hears("Bob comes in")
    await eve.says("/join cellar")
    await eve.hears("Eve comes in")

    # Both at once: whoever is first, both hear the same.
    count = 50
    for i in range(count):
        await ann.says(f"a{i}")
        await bob.says(f"b{i}")
    heard = [[await guest.client.recv() for _ in range(2 * count)] for guest in (ann, bob)]
    if heard[0] != heard[1]:
        raise RuntimeError("Ann and Bob hear different orders")
    for name, letter in (("Ann", "a"), ("Bob", "b")):
        if [line for line in heard[0] if line.startswith(name)] != [f"{name}: {letter}{i}" for i in range(count)]:
            raise RuntimeError(f"what {name} said is not heard in order")

    await ann.says("/join cellar")
    await bob.hears("Ann goes out")
    for guest in (ann, eve):
        await guest.hears("Ann comes in")
    await bob.says("alone at last")
    await bob.hears("Bob: alone at last")
    await ann.says("/leave")
    await eve.hears("Ann goes out")
    await eve.says("bye Ann")
    await eve.hears("Eve: bye Ann")
    await ann.says("hm")
    await ann.hears("nobody hears you, /join a room")
    await ann.says("/join some:where")
    await ann.hears("no room can be called that")

    await bob.says("/join cellar")
    for guest in (bob, eve):
        await guest.hears("Bob comes in")
    await bob.client.close()
    await eve.hears("Bob goes out")
    await ann.client.send(b"\0")
    try:
        await ann.client.recv()
    except websockets.ConnectionClosed as closed:
        if closed.rcvd is None or closed.rcvd.code != 1003:
            raise RuntimeError(f"binary is answered by {closed}") from None
    try:
        await websockets.connect(f"{url}?name=x%20y")
        raise RuntimeError("anybody is let in")
    except websockets.InvalidStatusCode as refused:
        if refused.status_code != 400:
            raise RuntimeError(f"a bad name gets {refused.status_code}") from None
    await eve.client.close()


def main():
    passed = 0
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(sys.argv[1]).resolve(), folder)
        steps = [installation.install, installation.find, installation.headers, installation.echo, installation.chat]
        for step in steps:
            try:
                step()
            except Exception as error:  # Whatever it is, it is this step's result, and the rest cannot be tried.
                print(f"FAILED {step.__doc__}: {error}")
                break
            print(f"ok {step.__doc__}", flush=True)
            passed += 1
    skipped = max(len(steps) - passed - 1, 0)
    print(f"{passed} passed, {1 if passed < len(steps) else 0} failed, {skipped} skipped")
    return 0 if passed == len(steps) else 1


if __name__ == "__main__":
    sys.exit(main())

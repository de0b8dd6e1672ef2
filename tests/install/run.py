#!/usr/bin/python3
"""Installs a build, and builds and runs the README's example against what was installed and nothing else.

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
THIRD_PARTIES = ["liburing", "openssl", "zlib", "libdeflate", "xxhash", "simdjson", "fmt", "spdlog", "CLI", "toml++"]


def run(*command, **options):
    """The output of a command that must succeed."""
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=180, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stdout.strip()[-2000:]}")
    return done.stdout


def readme_example(port):
    """The program that the README shows, on a port of ours."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    programs = [block for block in re.findall(r"^```cpp\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
                if "int main(" in block]
    if not programs:
        raise RuntimeError("README.md shows no program")
    program, replaced = re.subn(r"\.port = \d+", f".port = {port}", programs[0])
    if replaced != 1:
        raise RuntimeError("the program of README.md does not set one .port")
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
        self.port = free_port()
        self.program = self.folder / "echo"
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

    def compile(self):
        """the example of README.md compiles without a warning"""
        source = self.folder / "echo.cpp"
        source.write_text(readme_example(self.port))
        run("g++", "-std=c++23", "-Wall", "-Wextra", "-Werror", source, "-o", self.program, *self.flags)

    def talk(self):
        """the example echoes and ends with exit code 0"""
        server = subprocess.Popen([self.program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
        try:
            asyncio.run(asyncio.wait_for(converse(f"ws://127.0.0.1:{self.port}/echo", server), SECONDS_MAX))
            server.send_signal(signal.SIGTERM)
            output, _ = server.communicate(timeout=SECONDS_MAX)
            if server.returncode != 0:
                raise RuntimeError(f"exit code {server.returncode}: {output.strip()[-500:]}")
        finally:
            if server.poll() is None:
                server.kill()
                server.wait()


async def converse(url, server):
    """Connects as soon as the server listens, and compares echoes."""
    import websockets  # Here, so that the steps before run without it.
    while True:
        try:
            client = await websockets.connect(url)
            break
        except ConnectionRefusedError:
            if server.poll() is not None:
                raise RuntimeError(f"it ended with {server.returncode}: {server.stdout.read().strip()[-500:]}") from None
            await asyncio.sleep(0.02)  # The library does not say when it listens; asking again is all one can do.
    for message in ("hello", b"\0\1\2", "x" * 65536):
        await client.send(message)
        if await client.recv() != message:
            raise RuntimeError("the echo differs")
    await client.close()


def main():
    passed = 0
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(sys.argv[1]).resolve(), folder)
        steps = [installation.install, installation.find, installation.headers, installation.compile, installation.talk]
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

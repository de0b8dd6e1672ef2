"""Servers under measurement: how they are started, found to be ready, and stopped."""

import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from typing import NamedTuple

START_SECONDS_MAX = 10
STOP_SECONDS_MAX = 5


class ServerError(Exception):
    """A server that did not start; the text says what it printed last."""


class Peer(NamedTuple):
    """A kind of server: for each protocol that it speaks ("echo", "fanout") a command, a template in which {port} stands
    for the port to listen on."""

    name: str
    commands: dict[str, str]

    def missing(self):
        """Why this peer cannot be measured here, or None."""
        for command in self.commands.values():
            program = shlex.split(command)[0]
            if not shutil.which(program):
                return f"there is no {program}"
        return None


def built_in_peers(build):
    """ringcast itself on each of its rings, where one command serves every protocol."""
    command = (f"{shlex.quote(str(build / 'ringcast'))} --echo --anonymous publish --listen ws://127.0.0.1:{{port}}"
               " --shards 1 --message-bytes-max 16MiB --log-level warn")
    return [Peer(f"ringcast-{io}", dict.fromkeys(["echo", "fanout"], f"{command} --io {io}"))
            for io in ("uring", "epoll")]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One running server, pinned to one CPU; a context manager that stops it."""

    def __init__(self, peer, protocol, cpu):
        self.port = free_port()
        self._output = tempfile.TemporaryFile()
        command = ["taskset", "-c", str(cpu)] + shlex.split(
            peer.commands[protocol].replace("{port}", str(self.port)))
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._output,
                                         stderr=subprocess.STDOUT)
        try:
            self._wait_until_ready(peer.name)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self):
        return self._process.pid  # taskset replaces itself by the server.

    def _wait_until_ready(self, name):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServerError(f"{name} exited with {self._process.returncode}: {self.output()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise ServerError(f"{name} does not listen on port {self.port} after {START_SECONDS_MAX} s: {self.output()}")

    def is_alive(self):
        return self._process.poll() is None

    def output(self):
        """The end of what the server printed."""
        self._output.seek(0)
        return self._output.read()[-400:].decode(errors="replace").strip() or "no output"

    def stop(self):
        if self.is_alive():
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._output.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

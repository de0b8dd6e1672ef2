"""What the tests of the edge binary share: running it, and speaking to it."""

import base64
import os
import signal
import socket
import subprocess
import sys

BINARY, WITHOUT_IO_URING = map(os.path.abspath, sys.argv[1:3])
PATIENCE_SECONDS = 20
KEY = base64.b64encode(b"0123456789abcdef").decode()


class Skip(Exception):
    """This machine lacks what the test needs."""


def clean_environment(extra=None):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RINGCAST_")}
    return {**environment, **(extra or {})}


class Server:
    """A running edge binary; its banner has been read."""

    def __init__(self, *flags, environment=None, wrapper=(), **more):
        self.process = subprocess.Popen([*wrapper, BINARY, *flags], env=clean_environment(environment), text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith("io "):  # The last line that is always there.
                break
        else:
            raise AssertionError(f"ended at once: {self.process.communicate(timeout=PATIENCE_SECONDS)[1]}")

    def urls(self):
        return [line.removeprefix("listening on ") for line in self.lines if line.startswith("listening on ")]

    def admin_urls(self):
        return [line.removeprefix("admin on ") for line in self.lines if line.startswith("admin on ")]

    def port(self):
        return int(self.urls()[0].rsplit(":", 1)[1])

    def stop(self, signal_number=signal.SIGTERM):
        self.process.send_signal(signal_number)
        return self.end()

    def end(self):
        """Exit code and what it had written to stderr."""
        errors = self.process.communicate(timeout=PATIENCE_SECONDS)[1]
        return self.process.returncode, errors

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def run(*flags, environment=None, **more):
    """Runs the binary to its end: exit code, stdout, stderr."""
    done = subprocess.run([BINARY, *flags], env=clean_environment(environment), text=True, capture_output=True,
                          timeout=PATIENCE_SECONDS, **more)
    return done.returncode, done.stdout, done.stderr


def upgrade(address, path="/echo", fields=(), receive_buffer=None):
    """A connected socket and the status line of its opening handshake."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    client = socket.socket(family)
    client.settimeout(PATIENCE_SECONDS)
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.connect(address)
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade",
             "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {KEY}", *fields]
    client.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = client.recv(1)  # Not a byte of what follows the head.
        if not piece:
            break
        head += piece
    return client, head.decode().split("\r\n")[0]


def read_exactly(client, size):
    received = b""
    while len(received) < size:
        piece = client.recv(size - len(received))
        assert piece, "the stream ended early"
        received += piece
    return received


def echo(client, text=b"hello"):
    client.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
    assert read_exactly(client, 2 + len(text)) == bytes([0x81, len(text)]) + text


def expect_one_line_error(result, *words):
    code, _, errors = result
    assert code not in (0, None) and code > 0, f"exit code {code}"
    assert errors.startswith("ringcast: ") and errors.count("\n") == 1, f"not one line of ringcast's: {errors!r}"
    for word in words:
        assert word in errors, f"{word!r} is not in {errors!r}"

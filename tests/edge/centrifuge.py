"""A client of the Centrifuge protocol, in JSON, for tests of the edge binary."""

import http.client
import json
import socket

from kit import PATIENCE_SECONDS, read_exactly, upgrade


class Centrifuge:
    """Connected to the server at `port`."""

    def __init__(self, port, token=None, receive_buffer=None):
        self._socket, status = upgrade(("127.0.0.1", port), "/connection/websocket", receive_buffer=receive_buffer)
        assert " 101 " in status, status
        self._number = 0
        self._lines = []
        self._pushes = []  # Those that came before a reply that was waited for.
        self.id = self.ask({"connect": {"token": token} if token else {}})["connect"]["client"]

    def ask(self, command):
        """The reply to `command`, a dict of one method."""
        self._number += 1
        payload = json.dumps({"id": self._number, **command}).encode()
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
        self._socket.sendall(b"\x81" + size + bytes(4) + payload)
        while (reply := self._read()).get("id") != self._number:
            self._pushes.append(reply)
        return reply

    def push(self):
        """The next push."""
        return self._pushes.pop(0) if self._pushes else self._read()

    def pushed(self):
        """Those that came before replies."""
        return self._pushes

    def close(self):
        self._socket.close()

    def _read(self):
        while not self._lines:
            opcode, size = read_exactly(self._socket, 2)
            assert opcode == 0x81, opcode
            if size > 125:
                size = int.from_bytes(read_exactly(self._socket, 2 if size == 126 else 8), "big")
            self._lines = [line for line in read_exactly(self._socket, size).decode().split("\n") if line]
        return json.loads(self._lines.pop(0))


class StreamedCentrifuge:
    """Likewise a client without WebSocket: an answer of `http_stream`, and what it says by POST. It reads little."""

    def __init__(self, port, token=None, receive_buffer=4096):
        self._port = port
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(PATIENCE_SECONDS)
        self._socket.connect(("127.0.0.1", port))
        body = json.dumps({"id": 1, "connect": {"token": token} if token else {}})
        self._socket.sendall(f"POST /connection/http_stream HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
                             f"{body}".encode())
        self._file = self._socket.makefile("rb")
        while self._file.readline() != b"\r\n":
            pass
        self.connected = self.reply()["connect"]
        self.id = self.connected["client"]

    def say(self, *commands):
        """The status of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_SECONDS)
        data = "\n".join(json.dumps(command) for command in commands)
        connection.request("POST", "/emulation", json.dumps({"session": self.connected["session"],
                                                             "node": self.connected["node"], "data": data}))
        status = connection.getresponse().status
        connection.close()
        return status

    def reply(self):
        """The next reply or push; None at the end."""
        size = int(self._file.readline(), 16)
        text = self._file.read(size + 2)
        return json.loads(text) if size else None

    def close(self):
        self._file.close()
        self._socket.close()

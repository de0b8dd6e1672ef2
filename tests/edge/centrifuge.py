"""A client of the Centrifuge protocol, in JSON, for tests of the edge binary."""

import json

from kit import read_exactly, upgrade


class Centrifuge:
    """Connected to the server at `port`."""

    def __init__(self, port, token=None):
        self._socket, status = upgrade(("127.0.0.1", port), "/connection/websocket")
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

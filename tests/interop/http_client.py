"""Python's http.client against the server: the handshake as HTTP sees it. URL SCENARIO PID_OF_SERVER (see run.py)."""

import asyncio
import base64
import hashlib
import http.client
import sys

from results import expect_equal, run_tests

url, scenario = sys.argv[1:3]
authority = url.removeprefix("ws://")

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY}


def ask(path="/echo", method="GET", without=None, **changes):
    """The answer to an opening handshake with some headers changed (underscores stand for dashes) or left out."""
    headers = {**UPGRADE, **{name.replace("_", "-"): value for name, value in changes.items()}}
    headers.pop(without, None)
    connection = http.client.HTTPConnection(authority, timeout=20)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    connection.close()
    return answer


async def valid_handshake():
    answer = ask()
    expect_equal(answer.status, 101)
    expect_equal(answer.headers["Upgrade"].lower(), "websocket")
    digest = hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    expect_equal(answer.headers["Sec-WebSocket-Accept"], base64.b64encode(digest).decode())


async def wrong_version():
    for version in ("0", "8", "12", "14"):
        answer = ask(Sec_WebSocket_Version=version)
        expect_equal(answer.status, 426)
        expect_equal(answer.headers["Sec-WebSocket-Version"], "13")


async def wrong_key():
    for key in ("", "short", KEY[:-1], KEY + "=", "dGhlIHNhbXBsZSBub25jZ!=="):
        expect_equal(ask(Sec_WebSocket_Key=key).status, 400)
    expect_equal(ask(without="Sec-WebSocket-Key").status, 400)


def refused(status, *arguments, **changes):
    async def test():
        expect_equal(ask(*arguments, **changes).status, status)
    return test


async def no_upgrade():
    status = ask(without="Upgrade", Connection="keep-alive").status
    if status not in (400, 426):
        raise AssertionError(f"status {status}")


STANDARD = {
    "a valid handshake gets 101": valid_handshake,
    "an unknown path gets 404": refused(404, "/nowhere"),
    "another version gets 426 and is told 13": wrong_version,
    "a bad or missing key gets 400": wrong_key,
    "another method gets 405": refused(405, method="POST"),
    "a plain GET is refused": no_upgrade,
}
ORIGIN = {
    "a foreign origin gets 403": refused(403, Origin="http://elsewhere.example"),
    "an opaque origin gets 403": refused(403, Origin="null"),
    "another port is a foreign origin": refused(403, Origin="http://127.0.0.1:1"),
    "the same origin gets 101": refused(101, Origin="http://" + authority),
    "no origin gets 101": refused(101),
}

asyncio.run(run_tests({"standard": STANDARD, "origin": ORIGIN}[scenario]))

"""Topics and sessions over plain HTTP, as curl and browsers use them. Run by run.py."""

import http.client
import json
import shutil
import socket
import subprocess
import time

from admin_tests import LISTEN, rings
from api_tests import api_server, call
from centrifuge import Centrifuge, StreamedCentrifuge
from guest_tests import figure, wait_for
from http_tests import read_to_end
from kit import PATIENCE_SECONDS, Server, Skip, expect_one_line_error, read_exactly, run, upgrade
from token_tests import SECRET, keys, token

ADMIN = ["--admin-listen", "http://127.0.0.1:0"]
EVENTS = {"Accept": "text/event-stream"}


class Stream:
    """A GET that is answered with events."""

    def __init__(self, port, path="/topics/a", fields=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        self.connection.request("GET", path, headers={**EVENTS, **(fields or {})})
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def event(self):
        """The next event as a dict of its fields; data joined as a browser does. None at the end."""
        fields = {}
        while line := self.answer.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if line == b"\n":
                if fields:
                    return fields
            elif name == "data" and "data" in fields:
                fields["data"] += "\n" + value
            elif not line.startswith(b":"):
                fields[name] = value
        return None

    def close(self):
        self.answer.close()  # It has the socket, too.
        self.connection.close()


def post(port, body, path="/topics/a", fields=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    connection.request("POST", path, body, {"Content-Type": "text/plain", **(fields or {})})
    status = connection.getresponse().status
    connection.close()
    return status


def test_events_are_resumed_by_their_id():
    for ring in rings():
        with Server("--anonymous", "publish", "--history-size", "100", *LISTEN, *ADMIN, "--io", ring) as server:
            first = Stream(server.port())
            assert first.event()["event"] == "position"
            for number in range(10):
                assert post(server.port(), f"number\n{number}") == 202
            events = [first.event() for _ in range(10)]
            assert [event["data"] for event in events] == [f"number\n{number}" for number in range(10)]
            last = events[4]["id"]
            first.close()
            again = Stream(server.port(), fields={"Last-Event-ID": last})
            position = again.event()
            assert json.loads(position["data"])["recovered"] is True and position["id"] == last
            assert [again.event() for _ in range(5)] == events[5:]
            wait_for(lambda: figure(server, "ringcast_streams_total") == 2)
            wait_for(lambda: figure(server, "ringcast_sessions") == 1)
            assert server.stop()[0] == 0
            assert json.loads(again.event()["data"])["code"] == 1012 and again.event() is None
            again.close()


def test_a_stream_that_is_not_read_is_closed_and_comes_back_to_where_it_was():
    for ring in rings():
        with Server("--anonymous", "publish", "--history-size", "10000", *LISTEN, *ADMIN, "--io", ring, "--shards", "2",
                    "--send-queue-bytes-max", "64KiB") as server:
            slow = socket.socket()
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.settimeout(PATIENCE_SECONDS)
            slow.connect(("127.0.0.1", server.port()))
            slow.sendall(b"GET /topics/a HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n")
            head = b""
            while b"event: position" not in head:
                head += slow.recv(1)
            count = 0
            while figure(server, "ringcast_slow_consumers_closed_total") == 0:
                for _ in range(20):
                    assert post(server.port(), "x" * 30_000) == 202
                    count += 1
                assert count < 5000, "nobody was too slow"
            content = read_to_end(slow)
            assert content.endswith(b'event: close\ndata: {"code":1013,"reason":"too slow"}\n\n'), content[-100:]
            last = content[content.rindex(b"\nid: ") + 5:].split(b"\n")[0].decode()
            slow.close()
            back = Stream(server.port(), fields={"Last-Event-ID": last})
            position = back.event()
            assert position["event"] == "position" and position["id"].split(":")[0] == last.split(":")[0]
            assert server.stop()[0] == 0


def test_a_stream_that_is_too_slow_for_a_reply_is_told_so_and_nobody_else():
    for ring in rings():
        with api_server("--io", ring, "--shards", "1", "--history-size", "25", "--send-queue-bytes-max", "1MiB",
                        anonymous="publish") as (server, admin):
            for _ in range(25):
                call(admin, "publish", {"channel": "large", "data": "x" * 30000})
            epoch = call(admin, "history", {"channel": "large", "limit": 1})["result"]["epoch"]
            slow, other = StreamedCentrifuge(server.port()), Centrifuge(server.port())
            assert slow.say({"id": 2, "subscribe": {"channel": "a"}}) == 204
            # To just below the mark from which on replies wait.
            while (queued := figure(server, "ringcast_queue_bytes")) < 490000:
                call(admin, "publish", {"channel": "a", "data": "y" * (30000 if queued < 450000 else 5000)})
            slow.say({"id": 3, "publish": {"channel": "a", "data": "z" * 40000}},
                     {"id": 4, "subscribe": {"channel": "large", "recover": True, "epoch": epoch}})
            wait_for(lambda: figure(server, "ringcast_messages_dropped_total") == 1)
            assert other.ask({"publish": {"channel": "b", "data": 1}}) == {"id": 2, "publish": {}}
            assert other.pushed() == []
            last = None
            while reply := slow.reply():
                last = reply
            assert last == {"push": {"disconnect": {"code": 3008, "reason": "slow"}}}, last
            slow.close()
            other.close()


def test_what_is_posted_to_a_stream_that_nobody_reads_waits_within_bounds():
    for ring in rings():
        with api_server("--io", ring, "--shards", "2", "--history-size", "20") as (server, admin):
            for _ in range(20):
                call(admin, "publish", {"channel": "large", "data": "x" * 30000})
            client = StreamedCentrifuge(server.port())
            assert client.say({"id": 2, "subscribe": {"channel": "large"}}) == 204
            assert client.reply()["id"] == 2
            posts = 0
            while (status := client.say({"id": 3, "history": {"channel": "large", "limit": -1}},
                                        {"id": 4, "rpc": {"data": "y" * 50000}})) == 204:
                posts += 1
                assert posts < 100
            assert status == 429, status
            for _ in range(posts):
                reply = client.reply()
                assert reply["id"] == 3 and len(reply["history"]["publications"]) == 20
                assert client.reply()["error"]["code"] == 108
            assert client.say({"id": 5, "ping": {}}) == 204
            assert client.reply() == {"id": 5, "ping": {}}  # And nothing of what was refused.
            client.close()


def test_curl_listens_and_publishes():
    curl = shutil.which("curl")
    if not curl:
        raise Skip("there is no curl")
    with Server("--anonymous", "publish", "--history-size", "10", *LISTEN) as server:
        url = f"http://127.0.0.1:{server.port()}/topics/a"
        listener = subprocess.Popen([curl, "-sSN", "-H", "Accept: text/event-stream", url], stdout=subprocess.PIPE)
        assert b"".join(listener.stdout.readline() for _ in range(4)).endswith(b'"offset":0}\n\n')
        done = subprocess.run([curl, "-sS", "-w", "%{http_code}", "-d", "hello", url], capture_output=True,
                              timeout=PATIENCE_SECONDS)
        assert done.stdout == b"accepted\n202", done
        assert b"".join(listener.stdout.readline() for _ in range(3)).endswith(b"\ndata: hello\n\n")
        server.stop()
        assert b"event: close" in listener.communicate(timeout=PATIENCE_SECONDS)[0]
        assert listener.returncode == 0


def test_tokens_say_who_may_listen_and_post_and_for_how_long():
    with keys(secret=SECRET) as path:
        for ring in rings():
            with Server(*LISTEN, "--io", ring, "--token-hmac-secret-file", path("secret"), "--users", "publish") as server:
                def bearer(claims, secret=SECRET):
                    return {"Authorization": f"Bearer {token(claims, secret)}"}

                assert Stream(server.port()).status == 403 and post(server.port(), "x") == 403
                wrong = bearer({"sub": "7"}, b"x" * 32)
                assert Stream(server.port(), fields=wrong).status == 401 and post(server.port(), "x", fields=wrong) == 401
                reader = {"Authorization": f"Bearer {token({'sub': '', 'channels': ['a']})}"}
                assert post(server.port(), "x", fields=reader) == 403
                late = Stream(server.port(), fields=bearer({"sub": "7", "exp": int(time.time()) + 2}))
                assert late.status == 200
                assert post(server.port(), "x", fields=bearer({"sub": "7"})) == 202
                assert late.event()["data"] == "x"
                end = late.event()
                assert end["event"] == "close" and json.loads(end["data"])["code"] == 3005 and late.event() is None


def test_who_is_thrown_out_is_so_from_topics_too():
    for ring in rings():
        with keys(secret=SECRET) as path, api_server("--io", ring, "--shards", "2", "--users", "publish",
                                                     "--token-hmac-secret-file", path("secret")) as (server, admin):
            address = ("127.0.0.1", server.port())
            theirs, others = (f"Bearer {token({'sub': user})}" for user in ("42", "7"))
            sockets, streams = [[], []], [[], []]
            for i, bearer in enumerate((theirs, others)):
                for _ in range(4):  # On both shards.
                    sockets[i].append(upgrade(address, "/topics/a", [f"Authorization: {bearer}"])[0])
                    streams[i].append(Stream(server.port(), fields={"Authorization": bearer}))
            banned = {"user": "42", "disconnect": {"code": 4001, "reason": "banned"}}
            assert call(admin, "disconnect", banned) == {"result": {}}
            for client in sockets[0]:
                assert read_exactly(client, 10) == b"\x88\x08\x0f\xa1banned"
            for stream in streams[0]:
                end = stream.event()
                assert end["event"] == "close" and json.loads(end["data"]) == {"code": 4001, "reason": "banned"}, end
                assert stream.event() is None
            assert call(admin, "publish", {"channel": "a", "data": 1}) == {"result": {}}
            for client in sockets[1]:
                assert read_exactly(client, 3) == b"\x81\x011"
            for stream in streams[1]:
                assert stream.event()["data"] == "1"
            for client in (*sockets[0], *sockets[1], *streams[0], *streams[1]):
                client.close()


def test_what_is_posted_counts_as_what_is_sent():
    for ring in rings():
        with Server("--anonymous", "publish", *LISTEN, "--io", ring, "--byte-rate", "1KiB", "--byte-burst",
                    "2KiB") as server:
            connection = http.client.HTTPConnection("127.0.0.1", server.port(), timeout=PATIENCE_SECONDS)
            statuses = []
            for _ in range(3):
                connection.request("POST", "/topics/a", "x" * 60000, {"Content-Type": "text/plain"})
                answer = connection.getresponse()
                statuses.append(answer.status)
                answer.read()
            connection.close()
            assert statuses == [202, 429, 429], statuses


def test_a_page_of_an_allowed_origin_may_read_what_went_wrong():
    def ask(server, text, origin):
        """The answer's head, to the end of which the server closes the connection."""
        with socket.create_connection(("127.0.0.1", server.port()), PATIENCE_SECONDS) as client:
            line, _, rest = text.partition("\r\n")
            client.sendall(f"{line}\r\nHost: a\r\nOrigin: {origin}\r\nConnection: close\r\n{rest}".encode())
            return read_to_end(client).partition(b"\r\n\r\n")[0].decode().lower()

    for ring in rings():
        with Server("--anonymous", "publish", *LISTEN, "--io", ring, "--shards", "1", "--topics-max", "1", "--message-bytes-max",
                    "1KiB", "--http-request-timeout", "100ms", "--allow-origin", "https://example.org") as server:
            stream = Stream(server.port())
            assert stream.status == 200
            wrong = [(503, "GET /topics/b HTTP/1.1\r\nAccept: text/event-stream\r\n\r\n")]
            for path in ("/topics/a", "/connection/http_stream", "/connection/sse", "/emulation"):
                wrong += [(413, f"POST {path} HTTP/1.1\r\nContent-Length: 1025\r\n\r\n"),
                          (408, f"POST {path} HTTP/1.1\r\nContent-Length: 2\r\n\r\nx")]
            for status, text in wrong:
                head = ask(server, text, "https://example.org")
                assert head.startswith(f"http/1.1 {status} "), (text, head)
                assert "\r\naccess-control-allow-origin: https://example.org\r\n" in head, (text, head)
                assert "access-control" not in ask(server, text, "https://evil.test"), text
            stream.close()


def test_plain_http_has_a_flag():
    with Server("--anonymous", "publish", "--plain-http", "off", *LISTEN) as server:
        assert Stream(server.port()).status == 426
        assert Stream(server.port(), "/connection/sse?cf_connect=%7B%7D").status == 404
    expect_one_line_error(run("--echo", "--plain-http", "on", *LISTEN), "--plain-http", "--anonymous")

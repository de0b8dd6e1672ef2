"""HTTP/1.1 of the edge binary over real sockets: connections that stay, pipelining, their deadlines. Run by run.py."""

import http.client
import shutil
import socket
import subprocess

from admin_tests import ADMIN, LISTEN, connection_to, rings
from kit import KEY, PATIENCE_SECONDS, Server, Skip, read_exactly, upgrade


def port_of(url):
    return int(url.rsplit(":", 1)[1])


def connect(url):
    return socket.create_connection(("127.0.0.1", port_of(url)), PATIENCE_SECONDS)


def read_answers(client, count):
    """Status and body of the next answers, which all have a length."""
    stream = client.makefile("rb")
    answers = []
    for _ in range(count):
        status = int(stream.readline().split(b" ")[1])
        fields = {}
        while (line := stream.readline()) != b"\r\n":
            name, _, value = line.decode().partition(":")
            fields[name.lower()] = value.strip()
        answers.append((status, stream.read(int(fields.get("content-length", 0)))))
    return answers


def read_to_end(client):
    received = b""
    while piece := client.recv(65536):
        received += piece
    return received


def test_one_connection_serves_many_requests():
    for ring in rings():
        with Server("--echo", *LISTEN, *ADMIN, "--io", ring, "--shards", "1", "--message-bytes-max", "1MiB") as server:
            connection = connection_to(server.admin_urls()[0])
            connection.connect()
            first = connection.sock
            for size in (0, 1, 1000, 70_000, 1 << 20) * 3:
                connection.request("POST", "/publish/a", b"x" * size, {"Content-Type": "application/octet-stream"})
                answer = connection.getresponse()
                assert answer.status == 202 and answer.read() == b"accepted\n" and not answer.will_close, size
                connection.request("HEAD", "/live")
                assert connection.getresponse().read() == b""
            connection.request("GET", "/nothing")
            assert connection.getresponse().read() and connection.sock is first
            connection.request("GET", "/live", headers={"Connection": "close"})
            assert connection.getresponse().will_close
            assert server.stop()[0] == 0


def test_bodies_may_come_in_chunks():
    for ring in rings():
        with Server("--anonymous", "subscribe", *LISTEN, *ADMIN, "--io", ring) as server:
            subscriber, _ = upgrade(("127.0.0.1", server.port()), "/topics/a")
            connection = connection_to(server.admin_urls()[0])
            for pieces in ([b"hello"], [b"he", b"l", b"lo"], [b"x" * 10_000] * 3, []):
                connection.request("POST", "/publish/a", iter(pieces), encode_chunked=True,
                                   headers={"Transfer-Encoding": "chunked"})
                answer = connection.getresponse()
                assert answer.status == 202 and answer.read() == b"accepted\n"
                body = b"".join(pieces)
                head = bytes([0x81, len(body)]) if len(body) < 126 else b"\x81\x7e" + len(body).to_bytes(2, "big")
                assert read_exactly(subscriber, len(head) + len(body)) == head + body
            connection.request("POST", "/publish/a", iter([b"x" * 70_000]), encode_chunked=True,
                               headers={"Transfer-Encoding": "chunked"})
            answer = connection.getresponse()
            assert answer.status == 413 and answer.will_close
            connection.close()
            subscriber.close()


def test_pipelined_requests_are_answered_in_order():
    for ring in rings():
        with Server("--echo", *LISTEN, *ADMIN, "--io", ring) as server:
            with connect(server.admin_urls()[0]) as client:
                requests = b"".join(
                    b"POST /publish/a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (n % 3, b"x" * (n % 3)) +
                    b"GET /live HTTP/1.1\r\nHost: a\r\n\r\n" + b"GET /no HTTP/1.1\r\nHost: a\r\n\r\n"
                    for n in range(200))
                client.sendall(requests)
                answers = read_answers(client, 600)
                assert [status for status, _ in answers] == [202, 200, 404] * 200
                assert answers[1][1] == b"ok\n"


def test_answers_that_nobody_reads_stop_the_requests_and_nothing_else():
    for ring in rings():
        with Server("--echo", *LISTEN, *ADMIN, "--io", ring, "--shards", "1", "--http-idle-timeout", "500ms") as server:
            with connect(server.admin_urls()[0]) as greedy:
                greedy.settimeout(0.2)
                request = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
                try:
                    for _ in range(100_000):
                        greedy.sendall(request * 100)
                except OSError:  # Full, or already cut.
                    pass
                with connect(server.admin_urls()[0]) as client:
                    client.sendall(b"GET /live HTTP/1.1\r\nHost: a\r\n\r\n")
                    assert read_answers(client, 1)[0] == (200, b"ok\n")
            assert server.stop()[0] == 0


def test_http_1_0_and_close_end_the_connection():
    with Server("--echo", *LISTEN, *ADMIN) as server:
        [admin] = server.admin_urls()
        with connect(admin) as client:
            client.sendall(b"GET /live HTTP/1.0\r\n\r\n")
            assert b"\r\nConnection: close\r\n" in read_to_end(client)
        with connect(admin) as client:
            client.sendall(b"GET /live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert read_answers(client, 1)[0] == (200, b"ok\n")
            client.sendall(b"GET /live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /live HTTP/1.1\r\nHost: a\r\n\r\n")
            assert read_to_end(client).count(b"HTTP/1.1 200") == 1


def test_limits_of_a_connection_have_flags():
    with Server("--echo", *LISTEN, *ADMIN, "--http-requests-max", "2") as server:
        with connect(server.admin_urls()[0]) as client:
            client.sendall(b"GET /live HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
            assert read_to_end(client).count(b"HTTP/1.1 200") == 2
    with Server("--echo", *LISTEN, *ADMIN, "--http-idle-timeout", "100ms") as server:
        with connect(server.admin_urls()[0]) as client:
            client.sendall(b"GET /live HTTP/1.1\r\nHost: a\r\n\r\n")
            assert read_to_end(client).endswith(b"\r\n\r\nok\n")
    with Server("--echo", *LISTEN, *ADMIN, "--http-request-timeout", "100ms") as server:
        with connect(server.admin_urls()[0]) as client:
            client.sendall(b"GET /live HTTP/1.1\r\nHost: a\r\n\r\nGET /")
            assert b"HTTP/1.1 408" in read_to_end(client)


def test_a_session_opens_on_a_connection_that_was_plain_before():
    for ring in rings():
        with Server("--dev", *LISTEN, "--io", ring) as server:
            with connect(server.urls()[0]) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /no HTTP/1.1\r\nHost: a\r\n\r\n")
                assert [status for status, _ in read_answers(client, 2)] == [200, 404]
                client.sendall(b"GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY.encode() + b"\r\n\r\n"
                               b"\x81\x82\0\0\0\0hi")
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += read_exactly(client, 1)
                assert head.startswith(b"HTTP/1.1 101 ")
                assert read_exactly(client, 4) == b"\x81\x02hi"


def test_curl_uses_its_connection_again():
    curl = shutil.which("curl")
    if not curl:
        raise Skip("there is no curl")
    with Server("--echo", *LISTEN, *ADMIN) as server:
        [admin] = server.admin_urls()
        chunked = subprocess.run([curl, "-sS", "-H", "Transfer-Encoding: chunked", "-d", "x" * 5000,
                                  f"{admin}/publish/a"], capture_output=True, timeout=PATIENCE_SECONDS)
        assert chunked.stdout == b"accepted\n", chunked
        done = subprocess.run([curl, "-sS", "-w", "%{num_connects} ", f"{admin}/live", f"{admin}/live",
                               "--next", "-sS", "-w", "%{num_connects} ", "-d", "x" * 3000, f"{admin}/publish/a"],
                              capture_output=True, timeout=PATIENCE_SECONDS)
        assert done.stdout == b"ok\n1 ok\n0 accepted\n0 ", done


def test_a_shutdown_does_not_wait_for_connections_that_idle():
    with Server("--dev", *LISTEN, "--http-idle-timeout", "1h", "--shutdown-timeout", "1h") as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port(), timeout=PATIENCE_SECONDS)
        connection.request("GET", "/")
        connection.getresponse().read()
        server.process.terminate()
        assert connection.sock.recv(1) == b""
        connection.close()
        assert server.end()[0] == 0

"""Admin listeners and plain HTTP of the edge binary, on io_uring and on epoll. Run by run.py."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile

from kit import PATIENCE_SECONDS, Server, Skip, expect_one_line_error, read_exactly, run, upgrade

LISTEN = ["--listen", "ws://127.0.0.1:0"]
ADMIN = ["--admin-listen", "http://127.0.0.1:0"]


def rings():
    """The ways to talk to the kernel that work here."""
    try:
        with Server("--echo", *LISTEN, "--io", "uring"):
            return ["uring", "epoll"]
    except AssertionError:
        return ["epoll"]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE_SECONDS)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_SECONDS)
        self.sock.connect(self.path)


def connection_to(url):
    if url.startswith("unix:"):
        return UnixConnection(url.removeprefix("unix:"))
    host, _, port = url.split("://", 1)[1].rpartition(":")
    return http.client.HTTPConnection(host.strip("[]"), int(port), timeout=PATIENCE_SECONDS)


def ask(url, path, method="GET", body=None, fields=None):
    """Status, header fields and body of the answer, behind which the server has closed."""
    connection = connection_to(url)
    connection.request(method, path, body, {"Connection": "close", **(fields or {})})
    response = connection.getresponse()
    content = response.read()
    assert response.headers["Connection"] == "close"
    connection.close()
    return response.status, response.headers, content


def status_of(url, path, *arguments):
    return ask(url, path, *arguments)[0]


def speak(url, request):
    """The status of the answer to these very octets, behind which the server closes."""
    with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), PATIENCE_SECONDS) as client:
        client.sendall(request)
        answer = b""
        while piece := client.recv(65536):
            answer += piece
    return int(answer.split(b" ")[1])


def samples_of(text):
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def test_the_admin_listener_answers_on_each_ring():
    for ring in rings():
        with Server("--echo", *LISTEN, *ADMIN, "--io", ring, "--shards", "2") as server:
            [admin] = server.admin_urls()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", admin)
            assert ask(admin, "/live")[2] == b"ok\n"
            assert ask(admin, "/ready")[2] == b"ready\n"
            status, fields, body = ask(admin, "/live", "HEAD")
            assert status == 200 and fields["Content-Length"] == "3" and body == b""
            status, fields, body = ask(admin, "/metrics")
            assert status == 200 and fields["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            samples = samples_of(body.decode())
            assert samples['ringcast_connections{shard="0"}'] == "0"
            assert float(samples['ringcast_loop_seconds_total{shard="1"}']) > 0
            assert float(samples["process_start_time_seconds"]) > 1.7e9
            assert server.stop()[0] == 0


def test_metrics_tell_what_clients_did():
    with Server("--echo", *LISTEN, *ADMIN, "--shards", "1") as server:
        client, _ = upgrade(("127.0.0.1", server.port()))
        client.sendall(bytes([0x81, 0x80 | 5, 0, 0, 0, 0]) + b"hello")
        read_exactly(client, 7)
        client.sendall(bytes([0x88, 0x82, 0, 0, 0, 0]) + (4001).to_bytes(2, "big"))
        read_exactly(client, 4)
        assert client.recv(1) == b""
        client.close()
        samples = samples_of(ask(server.admin_urls()[0], "/metrics")[2].decode())
        for name, value in {"ringcast_accepts_total,result=accepted": 1, "ringcast_handshakes_total,result=accepted": 1,
                            "ringcast_messages_total,direction=received": 1,
                            "ringcast_messages_total,direction=sent": 1, "ringcast_closes_total,code=4xxx": 1,
                            "ringcast_closes_total,code=1000": 0}.items():
            name, _, label = name.partition(",")
            key, _, label_value = label.partition("=")
            assert samples[f'{name}{{shard="0",{key}="{label_value}"}}'] == str(value), name


def test_promtool_finds_nothing_wrong_with_the_metrics():
    unpacked = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build-tools/promtool")
    promtool = shutil.which("promtool") or shutil.which(unpacked)
    if not promtool:
        raise Skip("there is no promtool (scripts/deps --test fetches it)")
    with Server("--dev", *LISTEN, *ADMIN, "--shards", "2") as server:
        metrics = ask(server.admin_urls()[0], "/metrics")[2]
    done = subprocess.run([promtool, "check", "metrics"], input=metrics, capture_output=True, timeout=PATIENCE_SECONDS)
    assert done.returncode == 0 and not done.stdout and not done.stderr, (done.stdout + done.stderr).decode()


def test_neither_side_sees_what_is_served_on_the_other():
    with Server("--dev", *LISTEN, *ADMIN) as server:
        clients, [admin] = server.urls()[0], server.admin_urls()
        for path in ("/live", "/ready", "/metrics", "/publish/a"):
            assert status_of(clients, path) == 404, path
        assert status_of(clients, "/publish/a", "POST", b"x") == 404
        for path in ("/", "/echo", "/favicon.ico"):
            assert status_of(admin, path) == 404, path
        assert " 404 " in upgrade(("127.0.0.1", int(admin.rsplit(":", 1)[1])))[1]


def test_bad_admin_requests_are_refused_and_harm_nobody():
    for ring in rings():
        with Server("--echo", *LISTEN, *ADMIN, "--io", ring, "--message-bytes-max", "1KiB") as server:
            [admin] = server.admin_urls()
            for method in ("POST", "PUT", "DELETE", "BREW"):
                status, fields, _ = ask(admin, "/metrics", method, b"" if method == "POST" else None)
                assert status == 405 and fields["Allow"] == "GET, HEAD, OPTIONS", method
            status, fields, _ = ask(admin, "/publish/a")
            assert status == 405 and fields["Allow"] == "POST, OPTIONS"
            status, fields, body = ask(admin, "/publish/a", "OPTIONS")
            assert status == 204 and fields["Allow"] == "POST, OPTIONS" and body == b""
            head = b"POST /publish/a HTTP/1.1\r\nHost: a\r\n"
            assert speak(admin, head + b"\r\n") == 411
            chunked = head + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            assert speak(admin, chunked + b"5\r\nhello\r\n0\r\n\r\n") == 202
            assert speak(admin, chunked + b"401\r\n") == 413
            assert speak(admin, chunked + b"5\nhello\r\n0\r\n\r\n") == 400
            assert speak(admin, head + b"Transfer-Encoding: gzip\r\n\r\n") == 501
            assert speak(admin, head + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n") == 400
            assert speak(admin, head + b"Content-Length: -1\r\n\r\n") == 400
            assert speak(admin, head + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx") == 400
            assert speak(admin, head + b"Content-Length: 99999999999999999999\r\n\r\n") == 400
            assert speak(admin, head + b"Content-Length: 9999999999999999999\r\n\r\n") == 413
            assert speak(admin, head + b"Content-Length: 1\r\nExpect: tea\r\n\r\nx") == 417
            assert status_of(admin, "/publish/a", "POST", b"x" * 1025) == 413
            assert status_of(admin, "/publish/a", "POST", b"x" * 1024) == 202
            # More than any buffer holds: the answer is not lost to a reset.
            assert status_of(admin, "/publish/a", "POST", b"x" * (10 << 20)) == 413
            assert speak(admin, b"\x16\x03\x01") == 400
            assert status_of(admin, "/publish/") == 404
            assert ask(admin, "/live")[0] == 200


def test_what_a_tool_publishes_reaches_subscribers():
    for ring in rings():
        with Server("--anonymous", "subscribe", *LISTEN, *ADMIN, "--io", ring, "--shards", "2") as server:
            clients = [upgrade(("127.0.0.1", server.port()), "/topics/stocks/%41CME") for _ in range(6)]
            assert all(" 101 " in status for _, status in clients)
            [admin] = server.admin_urls()
            for kind, body, opcode in (("application/json", b'{"price":42}', 0x81), ("text/plain", b"hi", 0x81),
                                       ("application/octet-stream", b"\xff", 0x82)):
                assert status_of(admin, "/publish/stocks/ACME", "POST", body, {"Content-Type": kind}) == 202
                for client, _ in clients:
                    assert read_exactly(client, 2 + len(body)) == bytes([opcode, len(body)]) + body
            for client, _ in clients:
                client.close()


def test_publishing_looks_at_what_it_is_given():
    with Server("--echo", *LISTEN, *ADMIN) as server:
        [admin] = server.admin_urls()
        for kind, body, status in (("text/plain", b"\xff", 400), ("application/json", b"\xff", 400),
                                   ("application/json", b"{", 400), ("image/png", b"x", 415), ("text/", b"x", 415),
                                   ("application/octet-stream", b"\xff", 202), ("application/json", b"{}", 202),
                                   ("text/plain", b"{", 202)):
            assert status_of(admin, "/publish/a/b", "POST", body, {"Content-Type": kind}) == status, (kind, body)
        assert status_of(admin, "/publish/$reserved", "POST", b"x") == 400
        assert status_of(admin, "/publish/a", "POST", b"x", {"Origin": admin}) == 403
        assert status_of(admin, "/publish/a", "POST", b"x", {"Host": "evil.example", "Sec-Fetch-Site": "none"}) == 403
        assert status_of(admin, "/publish/a", "POST", b"x", {"Content-Encoding": "gzip"}) == 415
        assert speak(admin, b"POST /publish/a HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
                            b"Content-Type: image/png\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx") == 415


def test_a_body_may_wait_for_100():
    for ring in rings():
        with Server("--echo", *LISTEN, *ADMIN, "--io", ring) as server:
            port = int(server.admin_urls()[0].rsplit(":", 1)[1])
            with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as client:
                client.sendall(b"POST /publish/a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                               b"Expect: 100-continue\r\n\r\n")
                assert read_exactly(client, 25) == b"HTTP/1.1 100 Continue\r\n\r\n"
                for octet in b"abc":
                    client.sendall(bytes([octet]))
                assert read_exactly(client, 12) == b"HTTP/1.1 202"


def test_a_body_that_does_not_come_is_given_up():
    with Server("--echo", *LISTEN, *ADMIN, "--http-request-timeout", "200ms") as server:
        assert speak(server.admin_urls()[0], b"POST /publish/a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab") == 408


def test_ready_says_draining_until_the_last_client_has_gone():
    for ring in rings():
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "admin.sock")
            with Server("--echo", *LISTEN, *ADMIN, "--admin-listen", f"unix:{path}", "--io", ring, "--shards", "2",
                        "--close-timeout", "1h", "--shutdown-timeout", "1h") as server:
                client, _ = upgrade(("127.0.0.1", server.port()))
                assert server.admin_urls()[1] == f"unix:{path}"
                server.process.terminate()
                head = read_exactly(client, 4)
                read_exactly(client, head[1] - 2)
                for url in server.admin_urls() * 5:
                    status, _, body = ask(url, "/ready")
                    assert status == 503 and body == b"draining\n"
                    assert status_of(url, "/live") == 200
                    assert status_of(url, "/metrics") == 200
                client.sendall(bytes([0x88, 0x82, 0, 0, 0, 0]) + head[2:4])
                assert client.recv(1) == b""
                client.close()
                assert server.end()[0] == 0
                assert not os.path.exists(path), "the path is left behind"


def test_an_admin_is_served_when_clients_have_used_up_all_connections():
    with Server("--echo", *LISTEN, *ADMIN, "--shards", "1", "--connections-max", "2") as server:
        clients = [upgrade(("127.0.0.1", server.port()))[0] for _ in range(2)]
        with socket.create_connection(("127.0.0.1", server.port()), PATIENCE_SECONDS) as third:
            assert read_exactly(third, 12) == b"HTTP/1.1 503"
        samples = samples_of(ask(server.admin_urls()[0], "/metrics")[2].decode())
        assert samples['ringcast_connections{shard="0"}'] == "2"
        assert samples['ringcast_accepts_total{shard="0",result="refused"}'] == "1"
        for client in clients:
            client.close()


def test_admin_connections_have_a_limit_of_their_own():
    with Server("--echo", *LISTEN, *ADMIN, "--shards", "1", "--connections-max", "1",
                "--admin-connections-max", "2") as server:
        [admin] = server.admin_urls()
        address = ("127.0.0.1", int(admin.rsplit(":", 1)[1]))
        idle = [socket.create_connection(address, PATIENCE_SECONDS) for _ in range(2)]
        with socket.create_connection(address, PATIENCE_SECONDS) as third:
            assert read_exactly(third, 12) == b"HTTP/1.1 503"
        client, status = upgrade(("127.0.0.1", server.port()))
        assert " 101 " in status, "the limit of the clients is another one"
        for connection in idle:
            connection.sendall(b"GET /live HTTP/1.1\r\nHost: a\r\n\r\n")
            assert read_exactly(connection, 12) == b"HTTP/1.1 200"
            connection.close()
        client.close()
        code, errors = server.stop()
    assert code == 0 and "admin_connections_max=2" in errors, errors
    expect_one_line_error(run("--echo", *LISTEN, *ADMIN, "--admin-connections-max", "0"), "--admin-connections-max")


def test_a_web_page_that_comes_by_a_name_of_its_own_reads_nothing():
    with Server("--echo", *LISTEN, *ADMIN) as server:
        [admin] = server.admin_urls()
        port = admin.rsplit(":", 1)[1]
        for path in ("/live", "/ready", "/metrics"):
            for line in (b"Origin: http://evil.example", b"Sec-Fetch-Site: same-origin", b"Accept-Language: en"):
                for host, status in ((f"evil.example:{port}", 403), (f"127.0.0.1:{port}", 200),
                                     (f"localhost:{port}", 200)):
                    request = f"GET {path} HTTP/1.1\r\nConnection: close\r\nHost: {host}\r\n".encode() + line
                    assert speak(admin, request + b"\r\n\r\n") == status, request
            request = f"GET {path} HTTP/1.1\r\nConnection: close\r\nHost: ringcast.example\r\n\r\n"
            assert speak(admin, request.encode()) == 200


def test_an_admin_listener_that_others_can_reach_is_warned_about():
    with Server("--echo", *LISTEN, "--admin-listen", "http://0.0.0.0:0", "--admin-listen", "http://[::1]:0") as server:
        assert [ask(url.replace("0.0.0.0", "127.0.0.1"), "/live")[0] for url in server.admin_urls()] == [200, 200]
        code, errors = server.stop()
    assert code == 0
    assert len(re.findall("event=admin_listener_exposed url=http://0.0.0.0", errors)) == 1, errors
    assert errors.count("admin_listener_exposed") == 1, errors


def test_admin_listeners_that_make_no_sense_are_refused():
    expect_one_line_error(run(*LISTEN, "--admin-listen", "ws://127.0.0.1:0"), "--admin-listen", "http://")
    expect_one_line_error(run(*LISTEN, "--admin-listen", "http://example.org:80"), "--admin-listen", "IPv4")
    with Server("--echo", *LISTEN, *ADMIN) as server:
        expect_one_line_error(run("--echo", *LISTEN, "--admin-listen", server.admin_urls()[0]), "use")
    with Server("--dev", *LISTEN) as server:
        assert server.admin_urls() == []


def strict_page(url, path):
    """The page at `path`, which may do no more than it does."""
    status, fields, body = ask(url, path)
    assert status == 200 and fields["Content-Type"] == "text/html; charset=utf-8"
    assert body.startswith(b"<!doctype html>") and body.rstrip().endswith(b"</html>")
    policy = dict(part.strip().split(" ", 1) for part in fields["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["connect-src"] == "'self'"
    assert "unsafe" not in fields["Content-Security-Policy"] and "sha256-" in policy["script-src"]
    assert fields["X-Content-Type-Options"] == "nosniff" and fields["Cache-Control"] == "no-store"
    status, fields, nothing = ask(url, path, "HEAD")
    assert status == 200 and int(fields["Content-Length"]) == len(body) and nothing == b""
    assert status_of(url, path, "POST", b"x") == 405
    return body


def test_the_page_is_served_with_dev_only_and_may_do_no_more_than_it_does():
    for ring in rings():
        with Server("--dev", *LISTEN, "--io", ring) as server:
            url = server.urls()[0]
            assert strict_page(url, "/") == strict_page(url, "/inspector")
    with Server("--echo", *LISTEN) as server:
        assert status_of(server.urls()[0], "/") == 404


def test_the_demo_has_a_page_of_its_own_and_prices_that_only_the_server_publishes():
    with Server("--demo", *LISTEN) as server:
        url = server.urls()[0]
        assert b"<title>ringcast demo</title>" in strict_page(url, "/")
        assert b"<title>ringcast</title>" in strict_page(url, "/inspector")
        client, status = upgrade(("127.0.0.1", server.port()), "/topics/prices:amber")
        assert status.startswith("HTTP/1.1 101")
        opcode, size = read_exactly(client, 2)
        assert opcode == 0x81 and json.loads(read_exactly(client, size)).keys() == {"t", "price"}
        client.close()

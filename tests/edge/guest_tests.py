"""Who may connect, from where, and how often: over real sockets, on both rings."""

import contextlib
import os
import re
import socket
import struct
import tempfile
import time
import urllib.request

from kit import PATIENCE_SECONDS, Server, WITHOUT_IO_URING, echo, expect_one_line_error, read_exactly, run, upgrade

LISTEN = ["--echo", "--listen", "ws://127.0.0.1:0", "--admin-listen", "http://127.0.0.1:0", "--access-log", "on"]
RINGS = {"auto": [], "epoll": ["--io", "epoll"]}


def figure(server, name):
    """The sum over all shards of what /metrics says."""
    with urllib.request.urlopen(server.admin_urls()[0] + "/metrics", timeout=PATIENCE_SECONDS) as answer:
        lines = answer.read().decode().splitlines()
    assert any(line.startswith(name.split("{")[0]) for line in lines), name
    label = name.split("{")[1].rstrip("}") if "{" in name else ""
    return sum(int(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name.split("{")[0] + "{") and label in line)


def wait_for(condition):
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


def on_each_ring(test):
    for flags in RINGS.values():
        test(flags)


def connected(server, data=b""):
    client = socket.create_connection(("127.0.0.1", server.port()), PATIENCE_SECONDS)
    client.sendall(data)
    return client


def read_all(client):
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(4096):
            received += piece
    return received


def test_a_connection_over_the_maximum_is_told_to_come_later():
    def check(flags):
        with Server(*LISTEN, *flags, "--shards", "1", "--connections-max", "1") as server:
            first, _ = upgrade(("127.0.0.1", server.port()))
            for _ in range(3):
                answer = read_all(connected(server)).decode()
                assert answer.startswith("HTTP/1.1 503 ") and "\r\nRetry-After: 5\r\n" in answer, answer
                assert answer.endswith("\r\n\r\ntoo many connections\n"), answer
            echo(first)
            assert figure(server, 'ringcast_accepts_total{result="refused"}') == 3
            first.close()
            wait_for(lambda: figure(server, "ringcast_connections") == 0)
            echo(upgrade(("127.0.0.1", server.port()))[0])
            errors = server.stop()[1]
            assert errors.count("event=connections_max_reached connections_max=1\n") == 1, errors
            assert "suppressed_event=connections_max_reached count=2" in errors, errors
    on_each_ring(check)


def test_each_shard_says_once_that_its_share_is_taken():
    with Server(*LISTEN, "--shards", "2", "--pin", "off", "--connections-max", "2") as server:
        kept = [connected(server) for _ in range(20)]
        wait_for(lambda: figure(server, "ringcast_connections") == 2)
        errors = server.stop()[1]
        lines = [line for line in errors.splitlines() if " event=connections_max_reached" in line]
        assert 1 <= len(lines) <= 2, errors
        assert all("connections_max=2 of_this_shard=1" in line for line in lines), errors
        for each in kept:
            each.close()


def test_one_client_has_so_many_connections_on_all_shards_together():
    def check(flags):
        with Server(*LISTEN, *flags, "--shards", "4", "--pin", "off", "--connections-per-ip-max", "5") as server:
            address = ("127.0.0.1", server.port())
            clients = [upgrade(address) for _ in range(5)]
            assert all(" 101 " in status for _, status in clients)
            for _ in range(3):
                answer = read_all(connected(server)).decode()
                assert answer.startswith("HTTP/1.1 429 ") and "\r\nRetry-After: 5\r\n" in answer, answer
                assert answer.endswith("\r\n\r\ntoo many connections from this address\n"), answer
            assert figure(server, 'ringcast_clients_refused_total{reason="too_many"}') == 3
            clients.pop()[0].close()
            wait_for(lambda: figure(server, "ringcast_connections") == 4)
            assert " 101 " in upgrade(address)[1]
            assert re.search("event=client_refused client=127.0.0.1 reason=\"too many\"", server.stop()[1])
    on_each_ring(check)


def test_one_client_connects_so_often():
    with Server(*LISTEN, "--shards", "2", "--pin", "off", "--handshakes-per-ip", "1") as server:
        request = b"GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        statuses = []
        while statuses.count(b"429") < 2:
            statuses.append(read_all(connected(server, request))[9:12])
        assert statuses[:10] == [b"404"] * 10 and set(statuses) == {b"404", b"429"}, statuses
        assert figure(server, 'ringcast_clients_refused_total{reason="too_often"}') == statuses.count(b"429")


def test_a_trusted_proxy_tells_whose_request_it_is():
    with Server(*LISTEN, "--trusted-proxies", "127.0.0.0/8", "--connections-per-ip-max", "1") as server:
        address = ("127.0.0.1", server.port())
        fields = ["X-Forwarded-For: 203.0.113.1, 192.0.2.7:1234, 127.0.0.9"]
        assert " 101 " in upgrade(address, fields=fields)[1]
        # What has no one in front of it has no limit: the proxy itself.
        kept = [upgrade(address) for _ in range(3)]
        assert all(" 101 " in status for _, status in kept)
        code, errors = server.stop()
        assert code == 0 and "peer=192.0.2.7:1234" in errors, errors
    with Server(*LISTEN) as server:
        assert " 101 " in upgrade(("127.0.0.1", server.port()), fields=["X-Forwarded-For: 192.0.2.7"])[1]
        errors = server.stop()[1]
        assert "192.0.2.7" not in errors and "peer=127.0.0.1:" in errors, errors


def test_proxy_headers_tell_whose_connection_it_is():
    lines = ("GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n").encode()
    binary = (b"\r\n\r\n\0\r\nQUIT\n\x21\x21" + struct.pack(">H", 36) + socket.inet_pton(socket.AF_INET6, "2001:db8::7") +
              socket.inet_pton(socket.AF_INET6, "::1") + struct.pack(">HH", 51234, 443))
    def check(flags):
        with Server(*LISTEN, *flags, "--proxy-protocol", "--trusted-proxies", "127.0.0.1") as server:
            for header in (b"PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\r\n", binary):
                client = connected(server, header[:5])
                client.sendall(header[5:] + lines)
                assert read_exactly(client, 12) == b"HTTP/1.1 101"
            assert read_all(connected(server, lines)) == b""
            assert figure(server, 'ringcast_proxies_refused_total{reason="malformed"}') == 1
            errors = server.stop()[1]
            assert "peer=192.0.2.7:51234" in errors and 'peer=[2001:db8::7]:51234' in errors, errors
            assert len(re.findall('event=proxy_refused .*reason="no signature"', errors)) == 1, errors
        with Server(*LISTEN, *flags, "--proxy-protocol", "--trusted-proxies", "192.0.2.0/24") as server:
            assert read_all(connected(server)) == b""
            assert figure(server, 'ringcast_proxies_refused_total{reason="untrusted"}') == 1
    on_each_ring(check)


def test_a_unix_socket_can_be_a_trusted_proxy():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "ringcast.sock")
        with Server("--echo", "--listen", f"unix:{path}", "--trusted-proxies", "unix", "--access-log", "on") as server:
            assert " 101 " in upgrade(path, fields=["X-Forwarded-For: 192.0.2.7"])[1]
            assert "peer=192.0.2.7\n" in server.stop()[1]


def test_mistakes_about_proxies_are_told():
    listen = ["--listen", "ws://127.0.0.1:0"]
    expect_one_line_error(run(*listen, "--proxy-protocol"), "--proxy-protocol", "--trusted-proxies")
    expect_one_line_error(run(*listen, "--trusted-proxies", "10.0.0.1/8"), "--trusted-proxies", "10.0.0.1/8", "prefix")
    expect_one_line_error(run(*listen, "--forwarded-field", "via"), "--forwarded-field", "via", "x-forwarded-for")

"""What an edge node lives through: no descriptors, no locked memory, storms, peers that vanish, SIGHUP."""

import contextlib
import fcntl
import os
import pty
import re
import resource
import signal
import socket
import struct
import subprocess
import termios
import time
import zlib

from capacity_tests import memory, without_huge_pages
from guest_tests import LISTEN, connected, figure, on_each_ring, wait_for
from kit import (BINARY, PATIENCE_SECONDS, Server, Skip, WITHOUT_IO_URING, clean_environment, echo,
                 expect_one_line_error, read_exactly, upgrade)


def open_files(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def test_without_descriptors_who_is_there_is_served_and_later_everybody_again():
    # On epoll: an io_uring accept keeps to the limit of the time when it was armed. The simulator has both.
    with Server(*LISTEN, "--io", "epoll", "--shards", "1") as server:
        address = ("127.0.0.1", server.port())
        client, _ = upgrade(address)
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        lowest_free = next(fd for fd in range(1 << 20) if not os.path.exists(f"/proc/{server.process.pid}/fd/{fd}"))
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
        waiting = [connected(server) for _ in range(50)]
        # Three times as long as an accept is put off; nothing can be seen from here that could be waited for.
        time.sleep(0.3)
        for _ in range(20):
            echo(client)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limits)
        wait_for(lambda: figure(server, "ringcast_connections") == 51)
        assert figure(server, 'ringcast_accepts_total{result="error"}') > 0
        echo(upgrade(address)[0])
        for each in waiting:
            each.close()
        wait_for(lambda: figure(server, "ringcast_connections") <= 2)
        code, errors = server.stop()
        assert code == 0
        lines = re.findall("event=accept_failed errno=24", errors)
        assert len(lines) == 1, f"{len(lines)} lines"


def test_with_direct_descriptors_it_holds_more_connections_than_it_may_open_files():
    def narrow():
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
    try:
        server = Server(*LISTEN, "--direct-descriptors", "--shards", "3", "--connections-per-ip-max", "1000",
                        "--connections-max", "300", "--close-timeout", "100ms", preexec_fn=narrow)
    except AssertionError as error:
        if "direct descriptors need" in str(error):
            raise Skip("this kernel has no direct descriptors") from error
        raise
    with server:
        address = ("127.0.0.1", server.port())
        before = open_files(server)
        # The kernel spreads them unevenly: of the 300 some stay for that.
        clients = [upgrade(address)[0] for _ in range(240)]
        assert open_files(server) - before < 10
        for client in clients:
            echo(client)
        for client in clients[::2]:
            client.close()
        wait_for(lambda: figure(server, "ringcast_connections") <= 121)
        for client in clients[1::2]:
            echo(client)
        # More at once than there is room for are told so, or closed while the table is full.
        crowd = [connected(server) for _ in range(600)]
        wait_for(lambda: figure(server, 'ringcast_accepts_total{result="refused"}') > 0)
        for client in crowd:
            client.close()
        wait_for(lambda: figure(server, "ringcast_connections") <= 121)
        echo(upgrade(address)[0])
        assert server.stop()[0] == 0


def test_direct_descriptors_without_io_uring_are_an_error():
    done = subprocess.run([WITHOUT_IO_URING, BINARY, *LISTEN, "--direct-descriptors"], env=clean_environment(),
                          text=True, capture_output=True, timeout=PATIENCE_SECONDS)
    expect_one_line_error((done.returncode, done.stdout, done.stderr), "direct descriptors need io_uring")


def test_without_locked_memory_it_serves():
    def limit():
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
    def check(flags):
        with Server(*LISTEN, *flags, preexec_fn=limit) as server:
            echo(upgrade(("127.0.0.1", server.port()))[0])
            assert server.stop()[0] == 0
    on_each_ring(check)


def test_memory_of_compressed_clients_goes_back_to_the_system_when_they_leave():
    message = os.urandom(1500).hex().encode()  # Beyond a window of 9 bits, so that all of a context is touched.
    deflated = zlib.compressobj(wbits=-15)
    payload = (deflated.compress(message) + deflated.flush(zlib.Z_SYNC_FLUSH))[:-4]
    frame = struct.pack("!BBHI", 0xC1, 0x80 | 126, len(payload), 0) + payload
    def check(flags):
        with Server(*LISTEN, *flags, "--compression", "dedicated", "--shards", "1", preexec_fn=without_huge_pages) as server:
            def wave(count):
                clients = [upgrade(("127.0.0.1", server.port()),
                                   fields=["Sec-WebSocket-Extensions: permessage-deflate"])[0] for _ in range(count)]
                for client in clients:
                    client.sendall(frame)
                for client in clients:
                    _, _, size = struct.unpack("!BBH", read_exactly(client, 4))
                    read_exactly(client, size)
                most = memory(server)
                for client in clients:
                    client.close()
                return most
            wave(1)
            before = memory(server)
            assert wave(250) - before > 24 << 20
            wait_for(lambda: memory(server) - before < 6 << 20)
    on_each_ring(check)


def test_a_storm_of_connections_that_are_reset_leaves_nothing_behind():
    def check(flags):
        with Server(*LISTEN, *flags, "--shards", "2", "--pin", "off") as server:
            client, _ = upgrade(("127.0.0.1", server.port()))
            before = open_files(server)
            pieces = (b"", b"G", b"GET /echo HTTP/1.1\r\nHost: a\r\n", b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n")
            for i in range(1000):
                each = connected(server, pieces[i % len(pieces)])
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.close()
                if i % 50 == 0:
                    echo(client)
            wait_for(lambda: figure(server, "ringcast_connections") == 1)
            wait_for(lambda: open_files(server) <= before + 1)  # One may be that of the figures.
            assert figure(server, "ringcast_unexpected_errors_total") == 0
            echo(client)
    on_each_ring(check)


def test_peers_that_say_nothing_more_are_given_up():
    def check(flags):
        with Server(*LISTEN, *flags, "--handshake-timeout", "200ms", "--ping-interval", "100ms", "--idle-timeout",
                    "400ms", "--close-timeout", "200ms") as server:
            silent = [connected(server), connected(server, b"GET /echo HT"), upgrade(("127.0.0.1", server.port()))[0]]
            half_closed = upgrade(("127.0.0.1", server.port()))[0]
            with contextlib.suppress(OSError):  # Given up already, if we are slow.
                half_closed.shutdown(socket.SHUT_WR)
            wait_for(lambda: figure(server, "ringcast_connections") == 0)
            assert figure(server, "ringcast_timeouts_total") >= 3
            for each in silent:
                each.close()
    on_each_ring(check)


def test_a_peer_that_takes_nothing_is_broken_after_the_user_timeout():
    def check(flags):
        with Server(*LISTEN, *flags, "--tcp-user-timeout", "300ms", "--idle-timeout", "0", "--ping-interval", "0",
                    "--message-timeout", "0", "--shards", "1") as server:
            client, _ = upgrade(("127.0.0.1", server.port()))
            client.setblocking(False)
            frame = bytes([0x82, 0xfe]) + (60000).to_bytes(2, "big") + bytes(4) + bytes(60000)
            with contextlib.suppress(BlockingIOError, ConnectionResetError):
                while True:
                    client.send(frame)
            wait_for(lambda: figure(server, "ringcast_connections") == 0)
            assert figure(server, 'ringcast_closes_total{code="1006"}') == 1
    on_each_ring(check)


def test_one_who_floods_is_slowed_down_and_the_others_are_served():
    with Server(*LISTEN, "--shards", "1", "--message-rate", "100", "--message-burst", "10") as server:
        flooder, _ = upgrade(("127.0.0.1", server.port()))
        flooder.sendall(bytes([0x81, 0x81, 0, 0, 0, 0, 0x78]) * 50)
        for _ in range(5):
            echo(upgrade(("127.0.0.1", server.port()))[0])
        assert read_exactly(flooder, 3 * 50) == b"\x81\x01x" * 50
        assert figure(server, "ringcast_rate_suspensions_total") > 0


# SIGHUP where there are no certificates to read again.

def heed():  # Whoever runs the tests may ignore it.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def ignore():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


@contextlib.contextmanager
def in_terminal(begin):
    """A server with a controlling terminal, and what makes that go."""
    terminal, inside = pty.openpty()

    def enter():
        begin()
        fcntl.ioctl(inside, termios.TIOCSCTTY, 0)
    try:
        with Server("--echo", "--listen", "ws://127.0.0.1:0", start_new_session=True, preexec_fn=enter) as server:
            os.close(inside)
            inside = None
            yield server, terminal
    finally:
        for fd in (terminal, inside):
            with contextlib.suppress(OSError, TypeError):
                os.close(fd)


def in_service(begin):
    """A server without a controlling terminal."""
    return Server("--echo", "--listen", "ws://127.0.0.1:0", start_new_session=True, preexec_fn=begin)


def open_session(server):
    client, status = upgrade(("127.0.0.1", server.port()))
    assert " 101 " in status
    return client


def expect_restart(server, client):
    """The client is told 1012, answers, and the server ends in order."""
    opcode, size = read_exactly(client, 2)
    assert opcode == 0x88 and read_exactly(client, size)[:2] == (1012).to_bytes(2, "big")
    client.sendall(bytes([0x88, 0x82, 0, 0, 0, 0]) + (1012).to_bytes(2, "big"))
    code, errors = server.end()
    assert code == 0 and "event=stopped" in errors, (code, errors)


def test_when_its_terminal_goes_it_stops_in_order():
    with in_terminal(heed) as (server, terminal):
        client = open_session(server)
        os.close(terminal)  # The kernel's SIGHUP ...
        server.process.send_signal(signal.SIGHUP)  # ... and the shell's: this does not cut anybody.
        expect_restart(server, client)


def test_in_a_service_sighup_is_one_line():
    with in_service(heed) as server:
        client = open_session(server)
        server.process.send_signal(signal.SIGHUP)
        line = server.process.stderr.readline()
        assert "event=hangup_ignored" in line and "nothing to read again" in line, line
        echo(client)
        server.process.send_signal(signal.SIGTERM)
        expect_restart(server, client)


def test_under_nohup_it_outlives_its_terminal():
    with in_terminal(ignore) as (server, terminal):
        client = open_session(server)
        os.close(terminal)
        server.process.send_signal(signal.SIGHUP)
        echo(client)
        server.process.send_signal(signal.SIGTERM)
        expect_restart(server, client)

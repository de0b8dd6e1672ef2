#!/usr/bin/python3
"""The edge binary as an operator meets it: flags, files, signals, what it prints and how it ends.

    tests/edge/run.py build-test/ringcast build-test/tests/without_io_uring

One line per test; the last line is `N passed, N failed, N skipped`.
"""

import contextlib
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile

import admin_tests
import api_tests
import capacity_tests
import centrifuge_tests
import doctor_tests
import guest_tests
import http_tests
import namespace_tests
import stream_tests
import survival_tests
import tls_tests
import token_tests
import topic_tests
from kit import (BINARY, PATIENCE_SECONDS, Server, Skip, WITHOUT_IO_URING, clean_environment, echo, expect_one_line_error,
                 read_exactly, run, upgrade)


# What it prints and where it listens.

def test_prints_a_line_per_listener_then_how_it_serves():
    with Server("--dev", "--listen", "ws://127.0.0.1:0", "--listen", "ws://127.0.0.1:0", "--shards", "2") as server:
        assert len(server.urls()) == 2 and len(set(server.urls())) == 2
        assert all(re.fullmatch(r"ws://127\.0\.0\.1:\d+", url) for url in server.urls())
        assert re.fullmatch(r"io (io_uring \(.*\)|epoll), kernel \S+, 2 shards.*, \d+ open files", server.lines[-1])
        for url in server.urls():
            client, status = upgrade(("127.0.0.1", int(url.rsplit(":", 1)[1])))
            assert " 101 " in status
            echo(client)


def test_listens_on_ipv6():
    with Server("--echo", "--listen", "ws://[::1]:0") as server:
        assert server.urls()[0].startswith("ws://[::1]:")
        client, status = upgrade(("::1", server.port()))
        assert " 101 " in status
        echo(client)


def test_the_same_port_serves_both_families():
    with Server("--echo", "--listen", "ws://[::]:0") as first:
        port = first.port()
        first.stop()
    with Server("--echo", "--listen", f"ws://[::]:{port}", "--listen", f"ws://0.0.0.0:{port}") as server:
        for host in ("::1", "127.0.0.1"):
            assert " 101 " in upgrade((host, port))[1]
        assert len(server.urls()) == 2


def test_listens_on_a_unix_path_that_all_shards_share():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "ringcast.sock")
        with Server("--echo", "--listen", f"unix:{path}", "--shards", "2") as server:
            assert server.urls() == [f"unix:{path}"]
            clients = [upgrade(path) for _ in range(20)]
            for client, status in clients:
                assert " 101 " in status
                echo(client)
                client.close()
            assert server.stop()[0] == 0
            assert not os.path.exists(path), "the path is left behind"


def test_without_a_listener_it_says_what_to_do():
    expect_one_line_error(run(), "--listen", "--dev")


def test_nothing_is_served_that_was_not_asked_for():
    with Server("--listen", "ws://127.0.0.1:0") as server:
        assert " 404 " in upgrade(("127.0.0.1", server.port()))[1]


def test_a_foreign_origin_is_refused():
    with Server("--dev", "--listen", "ws://127.0.0.1:0") as server:
        assert " 403 " in upgrade(("127.0.0.1", server.port()), fields=["Origin: http://elsewhere.example"])[1]
        assert " 101 " in upgrade(("127.0.0.1", server.port()), fields=["Origin: http://localhost"])[1]
        code, errors = server.stop()
        assert code == 0 and len(re.findall("event=origin_refused .*origin=http://elsewhere.example", errors)) == 1, errors


def test_pages_of_allowed_origins_may_connect():
    with Server("--dev", "--listen", "ws://127.0.0.1:0", "--allow-origin", "https://*.example.org",
                environment={"RINGCAST_ALLOW_ORIGIN": "https://never.example"}) as server:
        for origin, status in (("https://a.example.org", 101), ("https://a.b.example.org", 403),
                               ("http://a.example.org", 403), ("https://never.example", 403)):
            assert f" {status} " in upgrade(("127.0.0.1", server.port()), fields=[f"Origin: {origin}"])[1], origin
    expect_one_line_error(run("--dev", "--allow-origin", "example.org"), "--allow-origin", "'example.org'", "scheme://")


def test_a_port_in_use_is_an_error_even_with_reuse_port():
    with Server("--echo", "--listen", "ws://127.0.0.1:0") as server:
        expect_one_line_error(run("--echo", "--listen", server.urls()[0]), f"127.0.0.1:{server.port()}")
    with contextlib.closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        expect_one_line_error(run("--echo", "--listen", f"ws://127.0.0.1:{other.getsockname()[1]}"), "use")


# Flags, environment, file.

def test_mistakes_get_one_clear_line():
    listen = ["--listen", "ws://127.0.0.1:0"]
    expect_one_line_error(run(*listen, "--no-such-flag"), "--no-such-flag")
    expect_one_line_error(run(*listen, "--shards", "many"), "shards", "many")
    expect_one_line_error(run(*listen, "--shards", "0"), "shards")
    expect_one_line_error(run(*listen, "--message-bytes-max", "64KB"), "message-bytes-max", "64KB")
    expect_one_line_error(run(*listen, "--idle-timeout", "10"), "idle-timeout")
    expect_one_line_error(run(*listen, "--delivery-window", "1001ms"), "delivery-window", "1001ms", "1s")
    expect_one_line_error(run(*listen, "--delivery-window", "-1ms"), "delivery-window", "-1ms")
    expect_one_line_error(run(*listen, "--uring-features", "-warp"), "warp")
    expect_one_line_error(run(*listen, "--message-burst", "5"), "--message-burst 5", "no effect without --message-rate")
    expect_one_line_error(run("--listen", "https://127.0.0.1:80"), "https://127.0.0.1:80", "ws://", "wss://", "unix:")
    expect_one_line_error(run(*listen, "--config", "/no/such/file"), "/no/such/file")
    expect_one_line_error(run("--listen"), "--listen needs a value")
    expect_one_line_error(run("--dev", "--config"), "--config needs a value")
    expect_one_line_error(run(*listen, "--echo=maybe"), "--echo", "maybe", "on, off")
    expect_one_line_error(run(*listen, environment={"RINGCAST_NO_SUCH": "1"}), "RINGCAST_NO_SUCH")
    expect_one_line_error(run(*listen, environment={"RINGCAST_SIMD": "mmx"}), "RINGCAST_SIMD", "mmx")


def test_flag_beats_environment_beats_file_beats_default():
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write('idle-timeout = "70s"\nping-interval = "7s"\nclose-timeout = "3s"\n')
        file.flush()
        code, text, _ = run("--listen", "ws://127.0.0.1:0", "--config", file.name, "--idle-timeout", "50s",
                            "--print-config",
                            environment={"RINGCAST_IDLE_TIMEOUT": "60s", "RINGCAST_PING_INTERVAL": "6s"})
    assert code == 0
    for line in ('idle-timeout = "50s"', 'ping-interval = "6s"', 'close-timeout = "3s"', 'handshake-timeout = "10s"'):
        assert line in text, f"{line} is not in\n{text}"


def test_an_empty_variable_counts_as_none():
    empty = {"RINGCAST_CONFIG": "", "RINGCAST_SHARDS": "", "RINGCAST_SIMD": ""}
    with Server("--echo", "--listen", "ws://127.0.0.1:0", environment=empty) as server:
        assert " 101 " in upgrade(("127.0.0.1", server.port()))[1]


def test_an_unknown_key_in_the_file_is_refused_with_its_place():
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write('shards = 1\nshardz = 2\n')
        file.flush()
        expect_one_line_error(run("--config", file.name), f"{file.name}:2", "shardz")


def test_what_print_config_prints_is_a_config():
    code, text, _ = run("--echo", "--listen", "ws://127.0.0.1:0", "--print-config")
    assert code == 0
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(text)
        file.flush()
        assert run("--config", file.name, "--check-config")[0] == 0


def test_version_and_help():
    assert re.fullmatch(r"ringcast \d+\.\d+\.\d+\n", run("--version")[1])
    code, text, _ = run("--help")
    assert code == 0 and "--send-queue-bytes-max" in text


def test_the_reference_lists_the_flags_and_metrics_of_the_program():
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/update-reference")
    assert subprocess.run([script, "--check", BINARY]).returncode == 0, "run scripts/update-reference"


def test_limits_given_by_flags_are_in_force():
    with Server("--echo", "--listen", "ws://127.0.0.1:0", "--message-bytes-max", "100", "--header-bytes-max", "1KiB") as server:
        client, _ = upgrade(("127.0.0.1", server.port()))
        client.sendall(bytes([0x82, 0x80 | 101, 0, 0, 0, 0]) + bytes(101))
        assert read_exactly(client, 4)[2:] == (1009).to_bytes(2, "big")
        assert " 431 " in upgrade(("127.0.0.1", server.port()), fields=["X: " + "x" * 1024])[1]
    with Server("--echo", "--listen", "ws://127.0.0.1:0", "--target-bytes-max", "100", "--header-fields-max", "10") as server:
        address = ("127.0.0.1", server.port())
        assert " 101 " in upgrade(address, "/echo?" + "x" * 94, ["X: x"] * 5)[1]
        assert " 414 " in upgrade(address, "/echo?" + "x" * 95)[1]
        assert " 431 " in upgrade(address, fields=["X: x"] * 6)[1]


def test_a_file_limit_that_is_too_low_says_what_to_do():
    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    expect_one_line_error(run("--echo", "--listen", "ws://127.0.0.1:0", "--connections-max", "1000", preexec_fn=lower),
                          "ulimit")


def test_connections_beyond_the_maximum_are_closed_and_the_rest_served():
    with Server("--echo", "--listen", "ws://127.0.0.1:0", "--shards", "1", "--connections-max", "2") as server:
        clients = [upgrade(("127.0.0.1", server.port())) for _ in range(2)]
        with contextlib.closing(socket.create_connection(("127.0.0.1", server.port()), PATIENCE_SECONDS)) as third:
            assert read_exactly(third, 12) == b"HTTP/1.1 503"
        for client, _ in clients:
            echo(client)


def test_what_was_logged_before_a_start_failed_is_told():
    with Server("--echo", "--listen", "ws://127.0.0.1:0") as server:
        done = subprocess.run([WITHOUT_IO_URING, BINARY, "--echo", "--listen", server.urls()[0]],
                              env=clean_environment(), text=True, capture_output=True, timeout=PATIENCE_SECONDS)
    assert done.returncode == 1
    assert "event=falling_back_to_epoll" in done.stderr, done.stderr
    assert f"127.0.0.1:{server.port()}" in done.stderr, done.stderr


def test_a_thread_that_cannot_be_started_is_an_error_and_the_others_end():
    gib = 1 << 30
    def make_room_for(threads):
        resource.setrlimit(resource.RLIMIT_STACK, (gib, gib))  # Of each thread, too.
        resource.setrlimit(resource.RLIMIT_AS, (int((threads + 0.5) * gib),) * 2)
    for threads, word in ((0, "log"), (1, "shard 0"), (2, "shard 1")):
        result = run("--echo", "--listen", "ws://127.0.0.1:0", "--shards", "4", "--log-level", "error",
                     preexec_fn=lambda: make_room_for(threads))
        expect_one_line_error(result, word, "thread")


def test_receive_buffers_that_have_no_room_are_named():
    listen = ["--listen", "ws://127.0.0.1:0", "--shards", "1"]
    expect_one_line_error(run(*listen, "--buffers-count", "32768", "--buffer-bytes", "4MiB"),
                          "--buffers-count", "--buffer-bytes")
    def narrow():
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    expect_one_line_error(run(*listen, "--buffers-count", "16384", "--buffer-bytes", "64KiB",
                              "--message-memory-max", "2GiB", preexec_fn=narrow),
                          "buffers_count", "buffer_bytes", "memory")


# Rings.

def test_auto_falls_back_to_epoll_with_one_line():
    with Server("--dev", "--listen", "ws://127.0.0.1:0", wrapper=[WITHOUT_IO_URING]) as server:
        assert server.lines[-1].startswith("io epoll,")
        client, status = upgrade(("127.0.0.1", server.port()))
        assert " 101 " in status
        echo(client)
        code, errors = server.stop()
        assert code == 0
        assert len(re.findall("falling_back_to_epoll.*io_uring_setup", errors)) == 1, errors


def test_io_uring_that_was_demanded_and_is_refused_is_an_error():
    done = subprocess.run([WITHOUT_IO_URING, BINARY, "--echo", "--listen", "ws://127.0.0.1:0", "--io", "uring"],
                          env=clean_environment(), text=True, capture_output=True, timeout=PATIENCE_SECONDS)
    expect_one_line_error((done.returncode, done.stdout, done.stderr), "io_uring")


def test_each_masking_kernel_can_be_chosen():
    for name in ("scalar", "sse2", "avx2"):
        with Server("--echo", "--listen", "ws://127.0.0.1:0", environment={"RINGCAST_SIMD": name}) as server:
            client, _ = upgrade(("127.0.0.1", server.port()))
            echo(client, b"x" * 100)


# The end.

def expect_close(server, client, signal_number, code):
    echo(client)
    server.process.send_signal(signal_number)
    head = read_exactly(client, 4)
    assert head[0] == 0x88 and int.from_bytes(head[2:4], "big") == code, head
    read_exactly(client, head[1] - 2)
    client.sendall(bytes([0x88, 0x82, 0, 0, 0, 0]) + head[2:4])
    assert client.recv(1) == b""
    client.close()
    assert server.end()[0] == 0


def test_sigterm_closes_with_1012_and_exits_with_0():
    with Server("--dev", "--listen", "ws://127.0.0.1:0") as server:
        expect_close(server, upgrade(("127.0.0.1", server.port()))[0], signal.SIGTERM, 1012)


def test_sigint_closes_with_1001_and_exits_with_0():
    with Server("--dev", "--listen", "ws://127.0.0.1:0") as server:
        expect_close(server, upgrade(("127.0.0.1", server.port()))[0], signal.SIGINT, 1001)


def test_the_shutdown_timeout_cuts_who_does_not_answer():
    with Server("--dev", "--listen", "ws://127.0.0.1:0", "--shutdown-timeout", "200ms", "--close-timeout", "1h") as server:
        client, _ = upgrade(("127.0.0.1", server.port()))
        echo(client)
        assert server.stop()[0] == 0


def test_a_second_signal_ends_it_at_once():
    with Server("--dev", "--listen", "ws://127.0.0.1:0", "--shutdown-timeout", "1h", "--close-timeout", "1h") as server:
        client, _ = upgrade(("127.0.0.1", server.port()))
        echo(client)
        server.process.send_signal(signal.SIGTERM)
        read_exactly(client, 4)  # The first has been taken.
        assert server.stop()[0] == 128 + signal.SIGTERM


def test_it_ends_although_nobody_reads_stderr():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    process = subprocess.Popen([BINARY, "--dev", "--listen", "ws://127.0.0.1:0"], env=clean_environment(), text=True,
                               stdout=subprocess.PIPE, stderr=writer)
    try:
        assert process.stdout.readline().startswith("listening on ")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.communicate()
        os.close(reader)
        os.close(writer)


def without_descriptors(*descriptors):
    """What runs a program with these descriptors closed."""
    closing = " ".join(f"{descriptor}>&-" for descriptor in descriptors)
    return ["/bin/sh", "-c", f'exec "$@" {closing}', "sh"]


def expect_nowhere(process, *descriptors):
    for descriptor in descriptors:
        assert os.readlink(f"/proc/{process.pid}/fd/{descriptor}") == "/dev/null"


def test_closed_standard_descriptors_lead_nowhere():
    listen = ["--echo", "--listen", "ws://127.0.0.1:0", "--access-log", "on"]
    with Server(*listen, wrapper=without_descriptors(0, 2)) as server:
        expect_nowhere(server.process, 0, 2)
        client, _ = upgrade(("127.0.0.1", server.port()))
        echo(client)
        code, errors = server.stop()
        assert code == 0 and errors == ""
    process = subprocess.Popen([WITHOUT_IO_URING, *without_descriptors(0, 1), BINARY, *listen], text=True,
                               env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert "falling_back_to_epoll" in process.stderr.readline()
        expect_nowhere(process, 0, 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.communicate()
    failed = subprocess.run([*without_descriptors(2), BINARY, "--listen", "ws://203.0.113.1:1"], env=clean_environment())
    assert failed.returncode == 1, "nobody could read why"
    silent = subprocess.run([*without_descriptors(0, 1, 2), BINARY, "--help"], env=clean_environment())
    assert silent.returncode == 1, "nobody could read the help"


def test_help_that_cannot_be_printed_is_no_crash():
    with open("/dev/full", "w") as full:
        assert subprocess.run([BINARY, "--help"], stdout=full, env=clean_environment()).returncode == 1


def test_the_access_log_tells_of_each_session():
    with Server("--dev", "--listen", "ws://127.0.0.1:0", "--access-log", "on", "--log-format", "json") as server:
        client, _ = upgrade(("127.0.0.1", server.port()))
        peer = "127.0.0.1:%d" % client.getsockname()[1]
        client.sendall(bytes([0x88, 0x82, 0, 0, 0, 0]) + (4001).to_bytes(2, "big"))
        read_exactly(client, 4)
        client.close()
        code, errors = server.stop()
    events = [json.loads(line) for line in errors.splitlines()]
    opened = [event for event in events if event["event"] == "session_opened"]
    closed = [event for event in events if event["event"] == "session_closed"]
    assert code == 0 and len(opened) == 1 and len(closed) == 1, errors
    assert opened[0]["peer"] == peer and closed[0]["code"] == 4001
    assert opened[0]["session"] == closed[0]["session"]


def main():
    counts = {"ok": 0, "FAILED": 0, "skip": 0}
    modules = (admin_tests, api_tests, capacity_tests, centrifuge_tests, doctor_tests, guest_tests, http_tests,
               namespace_tests, stream_tests, survival_tests, tls_tests, token_tests, topic_tests)
    tests = globals() | {name: test for module in modules for name, test in vars(module).items()}
    for name, test in [(name, test) for name, test in tests.items() if name.startswith("test_")]:
        verdict, why = "ok", ""
        try:
            test()
        except Skip as skip:
            verdict, why = "skip", f": {skip}"
        except Exception as error:  # Whatever it is, it is this test's result.
            verdict, why = "FAILED", f": {type(error).__name__} {error}"
        counts[verdict] += 1
        print(f"{verdict} {name}{why}", flush=True)
    print(f"{counts['ok']} passed, {counts['FAILED']} failed, {counts['skip']} skipped")
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())

"""TLS listeners of the edge binary: clients of Python's ssl and of openssl s_client, on both rings. Run by run.py."""

import concurrent.futures
import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile

from admin_tests import ADMIN, ask, rings, samples_of
from guest_tests import figure, wait_for
from kit import KEY, PATIENCE_SECONDS, Server, Skip, expect_one_line_error, read_exactly, run, upgrade

LISTEN = ["--listen", "wss://127.0.0.1:0"]


def openssl(*arguments, **more):
    if not shutil.which("openssl"):
        raise Skip("no openssl")
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=PATIENCE_SECONDS, **more)


def make_certificate(folder, name="server", names="DNS:localhost,IP:127.0.0.1", kind="P-256", days="30", issuer=None):
    """A certificate and its key, self-signed or by `issuer`; their paths."""
    key, certificate = (os.path.join(folder, f"{name}.{end}") for end in ("key", "crt"))
    algorithm = ["-newkey", "rsa:2048"] if kind == "RSA" else ["-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{kind}"]
    signed = ["-CA", issuer[0], "-CAkey", issuer[1]] if issuer else []
    openssl("req", "-x509", *algorithm, "-nodes", "-keyout", key, "-out", certificate, "-days", days, "-subj", f"/CN={name}",
            "-addext", f"subjectAltName={names}", *signed)
    return certificate, key


@contextlib.contextmanager
def certified(**more):
    """A folder, a certificate in it, and the flags that name it."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = make_certificate(folder, **more)
        yield folder, certificate, ["--tls-cert", certificate, "--tls-key", key]


def trusting(*certificates, version=None):
    context = ssl.create_default_context()
    for certificate in certificates:
        context.load_verify_locations(certificate)
    context.set_alpn_protocols(["http/1.1"])
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def connect(port, context, name="localhost", session=None):
    """Its end is an error unless it comes with a close_notify."""
    plain = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
    return context.wrap_socket(plain, server_hostname=name, session=session, suppress_ragged_eofs=False)


def upgrade_tls(port, context, path="/echo", **more):
    client = connect(port, context, **more)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += read_exactly(client, 1)
    assert b" 101 " in head, head
    return client


def echo(client, payload=b"hello"):
    size = len(payload)
    length = (bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big") if size < 65536
              else b"\x7f" + size.to_bytes(8, "big"))
    client.sendall(b"\x82" + bytes([length[0] | 0x80]) + length[1:] + bytes(4) + payload)
    assert read_exactly(client, 1 + len(length)) == b"\x82" + length
    assert read_exactly(client, size) == payload, "the echo differs"


def close(client, code=1000):
    client.sendall(b"\x88\x82\0\0\0\0" + code.to_bytes(2, "big"))
    assert read_exactly(client, 4)[2:] == code.to_bytes(2, "big")
    assert client.recv(1) == b"", "something follows the Close"
    client.close()


def lines_about(errors, event):
    return [line for line in errors.splitlines() if f"event={event}" in line]


def test_wss_serves_both_versions_and_large_messages():
    with certified() as (_, certificate, tls):
        for ring in rings():
            with Server("--echo", *LISTEN, *tls, "--io", ring, "--message-bytes-max", "4MiB") as server:
                assert server.urls()[0].startswith("wss://127.0.0.1:")
                for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                    client = upgrade_tls(server.port(), trusting(certificate, version=version))
                    assert client.selected_alpn_protocol() == "http/1.1"
                    for size in (0, 1, 125, 126, 16_384, 65_535, 65_536, 3_000_000):
                        echo(client, os.urandom(size))
                    close(client)
                assert server.stop()[0] == 0


def test_s_client_speaks_https_and_says_goodbye():
    with certified() as (_, certificate, tls):
        for ring in rings():
            with Server("--dev", *LISTEN, *tls, "--io", ring) as server:
                done = openssl("s_client", "-connect", f"127.0.0.1:{server.port()}", "-servername", "localhost", "-CAfile",
                               certificate, "-verify_return_error", "-alpn", "http/1.1", "-quiet", "-ign_eof",
                               input=b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                assert done.stdout.startswith(b"HTTP/1.1 200 OK\r\n") and done.stdout.endswith(b"</html>\n"), done
                assert b"unexpected eof" not in done.stderr, done.stderr


def test_a_plain_request_on_a_tls_port_is_told_so():
    with certified() as (_, certificate, tls):
        for ring in rings():
            with Server("--echo", *LISTEN, *tls, *ADMIN, "--io", ring, "--shards", "1") as server:
                client, status = upgrade(("127.0.0.1", server.port()))
                assert status == "HTTP/1.1 400 Bad Request", status
                assert b"TLS" in client.recv(100) and client.recv(1) == b""
                samples = samples_of(ask(server.admin_urls()[0], "/metrics")[2].decode())
                assert samples['ringcast_tls_failures_total{shard="0",reason="plain_http"}'] == "1"
                echo(upgrade_tls(server.port(), trusting(certificate)))


def test_the_certificate_is_that_of_the_name_asked_for():
    with tempfile.TemporaryDirectory() as folder:
        make_certificate(folder, "a", "DNS:a.example")
        make_certificate(folder, "b", "DNS:*.b.example", kind="RSA")
        live = os.path.join(folder, "c")
        os.mkdir(live)
        certificate, key = make_certificate(folder, "d", "DNS:c.example")
        os.rename(certificate, os.path.join(live, "fullchain.pem"))
        os.rename(key, os.path.join(live, "privkey.pem"))
        certificate, key = make_certificate(folder, "e", "DNS:e.example")  # As mkcert calls them:
        os.rename(certificate, os.path.join(folder, "e.pem"))
        os.rename(key, os.path.join(folder, "e-key.pem"))
        for name, file in (("a.example", "a.crt"), ("x.b.example", "b.crt"), ("c.example", "c/fullchain.pem"),
                           ("e.example", "e.pem")):
            with Server("--echo", *LISTEN, "--tls-directory", folder) as server:
                echo(upgrade_tls(server.port(), trusting(os.path.join(folder, file)), name=name))
        # One such folder by itself, with the parts of the chain that lie there, too.
        for part in ("cert.pem", "chain.pem"):
            shutil.copy(os.path.join(live, "fullchain.pem"), os.path.join(live, part))
        with Server("--echo", *LISTEN, "--tls-directory", live) as server:
            echo(upgrade_tls(server.port(), trusting(os.path.join(live, "fullchain.pem")), name="c.example"))


def test_sighup_swaps_certificates_while_connections_are_open():
    with certified() as (folder, certificate, tls):
        old = os.path.join(folder, "old.crt")
        days = 30
        for ring in rings():
            with Server("--echo", *LISTEN, *tls, *ADMIN, "--io", ring, "--shards", "2") as server:
                def expiry():
                    samples = samples_of(ask(server.admin_urls()[0], "/metrics")[2].decode())
                    return [int(samples[f'ringcast_tls_certificate_expires_at_seconds{{shard="{i}"}}']) for i in (0, 1)]

                def reload_and_read(event):
                    server.process.send_signal(signal.SIGHUP)
                    while event not in (line := server.process.stderr.readline()):
                        assert line, f"no {event}"
                    return line

                shutil.copy(certificate, old)
                before = upgrade_tls(server.port(), trusting(old))
                expiry_before = expiry()
                days += 30
                make_certificate(folder, days=str(days))
                reload_and_read("event=tls_reloaded")
                wait_for(lambda: min(expiry()) > max(expiry_before) > 0)  # Both shards have taken it.
                after = upgrade_tls(server.port(), trusting(certificate))
                for wrong in ("", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
                    good = open(certificate).read()
                    with open(certificate, "w") as file:
                        file.write(wrong)
                    line = reload_and_read("event=tls_reload_failed")
                    assert certificate in line and "level=error" in line, line
                    with open(certificate, "w") as file:
                        file.write(good)
                    echo(upgrade_tls(server.port(), trusting(certificate)))
                for client in (before, after):
                    echo(client, b"still here")
                    close(client)
                assert server.stop()[0] == 0


def test_a_certificate_that_cannot_be_looked_at_is_not_dropped():
    with tempfile.TemporaryDirectory() as folder:
        pairs = {}
        for name in ("x", "y"):
            os.mkdir(os.path.join(folder, name))
            pair = make_certificate(folder, name, f"DNS:{name}.example")
            pairs[name] = [os.path.join(folder, name, file) for file in ("fullchain.pem", "privkey.pem")]
            for old, new in zip(pair, pairs[name]):
                os.rename(old, new)
        home = os.path.join(folder, "y")
        shutil.copy(pairs["y"][0], trusted := os.path.join(folder, "trusted"))

        def without_key():
            certificate, key = pairs["y"]
            os.rename(key, os.path.join(elsewhere, "key"))
            return certificate, lambda: os.rename(os.path.join(elsewhere, "key"), key)

        def out_of_sight():  # As without permission to look; that would not stop root.
            os.rename(home, os.path.join(elsewhere, "y"))
            os.symlink("y", home)
            return home, lambda: (os.remove(home), os.rename(os.path.join(elsewhere, "y"), home))

        arguments = ["--echo", *LISTEN, "--tls-directory", folder]
        with tempfile.TemporaryDirectory() as elsewhere, Server(*arguments) as server:
            for hide in (without_key, out_of_sight):
                path, show = hide()
                server.process.send_signal(signal.SIGHUP)
                line = server.process.stderr.readline()
                assert "event=tls_reload_failed" in line and path in line, line
                echo(upgrade_tls(server.port(), trusting(trusted), name="y.example"))
                expect_one_line_error(run(*arguments), path)
                expect_one_line_error(run(*arguments, "--check-config"), path)
                show()
            server.process.send_signal(signal.SIGHUP)
            assert "event=tls_reloaded" in server.process.stderr.readline()
            echo(upgrade_tls(server.port(), trusting(trusted), name="y.example"))


def test_clients_may_have_to_show_certificates():
    with certified() as (folder, certificate, tls):
        issuer = make_certificate(folder, "issuer", "DNS:issuer.example")
        known = make_certificate(folder, "known", "DNS:known.example", issuer=issuer)
        stranger = make_certificate(folder, "stranger", "DNS:stranger.example")

        def try_with(server, shown):
            context = trusting(certificate)
            if shown:
                context.load_cert_chain(*shown)
            try:
                echo(upgrade_tls(server.port(), context))
                return True
            except (ssl.SSLError, ConnectionError):
                return False

        for mode, without in (("required", False), ("optional", True)):
            with Server("--echo", *LISTEN, *tls, "--tls-client-ca", issuer[0], "--tls-client-certificates", mode) as server:
                assert try_with(server, known)
                assert not try_with(server, stranger)
                assert try_with(server, None) == without
                errors = server.stop()[1]
                assert len(lines_about(errors, "tls_failed")) == (1 if without else 2), errors


def test_a_client_that_trusts_somebody_else_fails_and_nobody_else():
    with certified() as (folder, certificate, tls), Server("--echo", *LISTEN, *ADMIN, *tls) as server:
        other, _ = make_certificate(folder, "other")
        client = upgrade_tls(server.port(), trusting(certificate))
        for context, name in ((trusting(other), "localhost"), (trusting(certificate), "elsewhere.example")):
            try:
                connect(server.port(), context, name=name)
                assert False, "it connects"
            except ssl.SSLCertVerificationError:
                pass
        echo(client)
        wait_for(lambda: figure(server, "ringcast_tls_failures_total") == 2)
        assert "alert" in "".join(lines_about(server.stop()[1], "tls_failed"))


def test_the_oldest_version_can_be_chosen():
    with certified() as (_, certificate, tls), Server("--echo", *LISTEN, *tls, "--tls-version-min", "1.3") as server:
        echo(upgrade_tls(server.port(), trusting(certificate, version=ssl.TLSVersion.TLSv1_3)))
        try:
            connect(server.port(), trusting(certificate, version=ssl.TLSVersion.TLSv1_2))
            assert False, "it connects"
        except ssl.SSLError as error:
            assert "PROTOCOL_VERSION" in str(error).upper(), error


def test_cipher_suites_of_tls_1_3_can_be_chosen():
    chosen, other = "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384"
    with certified() as (_, certificate, tls), Server("--echo", *LISTEN, *tls, "--tls-cipher-suites", chosen) as server:
        client = upgrade_tls(server.port(), trusting(certificate, version=ssl.TLSVersion.TLSv1_3))
        assert client.cipher()[0] == chosen, client.cipher()
        echo(client)

        def offer(suites):
            return openssl("s_client", "-connect", f"127.0.0.1:{server.port()}", "-tls1_3", "-ciphersuites", suites, input=b"")
        assert chosen.encode() in offer(f"{other}:{chosen}").stdout
        try:
            offer(other)
            assert False, "it connects"
        except subprocess.CalledProcessError as refused:
            assert b"handshake failure" in refused.stderr, refused.stderr
        echo(client)
        assert len(lines_about(server.stop()[1], "tls_failed")) == 1


def test_tls_mistakes_get_one_clear_line():
    with certified() as (folder, certificate, tls):
        other_certificate, other_key = make_certificate(folder, "other")
        encrypted = os.path.join(folder, "encrypted.key")
        openssl("pkey", "-in", tls[3], "-aes256", "-passout", "pass:secret", "-out", encrypted)
        assert run("--echo", *LISTEN, *tls, "--check-config")[:2] == (0, "the settings are in order\n")
        for wrong in (["--tls-cert", certificate, "--tls-key", other_key], [*tls, "--tls-ciphers", "NONSENSE"],
                      [*tls, "--tls-cipher-suites", "NONSENSE"],
                      ["--tls-cert", "/no/such.crt"], ["--tls-directory", "/no/such"], [*tls, "--tls-client-ca", tls[3]]):
            started = run("--echo", *LISTEN, *wrong)
            assert run("--echo", *LISTEN, *wrong, "--check-config") == started and started[0] == 1, started
        expect_one_line_error(run("--echo", *LISTEN), "wss://127.0.0.1:0", "--tls-cert")
        expect_one_line_error(run("--echo", *LISTEN, "--tls-cert", "/no/such.crt"), "/no/such.crt")
        expect_one_line_error(run("--echo", *LISTEN, "--tls-cert", certificate), certificate, "key")
        expect_one_line_error(run("--echo", *LISTEN, "--tls-cert", certificate, "--tls-key", other_key), other_key, certificate)
        expect_one_line_error(run("--echo", *LISTEN, "--tls-cert", certificate, "--tls-key", encrypted), encrypted)
        expect_one_line_error(run("--echo", *LISTEN, *tls, "--tls-key", other_key), "--tls-cert", "--tls-key")
        expect_one_line_error(run("--echo", *LISTEN, *tls, "--tls-ciphers", "NONSENSE"), "--tls-ciphers: ", "NONSENSE")
        for suites in ("NONSENSE", "TLS_AES_128_GCM_SHA256:NONSENSE", "TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"):
            expect_one_line_error(run("--echo", *LISTEN, *tls, "--tls-cipher-suites", suites), "--tls-cipher-suites: ", suites)
        expect_one_line_error(run("--echo", *LISTEN, *tls, "--tls-client-ca", tls[3]), tls[3])
        expect_one_line_error(run("--echo", *LISTEN, "--tls-directory", "/no/such"), "/no/such")
        expect_one_line_error(run("--echo", *LISTEN, *tls, "--tls-version-min", "1.1"), "1.1")
        assert other_certificate


def test_a_session_is_resumed_on_whichever_shard():
    with certified() as (_, certificate, tls):
        with Server("--echo", *LISTEN, *tls, *ADMIN, "--shards", "4") as server:
            context = trusting(certificate)
            first = upgrade_tls(server.port(), context)
            echo(first)
            for _ in range(20):
                with upgrade_tls(server.port(), context, session=first.session) as client:
                    assert client.session_reused
                    echo(client)
            samples = samples_of(ask(server.admin_urls()[0], "/metrics")[2].decode())
            resumed = [int(samples[f'ringcast_tls_handshakes_total{{shard="{i}",kind="resumed"}}']) for i in range(4)]
            assert sum(resumed) == 20, resumed


def test_a_crowd_of_handshakes_is_served_in_portions():
    with certified() as (_, certificate, tls):
        for ring in rings():
            with Server("--echo", *LISTEN, *tls, "--io", ring, "--tls-handshakes-per-turn", "1") as server:
                context = trusting(certificate)
                open_one = upgrade_tls(server.port(), context)
                with concurrent.futures.ThreadPoolExecutor(20) as pool:
                    clients = [pool.submit(upgrade_tls, server.port(), context) for _ in range(100)]
                    echo(open_one)
                    for client in clients:
                        echo(client.result())
                        close(client.result())
                assert server.stop()[0] == 0


def test_topics_reach_subscribers_over_tls_and_without():
    with certified() as (_, certificate, tls):
        for ring in rings():
            with Server("--anonymous", "publish", *LISTEN, *tls, "--listen", "ws://127.0.0.1:0", "--io", ring,
                        "--shards", "2") as server:
                ports = [int(url.rsplit(":", 1)[1]) for url in server.urls()]
                context = trusting(certificate)
                subscribers = [upgrade_tls(ports[0], context, path="/topics/news") for _ in range(10)]
                subscribers += [upgrade(("127.0.0.1", ports[1]), "/topics/news")[0] for _ in range(10)]
                for publisher in (subscribers[0], subscribers[-1]):
                    for size in (5, 100, 5000):
                        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
                        publisher.sendall(b"\x81" + length + bytes(4) + b"x" * size)
                        for subscriber in subscribers:
                            head = read_exactly(subscriber, 2 if size < 126 else 4)
                            assert head[0] == 0x81 and read_exactly(subscriber, size) == b"x" * size


def test_a_stop_closes_tls_clients_in_order():
    with certified() as (_, certificate, tls):
        for ring in rings():
            with Server("--echo", *LISTEN, *ADMIN, *tls, "--io", ring) as server:
                client = upgrade_tls(server.port(), trusting(certificate))
                silent = socket.create_connection(("127.0.0.1", server.port()), PATIENCE_SECONDS)
                echo(client)
                wait_for(lambda: figure(server, "ringcast_connections") == 2)
                server.process.send_signal(signal.SIGTERM)
                head = read_exactly(client, 4)
                assert head[0] == 0x88 and int.from_bytes(head[2:4], "big") == 1012, head
                read_exactly(client, head[1] - 2)
                client.sendall(b"\x88\x82\0\0\0\0" + head[2:4])
                assert client.recv(1) == b""
                client.close()
                assert silent.recv(1) == b""
                assert server.end()[0] == 0


def test_ticket_keys_and_settings_are_read_from_files_too():
    with certified() as (folder, certificate, tls):
        path = os.path.join(folder, "ringcast.toml")
        with open(path, "w") as file:
            file.write(f'listen = "wss://127.0.0.1:0"\necho = true\ntls-cert = ["{certificate}"]\ntls-key = "{tls[3]}"\n'
                       'tls-ticket-lifetime = "2h"\ntls-version-min = "1.2"\n')
        with Server("--config", path) as server:
            echo(upgrade_tls(server.port(), trusting(certificate)))
        code, text, _ = run("--config", path, "--print-config")
        assert code == 0 and re.search(r'^tls-ticket-lifetime = "2h"', text, re.MULTILINE), text

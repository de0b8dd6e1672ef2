"""Tokens of clients, from the files of keys to the answer on a socket. Run by run.py."""

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.parse

from guest_tests import figure, wait_for
from kit import PATIENCE_SECONDS, Server, expect_one_line_error, read_exactly, run, upgrade

LISTEN = ["--listen", "ws://127.0.0.1:0", "--admin-listen", "http://127.0.0.1:0"]
SECRET = b"0123456789abcdef0123456789abcdef"
OTHER_SECRET = b"fedcba9876543210fedcba9876543210"


def encoded(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


def signing_input(header, claims):
    return b".".join(encoded(json.dumps(part).encode()) for part in (header, claims))


def token(claims, secret=SECRET, header=None):
    """Signed with HMAC and SHA-256, whatever the header says."""
    text = signing_input(header or {"alg": "HS256", "typ": "JWT"}, claims)
    return (text + b"." + encoded(hmac.digest(secret, text, hashlib.sha256))).decode()


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True).stdout


@contextlib.contextmanager
def keys(**files):
    """A folder with these files; yields a function from names to paths."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        yield lambda name: os.path.join(folder, name)


def ask(server, jwt, path="/topics/a"):
    """The status of an opening handshake with this token."""
    client, line = upgrade(("127.0.0.1", server.port()), path, [f"Authorization: Bearer {jwt}"] if jwt else [])
    client.close()
    return int(line.split(" ")[1])


def refused(server, reason):
    return figure(server, f'ringcast_tokens_refused_total{{reason="{reason}"}}')


def test_a_token_lets_its_user_in_and_nobody_else():
    with keys(secret=SECRET + b"\n") as path:
        for flags in ([], ["--io", "epoll"]):
            with Server(*LISTEN, *flags, "--shards", "2", "--token-hmac-secret-file", path("secret"),
                        "--users", "subscribe") as server:
                user = token({"sub": "42", "exp": int(time.time()) + 1000})
                assert ask(server, user) == 101
                assert ask(server, None) == 403
                assert ask(server, token({"sub": ""})) == 403
                assert ask(server, token({"sub": "", "channels": ["a"]})) == 101
                assert ask(server, token({"sub": "", "channels": ["a"]}), "/topics/b") == 403
                wait_for(lambda: figure(server, "ringcast_tokens_accepted_total") == 4)
                assert server.stop()[0] == 0


def test_each_wrong_token_is_refused_and_counted_by_its_reason():
    public = openssl("pkey", "-pubout", data=(private := openssl("genpkey", "-algorithm", "RSA", "-pkeyopt",
                                                                 "rsa_keygen_bits:2048")))
    with keys(private=private, public=public, secret=SECRET) as path:
        def signed_by_rsa(claims, header=None):
            text = signing_input(header or {"alg": "RS256"}, claims)
            return (text + b"." + encoded(openssl("dgst", "-sha256", "-sign", path("private"), data=text))).decode()

        now = int(time.time())
        good = {"sub": "42", "iss": "shop", "aud": ["chat", "edge"], "exp": now + 1000}
        flags = ["--token-public-key-file", path("public"), "--token-issuer", "shop", "--token-audience", "edge",
                 "--users", "subscribe", "--anonymous", "publish"]
        wrong = [
            ("malformed", "nonsense"),
            ("unsecured", (signing_input({"alg": "none"}, good) + b".").decode()),
            ("unsupported_algorithm", token(good, header={"alg": "HS257"})),
            # The public key taken for a secret (RFC 8725 section 2.1), as it lies in the file and without its end.
            ("no_key", token(good, public)),
            ("no_key", token(good, public.rstrip(b"\n"))),
            ("no_key", signed_by_rsa(good, {"alg": "ES256"})),
            ("bad_signature", token(good, header={"alg": "RS256"})),
            ("bad_signature", signed_by_rsa(good)[:-8] + "AAAAAAAA"),
            ("critical_extension", signed_by_rsa(good, {"alg": "RS256", "crit": ["b64"], "b64": True})),
            ("expired", signed_by_rsa(good | {"exp": now - 10})),
            ("not_yet_valid", signed_by_rsa(good | {"nbf": now + 1000})),
            ("wrong_issuer", signed_by_rsa(good | {"iss": "shop2"})),
            ("wrong_audience", signed_by_rsa(good | {"aud": "chat"})),
            ("wrong_kind", signed_by_rsa(good | {"channel": "a"})),
            ("bad_claim", signed_by_rsa(good | {"sub": 42})),
            ("long_claim", signed_by_rsa(good | {"sub": "u" * 256})),
            ("malformed_claims", signed_by_rsa([])),
        ]
        with Server(*LISTEN, *flags) as server:
            assert ask(server, signed_by_rsa(good)) == 101
            for reason, jwt in wrong:
                before = refused(server, reason)
                status = ask(server, jwt)
                assert status == 401, (reason, status)
                wait_for(lambda: refused(server, reason) == before + 1)  # Shards publish their figures each turn.
            errors = server.stop()[1]
        assert errors.count(" event=token_refused ") <= os.cpu_count(), errors  # One a minute, of each shard.
        assert "suppressed_event=token_refused" in errors or os.cpu_count() > 8, errors


def expect_none_of(errors, *tokens):
    assert "event=session_opened" in errors and "event=token_refused reason=" in errors, errors
    for jwt in tokens:
        for part in jwt.split("."):
            assert part not in errors, errors


def test_a_token_that_came_in_the_query_is_in_no_log():
    with keys(secret=SECRET) as path:
        with Server(*LISTEN, "--token-hmac-secret-file", path("secret"), "--token-query", "token", "--users", "publish",
                    "--access-log", "on", "--log-level", "debug", "--shards", "1") as server:
            good, bad = token({"sub": "42"}), token({"sub": "42"}, OTHER_SECRET)
            for jwt, fields, expected in [(good, [], "101"), (bad, [], "401"),
                                          (good, ["Origin: http://evil.example"], "403"),
                                          (good, ["Sec-WebSocket-Version: 7"], "4")]:
                client, line = upgrade(("127.0.0.1", server.port()), f"/topics/a?token={jwt}", fields)
                assert line.split(" ")[1].startswith(expected), line
                client.close()
            errors = server.stop()[1]
        expect_none_of(errors, good, bad)


def test_a_token_in_a_connect_request_in_the_query_is_in_no_log():
    with keys(secret=SECRET) as path:
        with Server(*LISTEN, "--token-hmac-secret-file", path("secret"), "--users", "publish", "--access-log", "on",
                    "--log-level", "debug", "--shards", "1") as server:
            good, bad = token({"sub": "42"}), token({"sub": "42"}, OTHER_SECRET)
            for jwt, wanted in (good, b'"client"'), (bad, b"3500"):
                request = {"token": jwt}
                for kind, command in ("sse", {"connect": request, "id": 1}), ("uni_sse", request):
                    query = urllib.parse.quote(json.dumps(command))
                    connection = http.client.HTTPConnection("127.0.0.1", server.port(), timeout=PATIENCE_SECONDS)
                    connection.request("GET", f"/connection/{kind}?cf_connect={query}")
                    answer = connection.getresponse()
                    assert answer.readline() == b"\r\n" and wanted in answer.readline()
                    answer.close()
                    connection.close()
                for fields, status in ([], "101"), (["Origin: http://evil.example"], "403"), \
                        (["Sec-WebSocket-Version: 7"], "4"):
                    client, line = upgrade(("127.0.0.1", server.port()), f"/connection/uni_websocket?cf_connect={query}",
                                           fields)
                    assert line.split(" ")[1].startswith(status), line
                    if status == "101":
                        read_exactly(client, 2)  # It has been told.
                    client.close()
            errors = server.stop()[1]
        expect_none_of(errors, good, bad)


def test_sighup_reads_keys_again_and_bad_ones_change_nothing():
    with keys(secret=SECRET) as path:
        def replace(content):
            with open(path("new"), "wb") as file:
                file.write(content)
            os.rename(path("new"), path("secret"))

        with Server(*LISTEN, "--token-hmac-secret-file", path("secret"), "--users", "subscribe") as server:
            first, second = token({"sub": "1"}), token({"sub": "1"}, OTHER_SECRET)
            assert ask(server, first) == 101 and ask(server, second) == 401
            replace(OTHER_SECRET)
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: ask(server, second) == 101)
            assert ask(server, first) == 401
            replace(b"short")
            server.process.send_signal(signal.SIGHUP)
            while "event=token_reload_failed" not in server.process.stderr.readline():
                pass
            assert ask(server, second) == 101
            assert server.stop()[0] == 0


class EdwardsKey:
    """A key of Ed25519 that is known by its name, in a file of this folder."""

    def __init__(self, name, path):
        self.name, self.path = name, path(name)
        openssl("genpkey", "-algorithm", "ED25519", "-out", self.path)

    def jwk(self):
        public = openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")[-32:]
        return {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.name,
                "x": encoded(public).decode()}

    def token(self, claims):
        text = signing_input({"alg": "EdDSA", "kid": self.name}, claims)
        with open(self.path + ".text", "wb") as file:
            file.write(text)
        signature = openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", self.path + ".text")
        return (text + b"." + encoded(signature)).decode()


def test_sighup_reads_a_jwks_file_again_and_a_broken_one_changes_nothing():
    with keys() as path:
        a, b = EdwardsKey("a", path), EdwardsKey("b", path)
        of_a, of_b = a.token({"sub": "1"}), b.token({"sub": "1"})

        def replace(content):
            with open(path("new"), "w", encoding="utf-8") as file:
                file.write(content)
            os.rename(path("new"), path("jwks"))

        def text_of(*edwards_keys):
            return json.dumps({"keys": [key.jwk() for key in edwards_keys]})

        for flags in ([], ["--io", "epoll"]):
            replace(text_of(a))
            with Server(*LISTEN, *flags, "--shards", "2", "--token-jwks-file", path("jwks"),
                        "--users", "subscribe") as server:
                def read_again(event):
                    server.process.send_signal(signal.SIGHUP)
                    for line in server.process.stderr:
                        if f"event={event} " in line:
                            return line
                    raise AssertionError(f"no {event} in the log")

                assert ask(server, of_a) == 101 and ask(server, of_b) == 401
                replace(text_of(a, b))  # While both are about.
                assert "keys=2" in read_again("tokens_reloaded")
                wait_for(lambda: ask(server, of_b) == 101)
                assert ask(server, of_a) == 101
                replace(text_of(b))
                assert "keys=1" in read_again("tokens_reloaded")
                wait_for(lambda: {ask(server, of_a) for _ in range(8)} == {401})  # On both shards.
                assert ask(server, of_b) == 101
                for broken in (text_of(a)[:-1], '{"keys":[]}', ""):
                    replace(broken)
                    line = read_again("token_reload_failed")
                    assert path("jwks") in line and "the keys read before stay in use" in line, line
                    assert ask(server, of_b) == 101 and ask(server, of_a) == 401
                assert server.stop()[0] == 0


def test_the_previous_key_is_taken_until_its_deadline():
    with keys(secret=SECRET, old=OTHER_SECRET) as path:
        def status_of_the_old_one(until):
            with Server(*LISTEN, "--token-hmac-secret-file", path("secret"), "--token-previous-secret-file",
                        path("old"), "--token-previous-until", until, "--users", "subscribe") as server:
                assert ask(server, token({"sub": "1"})) == 101
                return ask(server, token({"sub": "1"}, OTHER_SECRET))

        assert status_of_the_old_one("2999-01-01") == 101
        assert status_of_the_old_one("2001-01-01T12:00:00Z") == 401


def test_the_log_says_that_the_name_of_a_user_is_too_long():
    with keys(secret=SECRET) as path:
        with Server(*LISTEN, "--token-hmac-secret-file", path("secret"), "--users", "subscribe") as server:
            assert ask(server, token({"sub": "u" * 255})) == 101
            assert ask(server, token({"sub": "u" * 256})) == 401
            errors = server.stop()[1]
        assert re.search(r'event=token_refused reason="claim too long: 255 bytes for names as sub, ', errors), errors


def test_a_token_may_name_as_many_channels_as_a_session_may_have():
    with keys(secret=SECRET) as path:
        flags = [*LISTEN, "--token-hmac-secret-file", path("secret")]
        named = [token({"sub": "42", "channels": [f"r{i}" for i in range(count)]}) for count in (128, 129, 600)]

        def connect(server, jwt, subs={}):
            """The code that the server closes with, or what the client is subscribed to, which is all."""
            client, line = upgrade(("127.0.0.1", server.port()), "/connection/websocket")
            assert " 101 " in line, line
            command = json.dumps({"id": 1, "connect": {"token": jwt, "subs": subs}}).encode()
            client.sendall(b"\x81\xfe" + len(command).to_bytes(2, "big") + bytes(4) + command)
            opcode, size = read_exactly(client, 2)
            if size > 125:
                size = int.from_bytes(read_exactly(client, 2 if size == 126 else 8), "big")
            payload = read_exactly(client, size)
            client.close()
            if opcode == 0x88:
                return int.from_bytes(payload[:2], "big")
            subs = json.loads(payload)["connect"]["subs"]
            assert sorted(subs) == sorted(f"r{i}" for i in range(len(subs)))
            return subs

        more = ["--subscriptions-max", "600", "--io", "epoll", "--history-size", "1"]
        for more, wanted in ([], [128, 3505, 3505]), (more, [128, 129, 600]):
            with Server(*flags, *more, "--shards", "2") as server:
                answers = [connect(server, jwt) for jwt in named]
                assert [each if isinstance(each, int) else len(each) for each in answers] == wanted
                for jwt, subs in zip(named, answers) if more else ():  # They come back.
                    places = {channel: {"recover": True, "epoch": sub["epoch"]} for channel, sub in subs.items()}
                    assert all(sub["recovered"] for sub in connect(server, jwt, places).values())
                for jwt in named:  # Of which this one wants a single one.
                    assert ask(server, jwt, "/topics/r127") == 101
                assert server.stop()[0] == 0


def test_a_session_ends_when_its_token_does():
    with keys(secret=SECRET) as path:
        for flags in ([], ["--io", "epoll"]):
            with Server(*LISTEN, *flags, "--token-hmac-secret-file", path("secret"), "--users", "subscribe") as server:
                jwt = token({"sub": "42", "exp": int(time.time()) + 3})
                client, line = upgrade(("127.0.0.1", server.port()), "/topics/a", [f"Authorization: Bearer {jwt}"])
                assert " 101 " in line, line
                head = read_exactly(client, 4)
                assert head[0] == 0x88 and int.from_bytes(head[2:], "big") == 3005, head


def test_keys_that_cannot_be_used_are_told_of_in_one_line():
    with keys(secret=SECRET, short=b"short", pem=b"no key", jwks=b"{}") as path:
        listen = LISTEN[:2]
        assert run(*listen, "--token-hmac-secret-file", path("secret"), "--check-config")[:2] == \
            (0, "the settings are in order\n")
        for flag, name in [("--token-hmac-secret-file", "short"), ("--token-hmac-secret-file", "missing"),
                           ("--token-public-key-file", "pem"), ("--token-jwks-file", "jwks")]:
            for more in ([], ["--check-config"]):
                expect_one_line_error(run(*listen, flag, path(name), *more), path(name))
        expect_one_line_error(run(*listen, "--users", "publish", "--echo"), "--users publish", "--token-hmac-secret-file")


def test_settings_of_tokens_are_read_from_a_file_too():
    with keys(secret=SECRET) as path:
        with open(path("ringcast.toml"), "w") as file:
            file.write(f'listen = "ws://127.0.0.1:0"\ntoken-hmac-secret-file = ["{path("secret")}"]\n'
                       'token-issuer = "shop"\ntoken-leeway = "10s"\ntoken-cookie = "session"\nusers = "subscribe"\n')
        with Server("--config", path("ringcast.toml")) as server:
            fields = [f"Cookie: a=b; session={token({'sub': '42', 'iss': 'shop', 'exp': int(time.time()) - 2})}"]
            client, line = upgrade(("127.0.0.1", server.port()), "/topics/a", fields)
            assert " 101 " in line, line
            client.close()
        text = run("--config", path("ringcast.toml"), "--print-config")[1]
        assert re.search(r'^token-leeway = "10s"', text, re.MULTILINE), text
        assert SECRET.decode() not in text

"""The server API of the edge binary, as SDKs and curl use it. Run by run.py."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager

from admin_tests import ADMIN, LISTEN, ask, connection_to, rings, status_of
from centrifuge import Centrifuge, StreamedCentrifuge
from guest_tests import wait_for
from kit import PATIENCE_SECONDS, Server, Skip, expect_one_line_error, read_exactly, run, upgrade
from token_tests import SECRET, keys, token

KEY, OTHER = "0123456789abcdef-first", "0123456789abcdef-second"


@contextmanager
def key_file(text=f"# two, so that one can go\n{KEY}\n{OTHER}\n"):
    with tempfile.NamedTemporaryFile("w", suffix=".keys") as file:
        file.write(text)
        file.flush()
        yield file.name


@contextmanager
def api_server(*flags, anonymous="subscribe"):
    """A server with an API, and the URL of its admin listener."""
    with key_file() as path:
        with Server("--anonymous", anonymous, *LISTEN, *ADMIN, "--api-key-file", path, *flags) as server:
            yield server, server.admin_urls()[0]


def call(url, method, request, key=KEY):
    status, fields, body = ask(url, f"/api/{method}", "POST", json.dumps(request).encode(), {"X-API-Key": key})
    assert status == 200 and fields["Content-Type"] == "application/json", status
    return json.loads(body)


def test_what_the_api_publishes_reaches_subscribers():
    for ring in rings():
        with api_server("--io", ring, "--shards", "2") as (server, admin):
            clients = [upgrade(("127.0.0.1", server.port()), "/topics/stocks/ACME")[0] for _ in range(6)]
            for request, frame in (({"data": {"price": 42}}, b'\x81\x0d{"price": 42}'),
                                   ({"data": "h\u00e4", "kind": "text"}, b"\x81\x03h\xc3\xa4"),
                                   ({"b64data": "/wA="}, b"\x82\x02\xff\x00")):
                assert call(admin, "publish", {"channel": "stocks/ACME", **request}) == {"result": {}}
                for client in clients:
                    assert read_exactly(client, len(frame)) == frame
            assert call(admin, "broadcast", {"channels": ["stocks/ACME", "a:b"], "data": 7}) == {
                "result": {"responses": [{"result": {}}, {"error": {"code": 102, "message": "unknown channel"}}]}}
            for client in clients:
                assert read_exactly(client, 3) == b"\x81\x017"
                client.close()


def test_whoever_publishes_is_told_the_place_and_under_a_key_only_once():
    for ring in rings():
        with api_server("--io", ring, "--shards", "2", "--history-size", "10") as (server, admin):
            client = upgrade(("127.0.0.1", server.port()), "/topics/orders")[0]
            first = call(admin, "publish", {"channel": "orders", "data": 1, "idempotency_key": "a"})["result"]
            assert first["offset"] == 1 and len(first["epoch"]) == 8
            for _ in range(4):  # On whichever shard it is asked.
                assert call(admin, "publish", {"channel": "orders", "data": 1, "idempotency_key": "a"})["result"] == first
            second = call(admin, "broadcast", {"channels": ["orders", "others"], "data": 2, "idempotency_key": "b"})
            places = [each["result"]["offset"] for each in second["result"]["responses"]]
            assert places == [2, 1], second
            assert call(admin, "publish", {"channel": "orders", "data": 3}) == {
                "result": {"offset": 3, "epoch": first["epoch"]}}
            for text in b"123":
                assert read_exactly(client, 3) == b"\x81\x01" + bytes([text])
            assert call(admin, "publish", {"channel": "orders", "data": 1, "idempotency_key": "k" * 256}) == {
                "error": {"code": 107, "message": "bad request"}}
            replies = call(admin, "batch", {"commands": [{"publish": {"channel": "orders", "data": n}} for n in (4, 5)]})
            assert [each["publish"]["offset"] for each in replies["replies"]] == [4, 5]
            client.close()


def test_tags_go_with_a_publication_and_an_older_version_is_not_published():
    for ring in rings():
        with api_server("--io", ring, "--shards", "2", "--history-size", "10") as (server, admin):
            plain = upgrade(("127.0.0.1", server.port()), "/topics/prices")[0]
            client = Centrifuge(server.port())
            client.ask({"subscribe": {"channel": "prices"}})
            tags = {"key": "ACME", "\u00e4": "\"b\""}
            first = call(admin, "publish", {"channel": "prices", "data": 1, "tags": tags, "version": 5})["result"]
            for version in (5, 4):  # On whichever shard it is asked.
                for _ in range(4):
                    old = {"channel": "prices", "data": 0, "tags": tags, "version": version}
                    assert call(admin, "publish", old)["result"] == first
            call(admin, "publish", {"channel": "prices", "data": 2, "version": 6})
            publications = [{"data": 1, "offset": 1, "tags": tags}, {"data": 2, "offset": 2}]
            for publication in publications:
                assert client.push() == {"push": {"channel": "prices", "pub": publication}}
            assert read_exactly(plain, 6) == b"\x81\x011\x81\x012"
            history = {"history": {"channel": "prices", "limit": 10}}
            assert client.ask(history)["history"]["publications"] == publications
            assert call(admin, "history", history["history"])["result"]["publications"] == publications
            for bad in ({"tags": {"skipped": "1"}}, {"tags": {"encoding": "x"}}, {"tags": {"a": "x" * 4096}},
                        {"tags": {str(i): "" for i in range(65)}}, {"version_epoch": "e" * 65}):
                assert call(admin, "publish", {"channel": "prices", "data": 0, **bad})["error"]["code"] == 107, bad
            client.close()
            plain.close()


def test_the_api_knows_the_channels_and_clients_of_all_shards():
    for ring in rings():
        with api_server("--io", ring, "--shards", "2") as (server, admin):
            clients = [upgrade(("127.0.0.1", server.port()), f"/topics/room/{i % 3}")[0] for i in range(12)]
            everything = {f"room/{i}": {"num_clients": 4} for i in range(3)}
            for _ in range(8):  # On whichever shard it is asked.
                assert call(admin, "channels", {}) == {"result": {"channels": everything}}
            assert call(admin, "channels", {"pattern": "*/1"}) == {"result": {"channels": {"room/1": {"num_clients": 4}}}}
            [node] = call(admin, "info", {})["result"]["nodes"]
            assert (node["num_clients"], node["num_channels"], node["num_subs"]) == (12, 3, 12)
            assert node["name"] == "ringcast" and len(node["uid"]) == 32
            replies = call(admin, "batch", {"commands": [{"publish": {"channel": "a", "data": 1}}, {"info": {}},
                                                         {"presence": {"channel": "a"}}]})["replies"]
            assert replies[0] == {"publish": {}} and list(replies[1]) == ["info"]
            assert replies[2] == {"error": {"code": 108, "message": "not available"}}
            for client in clients:
                client.close()


def test_the_api_knows_who_is_in_a_channel():
    for ring in rings():
        with api_server("--io", ring, "--shards", "2", "--presence") as (server, admin):
            clients = [Centrifuge(server.port()) for _ in range(6)]
            for i, client in enumerate(clients):
                assert client.ask({"subscribe": {"channel": f"room/{i % 2}"}})["subscribe"] == {}
            for channel in range(2):
                ids = {client.id for client in clients[channel::2]}
                for _ in range(4):  # On whichever shard it is asked.
                    [answer, stats] = call(admin, "batch", {"commands": [
                        {"presence": {"channel": f"room/{channel}"}},
                        {"presence_stats": {"channel": f"room/{channel}"}}]})["replies"]
                    assert answer == {"presence": {"presence": {id: {"client": id} for id in ids}}}, answer
                    assert stats == {"presence_stats": {"num_clients": 3, "num_users": 1}}
            assert call(admin, "presence", {"channel": "nobody"}) == {"result": {"presence": {}}}
            assert call(admin, "presence_stats", {"channel": "nobody"}) == {"result": {"num_clients": 0, "num_users": 0}}
            assert call(admin, "presence", {"channel": ""})["error"]["code"] == 107
            assert call(admin, "presence", {"channel": "a:b"})["error"]["code"] == 102
            for client in clients:
                client.close()
    with api_server() as (_, admin):
        assert call(admin, "presence", {"channel": "a"})["error"]["code"] == 108
        assert call(admin, "presence_stats", {"channel": "a"})["error"]["code"] == 108


def test_what_the_api_orders_is_for_those_who_are_named():
    for ring in rings():
        with keys(secret=SECRET) as path, api_server("--io", ring, "--shards", "2", "--users", "publish",
                                                     "--token-hmac-secret-file", path("secret")) as (server, admin):
            one, other = (StreamedCentrifuge(server.port(), token({"sub": "42"})) for _ in range(2))
            of_nobody = StreamedCentrifuge(server.port())
            for named in ({"user": "42", "session": one.connected["session"]},
                          {"session": of_nobody.connected["session"]}):
                assert call(admin, "disconnect", named) == {"result": {}}
            for gone in (one, of_nobody):
                assert gone.reply()["push"]["disconnect"]["code"] == 3503 and gone.reply() is None
            assert other.say({"id": 2, "publish": {"channel": "a", "data": 1}}) == 204
            assert other.reply() == {"id": 2, "publish": {}}
            for client in (one, other, of_nobody):
                client.close()


def test_what_is_kept_cannot_be_published_without_being_kept():
    with api_server("--history-size", "10") as (_, admin):
        refused = {"error": {"code": 108, "message": "not available"}}
        assert call(admin, "publish", {"channel": "a", "data": 1, "skip_history": True}) == refused
        assert call(admin, "history", {"channel": "a", "limit": 10})["result"].get("publications", []) == []
    with api_server() as (_, admin):
        assert call(admin, "publish", {"channel": "a", "data": 1, "skip_history": True}) == {"result": {}}


def test_whose_token_says_so_is_not_listed():
    for ring in rings():
        with keys(secret=SECRET) as path, api_server(
                "--io", ring, "--shards", "2", "--users", "publish", "--presence", "--join-leave",
                "--token-hmac-secret-file", path("secret")) as (server, admin):
            hidden = Centrifuge(server.port(), token({"sub": "42", "subs": {
                "a": {"override": {"presence": {"value": False}}}}}))
            seen = Centrifuge(server.port(), token({"sub": "7"}))
            seen.ask({"subscribe": {"channel": "a", "join_leave": True}})
            [answer, stats] = call(admin, "batch", {"commands": [{"presence": {"channel": "a"}},
                                                                 {"presence_stats": {"channel": "a"}}]})["replies"]
            assert set(answer["presence"]["presence"]) == {seen.id}, answer
            assert stats == {"presence_stats": {"num_clients": 1, "num_users": 1}}
            assert set(seen.ask({"presence": {"channel": "a"}})["presence"]["presence"]) == {seen.id}
            hidden.close()
            assert seen.push()["push"] == {"channel": "a", "join": {"info": {"user": "7", "client": seen.id}}}
            assert seen.push()["push"] == {"channel": "a", "leave": {"info": {"user": "42", "client": hidden.id}}}
            seen.close()


def test_the_api_takes_its_keys_in_both_fields_and_nothing_else():
    with api_server() as (_, admin):
        body = b'{"channel":"a","data":1}'
        for fields, status in (({"X-API-Key": KEY}, 200), ({"X-API-Key": OTHER}, 200),
                               ({"Authorization": f"apikey {KEY}"}, 200), ({"Authorization": f"Bearer {KEY}"}, 401),
                               ({"X-API-Key": KEY[:-1]}, 401), ({"X-API-Key": KEY + "x"}, 401), ({}, 401)):
            assert status_of(admin, "/api/publish", "POST", body, fields) == status, fields
        assert status_of(admin, f"/api/publish?api_key={KEY}", "POST", body) == 401
        key = {"X-API-Key": KEY}
        status, fields, _ = ask(admin, "/api/publish", "GET", None, key)
        assert status == 405 and fields["Allow"] == "POST, OPTIONS"
        assert status_of(admin, "/api/nothing", "POST", b"{}", key) == 404
        assert status_of(admin, "/api/publish", "POST", body, {**key, "Content-Encoding": "gzip"}) == 415
        assert call(admin, "publish", []) == {"error": {"code": 107, "message": "bad request"}}


def test_without_keys_there_is_no_api():
    with Server("--echo", *LISTEN, *ADMIN) as server:
        assert status_of(server.admin_urls()[0], "/api/publish", "POST", b"{}", {"X-API-Key": KEY}) == 404
    with api_server() as (server, _):
        assert status_of(server.urls()[0], "/api/publish", "POST", b"{}", {"X-API-Key": KEY}) == 404


def test_the_api_takes_bodies_to_a_mebibyte():
    for ring in rings():
        with api_server("--io", ring, "--shards", "2") as (server, admin):
            client = upgrade(("127.0.0.1", server.port()), "/topics/a")[0]
            begin = b'{"channel":"a","data":"'
            text = b"x" * ((1 << 20) - len(begin) - 2)
            key = {"X-API-Key": KEY}
            status, _, answer = ask(admin, "/api/publish", "POST", begin + text + b'"}', key)
            assert (status, answer) == (200, b'{"result":{}}')
            frame = read_exactly(client, 10 + 2 + len(text))
            assert frame[:2] == b"\x81\x7f" and frame[10:] == b'"' + text + b'"'
            assert status_of(admin, "/api/publish", "POST", begin + text + b' "}', key) == 413
            # What others take has not grown.
            assert status_of(admin, "/publish/a", "POST", b"x" * ((64 << 10) + 1)) == 413
            client.close()


def test_api_requests_follow_each_other_on_one_connection():
    for ring in rings():
        with api_server("--io", ring, "--shards", "2") as (server, admin):
            client = upgrade(("127.0.0.1", server.port()), "/topics/a")[0]
            connection = connection_to(admin)
            for i in range(300):
                connection.request("POST", "/api/publish", json.dumps({"channel": "a", "data": i}), {"X-API-Key": KEY})
                assert connection.getresponse().read() == b'{"result":{}}'
                connection.request("POST", "/api/channels", "{}", {"X-API-Key": KEY})
                assert json.loads(connection.getresponse().read()) == {"result": {"channels": {"a": {"num_clients": 1}}}}
            expected = b"".join(bytes([0x81, len(str(i))]) + str(i).encode() for i in range(300))
            assert read_exactly(client, len(expected)) == expected
            connection.close()
            client.close()


def test_a_broadcast_larger_than_every_queue_is_answered_when_all_of_it_is_accepted():
    for ring in rings():
        with api_server("--io", ring, "--shards", "2", "--mesh-bytes", "64KiB") as (server, admin):
            names = [f"room/{i}" for i in range(2000)]
            client = upgrade(("127.0.0.1", server.port()), "/topics/room/1999")[0]
            data = "x" * 1000
            responses = call(admin, "broadcast", {"channels": names, "data": data})["result"]["responses"]
            assert responses == [{"result": {}}] * 2000
            assert read_exactly(client, 4 + 1002)[4:] == f'"{data}"'.encode()
            client.close()


def test_broadcasts_and_batches_are_told_every_place_and_keep_the_order_of_each_topic():
    for ring in rings():
        with api_server("--io", ring, "--shards", "2", "--mesh-bytes", "64KiB", "--history-size", "10") as (server, admin):
            client = upgrade(("127.0.0.1", server.port()), "/topics/room/999")[0]
            names = [f"room/{i}" for i in range(1000)]
            data = "x" * 1000
            responses = call(admin, "broadcast", {"channels": names + names[::-1], "data": data})["result"]["responses"]
            assert [each["result"]["offset"] for each in responses] == [1] * 1000 + [2] * 1000
            assert read_exactly(client, 2 * (4 + 1002))[4:1006] == f'"{data}"'.encode()
            client.close()
            client = upgrade(("127.0.0.1", server.port()), "/topics/orders")[0]
            commands = [{"publish": {"channel": channel, "data": i}} for i in range(1000) for channel in ("orders", names[i])]
            replies = call(admin, "batch", {"commands": commands})["replies"]
            places = [each["publish"]["offset"] for each in replies]
            assert (places[::2], places[1::2]) == (list(range(1, 1001)), [3] * 1000)
            expected = b"".join(bytes([0x81, len(str(i))]) + str(i).encode() for i in range(1000))
            assert read_exactly(client, len(expected)) == expected
            client.close()


def test_curl_drives_the_api():
    curl = shutil.which("curl")
    if not curl:
        raise Skip("there is no curl")
    with api_server() as (_, admin):
        done = subprocess.run([curl, "-s", "-H", f"X-API-Key: {KEY}", "-d", '{"channel":"news","data":{"a":1}}',
                               f"{admin}/api/publish"], capture_output=True, timeout=PATIENCE_SECONDS)
        assert done.stdout == b'{"result":{}}', done


def test_sighup_reads_api_keys_again_and_bad_ones_change_nothing():
    def status(admin, key):
        return status_of(admin, "/api/info", "POST", b"{}", {"X-API-Key": key})

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "keys")

        def replace(text):
            with open(f"{path}.new", "w", encoding="utf-8") as file:
                file.write(text)
            os.rename(f"{path}.new", path)

        replace(f"{KEY}\n")
        with Server("--echo", *LISTEN, *ADMIN, "--shards", "2", "--api-key-file", path) as server:
            admin = server.admin_urls()[0]
            assert (status(admin, KEY), status(admin, OTHER)) == (200, 401)
            replace(f"{OTHER}\n")
            server.process.send_signal(signal.SIGHUP)
            for _ in range(8):  # On whichever shard it is asked.
                wait_for(lambda: (status(admin, KEY), status(admin, OTHER)) == (401, 200))
            replace("short\n")
            server.process.send_signal(signal.SIGHUP)
            while "event=api_keys_reload_failed" not in (line := server.process.stderr.readline()):
                assert line, "the log has ended"
            assert "short" not in line.replace(path, "")
            assert status(admin, OTHER) == 200
            assert server.stop()[0] == 0


def test_key_files_that_make_no_sense_are_refused_without_telling_what_is_in_them():
    flags = ["--echo", *LISTEN, *ADMIN]
    for text, word in (("", "no key"), ("secret-short\n", "line 1"), ("# none\n", "no key")):
        with key_file(text) as path:
            for more in ([], ["--check-config"]):
                result = run(*flags, "--api-key-file", path, *more)
                expect_one_line_error(result, path, word)
                assert "secret-short" not in result[1] + result[2]
    expect_one_line_error(run(*flags, "--api-key-file", "/nowhere"), "/nowhere", "No such file")
    with key_file() as path:
        expect_one_line_error(run("--echo", *LISTEN, "--api-key-file", path), "--admin-listen")

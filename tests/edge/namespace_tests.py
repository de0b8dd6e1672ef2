"""Namespaces of topics, from a --config file. Run by run.py."""

import contextlib
import http.client
import json
import os
import tempfile
import urllib.parse

from centrifuge import Centrifuge
from kit import PATIENCE_SECONDS, Server, expect_one_line_error, read_exactly, run, upgrade
from stream_tests import Stream

CONFIG = """
listen = "ws://127.0.0.1:0"
admin-listen = "http://127.0.0.1:0"
shards = 2

[namespaces.news]
history-size = 100
subscribe = "anyone"

[namespaces.chat]
subscribe = "anyone"
publish = "anyone"

[namespaces.room]
subscribe = "anyone"
presence = true
join-leave = true
force-push-join-leave = true

[namespaces.quotes]
subscribe = "anyone"
delta = "fossil"

[namespaces.box]
subscribe = "nobody"
publish = "anyone"

[namespaces.desk]
subscribe = "users"
publish = "anyone"

[namespaces.team]
"""
SCORE = """
[namespaces.score]
history-size = 10
history-mode = "cache"
subscribe = "anyone"
"""


@contextlib.contextmanager
def config_file(text):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "edge.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        yield path


def read_text(client):
    opcode, size = read_exactly(client, 2)
    assert opcode == 0x81 and size < 126, (opcode, size)
    return read_exactly(client, size).decode()


def send_text(client, text):
    payload = text.encode()
    client.sendall(bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload)


def status_of_publication(server, topic, text="hello"):
    address = urllib.parse.urlsplit(server.admin_urls()[0]).netloc
    connection = http.client.HTTPConnection(address, timeout=PATIENCE_SECONDS)
    connection.request("POST", f"/publish/{topic}", text.encode(), {"Content-Type": "text/plain"})
    return connection.getresponse().status


def test_raw_clients_may_do_what_the_namespace_says():
    with config_file(CONFIG) as path, Server("--config", path) as server:
        address = ("127.0.0.1", server.port())
        reader, status = upgrade(address, "/topics/news:today")
        assert " 101 " in status, status
        assert status_of_publication(server, "news:today") == 202
        assert read_text(reader) == "hello"
        late, _ = upgrade(address, "/topics/news:today?last=5")
        assert json.loads(read_text(late))["offset"] == 0
        assert read_text(late) == "hello"
        send_text(reader, "me too")
        head = read_exactly(reader, 4)
        assert head[0] == 0x88 and head[2:] == b"\x03\xf0", "not a Close with 1008"
        writer, _ = upgrade(address, "/topics/chat:a")
        send_text(writer, "hello")
        assert read_text(writer) == "hello"
        for topic, code in {"team:a": 403, "$news:a": 403, "news:a%237": 403, "a": 403, "other:a": 400, "$a": 400}.items():
            assert f" {code} " in upgrade(address, f"/topics/{topic}")[1], topic
        assert status_of_publication(server, "other:a") == 400


def test_clients_may_publish_where_they_may_not_subscribe():
    for ring in "auto", "epoll":
        key = "k" * 32
        with config_file(CONFIG) as path, config_file(key + "\n") as key_path, \
                Server("--config", path, "--io", ring, "--api-key-file", key_path) as server:
            reader = Centrifuge(server.port())
            admin = urllib.parse.urlsplit(server.admin_urls()[0]).netloc
            connection = http.client.HTTPConnection(admin, timeout=PATIENCE_SECONDS)
            # The program itself may subscribe anybody.
            order = json.dumps({"user": "", "client": reader.id, "channel": "box:a"})
            connection.request("POST", "/api/subscribe", order, {"X-API-Key": key})
            assert json.load(connection.getresponse()) == {"result": {}}
            assert reader.push()["push"]["subscribe"] == {}
            assert reader.ask({"publish": {"channel": "box:a", "data": 0}})["publish"] == {}
            assert reader.push()["push"]["pub"]["data"] == 0

            public = http.client.HTTPConnection("127.0.0.1", server.port(), timeout=PATIENCE_SECONDS)

            def answer(method, topic, fields):
                public.request(method, f"/topics/{topic}", "1" if method == "POST" else None, fields)
                response = public.getresponse()
                return response.status, response.read()

            for topic in "box:a", "desk:a":
                assert answer("POST", topic, {"Content-Type": "application/json"})[0] == 202
            assert reader.push()["push"]["pub"]["data"] == 1
            for topic in "news:a", "team:a", "$box:a", "a":
                assert answer("POST", topic, {}) == (403, b"you may not publish to this topic\n"), topic
            events = {"Accept": "text/event-stream"}
            assert answer("GET", "box:a", events) == (403, b"you may not subscribe to this topic\n")

            address = ("127.0.0.1", server.port())
            writer, status = upgrade(address, "/topics/box:a")
            assert " 101 " in status, status
            for text in "2", "3":
                send_text(writer, text)
                assert reader.push()["push"]["pub"]["data"] == text
            writer.sendall(bytes([0x88, 0x80, 0, 0, 0, 0]))
            assert read_exactly(writer, 2) == bytes([0x88, 0]), "it was sent something"
            for target in "box:a?last=1", "desk:a":  # A user may subscribe to that.
                assert " 403 " in upgrade(address, f"/topics/{target}")[1]


def test_centrifuge_clients_may_do_what_the_namespace_says():
    with config_file(CONFIG) as path, Server("--config", path) as server:
        client, status = upgrade(("127.0.0.1", server.port()), "/connection/websocket")
        assert " 101 " in status, status

        def ask(number, command):
            send_text(client, json.dumps({"id": number, **command}))
            while True:
                head = read_exactly(client, 2)
                size = head[1] if head[1] < 126 else int.from_bytes(read_exactly(client, 2), "big")
                for line in read_exactly(client, size).decode().splitlines():
                    reply = json.loads(line)
                    if reply.get("id") == number:
                        return reply

        assert "client" in ask(1, {"connect": {}})["connect"]
        assert ask(2, {"subscribe": {"channel": "news:a"}})["subscribe"]["recoverable"]
        assert ask(3, {"subscribe": {"channel": "chat:a"}})["subscribe"] == {}
        assert ask(4, {"publish": {"channel": "chat:a", "data": 1}})["publish"] == {}
        refused = {"team:a": 103, "$news:a": 103, "news:b#7": 103, "a": 103, "other:a": 102, "$a": 102}
        for number, (channel, code) in enumerate(refused.items(), 5):
            assert ask(number, {"subscribe": {"channel": channel}})["error"]["code"] == code, channel
        assert ask(20, {"publish": {"channel": "news:a", "data": 1}})["error"]["code"] == 103
        assert ask(21, {"history": {"channel": "news:a", "limit": 1}})["history"]["epoch"]
        assert ask(22, {"history": {"channel": "chat:a", "limit": 1}})["error"]["code"] == 108


def test_centrifuge_clients_are_told_of_each_other_where_the_namespace_says_so():
    with config_file(CONFIG) as path, Server("--config", path) as server:
        ann, bob = Centrifuge(server.port()), Centrifuge(server.port())
        for client in ann, bob:
            assert client.ask({"subscribe": {"channel": "room:a"}})["subscribe"] == {}
            assert client.push() == {"push": {"channel": "room:a", "join": {"info": {"client": client.id}}}}
        assert ann.push()["push"]["join"]["info"]["client"] == bob.id
        there = ann.ask({"presence": {"channel": "room:a"}})["presence"]["presence"]
        assert there == {client.id: {"client": client.id} for client in (ann, bob)}
        assert ann.ask({"presence_stats": {"channel": "room:a"}})["presence_stats"] == {"num_clients": 2, "num_users": 1}
        assert ann.ask({"presence": {"channel": "room:b"}})["error"]["code"] == 103
        assert ann.ask({"presence": {"channel": "news:a"}})["error"]["code"] == 108
        bob.close()
        assert ann.push()["push"]["leave"]["info"]["client"] == bob.id


def test_centrifuge_clients_get_deltas_where_the_namespace_says_so():
    with config_file(CONFIG) as path, Server("--config", path) as server:
        quotes = Centrifuge(server.port())
        assert quotes.ask({"subscribe": {"channel": "chat:a", "delta": "fossil"}})["subscribe"] == {}
        assert quotes.ask({"subscribe": {"channel": "quotes:b", "delta": "xdelta"}})["subscribe"] == {}
        assert quotes.ask({"subscribe": {"channel": "quotes:a", "delta": "fossil"}})["subscribe"] == {"delta": True}
        text = "a text that is long enough " * 3
        for word in "one", "two":
            assert status_of_publication(server, "quotes:a", text + word) == 202
        assert quotes.push()["push"]["pub"] == {"data": json.dumps(text + "one")}
        delta = quotes.push()["push"]["pub"]
        assert delta["delta"] and "two" in delta["data"] and text not in delta["data"]


def test_whoever_comes_back_gets_the_newest_where_the_namespace_says_that_it_says_all():
    with config_file(CONFIG + SCORE) as path, Server("--config", path) as server:
        address = ("127.0.0.1", server.port())
        first = Centrifuge(server.port())
        epoch = first.ask({"subscribe": {"channel": "score:a"}})["subscribe"]["epoch"]
        for number in 1, 2, 3:
            assert status_of_publication(server, "score:a", str(number)) == 202
            assert first.push()["push"]["pub"]["offset"] == number
        for newest, theirs in (3, epoch), (4, "another1"):  # The newest says all, whatever it is compared with.
            position = {"epoch": epoch, "offset": newest - 1, "recovered": True}
            client = Centrifuge(server.port())
            request = {"channel": "score:a", "recover": True, "offset": 1, "epoch": theirs}
            told = client.ask({"subscribe": request})["subscribe"]
            assert told["recovered"] and told["epoch"] == epoch, told
            assert told["publications"] == [{"data": str(newest), "offset": newest}], told
            raw, _ = upgrade(address, f"/topics/score:a?offset=1&epoch={theirs}")
            assert json.loads(read_text(raw)) == position
            assert read_text(raw) == str(newest)
            stream = Stream(server.port(), "/topics/score:a", {"Last-Event-ID": f"{theirs}:1"})
            assert json.loads(stream.event()["data"]) == position
            assert stream.event() == {"id": f"{epoch}:{newest}", "data": str(newest)}
            assert status_of_publication(server, "score:a", str(newest + 1)) == 202
            assert client.push()["push"]["pub"] == {"data": str(newest + 1), "offset": newest + 1}
            assert read_text(raw) == stream.event()["data"] == str(newest + 1)


def test_mistakes_in_namespaces_are_told_with_their_line():
    for line, words in {"history-sice = 1": ("unknown key 'history-sice'", "history-size"),
                        'subscribe = "all"': ("subscribe: 'all'", "anyone"),
                        'history-mode = "cache"': ("history-mode cache",),
                        'history-ttl = "9m"': ("history-ttl needs a history-size",),
                        "rate = 5": ("rate needs a publish",),
                        'presence = "maybe"': ("presence: 'maybe'", "on, off"),
                        'delta = "xdelta"': ("delta: 'xdelta'", "off, fossil"),
                        "force-push-join-leave = true": ("needs join-leave",)}.items():
        with config_file(f"{CONFIG}{line}\n") as path:
            expect_one_line_error(run("--config", path, "--check-config"), f"{path}:3", *words)
    with config_file(CONFIG) as path:
        assert run("--config", path, "--check-config")[0] == 0
        printed = run("--config", path, "--print-config")[1]
    with config_file(printed) as path:
        again = run("--config", path, "--print-config")[1]
    assert printed[printed.index("\n[namespaces"):] == again[again.index("\n[namespaces"):]


def test_the_server_api_publishes_to_namespaces():
    key = "k" * 32
    with config_file(CONFIG) as path, config_file(key + "\n") as key_path, \
            Server("--config", path, "--api-key-file", key_path) as server:
        reader, _ = upgrade(("127.0.0.1", server.port()), "/topics/news:today")
        address = urllib.parse.urlsplit(server.admin_urls()[0]).netloc
        for channel, wanted in ("news:today", {"offset": 1}), ("none:today", {"code": 102, "message": "unknown channel"}):
            connection = http.client.HTTPConnection(address, timeout=PATIENCE_SECONDS)
            request = json.dumps({"channel": channel, "data": 42})
            connection.request("POST", "/api/publish", request, {"X-API-Key": key})
            [answer] = json.loads(connection.getresponse().read()).values()
            answer.pop("epoch", None)
            assert answer == wanted
        assert read_text(reader) == "42"
        reader.close()

"""`ringcast capacity` beside a real server: what the ledger says an idle connection takes. Run by run.py."""

import contextlib
import ctypes
import json
import re
import resource

import tls_tests
from admin_tests import rings
from kit import Server, Skip, expect_one_line_error, run, upgrade
from tls_tests import certified, trusting, upgrade_tls

FACTOR = 1.25  # How far the ledger may be from what is measured.
WARM_UP = 0.2  # So many connections, of those that are measured, come before them.


def estimate(*flags):
    """The figures by name."""
    code, text, errors = run("capacity", "--json", *flags)
    assert code == 0 and errors == "", errors
    return {line["key"]: line["value"] for line in json.loads(text)["lines"]}


def test_the_answer_says_where_its_figures_come_from():
    code, text, errors = run("capacity", "--connections", "10000", "--message-bytes", "512", "--rate", "1000",
                             "--subscribers", "50", "--topics", "20", "--tls")
    assert code == 0 and errors == "", errors
    figures = [line for line in text.splitlines() if line.startswith("  ") and "[" in line]
    marks = {re.search(r"\[([a-z-]+)\]", line)[1] for line in figures}
    explained = {mark for mark in marks if re.search(rf"^  \[{mark}\] {{2,}}\w", text, re.MULTILINE)}
    assert marks - explained == {"sum"}, (marks, explained)
    assert "50,000 deliveries a second" in text, text


def test_wrong_loads_get_one_clear_line():
    expect_one_line_error(run("capacity"), "--connections N", "--help")
    expect_one_line_error(run("capacity", "--connections", "many"), "--connections", "many")
    expect_one_line_error(run("capacity", "--connections", "1", "--message-bytes", "1", "--rate", "1", "--compresion",
                              "shared"), "did you mean --compression?")


def without_huge_pages():
    """Which would round every growth of the heap."""
    pr_set_thp_disable = 41
    ctypes.CDLL(None).prctl(pr_set_thp_disable, 1, 0, 0, 0)


def memory(server):
    """Bytes that the process has for itself."""
    with open(f"/proc/{server.process.pid}/status") as status:
        return int(re.search(r"RssAnon:\s+(\d+) kB", status.read())[1]) * 1024


def growth(server, open_one, echo, count):
    """Bytes that each of `count` further idle connections takes. `open_one` is told how many there were before it."""
    with contextlib.ExitStack() as opened:
        client = opened.enter_context(open_one(0))
        for _ in range(64):  # What a shard has for itself is touched only when it is used ...
            echo(client, b"x" * 60_000)
        first = int(WARM_UP * count)
        for number in range(1, first):  # ... also by those who come.
            opened.enter_context(open_one(number))
        before = memory(server)
        for number in range(first, first + count):
            opened.enter_context(open_one(number))
        return (memory(server) - before) / count


def expect_estimate(measured, estimated, what):
    assert estimated / FACTOR <= measured <= estimated * FACTOR, f"{what}: {measured:.0f} B measured, {estimated:.0f} B estimated"


def need_files(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < (1 + WARM_UP) * count + 100:
        raise Skip(f"{count} connections need more than {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def on_each_ring(listen, flags, open_one, count, load):
    """The figures of the ledger, and beside them what was measured of the same server."""
    need_files(count)
    for ring in rings():
        with Server("--echo", "--listen", listen, *flags, "--shards", "1", "--io", ring,
                    preexec_fn=without_huge_pages) as server:
            measured = growth(server, lambda number: open_one(server.port(), number), tls_tests.echo, count)
        figures = estimate("--connections", str(count), "--message-bytes", "20", "--rate", "0", "--shards", "1", "--io", ring,
                           *load)
        yield ring, figures, measured


def connect(port, path="/echo"):
    client, status = upgrade(("127.0.0.1", port), path)
    assert " 101 " in status, status
    return client


def test_an_idle_connection_takes_what_the_ledger_says():
    count = 5000
    for ring, figures, measured in on_each_ring("ws://127.0.0.1:0", [], lambda port, _: connect(port), count, []):
        expect_estimate(measured, figures["connections"] / count, f"on {ring}")


def test_an_idle_connection_over_tls_takes_what_the_ledger_says():
    count = 1500
    with certified() as (_, certificate, tls):
        context = trusting(certificate)
        for ring, figures, measured in on_each_ring("wss://127.0.0.1:0", tls, lambda port, _: upgrade_tls(port, context), count,
                                                    ["--tls"]):
            expect_estimate(measured, (figures["connections"] + figures["tls"]) / count, f"on {ring}")


def test_a_subscription_to_a_topic_of_its_own_takes_what_the_ledger_says():
    count = 5000
    # Queues between shards that are used up by the first few: one that is used for the first time grows.
    flags = ["--anonymous", "subscribe", "--mesh-bytes", "64KiB"]
    def open_one(port, number):
        return connect(port, f"/topics/{number:032}" if number > 0 else "/echo")
    for ring, figures, measured in on_each_ring("ws://127.0.0.1:0", flags, open_one, count,
                                                ["--subscribers", "1", "--topics", str(count)]):
        expect_estimate(measured, sum(figures[key] for key in ("connections", "subscriptions", "topics")) / count,
                        f"on {ring}")

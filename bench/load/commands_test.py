#!/usr/bin/python3
"""Every sub-command of ringcast-bench against a server that does everything right, and against one that makes a mistake,
which it must notice, say in one line, and end with exit code 1:  commands_test.py RINGCAST_BENCH BARE_ECHO

The last line is `N passed, N failed, N skipped`.
"""

import asyncio
import json
import logging
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from faulty_server import PINGS, FaultyServer

RUN_SECONDS_MAX = 60
AT_A_TIME = 3
SKIPPED = 77
SHORT = ["--warmup", "0", "--duration", "300ms"]
MANY_RINGS = " in many rings"  # With these words in its name, a load has more connections than the process may have files.
OVER_TLS = " over TLS"  # And with these, the server wants TLS.
FEW_FILES = 280  # Enough for those that are opened at a time.
LOADS = {
    "echo": ["echo", "--connections", "3", *SHORT],
    "echo at a rate": ["echo", "--connections", "3", "--rate", "500", *SHORT],
    "fanout": ["fanout", "--subscribers", "6", "--publishers", "2", "--topics", "2", *SHORT],
    "fanout at a rate": ["fanout", "--subscribers", "6", "--rate", "200", *SHORT],
    "fanout of NATS": ["fanout", "--protocol", "nats", "--subscribers", "6", "--rate", "200", *SHORT],
    "fanout of Centrifuge": ["fanout", "--protocol", "centrifuge", "--subscribers", "6", "--rate", "200", *SHORT],
    "fanout of Socket.IO": ["fanout", "--protocol", "socketio", "--subscribers", "6", "--rate", "200", *SHORT],
    "connect": ["connect", "--inflight", "2", *SHORT],
    "churn": ["churn", "--connections", "4", *SHORT],
    "mixed": ["mixed", "--echo-connections", "3", "--echo-rate", "200", "--subscribers", "4", "--publishers", "2",
              "--topics", "2", "--publish-rate", "200", "--churn-rate", "50", "--visit-rate", "50", "--slow-readers", "1",
              "--warmup", "0", "--duration", "1s"],  # Enough come and go within it, however busy the machine is.
    "topics": ["topics", "--connections", "5", "--subscriptions", "9", "--publications", "20", "--hold", "50ms"],
    "storm": ["storm", "--clients", "6", "--missed", "20", "--live-subscribers", "4", "--live-rate", "100", "--before",
              "300ms", "--settle", "300ms"],
    "topics over TLS": ["topics", "--connections", "5", "--subscriptions", "9", "--publications", "20", "--hold", "50ms"],
    "storm over TLS": ["storm", "--clients", "6", "--missed", "20", "--live-subscribers", "4", "--live-rate", "100",
                       "--before", "300ms", "--settle", "300ms"],
    "idle": ["idle", "--connections", "5", "--hold", "50ms"],
    "idle in many rings": ["idle", "--connections", "600", "--hold", "50ms"],
    "fanout in many rings": ["fanout", "--subscribers", "300", "--warmup", "0", "--duration", "2s"],
}
# What a load tells per second: the mixed one for each of its crowds.
RATES = {"mixed": ["messages", "deliveries", "lives", "visits", "slow_deliveries"]}
# What each must notice, and a word of how it says so.
NOTICED = {
    "echo": {"lose": "stopped answering", "double": "", "corrupt": "differs at byte", "cut": "connection",
             "stall": "stopped answering", "more": "", "refuse": "503", "stall with pings": "stopped answering",
             "lose with pings": "stopped answering", "trickle": "connections opened", "hollow": "stopped answering",
             "flood": "pings"},
    "echo at a rate": {"lose": "differs", "double": "differs", "corrupt": "differs at byte", "cut": "connection",
                       "stall": "stopped answering", "more": ""},
    "fanout": {"lose": "", "double": "second time", "corrupt": "", "cut": "connection",
               "stall": "nothing was delivered", "more": "", "stall with pings": "nothing was delivered",
               "trickle": "connections opened", "hollow": "nothing was delivered"},
    "fanout at a rate": {"lose": "lost or out of order", "double": "second time", "swap": "out of order", "corrupt": "",
                         "stall": "nothing was delivered"},
    "fanout of NATS": {"lose": "lost or out of order", "double": "second time", "swap": "out of order",
                       "corrupt": "behind the payload", "cut": "connection", "stall": "nothing was delivered", "more": "",
                       "refuse": "503"},
    "fanout of Centrifuge": {"lose": "lost or out of order", "double": "second time", "swap": "out of order",
                             "corrupt": "behind the payload", "cut": "connection", "stall": "nothing was delivered",
                             "more": "", "refuse": "503", "trickle": "connections opened"},
    "fanout of Socket.IO": {"lose": "lost or out of order", "double": "second time", "swap": "out of order",
                            "corrupt": "behind the payload", "cut": "connection", "stall": "nothing was delivered",
                            "more": "", "refuse": "503"},
    "connect": {"refuse": "503", "trickle": "waits, opening"},
    "churn": {"lose": "", "double": "", "corrupt": "differs at byte", "cut": "connection", "stall": "waits",
              "unclosed": "without answering the Close frame", "refuse": "503", "stall with pings": "waits",
              "trickle": "waits, opening", "hollow": "waits"},
    "mixed": {"lose": "", "double": "", "corrupt": "", "stall": "", "join": "visits: life",
              "unclosed": "without answering the Close frame", "more": ""},
    "topics": {"unconfirmed": "the server sent", "denied": "permission denied", "astray": "but is of", "more": "",
               "refuse": "503"},
    "storm": {"forget": "is missing", "forget last": "are missing", "repeat": "a second time", "shuffle": "is missing",
              "alter": "differs at byte", "stale": "a second time", "lie": "position", "ignore": "did not recover",
              "lose live": "lost or out of order", "cut live": "connection 0", "more": "", "refuse": "503"},
    "topics over TLS": {"astray": "but is of", "more": "", "refuse": "503"},
    "storm over TLS": {"forget": "is missing", "lie": "position", "cut live": "connection 0", "refuse": "503"},
    "idle": {"more": "", "refuse": "503", "trickle": "connections opened"},
    "idle in many rings": {"more": "", "refuse": "503"},
    "fanout in many rings": {"lose": "", "double": "second time", "cut": "connection"},
}


async def run(program, arguments, port, limits=(), scheme="ws"):
    """(exit code, standard output, standard error)"""
    patience = "5s" if limits else "500ms"  # Hundreds of connections at once keep the faulty server busy for a while.
    path = {"fanout": "/topics", "mixed": "", "nats": "/nats", "socketio": "/socket.io", "centrifuge": "/centrifuge",
            "topics": "/connection/websocket", "storm": "/connection/websocket"}.get(
        arguments[2 if "--protocol" in arguments else 0], "/echo")
    process = await asyncio.create_subprocess_exec(
        *limits, program, "--json", "--stall-timeout", patience, "--url", f"{scheme}://127.0.0.1:{port}{path}", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    try:
        output, errors = await asyncio.wait_for(process.communicate(), RUN_SECONDS_MAX)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        return None, "", f"still running after {RUN_SECONDS_MAX} s"
    return process.returncode, output.decode(), errors.decode()


def make_certificate(folder):
    """A file with a certificate and its key."""
    path = os.path.join(folder, "both.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    path, "-out", f"{path}.crt", "-days", "2", "-subj", "/CN=localhost"],
                   check=True, capture_output=True, timeout=RUN_SECONDS_MAX)
    with open(path, "a") as key, open(f"{path}.crt") as certificate:
        key.write(certificate.read())
    return path


async def check(program, name, mistake, word, certificate):
    """Empty if it went as it should, else what is wrong."""
    limits, server, scheme = [], FaultyServer(mistake), "ws"
    if OVER_TLS in name:
        server, scheme = FaultyServer(mistake, certificate=certificate), "wss"
    if MANY_RINGS in name:
        limits = ["prlimit", f"--nofile={FEW_FILES}"]
        server = FaultyServer(mistake, mistake_interval=5)  # It takes long for one message to so many.
    async with server:
        code, output, errors = await run(program, LOADS[name], server.port, limits, scheme)
    if mistake in ("", PINGS):
        if code != 0 or not (figures := json.loads(output)):
            return f"exit code {code}: {errors}"
        is_told = all(figures[f"{rate}_per_second"] > 0 for rate in RATES.get(name, []))
        return "" if is_told else f"not how often: {output}"
    is_one_line = errors.startswith("ringcast-bench: ") and errors.count("\n") == 1
    return "" if code == 1 and is_one_line and word in errors and not output else f"exit code {code}: {errors}{output}"


async def check_neighbours(program):
    """Likewise of two runs at the same time, which get along with topics of their own only."""
    async def run_both(*prefixes):
        async with FaultyServer("") as server:
            runs = [run(program, ["fanout", "--subscribers", "4", "--topic-prefix", prefix, "--duration", "1s"], server.port)
                    for prefix in prefixes]
            return [code for code, _, _ in await asyncio.gather(*runs)]

    apart, together = await run_both("a-", "b/"), await run_both("a-", "a-")
    return "" if apart == [0, 0] and 1 in together else f"exit codes apart {apart}, together {together}"


async def check_usage(program):
    """Likewise of command lines that ask for what the sub-command cannot do: nothing listens, so none may begin."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as result:
        result.write('{"command": "echo", "url": "ws://127.0.0.1:1/echo", "seconds": 1}')
        result.flush()
        page = ["--output", result.name + ".html"]
        expected = [(2, [command, "--memory-growth-max", "1MiB"], "--memory-growth-max")
                    for command in ("echo", "fanout", "connect", "idle", "publish")]
        expected += [(1, [command, "--memory-growth-max", "1MiB", "--pid", str(os.getpid())], "cannot connect")
                     for command in ("churn", "mixed", "topics", "storm")]
        expected += [(2, [command, "--memory-growth-max", "1MiB"], "--memory-growth-max: it is not known without --pid")
                     for command in ("churn", "mixed", "topics", "storm")]
        expected += [(2, ["echo", "--pid", "0"], "--pid"),
                     (2, ["echo", "--stall-timeout", "0"], "--stall-timeout"),
                     (2, ["echo", "--report", ""], "--report"),
                     (2, ["fanout", "--subprotocol", "a\r\nX: y"], "--subprotocol"),
                     (1, ["report", "/"], "cannot read /")]
        expected += [(2, ["report", result.name, *page, *option], option[0])
                     for option in (["--json"], ["--report", "/dev/null"], ["--pid", "1"], ["--memory-growth-max", "1"])]
        expected += [(1, ["report", result.name, *page, "--base", "nosuch"], "nosuch"),
                     (1, ["echo", "--report", "/nowhere/page.html"], "cannot write /nowhere/page.html"),
                     (1, ["echo", "--report", "/"], "cannot write /"),
                     (2, ["ecko"], "ecko")]
        expected += [(2, [command, "--url", "tcp://127.0.0.1:1"], "tcp://")
                     for command in ("fanout", "connect", "churn", "mixed", "idle", "topics", "storm")]
        expected += [(2, ["echo", "--url", "http://127.0.0.1:1"], "http://"),
                     (2, ["publish", "--url", "ws://127.0.0.1:1"], "http://"),
                     (1, ["publish", "--url", "http://127.0.0.1:1"], "cannot connect"),
                     (1, ["publish", "--url", "http://127.0.0.1:1", "--compression", "shared"], "not compressed"),
                     (2, ["publish", "--url", "http://127.0.0.1:1", "--message-bytes", "1"], "--message-bytes")]
        expected += [(1, ["topics", "--name-bytes", "7"], "--name-bytes"),
                     (1, ["topics", "--connections", "1", "--subscriptions", "1"], "--publications"),
                     (1, ["storm", "--compression", "shared"], "no compression"),
                     (2, ["storm", "--message-bytes", "15"], "--message-bytes")]
        expected += [(2, ["echo", "--url", "tcp://127.0.0.1:1", "--header", "A: b"], "--header"),
                     (1, ["echo", "--connections", "10000", "--depth", "65536"], "--depth"),
                     (1, ["echo", "--message-bytes", "1MiB", "--depth", "65536"], "--depth"),
                     (1, ["fanout", "--publishers", "10000", "--inflight", "65536"], "--inflight"),
                     (1, ["fanout", "--message-bytes", "1MiB", "--inflight", "65536"], "--inflight")]
        expected += [(2, [command, option, number], option)
                     for number in ("nan", "inf", "-1", "1x", "")
                     for command, option in (("echo", "--rate"), ("fanout", "--rate"), ("churn", "--abrupt-share"),
                                             ("mixed", "--echo-rate"), ("idle", "--hold"))]
        for code, arguments, word in expected:
            needs_server = [] if arguments[0] == "report" or "--url" in arguments else ["--url", "ws://127.0.0.1:1"]
            process = await asyncio.create_subprocess_exec(
                program, *needs_server, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
            _, errors = await asyncio.wait_for(process.communicate(), RUN_SECONDS_MAX)
            if process.returncode != code or word not in errors.decode():
                return f"{arguments}: exit code {process.returncode}: {errors.decode()}"
    return ""


async def check_what_has_no_room(program):
    """Likewise of a rate that no server could keep up with one connection at a time."""
    async with FaultyServer("") as server:
        code, output, errors = await run(program, ["connect", "--rate", "100000", "--inflight", "1", *SHORT], server.port)
    if code != 0:
        return f"exit code {code}: {errors}"
    figures = json.loads(output)
    due = 100000 * 0.3
    is_all_there = figures["handshakes"] + figures["unsent"] > 0.9 * due
    return "" if is_all_there and figures["latency_us_p50"] > 0 else f"of {due:.0f} that were due: {output}"


async def check_pid(program):
    """Likewise of a --pid that is another process than the server."""
    sleeper = await asyncio.create_subprocess_exec("sleep", str(2 * RUN_SECONDS_MAX))
    try:
        async with FaultyServer("") as server:
            for name in ("echo", "fanout", "connect", "churn", "mixed", "idle", "topics", "storm"):
                code, _, errors = await run(program, [*LOADS[name], "--pid", str(sleeper.pid)], server.port)
                if code != 1 or f"--pid {sleeper.pid} is not the server" not in errors:
                    return f"{name}: exit code {code}: {errors}"
            busy = await asyncio.create_subprocess_exec("sh", "-c", "while :; do :; done")
            try:
                for name in ("echo", "fanout", "mixed", "idle"):
                    code, _, errors = await run(program, [*LOADS[name], "--pid", str(busy.pid)], server.port)
                    if code != 1 or f"--pid {busy.pid} is not the server" not in errors:
                        return f"{name}, a busy process: exit code {code}: {errors}"
            finally:
                busy.kill()
                await busy.wait()
            code, output, errors = await run(program, [*LOADS["echo"], "--pid", str(os.getpid())], server.port)
        return "" if code == 0 and json.loads(output)["server_cpu_us_per_message"] > 0 else f"exit code {code}: {errors}"
    finally:
        sleeper.kill()
        await sleeper.wait()


async def check_kernel_memory(program):
    """Likewise of the kernel's memory for a few connections, which is nothing beside what else happens to it."""
    async with FaultyServer("") as server:
        for count, is_known in ((5, False), (1000, True)):
            arguments = ["idle", "--connections", str(count), "--hold", "50ms"]
            code, output, errors = await run(program, arguments, server.port, ["env"])
            if code != 0 or (json.loads(output)["kernel_slab_bytes_per_connection"] is not None) != is_known:
                return f"{count} connections: exit code {code}: {errors}{output}"
    return ""


async def check_scripts():
    """Likewise of the scripts around it."""
    root = Path(__file__).resolve().parent.parent.parent
    compare = [sys.executable, root / "bench/compare/compare.py"]
    for code, word, *command in (*((2, "--packages", *compare, "--packages", "installed", *series)
                                   for series in (["--ablation"], ["--curves"], ["--bare"], ["--flags", "a=--dev"])),
                                 (2, "are both 1", sys.executable, root / "bench/compare/compare.py", "--server-cpu", "1"),
                                 (0, "clang-tidy", root / "scripts/lint", "--help")):
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE,
                                                       stderr=asyncio.subprocess.STDOUT)
        output, _ = await asyncio.wait_for(process.communicate(), RUN_SECONDS_MAX)
        if process.returncode != code or word not in output.decode() or code == 0 and output.count(b"\n") != 1:
            return f"{command}: exit code {process.returncode}: {output.decode()}"
    return ""


async def check_honest_storm(program):
    """Likewise of a server that cannot recover one client, and says so: that is no mistake, but reported."""
    async with FaultyServer("shrug") as server:
        code, output, errors = await run(program, LOADS["storm"], server.port)
    if code != 0:
        return f"exit code {code}: {errors}"
    figures = json.loads(output)
    return "" if (figures["recovered"], figures["not_recovered"]) == (5, 1) else output


async def check_full_disk(program):
    """Likewise of a report that cannot be written: a script would take the empty file for a result."""
    async with FaultyServer("") as server:
        with open("/dev/full", "w") as full:
            process = await asyncio.create_subprocess_exec(
                program, "--json", "--url", f"ws://127.0.0.1:{server.port}/echo", *LOADS["idle"], stdout=full,
                stderr=asyncio.subprocess.PIPE)
            _, errors = await asyncio.wait_for(process.communicate(), RUN_SECONDS_MAX)
    return "" if process.returncode == 1 and b"cannot write" in errors else f"exit code {process.returncode}: {errors}"


async def check_bytes(program, bare_echo):
    """Likewise of servers that send every byte back: ours on each ring, and one that once changes one."""
    async def run_echo(port, *arguments):
        process = await asyncio.create_subprocess_exec(
            program, "echo", "--url", f"tcp://127.0.0.1:{port}", *SHORT, *arguments,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE)
        _, errors = await asyncio.wait_for(process.communicate(), RUN_SECONDS_MAX)
        return process.returncode, errors.decode()

    for ring in ("uring", "epoll"):
        server = await asyncio.create_subprocess_exec(bare_echo, ring, "0", stdout=asyncio.subprocess.PIPE)
        try:
            port = (await server.stdout.readline()).decode().strip().rpartition(":")[2]
            for arguments in (["--connections", "9", "--depth", "16"], ["--rate", "500"],
                              ["--message-bytes", "1MiB", "--connections", "4", "--depth", "4"]):
                code, errors = await run_echo(port, *arguments)
                if code != 0 or server.returncode is not None:
                    return f"{ring} {arguments}: exit code {code}: {errors}"
        finally:
            server.kill()
            await server.wait()

    async def serve(reader, writer):
        sent = 0
        try:
            while data := await reader.read(65536):
                writer.write(data[:-1] + bytes([data[-1] ^ 1]) if sent < 2000 <= sent + len(data) else data)
                sent += len(data)
        except ConnectionError:
            pass  # It has seen enough.
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        code, errors = await run_echo(server.sockets[0].getsockname()[1], "--connections", "1")
    return "" if code == 1 and "differs at byte" in errors else f"a changed byte: exit code {code}: {errors}"


async def check_publishing(program):
    """Likewise of servers with an API: one that does it right, and those that once do not."""
    async def publish(mistake, *arguments):
        offsets, answered = {}, 0

        async def serve(reader, writer):
            nonlocal answered
            try:
                while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                    request = json.loads(await reader.readexactly(int(head.partition("Content-Length: ")[2].split()[0])))
                    assert "X-API-Key: k\r\n" in head
                    channels = request.get("channels") or [request["channel"]]
                    answered += 1
                    if answered == 9:
                        channels = mistake(channels)
                    for channel in channels:
                        offsets[channel] = offsets.get(channel, 0) + 1
                    results = [{"result": {"offset": offsets[channel]}} for channel in channels]
                    if "channels" in request:
                        results = [{"result": {"responses": results}}]
                    answer = json.dumps(results[0] if results else {"error": {"code": 100}}, separators=(",", ":"))
                    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n{answer}".encode())
            except (asyncio.IncompleteReadError, ConnectionError):
                pass  # It has seen enough.
            finally:
                writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            process = await asyncio.create_subprocess_exec(
                program, "--json", "publish", "--url", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api",
                "--header", "X-API-Key: k", *SHORT, "--connections", "3", *arguments,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
            output, errors = await asyncio.wait_for(process.communicate(), RUN_SECONDS_MAX)
        return process.returncode, output.decode(), errors.decode()

    for arguments in ([], ["--channels", "5"]):
        code, output, errors = await publish(list, *arguments)
        if code != 0 or not json.loads(output)["publications_per_second"] > 0:
            return f"{arguments}: exit code {code}: {errors}"
        for mistake, word in ((lambda channels: channels[1:], "results for"),
                              (lambda channels: channels[:-1] + ["another"], "another offset")):
            code, _, errors = await publish(mistake, *arguments)
            if code != 1 or word not in errors:
                return f"{arguments}, {word}: exit code {code}: {errors}"
    return ""


async def main():
    program, bare_echo = sys.argv[1:]
    # Over TLS it takes the faulty server a moment to see that a client is gone, and each write until then is a warning.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    files_max = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files_max, files_max))
    async with FaultyServer("") as server:
        _, _, errors = await run(program, LOADS["idle"], server.port)
    if "cannot create an io_uring" in errors:
        print(f"skip all: {errors}")
        return SKIPPED
    cases = [(name, mistake, word) for name in LOADS for mistake, word in {"": "", **NOTICED[name]}.items()]
    cases += [(name, PINGS, "") for name in ("echo", "fanout", "churn", "mixed", "idle")]
    places = asyncio.Semaphore(AT_A_TIME)

    async def judge(name, checked):
        async with places:
            wrong = await checked
        if wrong:
            print(f"{name}: {wrong}")
        return not wrong

    with tempfile.TemporaryDirectory() as folder:
        certificate = make_certificate(folder) if shutil.which("openssl") else None
        skipped = 0 if certificate else sum(OVER_TLS in name for name, _, _ in cases)
        if skipped:
            cases = [case for case in cases if OVER_TLS not in case[0]]
        outcomes = await asyncio.gather(
            *(judge(f"{name}, mistake '{mistake}'", check(program, name, mistake, word, certificate))
              for name, mistake, word in cases),
            judge("what a sub-command cannot do", check_usage(program)),
            judge("a process that is not the server", check_pid(program)),
            judge("scripts", check_scripts()),
            judge("a full disk", check_full_disk(program)),
            judge("bytes", check_bytes(program, bare_echo)),
            judge("publications through an API", check_publishing(program)),
            judge("two runs at once", check_neighbours(program)),
            judge("an honest storm", check_honest_storm(program)),
            judge("more than there is room for", check_what_has_no_room(program)))
    # By itself: a thousand connections at once keep the servers of all others waiting.
    outcomes.append(await judge("the kernel's memory", check_kernel_memory(program)))
    print(f"{sum(outcomes)} passed, {len(outcomes) - sum(outcomes)} failed, {skipped} skipped")
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

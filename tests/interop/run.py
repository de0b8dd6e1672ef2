#!/usr/bin/python3
"""Lets WebSocket clients that nobody here wrote talk to the server, on each of its rings.

    tests/interop/run.py build/ringcast            every client, every scenario
    tests/interop/run.py build/ringcast --crowd    many connections at once only (for ThreadSanitizer)

Each client is a program of its own: `client URL SCENARIO PID_OF_SERVER`. One Chromium, whose DevTools are at DEVTOOLS_URL,
serves all that drive one, since it takes seconds to come up. A client prints a line for each test, `ok NAME`,
`FAILED NAME: why` or `skip NAME: why`. The last line here is `N passed, N failed, N skipped`.
"""

import argparse
import contextlib
import ctypes
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from browser import Browser

FOLDER = Path(__file__).resolve().parent
START_SECONDS_MAX = 30
CLIENT_SECONDS_MAX = 300
FILES = tempfile.TemporaryDirectory(prefix="ringcast-interop-")  # Gone with this process.
CERTIFICATE = Path(FILES.name) / "server.pem"
TOKEN_SECRET, API_KEY = "the-secret-of-tokens-in-these-tests", "the-key-of-the-api-in-these-tests"
STOP_SECONDS_MAX = 30

def file_with(name, text):
    path = Path(FILES.name) / name
    path.write_text(text)
    return path


RINGS = {
    "uring": ["--io", "uring"],
    "uring 6.1": ["--io", "uring", "--uring-features", "6.1"],
    "epoll": ["--io", "epoll"],
}

CLIENTS = {
    "http.client": ["/usr/bin/python3", FOLDER / "http_client.py"],
    "ws": ["node", FOLDER / "ws_client.mjs"],
    "websockets": ["/usr/bin/python3", FOLDER / "websockets_client.py"],
    "undici": ["node", FOLDER / "undici_client.mjs"],
    "centrifuge": ["node", FOLDER / "centrifuge_client.mjs"],
    "cent": ["node", FOLDER / "cent_client.mjs"],
    "eventsource": ["node", FOLDER / "eventsource_client.mjs"],
    "aiohttp": ["/usr/bin/python3", FOLDER / "aiohttp_client.py"],
    "tornado": ["/usr/bin/python3", FOLDER / "tornado_client.py"],
    "chromium": ["/usr/bin/python3", FOLDER / "chromium_client.py"],
    "page": ["/usr/bin/python3", FOLDER / "page_client.py"],
    "demo": ["/usr/bin/python3", FOLDER / "demo_client.py"],
}

ALL = ["ws", "undici", "websockets", "aiohttp", "tornado", "chromium"]

SHARED = ["--compression", "shared", "--compression-threshold", "1"]
DEDICATED = ["--compression", "dedicated", "--compression-threshold", "1"]

TLS = "--tls-cert"  # Behind the flags of a scenario: the server listens at wss://.

# Scenario: the flags of the server, how it is stopped, and the clients that know it. The clients are told the first
# word. Nearly all of them offer compression by themselves.
SCENARIOS = {
    "standard": (["--echo"], signal.SIGTERM, ["http.client", *ALL]),
    "large": (["--echo", "--message-bytes-max", "16MiB"], signal.SIGTERM, ["ws", "websockets", "chromium"]),
    "keepalive": (["--echo", "--ping-interval", "1s"], signal.SIGTERM, ["ws"]),
    "origin": (["--echo", "--dev"], signal.SIGINT, ["http.client", "ws", "chromium"]),
    "sigterm": (["--echo"], None, ["ws", "websockets"]),  # The client sends the signal.
    "sigint": (["--echo"], None, ["ws", "websockets"]),
    "topics": (["--anonymous", "publish"], signal.SIGTERM, ALL),
    "compression shared": (["--echo", *SHARED], signal.SIGTERM, ["ws", "websockets"]),
    "compression dedicated": (["--echo", *DEDICATED], signal.SIGTERM, ["ws", "websockets"]),
    "standard shared": (["--echo", *SHARED], signal.SIGTERM, ALL),
    "standard dedicated": (["--echo", *DEDICATED], signal.SIGTERM, ALL),
    "large dedicated": (["--echo", "--message-bytes-max", "16MiB", *DEDICATED], signal.SIGTERM,
                        ["ws", "websockets", "chromium"]),
    "topics shared": (["--anonymous", "publish", *SHARED], signal.SIGTERM, ["ws", "websockets", "chromium"]),
    "topics dedicated": (["--anonymous", "publish", *DEDICATED], signal.SIGTERM, ["ws", "websockets", "chromium"]),
    "standard tls": (["--echo", TLS], signal.SIGTERM, ALL),
    "large tls": (["--echo", "--message-bytes-max", "16MiB", TLS], signal.SIGTERM, ["ws", "websockets", "chromium"]),
    "standard dedicated tls": (["--echo", *DEDICATED, TLS], signal.SIGTERM, ALL),
    "sigterm tls": (["--echo", TLS], None, ["ws", "websockets"]),
    "topics tls": (["--anonymous", "publish", TLS], signal.SIGTERM, ["ws", "websockets", "chromium"]),
    "centrifuge": (["--anonymous", "publish"], signal.SIGTERM, ["centrifuge"]),
    "history": (["--anonymous", "publish", "--history-size", "100"], signal.SIGTERM,
                ["centrifuge", "eventsource", "chromium"]),
    "presence": (["--anonymous", "publish", "--presence", "--join-leave",
                  "--token-hmac-secret-file", file_with("token.secret", TOKEN_SECRET)], signal.SIGTERM, ["centrifuge"]),
    "centrifuge shared": (["--anonymous", "publish", *SHARED], signal.SIGTERM, ["centrifuge"]),
    "deltas": (["--anonymous", "publish", "--delta", "fossil", "--history-size", "100", *SHARED], signal.SIGTERM,
               ["centrifuge"]),
    "tokens": (["--users", "publish", "--history-size", "100", "--admin-listen", "http://127.0.0.1:0",
                "--token-hmac-secret-file", file_with("token.secret", TOKEN_SECRET),
                "--api-key-file", file_with("api.keys", API_KEY)], signal.SIGTERM, ["centrifuge"]),
    "api": (["--presence", "--history-size", "100", "--admin-listen", "http://127.0.0.1:0",
             "--token-hmac-secret-file", file_with("token.secret", TOKEN_SECRET),
             "--api-key-file", file_with("api.keys", API_KEY)], signal.SIGTERM, ["cent"]),
    "crowd": (["--echo"], None, ["websockets"]),
    "page": (["--dev"], signal.SIGTERM, ["page"]),
    "demo": (["--demo"], None, ["demo"]),
}
ONCE = {"page", "demo"}  # Scenarios about what the ring has no part in: on the first one only.


class Server:
    """One run of the server program. Its output is read to the end, so that it never blocks on us."""

    def __init__(self, program, flags):
        flags = ["--listen", "ws://127.0.0.1:0", *flags] if TLS not in flags else [
            "--listen", "wss://127.0.0.1:0", *flags, CERTIFICATE]
        self.process = subprocess.Popen(
            [program, "--shards", "2", *flags], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        self.output = []
        self.url = self.admin_url = None
        urls = queue.Queue()
        self.reader = threading.Thread(target=self._read, args=(urls,))
        self.reader.start()
        try:
            self.url = urls.get(timeout=START_SECONDS_MAX)
        except queue.Empty:
            pass

    def _read(self, urls):
        for line in self.process.stdout:
            self.output.append(line)
            if found := re.search(r"^admin on (\S+)", line):
                self.admin_url = found[1]
            if found := re.search(r"listening on (wss?://[^\s\"]+)", line):
                urls.put(found[1].rstrip("/"))
        urls.put(None)  # Ended, perhaps without ever listening.

    def stop(self, with_signal):
        """Returns what was wrong with its end; None if nothing. Without a signal somebody else has sent one."""
        if with_signal is not None and self.process.poll() is None:
            self.process.send_signal(with_signal)
        try:
            exit_code = self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            exit_code = "none in time"
        self.reader.join()
        return None if exit_code == 0 else f"exit code {exit_code}"


class Tally:
    """Prints the results and counts them."""

    def __init__(self):
        self.counts = {"ok": 0, "FAILED": 0, "skip": 0}

    def add(self, verdict, name, why=""):
        self.counts[verdict] += 1
        print(f"{verdict} {name}" + (f": {why}" if why else ""), flush=True)

    def summary(self):
        return f"{self.counts['ok']} passed, {self.counts['FAILED']} failed, {self.counts['skip']} skipped"


def run_client(tally, prefix, command, environment):
    """Runs a client to its end and passes its lines on."""
    try:
        done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=CLIENT_SECONDS_MAX,
                              env={**os.environ, "SSL_CERT_FILE": str(CERTIFICATE), "NODE_EXTRA_CA_CERTS": str(CERTIFICATE),
                                   "TOKEN_SECRET": TOKEN_SECRET, "API_KEY": API_KEY, **environment})
        output, end = done.stdout, f"exit code {done.returncode}" if done.returncode else None
    except subprocess.TimeoutExpired as expired:
        output, end = (expired.stdout or b"").decode(errors="replace"), f"no end after {CLIENT_SECONDS_MAX} s"
    failed_before = tally.counts["FAILED"]
    results = 0
    for line in output.splitlines():
        verdict, _, rest = line.partition(" ")
        if verdict in tally.counts:
            results += 1
            name, _, why = rest.partition(": ")
            tally.add(verdict, f"{prefix}: {name}", why)
        else:
            print(f"    {line}")
    if end and tally.counts["FAILED"] == failed_before or not results:
        tally.add("FAILED", f"{prefix}: reaches its end", end or "no results")


def run_scenario(tally, program, ring, scenario, clients, devtools_url):
    flags, stop_signal, speakers = SCENARIOS[scenario]
    speakers = [name for name in speakers if name in clients]
    # A server that the client stops serves one client.
    for group in [[name] for name in speakers] if stop_signal is None else [speakers] if speakers else []:
        server = Server(program, RINGS[ring] + flags)
        if server.url is None:
            server.process.kill()
            tally.add("FAILED", f"{ring}: {scenario}: server starts", " | ".join(server.output[-5:]).strip() or "no output")
            server.stop(None)
            continue
        for name in group:
            run_client(tally, f"{ring}: {name}: {scenario}",
                       [*clients[name], server.url, scenario.split()[0], server.process.pid],
                       {"DEVTOOLS_URL": devtools_url, "ADMIN_URL": server.admin_url or ""})
        wrong = server.stop(stop_signal)
        name = f"{ring}: {scenario}: server ends with exit code 0"
        if wrong:
            print("".join(f"    {line}" for line in server.output[-40:]))
            tally.add("FAILED", name, wrong)
        else:
            tally.add("ok", name)


def make_certificate():
    """Makes CERTIFICATE, with its key, signed by itself; clients are told to trust it. Returns why that failed."""
    if not shutil.which("openssl"):
        return "no openssl"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-keyout", CERTIFICATE, "-out", f"{CERTIFICATE}.crt", "-subj", "/CN=ringcast",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
    with open(CERTIFICATE, "a") as file:
        file.write(Path(f"{CERTIFICATE}.crt").read_text())
    return None


def uring_refusal():
    """Why this machine lets nobody have an io_uring; None if it does."""
    io_uring_setup = 425
    parameters = ctypes.create_string_buffer(120)
    fd = ctypes.CDLL(None, use_errno=True).syscall(io_uring_setup, 1, parameters)
    if fd < 0:
        return os.strerror(ctypes.get_errno())
    os.close(fd)
    return None


def install_packages():
    """Brings the pinned npm packages here if they are not; returns why that failed, None if it did not."""
    if not shutil.which("node"):
        return "no Node.js"
    def is_installed(name, version):
        found = FOLDER / "node_modules" / name / "package.json"
        return found.exists() and json.loads(found.read_text())["version"] == version
    pinned = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    if all(is_installed(*package) for package in pinned.items()):
        return None
    if not shutil.which("npm"):
        return "no npm"
    done = subprocess.run(["npm", "ci", "--omit=optional", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=FOLDER,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    errors = [line.removeprefix("npm ERR! ") for line in done.stdout.splitlines() if "ERR!" in line or "error" in line]
    return f"npm ci failed: {' '.join(errors[:3])}" if done.returncode else None


def missing_clients():
    """The clients that this machine lacks, and why."""
    reasons = {}
    for name in ("websockets", "aiohttp", "tornado"):
        found = subprocess.run(["/usr/bin/python3", "-c", f"import {name}"], stderr=subprocess.DEVNULL).returncode == 0
        reasons[name] = None if found else f"no python3-{name}"
    packages = install_packages()
    reasons |= dict.fromkeys(["ws", "undici", "centrifuge", "cent", "eventsource"], packages)
    reasons["chromium"] = ("no python3-websockets to steer it" if reasons["websockets"]
                           else None if shutil.which("chromium") else "no chromium")
    reasons["page"] = reasons["demo"] = reasons["chromium"]
    return {name: why for name, why in reasons.items() if why}


def run_scenarios(tally, options, clients, devtools_url):
    """Every scenario on every ring that this machine has."""
    refusal = uring_refusal()
    without_tls = make_certificate()
    if without_tls:
        tally.add("skip", "tls", without_tls)
    done = set()
    for ring in [options.ring] if options.ring else RINGS:
        if ring.startswith("uring") and refusal:
            tally.add("skip", ring, f"no io_uring here: {refusal}")
            continue
        for scenario in ["crowd"] if options.crowd else SCENARIOS:
            if scenario in ONCE & done or without_tls and TLS in SCENARIOS[scenario][0]:
                continue
            done.add(scenario)
            run_scenario(tally, options.server.resolve(), ring, scenario, clients, devtools_url)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("server", type=Path, help="the server program")
    parser.add_argument("--crowd", action="store_true", help="the scenario of many connections only")
    parser.add_argument("--ring", choices=RINGS, help="one ring only")
    parser.add_argument("--client", choices=CLIENTS, help="one client only")
    options = parser.parse_args()

    tally = Tally()
    clients = {name: command for name, command in CLIENTS.items() if options.client in (None, name)}
    for name, why in missing_clients().items():
        if clients.pop(name, None):
            tally.add("skip", name, why)
    with contextlib.ExitStack() as stack:
        devtools_url = ""
        if "chromium" in clients and not options.crowd:
            try:
                devtools_url = stack.enter_context(Browser("--ignore-certificate-errors")).devtools_url()
            except RuntimeError as error:
                del clients["chromium"]
                tally.add("FAILED", "chromium", str(error))
        run_scenarios(tally, options, clients, devtools_url)
    print(tally.summary())
    return 1 if tally.counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())

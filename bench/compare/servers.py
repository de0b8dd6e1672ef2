"""Servers under measurement: how they are started, found to be ready, and stopped."""

import resource
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from cases import PROTOCOLS

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = Path(__file__).resolve().parent / "peers"

# As --uring-features names them.
URING_FEATURES = ("defer-taskrun", "multishot-accept", "multishot-recv", "incremental", "min-wait")
START_SECONDS_MAX = 10
STOP_SECONDS_MAX = 5


class ServerError(Exception):
    """A server that did not start; the text says what it printed last."""


class Peer(NamedTuple):
    """A kind of server: for each protocol that it speaks (cases.PROTOCOLS) a command, a template in which {port} stands
    for the port to listen on and {folder} for a folder of its own; for TLS there are cert.pem and key.pem in it."""

    name: str
    commands: dict[str, str]
    needs: tuple[Path, ...] = ()  # Files without which there is nothing to run.
    speech: str = "raw"  # On top of WebSocket: one of cases.SPEECHES.
    is_optional: bool = False  # Where it is missing, the others are measured.

    def missing(self):
        """Why this peer cannot be measured here, or None."""
        for command in self.commands.values():
            program = shlex.split(command)[0]
            if not shutil.which(program):
                return f"there is no {program}"
        absent = [path for path in self.needs if not path.exists()]
        return f"there is no {absent[0]} (scripts/deps --peers)" if absent else None


# ringcast as it is measured, unless a variant says otherwise.
RINGCAST_FLAGS = {"--anonymous": "publish", "--shards": "1", "--io": "uring", "--message-bytes-max": "16MiB",
                  "--log-level": "warn"}

# With one thing less each time, or more.
ABLATION_FLAGS = {
    **{f"-{feature}": f"--uring-features -{feature}" for feature in URING_FEATURES},
    "-batching": "--ring-submissions 1",
    "direct": "--direct-descriptors",
    "6.1": "--uring-features 6.1",
    "epoll": "--io epoll",
}


def ringcast_command(build, flags=""):
    """With `flags`, which take the place of our own: the program takes none twice."""
    given = {word.partition("=")[0] for word in shlex.split(flags)}
    own = [f"{flag} {value}" for flag, value in RINGCAST_FLAGS.items() if flag not in given]
    return " ".join([shlex.quote(str(build / "ringcast")), "--echo", *own, flags]).rstrip()


def ringcast_peer(name, command):
    plain = f"{command} --listen ws://127.0.0.1:{{port}}"
    secure = f"{command} --listen wss://127.0.0.1:{{port}} --tls-cert {{folder}}/cert.pem --tls-key {{folder}}/key.pem"
    shared, dedicated = (f"{plain} --compression {mode}" for mode in ("shared", "dedicated"))
    return Peer(name, {"echo": plain, "fanout": plain, "fanout-rate": plain, "tls": secure, "shared": shared,
                       "dedicated": dedicated, "fanout-shared": shared})


def ringcast_peers(build):
    """ringcast on each of its rings, and with delivery windows where those matter."""
    rings = [ringcast_peer(f"ringcast-{io}", ringcast_command(build, f"--io {io}")) for io in ("uring", "epoll")]
    windows = [Peer(f"ringcast-{window}", {"fanout-rate": f"{rings[0].commands['echo']} --delivery-window {window}"})
               for window in ("1ms", "5ms")]
    return rings + windows


def bare_peers(build):
    """A server on each of ringcast's rings that sends every byte back."""
    program = shlex.quote(str(build / "bench/bare-echo"))
    return [Peer(f"bare-{io}", {"echo": f"{program} {io} {{port}}"}, speech="bare") for io in ("uring", "epoll")]


def roomy_peer(build, connections):
    """ringcast on io_uring with as few shards as hold so many connections, not all of them equally many: each as many as
    the limit on open files allows."""
    files_max = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    shards = -(-connections * 11 // (10 * files_max))
    return ringcast_peer("ringcast-uring", ringcast_command(build, f"--shards {shards} --direct-descriptors"))


def flagged_peers(build, variants):
    """ringcast as it is, and with the flags of each variant."""
    return [ringcast_peer(name, ringcast_command(build, flags))
            for name, flags in [("ringcast-uring", ""), *variants.items()]]


def ablated_peers(build):
    """ringcast as it is, and without one thing each time: a feature of io_uring, batches, io_uring itself, SIMD."""
    scalar = ringcast_peer("scalar", f"env RINGCAST_SIMD=scalar {ringcast_command(build)}")
    return flagged_peers(build, ABLATION_FLAGS) + [scalar]


def package_peers():
    """Servers that packages of Debian and of npm make, each one process without compression."""
    node_modules = ROOT / "tests/interop/node_modules"
    modules = Path("/usr/lib/python3/dist-packages")
    both = ["echo", "fanout"]
    peers = [
        Peer("ws", dict.fromkeys(both, f"node {shlex.quote(str(PEERS / 'ws.mjs'))} {{port}}"),
             needs=(node_modules / "ws/package.json",)),
        Peer("websockets", dict.fromkeys(both, f"/usr/bin/python3 {shlex.quote(str(PEERS / 'websockets.py'))} {{port}}"),
             needs=(modules / "websockets",)),
        Peer("nchan", {"fanout": f"{shlex.quote(str(PEERS / 'nchan'))} {{port}} {{folder}}"},
             needs=(Path("/usr/sbin/nginx"), Path("/usr/lib/nginx/modules/ngx_nchan_module.so"))),
        Peer("lws-mirror", {"fanout": "libwebsockets-test-server --port={port} -i lo -d 1"},
             needs=(Path("/usr/bin/libwebsockets-test-server"),), speech="mirror"),
        Peer("nats", {"fanout": f"{shlex.quote(str(PEERS / 'nats'))} {{port}} {{folder}}"},
             needs=(Path("/usr/sbin/nats-server"),), speech="nats"),
        Peer("socketio", {"fanout": f"node {shlex.quote(str(PEERS / 'socketio.mjs'))} {{port}}"},
             needs=(PEERS / "npm/node_modules/socket.io/package.json",), speech="socketio"),
    ]
    return [peer._replace(is_optional=True) for peer in peers]


def named_peers(texts):
    """The peers that --peer flags name, in their order. Exits with a sentence where one is malformed."""
    commands = {}
    for text in texts:
        title, _, command = text.partition("=")
        name, _, protocol = title.partition("/")
        if not name or "{port}" not in command or not is_shell(command) or (protocol or "echo") not in PROTOCOLS:
            sys.exit(f"bench: --peer needs NAME[/PROTOCOL]=COMMAND with {{port}} in it, got '{text}'")
        by_protocol = commands.setdefault(name, {})
        if (protocol or "echo") in by_protocol:
            sys.exit(f"bench: two commands for {name}/{protocol or 'echo'}: give one of them another name")
        by_protocol[protocol or "echo"] = command
    for by_protocol in commands.values():
        if "fanout" in by_protocol:
            by_protocol.setdefault("fanout-rate", by_protocol["fanout"])
    return [Peer(name, by_protocol) for name, by_protocol in commands.items()]


def is_shell(command):
    """Whether its quotes are in pairs."""
    try:
        return bool(shlex.split(command))
    except ValueError:
        return False


def obstacle(protocol):
    """Why no server at all can be measured in this protocol here, or None."""
    return "there is no openssl (scripts/deps --bench)" if protocol == "tls" and not shutil.which("openssl") else None


def make_certificate(folder):
    """cert.pem, which signs itself, and key.pem: elliptic, as issuers make them today."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
               "30", "-subj", "/CN=localhost", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise ServerError(f"openssl makes no certificate: {done.stderr.strip()[-400:]}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One running server, pinned to one CPU; a context manager that stops it."""

    def __init__(self, peer, protocol, cpu):
        self.port = free_port()
        self.speech = peer.speech
        self._output = tempfile.TemporaryFile()
        self._folder = tempfile.TemporaryDirectory()
        if protocol == "tls":
            make_certificate(self._folder.name)
        command = peer.commands[protocol].replace("{port}", str(self.port)).replace("{folder}", self._folder.name)
        command = ["taskset", "-c", str(cpu)] + shlex.split(command)
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._output,
                                         stderr=subprocess.STDOUT)
        try:
            self._wait_until_ready(peer.name)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self):
        return self._process.pid  # taskset replaces itself by the server, and so do env and our scripts.

    def _wait_until_ready(self, name):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServerError(f"{name} exited with {self._process.returncode}: {self.output()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise ServerError(f"{name} does not listen on port {self.port} after {START_SECONDS_MAX} s: {self.output()}")

    def is_alive(self):
        return self._process.poll() is None

    def output(self):
        """The end of what the server printed."""
        self._output.seek(0)
        return self._output.read()[-400:].decode(errors="replace").strip() or "no output"

    def end(self):
        """Its output can still be read."""
        if self.is_alive():
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def stop(self):
        self.end()
        self._output.close()
        self._folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

"""What is measured: each case is one run of the load generator against one server."""

from typing import NamedTuple


class Case(NamedTuple):
    name: str
    arguments: list[str]
    figure: str = "server_cpu_us_per_message"  # Of the load generator's report; its ratio to the base is the outcome.
    unit: str = "us"
    fresh_server: bool = False  # A server that has never held a connection, for memory.
    protocol: str = "echo"  # What the server must speak: one of PROTOCOLS.
    place: dict = {}  # In a curve (curves.py): its name, and the number that makes this case a point of it.

    def url(self, port, speech):
        """Where a server speaks that protocol, with `speech` on top of WebSocket, or below it: a name of SPEECHES."""
        scheme = "tcp" if speech == "bare" else "wss" if self.protocol == "tls" else "ws"
        return f"{scheme}://127.0.0.1:{port}{SPEECHES[speech].path if self.protocol.startswith('fanout') else '/echo'}"

    @property
    def syscalls_figure(self):
        """The figure of system calls that belongs to the outcome; not every report has it."""
        return "server_syscalls_per_" + self.figure.rpartition("_per_")[2]


# What a server may speak: it sends messages back, or passes them on to the subscribers of a topic; over TLS; with
# permessage-deflate that keeps no context, or keeps it; and fan-out at a fixed rate, which is what a delivery window is for.
PROTOCOLS = ("echo", "fanout", "tls", "shared", "dedicated", "fanout-shared", "fanout-rate")

class Speech(NamedTuple):
    path: str  # Where it is spoken.
    arguments: list[str] = []  # Of the load generator.


# What servers may speak on top of WebSocket where they pass messages on.
SPEECHES = {
    "raw": Speech("/topics"),
    "bare": Speech("/"),  # No WebSocket: every byte comes back.
    "mirror": Speech("/", ["--subprotocol", "lws-mirror-protocol", "--opcode", "text"]),
    "nats": Speech("/", ["--protocol", "nats"]),
    "socketio": Speech("/socket.io/?EIO=4&transport=websocket", ["--protocol", "socketio"]),
}


class Lengths(NamedTuple):
    """How long the parts of one run are, in seconds."""

    warmup: float
    measured: float
    syscalls: float
    hold: float


def echo(name, message_bytes, connections, depth=1, protocol="echo"):
    compression = ["--compression", protocol] if protocol in ("shared", "dedicated") else []
    return Case(name, [*compression, "echo", "--message-bytes", message_bytes, "--connections", str(connections),
                       "--depth", str(depth)], protocol=protocol)


def fan_out(name, message_bytes, subscribers, flags=(), protocol="fanout"):
    compression = ["--compression", "shared"] if protocol == "fanout-shared" else []
    return Case(name, [*compression, "fanout", "--message-bytes", message_bytes, "--subscribers", str(subscribers), *flags],
                figure="server_cpu_us_per_delivery", protocol=protocol)


def connect(name, close):
    return Case(name, ["connect", "--close", close], figure="server_cpu_us_per_handshake")


def idle(name, connections):
    return Case(name, ["idle", "--connections", str(connections)], figure="server_rss_bytes_per_connection",
                unit="bytes", fresh_server=True)


CASES = [
    echo("echo 20 B c1000", "20", 1000),
    echo("echo 20 B c50", "20", 50),
    echo("echo 20 B c50 d16", "20", 50, depth=16),
    echo("echo 20 B c10000", "20", 10000),
    echo("echo 20 B c8", "20", 8),
    echo("echo 20 B c1", "20", 1),
    echo("echo 1 KiB c1000", "1KiB", 1000),
    echo("echo 16 KiB c50", "16KiB", 50),
    echo("echo 64 KiB c50", "64KiB", 50),
    echo("echo 256 KiB c50", "256KiB", 50),
    echo("echo 1 MiB c50", "1MiB", 50),
    echo("echo 1 MiB c1", "1MiB", 1),
    fan_out("fan-out 2 x 64 B", "64", 2),
    fan_out("fan-out 1000 x 64 B", "64", 1000),
    fan_out("fan-out 10000 x 64 B", "64", 10000),
    fan_out("fan-out 10000 x 1 KiB", "1KiB", 10000),
    fan_out("fan-out 200 x 64 B, 2000/s", "64", 200, ["--rate", "2000"], "fanout-rate"),
    fan_out("fan-out 200 x 64 B, 500/s", "64", 200, ["--rate", "500"], "fanout-rate"),
    fan_out("fan-out 1000 x 1 KiB deflated", "1KiB", 1000, protocol="fanout-shared"),
    echo("echo TLS 20 B c50", "20", 50, protocol="tls"),
    echo("echo TLS 1 KiB c50", "1KiB", 50, protocol="tls"),
    echo("echo TLS 16 KiB c50", "16KiB", 50, protocol="tls"),
    echo("echo 1 KiB c50 deflated, shared", "1KiB", 50, protocol="shared"),
    echo("echo 1 KiB c50 deflated, dedicated", "1KiB", 50, protocol="dedicated"),
    connect("handshake rst", "rst"),
    connect("handshake fin", "fin"),
    idle("idle c10000", 10000),
]


# What one feature less could show in: many small messages, few, large ones, fan-out, new connections. Waiting for more
# completions at once (min-wait) shows only where publications come faster than a turn delivers them.
ABLATION_NAMES = ("echo 20 B c1000", "echo 20 B c50 d16", "echo 20 B c8", "echo 20 B c1", "echo 16 KiB c50",
                  "fan-out 1000 x 64 B", "fan-out 200 x 64 B, 2000/s", "handshake rst")
ABLATION_CASES = [case for case in CASES if case.name in ABLATION_NAMES]

# What a server of bytes can do, too.
BARE_CASES = [case for case in CASES if case.protocol == "echo" and "echo" in case.arguments]


def length_arguments(case, lengths):
    """The flags that give the parts of `case` their lengths."""
    if "idle" in case.arguments:
        return ["--hold", f"{lengths.hold}s"]
    flags = ["--warmup", f"{lengths.warmup}s", "--duration", f"{lengths.measured}s"]
    return flags + ["--syscall-duration", f"{lengths.syscalls}s"]

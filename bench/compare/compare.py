#!/usr/bin/python3
"""Measures what servers cost beside each other: server on one CPU, load generator on another, servers in turn, the order
reversed each round. Prints a table of medians and of per-round ratios to the base; every single run goes to a JSON file,
and the figures to a page beside it.

    scripts/bench                                      micro benchmarks, then ringcast beside servers that are installed
    scripts/bench --peer 'other=/opt/other {port}' --base other
    scripts/bench --peer 'other=/opt/echo {port}' --peer 'other/fanout=/opt/fan {port}'
    scripts/bench --quick --cases 'c50|handshake'
    scripts/bench --ablation                           ringcast with one thing less each time
    scripts/bench --curves                             what a message costs as connections, and topics, become more
    scripts/bench --flags 'small=--buffers-count 2'    ringcast as it is and with other flags

A peer is any program that echoes WebSocket messages on ws://127.0.0.1:{port}/echo. Others may be named for further
protocols: NAME/fanout subscribes a connection to ws://127.0.0.1:{port}/topics/NAME to that topic and publishes what it
sends there; NAME/tls echoes over TLS, with the certificate {folder}/cert.pem and its {folder}/key.pem; NAME/shared,
NAME/dedicated and NAME/fanout-shared compress. All of one name are one row of the table, and whoever does not speak what
a case needs is not in it. Only ratios within one run mean something; on two CPUs anything else that runs is noise.
"""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from cases import ABLATION_CASES, CASES, PROTOCOLS, SPEECHES, Lengths, length_arguments
from curves import CONNECTIONS_MAX, CURVE_CASES
from micro import micro_benchmarks, micro_markdown
from servers import Peer, Server, ServerError, ablated_peers, flagged_peers, package_peers, ringcast_peers, roomy_peer
from summary import Run, markdown, summarise

ROOT = Path(__file__).resolve().parent.parent.parent
RUN_SECONDS_EXTRA = 60  # Beyond its planned length, before a run of the load generator counts as hung.
BUSY_LOAD = 0.7  # Other people's work on the machine, as a load average, from which on figures are doubtful.
QUICK_ROUNDS = 3
QUICK_LENGTHS = Lengths(warmup=0.1, measured=0.3, syscalls=0.1, hold=0.2)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME[/PROTOCOL]=COMMAND",
                        help="another server; {port} and {folder} in the command are replaced; the protocol is echo unless "
                             f"it is one of {', '.join(PROTOCOLS[1:])} (repeatable)")
    parser.add_argument("--packages", choices=("installed", "none"),
                        help="servers from packages (scripts/deps --peers); default: installed, with --quick none")
    parser.add_argument("--ablation", action="store_true",
                        help="what each feature of io_uring, io_uring itself and SIMD are worth: ringcast without them, "
                             "in place of other servers")
    parser.add_argument("--curves", action="store_true",
                        help="the cost of a message from 1 to 50,000 connections, and from 1 to 100,000 topics, in place of "
                             "the other cases")
    parser.add_argument("--flags", action="append", default=[], metavar="NAME=FLAGS",
                        help="ringcast with these flags, beside ringcast without them, in place of other servers; they take "
                             "the place of those that it is measured with, as --shards 1 (repeatable)")
    parser.add_argument("--micro", choices=("on", "off", "only"),
                        help="micro benchmarks first; default: on, unless cases, flags, --ablation or --curves are chosen")
    parser.add_argument("--only", metavar="REGEXP", help="measure only servers whose name matches (and the base)")
    parser.add_argument("--base", metavar="NAME",
                        help="what ratios refer to; default: the first peer, else ringcast-uring")
    parser.add_argument("--cases", metavar="REGEXP", help="only cases whose name matches")
    parser.add_argument("--rounds", type=int, help="default 5, at least 1")
    parser.add_argument("--seconds", type=float, help="length of one measurement, default 2")
    parser.add_argument("--quick", action="store_true", help="three short rounds, to see whether anything is far off")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="where ringcast and ringcast-bench are")
    parser.add_argument("--server-cpu", type=int, default=0)
    parser.add_argument("--client-cpu", type=int, default=1)
    parser.add_argument("--output", type=Path, help="the JSON file; default: bench/results/ with the time in its name")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and stop")
    return parser.parse_args()


def named_peers(options):
    """The peers of the command line, in its order."""
    commands = {}
    for text in options.peer:
        title, _, command = text.partition("=")
        name, _, protocol = title.partition("/")
        if "{port}" not in command or (protocol or "echo") not in PROTOCOLS:
            sys.exit(f"bench: --peer needs NAME[/PROTOCOL]=COMMAND with {{port}} in it, got '{text}'")
        by_protocol = commands.setdefault(name, {})
        by_protocol[protocol or "echo"] = command
        if protocol == "fanout":
            by_protocol.setdefault("fanout-rate", command)
    return [Peer(name, by_protocol) for name, by_protocol in commands.items()]


def named_flags(options):
    """The flags of each variant of ringcast on the command line."""
    variants = {}
    for text in options.flags:
        name, separator, flags = text.partition("=")
        if not name or not separator:
            sys.exit(f"bench: --flags needs NAME=FLAGS, got '{text}'")
        variants[name] = flags
    return variants


def choose_cases(options):
    cases = CURVE_CASES if options.curves else ABLATION_CASES if options.ablation and not options.cases else CASES
    cases = [case for case in cases if not options.cases or re.search(options.cases, case.name)]
    return cases or sys.exit(f"bench: no case matches '{options.cases}'")


def candidates(options, named):
    if options.ablation:
        return ablated_peers(options.build)
    if options.curves:
        return [*named, roomy_peer(options.build, CONNECTIONS_MAX)]
    if options.flags:
        return named + flagged_peers(options.build, named_flags(options))
    packages = options.packages or ("none" if options.quick else "installed")
    return named + ringcast_peers(options.build) + (package_peers() if packages == "installed" else [])


def choose_peers(options):
    """All peers that are installed, the base among them. Exits with a sentence if that is impossible."""
    named = named_peers(options)
    peers = candidates(options, named)
    base = options.base or (named[0].name if named else "ringcast-uring")
    if options.only:
        peers = [peer for peer in peers if peer.name == base or re.search(options.only, peer.name)]
    installed = []
    for peer in peers:
        reason = peer.missing()
        if reason:
            print(f"bench: skipping {peer.name}: {reason}", file=sys.stderr)
        else:
            installed.append(peer)
    if not installed:
        sys.exit("bench: there is nothing to measure")
    if base not in [peer.name for peer in installed]:
        print(f"bench: the base {base} is not here; ratios refer to {installed[0].name}", file=sys.stderr)
        base = installed[0].name
    return installed, base


def measure(options, case, lengths, server):
    """One run of the load generator; its report, or a RuntimeError that says what went wrong."""
    command = ["taskset", "-c", str(options.client_cpu), str(options.build / "ringcast-bench"), *case.arguments,
               *length_arguments(case, lengths), "--url", case.url(server.port, server.speech), "--pid", str(server.pid),
               "--json"]
    if case.protocol.startswith("fanout"):
        command += SPEECHES[server.speech].arguments
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=sum(lengths) + RUN_SECONDS_EXTRA)
    except subprocess.TimeoutExpired:
        raise RuntimeError("the load generator hangs") from None
    if done.returncode != 0:
        died = "" if server.is_alive() else f"; the server died: {server.output()}"
        raise RuntimeError((done.stderr.strip() or f"exit code {done.returncode}") + died)
    return json.loads(done.stdout)


class Comparison:
    """All runs of all cases, and what failed."""

    def __init__(self, options, peers, rounds, lengths):
        self._options = options
        self._peers = peers
        self._rounds = rounds
        self._lengths = lengths
        self.runs = []
        self.failures = []

    def run_case(self, case):
        """Rounds of one case. Servers are new for each case; they stay for its rounds unless it wants them fresh."""
        servers = {}
        peers = [peer for peer in self._peers if case.protocol in peer.commands]
        try:
            for round_number in range(self._rounds):
                order = peers if round_number % 2 == 0 else peers[::-1]
                for peer in order:
                    self._run_once(case, round_number, peer, servers)
        finally:
            for server in servers.values():
                server.stop()

    def _run_once(self, case, round_number, peer, servers):
        try:
            if peer.name not in servers:
                servers[peer.name] = Server(peer, case.protocol, self._options.server_cpu)
            report = measure(self._options, case, self._lengths, servers[peer.name])
            report |= {"load_average": os.getloadavg()[0], **case.place}
            self.runs.append(Run(case.name, round_number, peer.name, report))
            broken = False
        except (ServerError, RuntimeError) as error:
            self.failures.append(f"{case.name}, round {round_number}, {peer.name}: {error}")
            print(f"bench: {self.failures[-1]}", file=sys.stderr)
            broken = True
        if (broken or case.fresh_server) and peer.name in servers:
            servers.pop(peer.name).stop()


def commit_name():
    done = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def write_results(options, peers, base, comparison, summaries, micro, started):
    """The JSON file, and the page of the same name."""
    path = options.output or ROOT / "bench" / "results" / f"compare-{started:%Y%m%d-%H%M%S}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "started": started.isoformat(timespec="seconds"),
        "commit": commit_name(),
        "kernel": platform.release(),
        "cpus": os.cpu_count(),
        "base": base,
        "micro": micro,
        "servers": {peer.name: peer.commands for peer in peers},
        "summary": [{key: value._asdict() if hasattr(value, "_asdict") else value for key, value in entry.items()}
                    for entry in summaries],
        "failures": comparison.failures,
        "runs": [run._asdict() for run in comparison.runs],
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
    subprocess.run([options.build / "ringcast-bench", "report", path, "--output", path.with_suffix(".html")],
                   stdout=subprocess.DEVNULL, check=True)
    return path


def main():
    options = parse_arguments()
    cases = choose_cases(options)
    if options.list:
        print("\n".join(case.name for case in cases))
        return 0
    if not (options.build / "ringcast-bench").exists():
        sys.exit(f"bench: {options.build / 'ringcast-bench'} is not built")
    peers, base = choose_peers(options)
    rounds = options.rounds or (QUICK_ROUNDS if options.quick or options.curves else 5)
    lengths = QUICK_LENGTHS if options.quick else Lengths(warmup=0.5, measured=2.0, syscalls=0.5, hold=1.0)
    if options.seconds:
        lengths = lengths._replace(measured=options.seconds)
    if options.server_cpu not in os.sched_getaffinity(0) or options.client_cpu not in os.sched_getaffinity(0):
        sys.exit("bench: server and client need a CPU each (--server-cpu, --client-cpu)")

    if os.getloadavg()[0] > BUSY_LOAD:
        print(f"bench: this machine is busy (load {os.getloadavg()[0]:.1f}): expect noise", file=sys.stderr)
    started = datetime.datetime.now()
    micro = []
    is_special = options.cases or options.ablation or options.curves or options.flags
    if (options.micro or ("off" if is_special else "on")) != "off":
        print("bench: micro benchmarks", file=sys.stderr)
        micro = micro_benchmarks(options.build, options.server_cpu, options.client_cpu, options.quick)
        print(micro_markdown(micro) + "\n", flush=True)
    if options.micro == "only":
        cases = []
    comparison = Comparison(options, peers, rounds, lengths)
    summaries = []
    try:
        for case in cases:
            print(f"bench: {case.name}", file=sys.stderr)
            comparison.run_case(case)
            entries = (summarise(comparison.runs, case, peer.name, base) for peer in peers)
            summaries += [entry for entry in entries if entry]
    except KeyboardInterrupt:
        print("bench: interrupted; what was measured so far:", file=sys.stderr)
    if summaries:
        print(markdown(summaries, base))
    if any(value is None for run in comparison.runs for key, value in run.report.items() if "syscalls" in key):
        print("\nbench: system calls were not counted; as root: mount -t tracefs tracefs /sys/kernel/tracing",
              file=sys.stderr)
    path = write_results(options, peers, base, comparison, summaries, micro, started)
    print(f"\nbench: every run is in {path}, charts in {path.with_suffix('.html').name} beside it", file=sys.stderr)
    return 1 if comparison.failures else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Counts the instructions in user mode that servers take for a message, a delivery or a handshake, with valgrind's
callgrind: unlike times they hardly depend on what else the machine does. Each server runs twice, for one length and for
three, and the difference in instructions is divided by that in messages, so that starting and stopping do not count.

    scripts/bench --instructions                                  ringcast on epoll: valgrind's io_uring does not serve us
    scripts/bench --instructions --cases 'echo 20 B c50$' --peer 'other=/opt/other {port}'

Cases and peers are those of scripts/bench. A server under callgrind is 50 times as slow, so that more waits for each of
its turns than usual.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import build
from cases import CASES
from servers import ROOT, Server, ServerError, named_peers, obstacle, ringcast_command, ringcast_peer

SECONDS = (2, 6)
COUNTS = {"server_cpu_us_per_message": "messages", "server_cpu_us_per_delivery": "deliveries",
          "server_cpu_us_per_handshake": "handshakes"}
COUNTED = [case for case in CASES if case.figure in COUNTS and case.protocol != "fanout-rate"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME[/PROTOCOL]=COMMAND", help="another server")
    parser.add_argument("--cases", default="20 B c(1|8|50|1000)$|fan-out 1000 x 64 B|handshake rst", metavar="REGEXP")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="where ringcast and ringcast-bench are")
    parser.add_argument("--update", action="store_true", help=argparse.SUPPRESS)  # Of scripts/bench: build first.
    return parser.parse_args()


def under_callgrind(peer):
    """The same servers, which say at their end how many instructions they have taken."""
    callgrind = "valgrind --tool=callgrind --callgrind-out-file=/dev/null"
    return peer._replace(commands={protocol: f"{callgrind} {command}" for protocol, command in peer.commands.items()})


def count(options, case, peer, seconds):
    """Instructions of the server's whole life, and messages that it took part in."""
    server = Server(peer, case.protocol, 0)
    try:
        command = [str(options.build / "ringcast-bench"), *case.arguments, "--duration", str(seconds), "--url",
                   case.url(server.port, server.speech), "--stall-timeout", "60s", "--json"]
        if case.arguments[0] != "connect":
            command += ["--warmup", "0"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        server.end()
        output = server.output()
    finally:
        server.stop()
    if done.returncode != 0:
        raise ServerError(done.stderr.strip() or f"exit code {done.returncode}")
    collected = re.search(r"Collected : (\d+)", output)
    if not collected:
        raise ServerError(f"no count of instructions: {output}")
    return int(collected[1]), json.loads(done.stdout)[COUNTS[case.figure]]


def instructions_per_message(options, case, peer):
    (few, few_messages), (many, many_messages) = (count(options, case, peer, seconds) for seconds in SECONDS)
    return (many - few) / (many_messages - few_messages)


def main():
    options = parse_arguments()
    if not shutil.which("valgrind"):
        sys.exit("bench: there is no valgrind (apt-get install valgrind)")
    if options.update and options.build == ROOT / "build":
        build.update(ROOT, with_micro=False)
    cases = [case for case in COUNTED if re.search(options.cases, case.name)]
    peers = [under_callgrind(peer) for peer in
             [ringcast_peer("ringcast-epoll", ringcast_command(options.build, "--io epoll")), *named_peers(options.peer)]]
    print("instructions in user mode, per message, delivery or handshake")
    for case in cases or sys.exit(f"bench: no case matches '{options.cases}'"):
        for peer in peers:
            if case.protocol in peer.commands and not obstacle(case.protocol):
                print(f"{case.name:30} {peer.name:20} {instructions_per_message(options, case, peer):10,.0f}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (ServerError, subprocess.TimeoutExpired) as error:
        sys.exit(f"bench: {error}")

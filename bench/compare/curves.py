"""Cases that differ in one number: a message must not cost more because there are more connections, or more topics."""

from cases import echo, fan_out

CONNECTIONS = (1, 10, 100, 1_000, 10_000, 50_000)
TOPICS = (1, 10, 100, 1_000, 10_000, 100_000)
CONNECTIONS_MAX = max(*CONNECTIONS, *TOPICS)


def points(name, numbers, case_for):
    """A case for each number; servers are new for each run, as the kernel still closes the connections of the last one."""
    return [case_for(number)._replace(fresh_server=True, place={"curve": name, "curve_at": number}) for number in numbers]


# Each connection has a topic of its own and publishes to it: so all topics are in use, and all have one subscriber.
CURVE_CASES = [
    *points("Echo of 20 B: connections", CONNECTIONS, lambda count: echo(f"echo 20 B, {count:,} connections", "20", count)),
    *points("Publication of 64 B to one subscriber: topics", TOPICS, lambda count: fan_out(
        f"fan-out of 64 B, {count:,} topics", "64", 0, ["--publishers", str(count), "--topics", str(count)])),
]

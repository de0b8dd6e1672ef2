"""A small server of the Centrifuge protocol, in JSON, whose topics have a history; like faulty_server.py, from which it
gets its connections, it makes one mistake. Publications reach all subscribers of their topic in one order.
"""

import json

MISTAKES = {
    "": "none",
    "unconfirmed": "does not answer one subscription",
    "denied": "refuses one subscription",
    "astray": "sends a publication to a subscriber of another topic",
    "forget": "leaves a publication out of what one client recovers",
    "forget last": "leaves out the last one",
    "repeat": "has one there twice",
    "shuffle": "has two there in the wrong order",
    "alter": "changes a byte there",
    "stale": "sends one that was recovered once more as a live one",
    "shrug": "recovers nothing, and says so",
    "lie": "says so, but with another position than the topic's",
    "ignore": "answers as if the client had not asked for recovery",
    "lose live": "leaves a live delivery out",
    "cut live": "closes the connection of a live subscriber when clients recover",
}
CLIENT = "00000000-0000-4000-8000-000000000000"  # Whoever it is.
EPOCH = "abcd"
LIVE = "live-"  # In the names of topics whose subscribers never leave.


class FaultyCentrifuge:
    """All topics of one server."""

    def __init__(self, mistake):
        self._mistake = mistake
        self._history = {}  # Of each topic: publications, the first of which has offset 1.
        self._subscribers = {}  # Of each topic: those who send().
        self._recovered = 0
        self._subscribed = 0
        self._delivered = 0

    def take(self, message, send, close):
        """Answers all commands of a message of the connection that send() sends to."""
        for line in message.decode().split("\n"):
            command = json.loads(line)
            number = command.get("id")
            if "connect" in command:
                send({"id": number, "connect": {"client": CLIENT}})
            elif "subscribe" in command:
                self._subscribe(number, command["subscribe"], send, close)
            elif "publish" in command:
                self._publish(command["publish"])
                send({"id": number, "publish": {}})

    def leave(self, send):
        for subscribers in self._subscribers.values():
            subscribers.pop(send, None)

    def _subscribe(self, number, request, send, close):
        topic = request["channel"]
        history = self._history.setdefault(topic, [])
        self._subscribers.setdefault(topic, {})[send] = close
        self._subscribed += 1
        if self._subscribed == 7 and self._mistake == "unconfirmed":
            return
        if self._subscribed == 7 and self._mistake == "denied":
            return send({"id": number, "error": {"code": 103, "message": "permission denied"}})
        result = {"recoverable": True, "epoch": EPOCH, "offset": len(history), "positioned": True}
        if not request.get("recover"):
            return send({"id": number, "subscribe": result if request.get("recoverable") else {}})
        self._recovered += 1
        is_mistaken = self._recovered == 3
        missed = self._wrong(list(history[request["offset"]:]), is_mistaken)
        if is_mistaken and self._mistake == "cut live":
            next(close for name, all in self._subscribers.items() if LIVE in name for close in all.values())()
        if is_mistaken and self._mistake in ("shrug", "lie"):
            result |= {"was_recovering": True, "offset": len(history) - (self._mistake == "lie")}
        elif not (is_mistaken and self._mistake == "ignore"):
            result |= {"was_recovering": True, "recovered": True, "offset": request["offset"], "publications": missed}
        send({"id": number, "subscribe": result})
        if is_mistaken and self._mistake == "stale":
            send({"push": {"channel": topic, "pub": history[-1]}})

    def _wrong(self, missed, is_mistaken):
        """What is recovered."""
        middle = len(missed) // 2
        if not is_mistaken:
            pass
        elif self._mistake == "forget":
            del missed[middle]
        elif self._mistake == "forget last":
            del missed[-1]
        elif self._mistake == "repeat":
            missed.insert(middle, missed[middle])
        elif self._mistake == "shuffle":
            missed[middle - 1:middle + 1] = reversed(missed[middle - 1:middle + 1])
        elif self._mistake == "alter":
            data = missed[middle]["data"]
            missed[middle] = missed[middle] | {"data": data[:-1] + ("a" if data[-1] != "a" else "b")}
        return missed

    def _publish(self, request):
        topic = request["channel"]
        history = self._history.setdefault(topic, [])
        history.append({"data": request["data"], "info": {"client": CLIENT}, "offset": len(history) + 1})
        subscribers = list(self._subscribers.get(topic, {}))
        if LIVE in topic or self._mistake == "astray":
            self._delivered += 1
        if self._delivered == 11 and self._mistake == "lose live":
            subscribers.pop()
        if self._delivered == 3 and self._mistake == "astray":
            subscribers = [next(send for name, all in self._subscribers.items() if name != topic for send in all
                                if send not in subscribers)]
        for send in subscribers:
            send({"push": {"channel": topic, "pub": history[-1]}})

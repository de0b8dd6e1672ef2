"""A headless Chromium, which tests steer over its DevTools protocol (see run.py)."""

import asyncio
import json
import subprocess
import tempfile
import time
from pathlib import Path

CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-extensions", "--no-proxy-server", "--remote-debugging-port=0"]
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60

# What sticks out of the window to the right, and whether the document scrolls sideways.
OVERFLOWS = """(() => {
    const width = document.documentElement.clientWidth;
    const found = [...document.querySelectorAll('body *')].filter(element => element.getBoundingClientRect().right > width + 1)
        .map(element => element.tagName + '#' + element.id + '.' + element.className);
    if (document.documentElement.scrollWidth > width) found.push('document');
    return found.join(' ');
})()"""


class Browser:
    """One run of it, with a profile of its own. Both are gone when the `with` ends."""

    def __init__(self, *flags):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.process = subprocess.Popen([*CHROMIUM, *flags, f"--user-data-dir={self.profile.name}", "about:blank"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.profile.cleanup()

    def devtools_url(self):
        """The address that the browser writes to a file when it is up. Raises RuntimeError if it does not come up."""
        port_file = Path(self.profile.name) / "DevToolsActivePort"
        for _ in range(START_SECONDS_MAX * 20):
            if port_file.exists() and len(lines := port_file.read_text().split("\n")) >= 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            if self.process.poll() is not None:
                raise RuntimeError(f"chromium ended with exit code {self.process.returncode}")
            time.sleep(0.05)  # A file that appears has no event; this waits for nothing that is tested.
        raise RuntimeError("chromium did not come up")


class Page:
    """One page of the browser, at the DevTools connection `socket`. What its console and log say is kept."""

    def __init__(self, socket):
        self.socket = socket
        self.last_id = 0
        self.session = {}
        self.answers = {}
        self.errors = []
        self.on_call = {}  # What a function that the page may call (see offer) does: name -> function of a text.
        self.reader = asyncio.create_task(self.read())

    async def read(self):
        async for text in self.socket:
            message = json.loads(text)
            if "id" in message:
                answer = self.answers.pop(message["id"])
                if not answer.done():  # Nobody waits any more when the test's time was over.
                    answer.set_result(message)
            else:
                self.note(message["method"], message["params"])

    def note(self, method, parameters):
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.errors.append(" ".join(str(argument.get("value", "")) for argument in parameters["args"]))
        elif method == "Runtime.bindingCalled":
            self.on_call[parameters["name"]](parameters["payload"])
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.errors.append(parameters["entry"]["text"] + " " + parameters["entry"].get("url", ""))

    async def call(self, method, **parameters):
        self.last_id += 1
        answer = self.answers[self.last_id] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps({"id": self.last_id, "method": method, "params": parameters, **self.session}))
        answer = await answer
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    async def open(self):
        """A window that shares no cookie, storage, cache or connection with others, and goes when this client does."""
        context = await self.call("Target.createBrowserContext", disposeOnDetach=True)
        target = await self.call("Target.createTarget", url="about:blank", newWindow=True,
                                 browserContextId=context["browserContextId"])
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self.session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log"):
            await self.call(f"{domain}.enable")

    async def offer(self, name, function):
        """Gives the page's scripts a function of one text; what it returns they do not see."""
        self.on_call[name] = function
        await self.call("Runtime.addBinding", name=name)

    async def evaluate(self, expression):
        """The value of a JavaScript expression in the page, awaited if it is a promise."""
        result = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True,
                                 generatePreview=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            thrown = details.get("exception", {})
            fields = {field["name"]: field.get("value") for field in thrown.get("preview", {}).get("properties", [])}
            raise AssertionError(f"{thrown.get('description', details['text'])} {fields or ''}")
        return result["result"].get("value")

    async def until(self, expression):
        """Returns when the expression is true, looked at in every frame. The test's own time limit ends it."""
        look = ("new Promise((done, fail) => (function look() {"
                f"try {{ ({expression}) ? done() : requestAnimationFrame(look); }} catch (error) {{ fail(error); }} }})())")
        while True:
            try:
                return await self.evaluate(look)
            except RuntimeError as error:
                if "navigated" not in str(error):
                    raise  # Else the page that was asked has made room for the one to ask.

    async def go_to(self, address):
        navigated = await self.call("Page.navigate", url=address)
        if "errorText" in navigated:
            raise RuntimeError(f"{address}: {navigated['errorText']}")
        await self.until("document.readyState === 'complete'")

    async def window(self, width, height, scheme):
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    async def type(self, element_id, text):
        """Types into the element and presses Enter, by keyboard events."""
        await self.evaluate(f"document.getElementById({element_id!r}).focus()")
        await self.call("Input.insertText", text=text)
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13,
                            **({"text": "\r"} if kind == "keyDown" else {}))

"""The page at / of a server with --demo, used by two people, each in a window of Chromium: URL SCENARIO PID_OF_SERVER.

Each has a line of its own to the server, which is cut meanwhile; in the end the server makes room for another one, which
knows nothing. The page is known by its ids only. See run.py.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import websockets
from browser import OVERFLOWS, Browser, Page
from line import Line
from results import Skip, expect_equal, print_result, run_tests

# Pixels in the colour of the curve, left of the newest price's mark.
CURVE_IS_DRAWN = """(() => {
    const canvas = document.getElementById('chart'), width = canvas.width - 120, {height} = canvas;
    const probe = document.createElement('i');
    probe.style.color = 'var(--accent)';
    document.body.append(probe);
    const wanted = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
    probe.remove();
    const copy = new OffscreenCanvas(width, height).getContext('2d', {willReadFrequently: true});
    copy.drawImage(canvas, 0, 0);
    const {data} = copy.getImageData(0, 0, width, height);
    let found = 0;
    for (let at = 0; at < data.length; at += 4)
        if (data[at + 3] === 255 && wanted.every((value, i) => Math.abs(data[at + i] - value) <= 2)) ++found;
    return found >= 20;
})()"""


def element(element_id):
    return f"document.getElementById('{element_id}')"


def rows(text):
    """JavaScript: the rows of the chat with that text."""
    return ("[...document.querySelectorAll('#messages li')]"
            f".filter(row => row.querySelector('.text')?.textContent === {json.dumps(text)})")


def row(text):
    """JavaScript: the first of them, or undefined."""
    return f"{rows(text)}[0]"


CONNECTED = f"{element('status')}.dataset.state === 'connected'"
OFFLINE = f"{element('status')}.dataset.state !== 'connected'"
PEOPLE = (f"{element('here')}.textContent + ': ' + "
          "[...document.querySelectorAll('#people li')].map(person => person.textContent).sort().join(', ')")
PRICE = "document.querySelector('#tickers .price').textContent"


def another_server(process_id):
    """A server as that process is one, and where it listens."""
    arguments = Path(f"/proc/{process_id}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    process = subprocess.Popen([os.readlink(f"/proc/{process_id}/exe"), *arguments[1:]], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for text in process.stdout:
        if found := re.search(r"listening on (ws://[^\s\"]+)", text):
            return process, found[1].rstrip("/")
    raise RuntimeError("another server does not start")


class Tests:
    """In the order of a visit: each goes on where the one before ended."""

    def __init__(self, ada, grace, process_id):
        (self.ada, self.ada_line), (self.grace, self.grace_line) = ada, grace
        self.process_id = process_id
        self.other_server = None

    def all(self):
        return {name.replace("_", " "): getattr(self, name) for name in type(self).__dict__
                if not name.startswith("_") and name != "all"}

    async def _open(self, page, line):
        await page.go_to(f"http://127.0.0.1:{line.port}/")

    async def _say(self, page, text, *others):
        await page.type("text", text)
        for other in (page, *others):
            await other.until(row(text))

    async def two_people_say_who_they_are(self):
        for page, line, name in ((self.ada, self.ada_line, "Ada"), (self.grace, self.grace_line, "Grace")):
            await page.window(1280, 800, "light")
            await self._open(page, line)
            await page.until(CONNECTED)
            await page.type("name", name)
            await page.until(f"{element('hint')}.textContent === 'You are {name}.'")

    async def what_one_says_the_other_hears(self):
        await self._say(self.ada, "Hello, Grace", self.grace)
        await self._say(self.grace, "Hello, Ada", self.ada)
        expect_equal(await self.grace.evaluate(f"{row('Hello, Grace')}.querySelector('.from').textContent"), "Ada")
        expect_equal(await self.ada.evaluate(f"{row('Hello, Grace')}.classList.contains('mine')"), True)
        expect_equal(await self.ada.evaluate(f"{row('Hello, Ada')}.classList.contains('mine')"), False)

    async def who_is_here_is_listed_by_name(self):
        await self.ada.until(f"{PEOPLE} === '2 here: Ada (you), Grace'")
        await self.grace.until(f"{PEOPLE} === '2 here: Ada, Grace (you)'")

    async def markup_is_text(self):
        await self._say(self.ada, "<b>bold</b><script>throw 1</script>", self.grace)
        expect_equal(await self.grace.evaluate("document.querySelectorAll('#messages b, #messages script').length"), 0)

    async def a_line_of_a_plain_client_is_in_the_chat(self):
        async with websockets.connect(f"{self.ada_line.url}/topics/chat:lobby") as socket:
            await socket.send("From a terminal")
            for page in (self.ada, self.grace):
                await page.until(row("From a terminal"))
            await self._say(self.ada, "Welcome", self.grace)
            expect_equal(await socket.recv(), "From a terminal")
            expect_equal(json.loads(await socket.recv())["text"], "Welcome")

    async def prices_arrive_and_are_drawn(self):
        await self.ada.until(f"{PRICE} !== '–'")
        first = await self.ada.evaluate(PRICE)
        await self.ada.until(f"{PRICE} !== {json.dumps(first)}")
        await self.ada.until(CURVE_IS_DRAWN)
        await self.ada.until(f"{element('trip')}.textContent.endsWith(' ms')")

    async def another_price_can_be_chosen(self):
        await self.ada.evaluate("document.querySelector('#tickers input[value=cedar]').click()")
        await self.ada.until(CURVE_IS_DRAWN)

    async def whoever_comes_back_finds_the_history_and_the_own_name(self):
        await self._open(self.grace, self.grace_line)
        await self.grace.until(row("Hello, Grace"))
        expect_equal(await self.grace.evaluate(f"{row('Hello, Ada')}.classList.contains('mine')"), True)
        expect_equal(await self.grace.evaluate(f"{element('hint')}.textContent"), "You are Grace.")
        expect_equal(await self.grace.evaluate(f"{row('Hello, Grace')}.classList.contains('recovered')"), False)

    async def nothing_sticks_out_of_windows_of_any_width(self):
        for width in (360, 390, 600, 900, 1280, 2560):
            await self.ada.window(width, 800, "light")
            expect_equal(f"{width}: {await self.ada.evaluate(OVERFLOWS)}", f"{width}: ")
        await self.ada.window(1280, 800, "light")

    async def nothing_is_complained_about_in_the_console(self):
        expect_equal(self.ada.errors, [])
        expect_equal(self.grace.errors, [])

    async def who_was_cut_off_gets_what_was_said_meanwhile_marked_and_once(self):
        self.grace_line.hold()
        await self.grace.until(OFFLINE)
        await self.ada.until(f"{PEOPLE} === '1 here: Ada (you)'")
        for text in ("While you were out, one", "While you were out, two"):
            await self._say(self.ada, text)
        self.grace_line.let_go()
        await self.grace.until(row("While you were out, two"))
        for text in ("While you were out, one", "While you were out, two"):
            expect_equal(await self.grace.evaluate(f"{row(text)}.classList.contains('recovered')"), True)
        await self._say(self.ada, "Here you are", self.grace)
        await self.ada.until(f"{PEOPLE} === '2 here: Ada (you), Grace'")
        expect_equal(await self.grace.evaluate(f"{row('Here you are')}.classList.contains('recovered')"), False)
        expect_equal(await self.grace.evaluate(rows("While you were out, one") + ".length"), 1)
        expect_equal(await self.grace.evaluate("document.querySelectorAll('#messages .aside').length"), 0)
        await self.grace.until(f"Number({element('recovered')}.textContent) >= 2")

    async def what_is_said_offline_is_sent_when_the_line_is_back(self):
        self.grace_line.hold()
        await self.grace.until(OFFLINE)
        await self.grace.type("text", "Said in a tunnel")
        self.grace_line.let_go()
        await self.ada.until(row("Said in a tunnel"))
        await self.grace.until(row("Said in a tunnel"))

    async def the_button_cuts_and_comes_back(self):
        await self.grace.evaluate(f"{element('cut')}.click()")
        await self.grace.until(OFFLINE)
        await self._say(self.ada, "Said meanwhile")
        await self.grace.until(f"{row('Said meanwhile')}?.classList.contains('recovered')")

    async def a_new_server_is_told_from_the_old_one_and_serves_on(self):
        self.other_server, url = another_server(self.process_id)
        for line in (self.ada_line, self.grace_line):
            line.url = url
        os.kill(self.process_id, signal.SIGTERM)
        for page in (self.ada, self.grace):
            await page.until("document.querySelector('#messages .aside')")
            await page.until(CONNECTED)
        await self._say(self.ada, "A new day", self.grace)
        expect_equal(await self.grace.evaluate(rows("Hello, Ada") + ".length"), 1)
        first = await self.ada.evaluate(PRICE)
        await self.ada.until(f"{PRICE} !== {json.dumps(first)}")

    async def nothing_was_thrown_all_the_while(self):
        for page in (self.ada, self.grace):
            expect_equal([text for text in page.errors if not text.startswith("WebSocket connection to")], [])

    async def a_page_without_the_client_library_says_so(self):
        await self.ada.call("Page.addScriptToEvaluateOnNewDocument",
                            source="Object.defineProperty(window, 'Centrifuge', {get() {}, set() {}})")
        await self._open(self.ada, self.ada_line)
        await self.ada.until(f"!{element('missing')}.hidden")
        expect_equal(await self.ada.evaluate(f"{element('status-words')}.textContent"), "no client")
        expect_equal(await self.ada.evaluate(OVERFLOWS), "")


async def main(url, process_id):
    tests = None
    with Browser() as browser:
        devtools = {"uri": browser.devtools_url(), "max_size": None, "ping_interval": None}
        async with (Line(url) as ada, Line(url) as grace,
                    websockets.connect(**devtools) as one, websockets.connect(**devtools) as two):
            pages = Page(one), Page(two)
            for page in pages:
                await page.open()
            try:
                await pages[0].go_to(f"http://127.0.0.1:{ada.port}/")
                if not await pages[0].evaluate("typeof Centrifuge !== 'undefined'"):
                    raise Skip("the server was built without npm's centrifuge")
                tests = Tests((pages[0], ada), (pages[1], grace), process_id)
                await run_tests(tests.all())
            except Skip as why:
                print_result("the demo's page", why)
    if tests is None or tests.other_server is None:
        os.kill(process_id, signal.SIGTERM)
    else:
        tests.other_server.send_signal(signal.SIGTERM)
        tests.other_server.communicate()


asyncio.run(main(sys.argv[1], int(sys.argv[3])))

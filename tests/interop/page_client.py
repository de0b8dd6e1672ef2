"""The page at / of a server with --dev, used in Chromium as a person would: URL SCENARIO PID_OF_SERVER (see run.py).

Headless, steered over its DevTools protocol by python3-websockets. It knows the page by its ids only. Topics are named anew
each time, so that the server may serve others meanwhile.
"""

import asyncio
import json
import secrets
import sys

import websockets
from browser import OVERFLOWS, Browser, Page
from results import expect_equal, run_tests

# A pixel of the chart in the topic's colour, well above the line of zero: a curve, not an axis.
CURVE_IS_DRAWN = """(() => {
    const canvas = document.getElementById('chart'), {width, height} = canvas;
    const mark = document.querySelector('#legend .stroke');
    const wanted = getComputedStyle(mark).borderTopColor.match(/\\d+/g).map(Number);
    const copy = new OffscreenCanvas(width, height).getContext('2d', {willReadFrequently: true});  // Else the console advises it.
    copy.drawImage(canvas, 0, 0);
    const {data} = copy.getImageData(0, 0, width, Math.floor(height * 0.6));
    for (let at = 0; at < data.length; at += 4)
        if (data[at + 3] === 255 && wanted.every((value, i) => Math.abs(data[at + i] - value) <= 2)) return true;
    return false;
})()"""


class Tests:
    """In the order of a visit: each goes on where the one before ended."""

    def __init__(self, page, url):
        self.page = page
        self.url = url
        self.topic = f"page test/{secrets.token_hex(4)} é"

    def row(self, text):
        """JavaScript: the list's row with that text, or undefined."""
        return f"[...document.querySelectorAll('#list li')].find(row => row.querySelector('.text').textContent === {json.dumps(text)})"

    def all(self):
        return {name.replace("_", " "): getattr(self, name) for name in type(self).__dict__ if name.startswith(("the_", "a_", "one_", "nothing_"))}

    async def the_page_is_one_file_without_outside_resources(self):
        await self.page.window(1280, 900, "light")
        await self.page.go_to(self.url + "#topic=" + secrets.token_hex(4))
        expect_equal(await self.page.evaluate("document.title"), "ringcast")
        expect_equal(await self.page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name).join(' ')"), "")

    async def a_topic_typed_in_is_added_and_opens(self):
        await self.page.evaluate("document.querySelector('#topics .remove').click()")
        await self.page.type("add-name", self.topic)
        await self.page.until("document.querySelector('#topics .topic')?.dataset.state === 'open'")
        expect_equal(await self.page.evaluate("document.querySelector('#topics .title').textContent"), self.topic)
        await self.page.until("document.getElementById('status').textContent === 'connected'")

    async def a_reserved_name_is_refused_in_words(self):
        await self.page.type("add-name", "$reserved")
        await self.page.until("document.getElementById('add-hint').textContent.includes('reserved')")
        expect_equal(await self.page.evaluate("document.querySelectorAll('#topics .topic').length"), 1)
        await self.page.evaluate("document.getElementById('add-name').value = ''")

    async def a_message_sent_by_Enter_appears_as_ones_own(self):
        await self.page.type("send-text", "from the keyboard")
        await self.page.until(self.row("from the keyboard"))
        await self.page.until(f"{self.row('from the keyboard')}.querySelector('.tags').textContent.startsWith('own ')")
        expect_equal(await self.page.evaluate("document.getElementById('send-text').value"), "")

    async def a_message_of_another_client_appears_as_text(self):
        markup = "<b>bold</b><script>throw 1</script>"
        await self.page.evaluate(f"""new Promise((done, fail) => {{
            const socket = new WebSocket(location.origin.replace('http', 'ws') + '/topics/' + encodeURIComponent({json.dumps(self.topic)}));
            socket.onopen = () => socket.send({json.dumps(markup)});
            socket.onmessage = () => {{ socket.close(); done(); }};
            socket.onerror = () => fail(new Error('the other client cannot connect'));
        }})""")
        await self.page.until(self.row(markup))
        expect_equal(await self.page.evaluate("document.querySelectorAll('#list b, #list script').length"), 0)

    async def a_binary_message_is_shown_in_hex(self):
        await self.page.evaluate("document.querySelector('[name=format][value=hex]').click()")
        await self.page.type("send-text", "00ff 7f")
        await self.page.until(self.row("00 ff 7f"))
        expect_equal((await self.page.evaluate(f"{self.row('00 ff 7f')}.querySelector('.tags').textContent")).startswith("binary 3 B"), True)

    async def a_fault_in_JSON_is_told_and_not_sent(self):
        await self.page.evaluate("document.querySelector('[name=format][value=json]').click()")
        await self.page.type("send-text", "{]")
        await self.page.until("document.getElementById('send-hint').textContent.startsWith('Not JSON')")
        expect_equal(await self.page.evaluate("document.getElementById('send-text').value"), "{]")

    async def the_figures_count_what_arrived(self):
        await self.page.until("document.getElementById('received').textContent === '3'")
        await self.page.until("document.getElementById('trip').textContent.endsWith(' ms')")

    async def the_chart_draws_the_rate(self):
        await self.page.until(CURVE_IS_DRAWN)

    async def the_slider_sends_by_itself_and_stops(self):
        await self.page.evaluate("(load => { load.value = 200; load.dispatchEvent(new Event('input')); })(document.getElementById('load'))")
        await self.page.until("Number(document.getElementById('received').textContent.replace(',', '')) > 150")
        await self.page.until("document.getElementById('note').textContent.startsWith('showing ')")
        await self.page.evaluate("(load => { load.value = 0; load.dispatchEvent(new Event('input')); })(document.getElementById('load'))")
        await self.page.until("document.getElementById('rate').textContent === '0 /s'")
        expect_equal(await self.page.evaluate("document.querySelectorAll('#list li').length <= 300"), True)

    async def the_echo_endpoint_answers(self):
        await self.page.evaluate("document.getElementById('add-echo').click()")
        await self.page.until("document.querySelectorAll('#topics [data-state=open]').length === 2")
        await self.page.evaluate("document.querySelector('[name=format][value=text]').click();"
                                 "document.getElementById('send-text').value = '';"
                                 "(to => { to.value = [...to.options].find(option => option.text === '/echo').value; })(document.getElementById('send-to'))")
        await self.page.type("send-text", "there and back")
        await self.page.until(self.row("there and back"))

    async def the_address_brings_the_topics_back(self):
        await self.page.evaluate("new Promise(done => { addEventListener('pagehide', done); setTimeout(done); location.reload(); })")
        await self.page.until("document.readyState === 'complete' && document.querySelectorAll('#topics [data-state=open]').length === 2")
        expect_equal(await self.page.evaluate("[...document.querySelectorAll('#topics .title')].map(title => title.textContent).join('|')"),
               self.topic + "|/echo")

    async def nothing_sticks_out_of_windows_of_any_width(self):
        for width in (360, 375, 600, 900, 1280, 2560):
            await self.page.window(width, 800, "light")
            expect_equal(f"{width}: {await self.page.evaluate(OVERFLOWS)}", f"{width}: ")

    async def the_dark_scheme_is_dark(self):
        def brightness():
            return self.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0)")
        await self.page.window(1280, 900, "light")
        light = await brightness()
        await self.page.window(1280, 900, "dark")
        dark = await brightness()
        expect_equal(light > 600 and dark < 150, True)

    async def nothing_is_complained_about_in_the_console(self):
        expect_equal(self.page.errors, [])


async def main(url):
    with Browser() as browser:
        async with websockets.connect(browser.devtools_url(), max_size=None, ping_interval=None) as socket:
            page = Page(socket)
            await page.open()
            await run_tests(Tests(page, url).all())


asyncio.run(main(sys.argv[1].replace("ws://", "http://").rstrip("/") + "/"))

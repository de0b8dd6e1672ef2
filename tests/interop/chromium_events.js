// Chromium's EventSource at the topics of plain HTTP clients, and fetch() for what is posted: {name: async function}.
// chromium_client.py has put chromium_centrifuge.js into the page before, and offers `cut`, as it says there.

/** A source that is open, and notes what comes. */
class Source {
  constructor(topic) {
    this.topic = topic;
    this.values = [];
    this.positions = [];
    this.waiting = [];
    this.source = new EventSource(`/topics/${topic}`);
    this.source.onmessage = ({ data }) => this.#note(this.values, data);
    this.source.addEventListener('binary', ({ data }) => this.#note(this.values, `binary ${data}`));
    this.source.addEventListener('position', ({ data }) => this.#note(this.positions, JSON.parse(data)));
  }

  #note(list, entry) {
    list.push(entry);
    this.waiting.splice(0).forEach((wake) => wake());
  }

  /** Until that holds. */
  async until(holds) {
    while (!holds()) await new Promise((resolve) => { this.waiting.push(resolve); });
  }

  async isOpen() {
    await this.until(() => this.positions.length > 0);
    return this;
  }
}

function open(topic) {
  return new Source(topic).isOpen();
}

async function post(topic, body, type = 'text/plain') {
  const { status } = await fetch(`/topics/${topic}`, { method: 'POST', body, headers: { 'Content-Type': type } });
  expectSame(status, 202);
}

var eventTests = {
  async 'eventsource: what is posted reaches all who listen, in order, whatever it is'() {
    const [one, other] = [await open('events/all'), await open('events/all')];
    await post('events/all', 'two\nlines');
    await post('events/all', '{"é": "🚀"}', 'application/json');
    await post('events/all', new Uint8Array([0, 255]), 'application/octet-stream');
    for (const each of [one, other]) {
      await each.until(() => each.values.length >= 3);
      expectSame(each.values, ['two\nlines', '{"é": "🚀"}', 'binary AP8=']);
      each.source.close();
    }
  },
  async 'eventsource: what was published while it was cut off comes first, once'() {
    const source = await open('events/recover');
    for (const text of numbers(1, 5)) await post('events/recover', text);
    await source.until(() => source.values.length >= 5);
    await whileCut('events/recover', numbers(6, 40));
    await source.until(() => source.values.length >= 40);
    await post('events/recover', '41');
    await source.until(() => source.values.length >= 41);
    expectSame(source.values, numbers(1, 41));
    expectSame(source.positions.at(-1).recovered, true);
    source.source.close();
  },
  async 'eventsource: who has missed more than is kept is told so'() {
    const source = await open('events/gap');
    await post('events/gap', '0');
    await source.until(() => source.values.length >= 1);
    await whileCut('events/gap', numbers(1, 150));
    await source.until(() => source.positions.length >= 2);
    expectSame(source.positions.at(-1).recovered, false);
    source.source.close();
  },
};
true;

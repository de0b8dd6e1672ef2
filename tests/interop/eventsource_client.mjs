// The EventSource of the npm package `undici`, which is a browser's, at the topics of plain HTTP clients:
// node eventsource_client.mjs URL SCENARIO PID (see run.py). It connects again by itself, with the id of the last event.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import process from 'node:process';
import { EventSource } from 'undici';
import { runTests } from './results.mjs';

const [url] = process.argv.slice(2);
const httpUrl = url.replace(/^ws/, 'http');

/** A relay in front of the server, whose connections can be cut. */
class Relay {
  constructor() {
    this.sockets = new Set();
    this.server = net.createServer((client) => {
      const { hostname, port } = new URL(httpUrl);
      const server = net.connect(Number(port), hostname);
      for (const [from, to] of [[client, server], [server, client]]) {
        this.sockets.add(from);
        from.on('error', () => {});
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
    });
  }

  async listen() {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  cut() {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  close() {
    this.cut();
    this.server.close();
  }
}

/** Notes what comes. */
class Listener {
  constructor(target) {
    this.messages = [];
    this.positions = [];
    this.waiting = [];
    this.source = new EventSource(target);
    this.source.onmessage = ({ data, lastEventId }) => this.#note(this.messages, { data, lastEventId });
    this.source.addEventListener('binary', ({ data }) => this.#note(this.messages, { binary: data }));
    this.source.addEventListener('position', ({ data }) => this.#note(this.positions, JSON.parse(data)));
  }

  #note(list, entry) {
    list.push(entry);
    for (const wake of this.waiting.splice(0)) wake();
  }

  async until(isThere) {
    while (!isThere(this)) await new Promise((done) => { this.waiting.push(done); });
  }
}

async function post(topic, body, type = 'text/plain') {
  const answer = await fetch(`${httpUrl}/topics/${topic}`, { method: 'POST', body, headers: { 'content-type': type } });
  assert.equal(answer.status, 202);
  await answer.text();
}

await runTests({
  async 'publications of each kind are events'() {
    const listener = new Listener(`${httpUrl}/topics/kinds`);
    await listener.until(({ positions }) => positions.length === 1);
    await post('kinds', '{"a":1}', 'application/json');
    await post('kinds', 'two\nlines');
    await post('kinds', Buffer.from([0, 255]), 'application/octet-stream');
    await listener.until(({ messages }) => messages.length === 3);
    assert.deepEqual(listener.messages.map(({ data }) => data), ['{"a":1}', 'two\nlines', undefined]);
    assert.equal(listener.messages[2].binary, 'AP8=');
    const { epoch } = listener.positions[0];
    assert.deepEqual(listener.messages.map(({ lastEventId }) => lastEventId), [`${epoch}:1`, `${epoch}:2`, undefined]);
    listener.source.close();
  },
  async 'what was published while it was cut off comes, in order, once'() {
    const relay = new Relay();
    const listener = new Listener(`${await relay.listen()}/topics/cut`);
    await listener.until(({ positions }) => positions.length === 1);
    for (let n = 1; n <= 5; ++n) await post('cut', String(n));
    await listener.until(({ messages }) => messages.length === 5);
    relay.cut();
    for (let n = 6; n <= 40; ++n) await post('cut', String(n));
    await listener.until(({ messages }) => messages.length === 40);
    assert.deepEqual(listener.messages.map(({ data }) => Number(data)), Array.from({ length: 40 }, (_, i) => i + 1));
    assert.deepEqual(listener.positions.map(({ recovered }) => recovered), [undefined, true]);
    listener.source.close();
    relay.close();
  },
});

// The npm package `undici`, the HTTP client and WebSocket of Node.js itself, as a client of the server:
// node undici_client.mjs URL SCENARIO PID_OF_SERVER (see run.py). It speaks the WebSocket of browsers.

import assert from 'node:assert/strict';
import process from 'node:process';
import { Pool, WebSocket } from 'undici';
import { MESSAGE_BYTES_MAX, SIZES, pattern, runTests } from './results.mjs';

const [url, scenario] = process.argv.slice(2);

/** The next event of that name; an error where a Close comes instead. */
function next(socket, name) {
  const done = new AbortController();
  return new Promise((resolve, reject) => {
    socket.addEventListener(name, resolve, { signal: done.signal });
    if (name !== 'close') {
      const fail = (event) => reject(new Error(`closed with ${event.code}`));
      socket.addEventListener('close', fail, { signal: done.signal });
    }
  }).finally(() => done.abort());
}

async function connect(path = '/echo') {
  const socket = new WebSocket(url + path);
  socket.binaryType = 'arraybuffer';
  await next(socket, 'open');
  return socket;
}

async function expectMessage(reply, data) {
  const found = (await reply).data;
  if (typeof data === 'string') assert.ok(found === data, `the message of ${data.length} differs`);
  else assert.ok(Buffer.from(found).equals(data), `the message of ${data.length} differs`);
}

async function echo(socket, data) {
  const reply = next(socket, 'message');
  socket.send(data);
  await expectMessage(reply, data);
}

async function close(socket, ...codeAndReason) {
  const closed = next(socket, 'close');
  socket.close(...codeAndReason);
  return (await closed).code;
}

const standard = {
  async 'messages of many sizes come back'() {
    const socket = await connect();
    for (const size of SIZES) {
      await echo(socket, 'x'.repeat(size));
      await echo(socket, pattern(size));
    }
    await echo(socket, 'aé日🚀 \u0000\uffff\u{10ffff}'.repeat(100));
    await close(socket);
  },
  async 'a thousand messages without waiting come back in order'() {
    const socket = await connect();
    const received = [];
    const all = new Promise((resolve) => {
      socket.addEventListener('message', (event) => { if (received.push(event.data) === 1000) resolve(); });
    });
    const sent = Array.from({ length: 1000 }, (_, i) => `message ${i} ${'.'.repeat(i)}`);
    for (const message of sent) socket.send(message);
    await all;
    assert.deepEqual(received, sent);
    await close(socket);
  },
  async 'the close code comes back'() {
    for (const code of [1000, 3000, 4999]) assert.equal(await close(await connect(), code, 'a reason'), code);
  },
  async 'a message over the limit is refused with 1009'() {
    const socket = await connect();
    const closed = next(socket, 'close');
    socket.send(pattern(MESSAGE_BYTES_MAX + 1));
    assert.equal((await closed).code, 1009);
  },
  async 'an unknown path is an error'() {
    await next(new WebSocket(`${url}/nowhere`), 'error');
  },
  async 'requests in a pipeline are answered in order'() {
    const pool = new Pool(url.replace(/^ws/, 'http'), { connections: 1, pipelining: 8 });
    const paths = Array.from({ length: 32 }, (_, i) => `/nowhere/${i}`);
    const answers = await Promise.all(paths.map((path) => pool.request({ path, method: 'GET' })));
    for (const answer of answers) {
      assert.equal(answer.statusCode, 404);
      await answer.body.dump();
    }
    await pool.close();
  },
};

const topics = {
  async 'a publication of any size reaches its publisher and another'() {
    const sockets = [await connect('/topics/undici'), await connect('/topics/undici')];
    for (const size of SIZES) {
      for (const message of ['x'.repeat(size), pattern(size)]) {
        const replies = sockets.map((socket) => next(socket, 'message'));
        sockets[0].send(message);
        for (const reply of replies) await expectMessage(reply, message);
      }
    }
    for (const socket of sockets) await close(socket);
  },
};

await runTests({ standard, topics }[scenario]);

// The npm package `ws` as a client of the server: node ws_client.mjs URL SCENARIO PID_OF_SERVER (see run.py).

import assert from 'node:assert/strict';
import { once } from 'node:events';
import process from 'node:process';
import WebSocket from 'ws';
import { MESSAGE_BYTES_MAX, SIZES, pattern, runTests } from './results.mjs';

const [url, scenario, serverPid] = process.argv.slice(2);

async function connect(path = '/echo', options = {}) {
  const socket = new WebSocket(url + path, options);
  await once(socket, 'open');
  return socket;
}

async function echo(socket, data) {
  const reply = once(socket, 'message');
  socket.send(data);
  const [bytes, isBinary] = await reply;
  assert.equal(isBinary, typeof data !== 'string');
  assert.ok(bytes.equals(Buffer.from(data)), `the echo of ${data.length} differs`);
}

/** Closes and returns the code that the server answered. */
async function close(socket, ...codeAndReason) {
  const closed = once(socket, 'close');
  socket.close(...codeAndReason);
  return (await closed)[0];
}

/** The status with which the server refuses the handshake. */
async function refusal(path, options) {
  const socket = new WebSocket(url + path, options);
  socket.on('error', () => {});
  const [request, response] = await once(socket, 'unexpected-response');
  request.destroy();
  return response.statusCode;
}

const standard = {
  async 'text of many sizes comes back'() {
    const socket = await connect();
    for (const size of SIZES) await echo(socket, 'x'.repeat(size));
    assert.equal(await close(socket, 1000), 1000);
  },
  async 'binary of many sizes comes back'() {
    const socket = await connect();
    for (const size of SIZES) await echo(socket, pattern(size));
    assert.equal(await close(socket, 1000), 1000);
  },
  async 'every size up to 300 comes back'() {
    const socket = await connect();
    for (let size = 0; size <= 300; ++size) await echo(socket, pattern(size));
    await close(socket, 1000);
  },
  async 'characters of one to four bytes come back'() {
    const socket = await connect();
    await echo(socket, 'aé日🚀 \u0000\uffff\u{10ffff}'.repeat(100));
    await close(socket, 1000);
  },
  async 'no subprotocol is chosen where none is offered'() {
    const socket = await connect();
    assert.equal(socket.protocol, '');
    await close(socket, 1000);
  },
  async 'a fragmented message comes back whole'() {
    const socket = await connect();
    const reply = once(socket, 'message');
    const payload = pattern(5000);
    for (let i = 0; i < 50; ++i) socket.send(payload.subarray(i * 100, (i + 1) * 100), { fin: i === 49 });
    const [bytes, isBinary] = await reply;
    assert.ok(isBinary && bytes.equals(payload));
    await close(socket, 1000);
  },
  async 'text split inside its characters comes back whole'() {
    const socket = await connect();
    const reply = once(socket, 'message');
    const payload = Buffer.from('κόσμε 🚀 日本語');
    for (let i = 0; i < payload.length; ++i) {
      socket.send(payload.subarray(i, i + 1), { binary: false, fin: i === payload.length - 1 });
    }
    const [bytes, isBinary] = await reply;
    assert.ok(!isBinary && bytes.equals(payload));
    await close(socket, 1000);
  },
  async 'a ping between fragments is answered before the message'() {
    const socket = await connect();
    const events = [];
    socket.on('pong', (data) => events.push(`pong ${data}`));
    const reply = once(socket, 'message');
    socket.send('one ', { fin: false });
    socket.ping('between');
    socket.send('message', { fin: true });
    events.push(`message ${(await reply)[0]}`);
    assert.deepEqual(events, ['pong between', 'message one message']);
    await close(socket, 1000);
  },
  async 'pings of all sizes are answered with their payload'() {
    const socket = await connect();
    for (const size of [0, 1, 124, 125]) {
      const pong = once(socket, 'pong');
      socket.ping(pattern(size));
      assert.ok((await pong)[0].equals(pattern(size)));
    }
    await close(socket, 1000);
  },
  async 'an unsolicited pong is ignored'() {
    const socket = await connect();
    socket.pong('nobody asked');
    await echo(socket, 'still here');
    await close(socket, 1000);
  },
  async 'a thousand messages without waiting come back in order'() {
    const socket = await connect();
    const replies = [];
    const all = new Promise((resolve) => socket.on('message', (data) => {
      if (replies.push(data.toString()) === 1000) resolve();
    }));
    const sent = Array.from({ length: 1000 }, (_, i) => `message ${i} ${'.'.repeat(i)}`);
    for (const message of sent) socket.send(message);
    await all;
    assert.deepEqual(replies, sent);
    await close(socket, 1000);
  },
  async 'the close code comes back'() {
    for (const code of [1000, 1001, 1003, 1007, 1011, 1012, 3000, 4000, 4999]) {
      assert.equal(await close(await connect(), code, 'a reason'), code);
    }
  },
  async 'a close without a code is answered'() {
    assert.ok([1000, 1005].includes(await close(await connect())));
  },
  async 'a message over the limit is refused with 1009'() {
    for (const data of ['x'.repeat(MESSAGE_BYTES_MAX + 1), pattern(MESSAGE_BYTES_MAX + 1)]) {
      const socket = await connect();
      const closed = once(socket, 'close');
      socket.on('error', () => {});
      socket.send(data);
      assert.equal((await closed)[0], 1009);
    }
  },
  async 'fragments that exceed the limit together are refused with 1009'() {
    const socket = await connect();
    const closed = once(socket, 'close');
    socket.on('error', () => {});
    socket.send(pattern(MESSAGE_BYTES_MAX), { fin: false });
    socket.send(pattern(1), { fin: true });
    assert.equal((await closed)[0], 1009);
  },
  async 'an unknown path is refused with 404'() {
    assert.equal(await refusal('/nowhere'), 404);
  },
  async 'an unknown protocol version is refused'() {
    assert.equal(await refusal('/echo', { protocolVersion: 8 }), 426);
  },
};

/** Clients of a topic, whichever shards they come to; `received` collects what each of them hears. */
async function subscribe(count, topic) {
  const sockets = await Promise.all(Array.from({ length: count }, () => connect(`/topics/${topic}`)));
  for (const socket of sockets) {
    socket.received = [];
    socket.on('message', (bytes, isBinary) => {
      socket.received.push(isBinary ? bytes : bytes.toString());
      socket.emit('heard');
    });
  }
  return sockets;
}

/** Once it has heard `count` messages: takes and returns them. */
async function hear(socket, count) {
  while (socket.received.length < count) await once(socket, 'heard');
  return socket.received.splice(0, count);
}

const topics = {
  async 'a publication of any size reaches its publisher and all others'() {
    const sockets = await subscribe(4, 'ws/publications');
    for (const size of SIZES) {
      for (const message of ['x'.repeat(size), pattern(size)]) {
        sockets[0].send(message);
        for (const socket of sockets) assert.deepEqual(await hear(socket, 1), [message]);
      }
    }
    sockets[1].send('κόσμε 🚀');
    for (const socket of sockets) assert.deepEqual(await hear(socket, 1), ['κόσμε 🚀']);
    for (const socket of sockets) assert.equal(await close(socket, 1000), 1000);
  },
  async 'a publication in fragments reaches others whole'() {
    const [publisher, other] = await subscribe(2, 'ws/fragments');
    publisher.send('one ', { fin: false });
    publisher.send('message', { fin: true });
    for (const socket of [publisher, other]) {
      assert.deepEqual(await hear(socket, 1), ['one message']);
      await close(socket, 1000);
    }
  },
  async 'what six publish at once comes to all in one order'() {
    const sockets = await subscribe(6, 'ws/order');
    const count = 100;
    for (let i = 0; i < count; ++i) sockets.forEach((socket, number) => socket.send(`${number} ${i}`));
    const [first, ...others] = await Promise.all(sockets.map((socket) => hear(socket, 6 * count)));
    for (const other of others) assert.deepEqual(other, first);
    for (let number = 0; number < 6; ++number) {
      assert.deepEqual(first.filter((message) => message.startsWith(`${number} `)),
        Array.from({ length: count }, (_, i) => `${number} ${i}`));
      await close(sockets[number], 1000);
    }
  },
  async 'names that are none are refused with 400'() {
    for (const name of ['ns:name', '$name', '%23', 'x'.repeat(256), '%ff', 'a%0Ab']) {
      assert.equal(await refusal(`/topics/${name}`), 400);
    }
  },
};

const large = {
  async 'large messages come back'() {
    const socket = await connect();
    for (const size of [1 << 17, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 1 << 22, 1 << 24]) {
      await echo(socket, pattern(size));
      await echo(socket, 'x'.repeat(size));
    }
    assert.equal(await close(socket, 1000), 1000);
  },
  async 'a large message in fragments comes back whole'() {
    const socket = await connect();
    const reply = once(socket, 'message');
    const payload = pattern(1 << 20);
    for (let i = 0; i < 16; ++i) socket.send(payload.subarray(i << 16, (i + 1) << 16), { fin: i === 15 });
    assert.ok((await reply)[0].equals(payload));
    await close(socket, 1000);
  },
  async 'large messages without waiting come back in order'() {
    const socket = await connect();
    const replies = [];
    const all = new Promise((resolve) => socket.on('message', (data) => {
      if (replies.push(data) === 20) resolve();
    }));
    const sent = Array.from({ length: 20 }, (_, i) => pattern((1 << 20) - i));
    for (const message of sent) socket.send(message);
    await all;
    replies.forEach((reply, i) => assert.ok(reply.equals(sent[i]), `reply ${i} differs`));
    await close(socket, 1000);
  },
};

/** Text that compresses like JSON does. */
function json(size) {
  return JSON.stringify(Array.from({ length: size / 20 }, (_, i) => ({ id: i * 7919 % 1000, on: i % 3 === 0 })));
}

/** A session with these parameters is sent less than its messages are long, and all of them right. */
async function compress(perMessageDeflate) {
  const socket = await connect('/echo', { perMessageDeflate: { threshold: 0, ...perMessageDeflate } });
  assert.ok(socket.extensions.startsWith('permessage-deflate'), `agreed on: ${socket.extensions}`);
  const before = socket._socket.bytesRead;
  let size = 0;
  for (let i = 0; i < 20; ++i) {
    const message = json(100 + i * 2000);
    size += message.length;
    await echo(socket, message);
  }
  const read = socket._socket.bytesRead - before;
  assert.ok(read < size / 2, `${read} bytes read for ${size}`);
  for (const size of SIZES) {
    await echo(socket, 'x'.repeat(size));
    await echo(socket, pattern(size));
  }
  for (let i = 0; i < 16; ++i) socket.send(pattern(100), { fin: i === 15 });
  assert.ok((await once(socket, 'message'))[0].equals(Buffer.concat(Array(16).fill(pattern(100)))));
  assert.equal(await close(socket, 1000), 1000);
}

const compression = {
  'messages are compressed': () => compress({}),
  'without contexts': () => compress({ serverNoContextTakeover: true, clientNoContextTakeover: true }),
  'with a small window of the server': () => compress({ serverMaxWindowBits: 9 }),
  'with the smallest window of the server': () => compress({ serverMaxWindowBits: 8 }),
  'with a small window of the client': () => compress({ clientMaxWindowBits: 10 }),
  async 'a message that is too long when it is inflated closes with 1009'() {
    const socket = await connect('/echo', { perMessageDeflate: { threshold: 0 } });
    const closed = once(socket, 'close');
    socket.send('x'.repeat(MESSAGE_BYTES_MAX + 1));
    assert.equal((await closed)[0], 1009);
  },
  async 'who does not offer it gets none'() {
    const socket = await connect('/echo', { perMessageDeflate: false });
    assert.equal(socket.extensions, '');
    await echo(socket, json(10000));
    await close(socket, 1000);
  },
};

const keepalive = {
  async 'the server pings, and is content with the pongs'() {
    const socket = await connect();
    for (let i = 0; i < 3; ++i) await once(socket, 'ping');
    await echo(socket, 'still here');
    await close(socket, 1000);
  },
};

const origin = {
  async 'a foreign origin is refused with 403'() {
    assert.equal(await refusal('/echo', { origin: 'http://elsewhere.example' }), 403);
  },
  async 'the same origin is welcome'() {
    const socket = await connect('/echo', { origin: url.replace('ws://', 'http://') });
    await echo(socket, 'hello');
    await close(socket, 1000);
  },
  async 'no origin is welcome'() {
    const socket = await connect();
    await echo(socket, 'hello');
    await close(socket, 1000);
  },
};

/** The server is told to stop while a client is connected. */
async function stop(signal, code) {
  const socket = await connect();
  await echo(socket, 'hello');
  const closed = once(socket, 'close');
  process.kill(Number(serverPid), signal);
  assert.equal((await closed)[0], code);
}

const scenarios = {
  standard, topics, large, compression, keepalive, origin,
  sigterm: { 'SIGTERM closes with 1012': () => stop('SIGTERM', 1012) },
  sigint: { 'SIGINT closes with 1001': () => stop('SIGINT', 1001) },
};

await runTests(scenarios[scenario]);

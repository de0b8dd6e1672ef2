// The tests that chromium_client.py runs in a page: {scenario: {name: function of the server's URL}}.

var TEXT_SIZES = [0, 1, 2, 125, 126, 127, 128, 1000, 65535, 65536];

function expectEqual(found, expected) {
  if (found !== expected) throw new Error(`expected ${expected}, found ${found}`.slice(0, 200));
}

/** Bytes that no shifted or wrongly masked copy equals. */
function pattern(size) {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; ++i) bytes[i] = i * 31 + (i >> 8) * 7 + 5;
  return bytes;
}

function once(target, name) {
  return new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));
}

/** An open WebSocket; fails if the server refuses. */
async function connect(url, path = '/echo') {
  const socket = new WebSocket(url + path);
  socket.binaryType = 'arraybuffer';
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onclose = (event) => reject(new Error(`refused (${event.code})`));
  });
  socket.onclose = null;
  return socket;
}

/** 'open' if the server takes the connection, else the code that the browser reports. */
async function outcome(url, path = '/echo') {
  const socket = new WebSocket(url + path);
  const event = await Promise.race([once(socket, 'open'), once(socket, 'close')]);
  if (event.type === 'close') return event.code;
  socket.close();
  return 'open';
}

async function echo(socket, data) {
  const reply = once(socket, 'message');
  socket.send(data);
  const received = (await reply).data;
  if (typeof data === 'string') return expectEqual(received === data, true);
  const bytes = new Uint8Array(received);
  expectEqual(bytes.length, data.length);
  expectEqual(bytes.every((value, i) => value === data[i]), true);
}

/** Closes and returns what the browser says about the end. */
async function close(socket, ...codeAndReason) {
  const closed = once(socket, 'close');
  socket.close(...codeAndReason);
  const event = await closed;
  expectEqual(event.wasClean, true);
  return event.code;
}

/** Clients of a topic, whichever shards they come to. */
async function subscribe(url, count, topic) {
  const sockets = await Promise.all(Array.from({ length: count }, () => connect(url, `/topics/${topic}`)));
  for (const socket of sockets) {
    socket.received = [];
    socket.onmessage = ({ data }) => {
      socket.received.push(typeof data === 'string' ? data : new Uint8Array(data));
      socket.dispatchEvent(new Event('heard'));
    };
  }
  return sockets;
}

/** Once it has heard `count` messages: takes and returns them. */
async function hear(socket, count) {
  while (socket.received.length < count) await once(socket, 'heard');
  return socket.received.splice(0, count);
}

var scenarios = {
  standard: {
    async 'text of many sizes comes back'(url) {
      const socket = await connect(url);
      for (const size of TEXT_SIZES) await echo(socket, 'x'.repeat(size));
      expectEqual(await close(socket, 1000), 1000);
    },
    async 'binary of many sizes comes back'(url) {
      const socket = await connect(url);
      for (const size of TEXT_SIZES) await echo(socket, pattern(size));
      expectEqual(await close(socket, 1000), 1000);
    },
    async 'characters of one to four bytes come back'(url) {
      const socket = await connect(url);
      await echo(socket, 'aé日🚀 \u0000\uffff\u{10ffff}'.repeat(100));
      expectEqual(await close(socket, 1000), 1000);
    },
    async 'no subprotocol is chosen where none is offered'(url) {
      const socket = await connect(url);
      expectEqual(socket.protocol, '');
      await close(socket, 1000);
    },
    async 'a thousand messages without waiting come back in order'(url) {
      const socket = await connect(url);
      const replies = [];
      const all = new Promise((resolve) => {
        socket.onmessage = (event) => { if (replies.push(event.data) === 1000) resolve(); };
      });
      for (let i = 0; i < 1000; ++i) socket.send(`message ${i} ${'.'.repeat(i)}`);
      await all;
      replies.forEach((reply, i) => expectEqual(reply, `message ${i} ${'.'.repeat(i)}`));
      await close(socket, 1000);
    },
    async 'the close code comes back'(url) {
      for (const code of [1000, 3000, 4999]) expectEqual(await close(await connect(url), code, 'a reason'), code);
    },
    async 'a close without a code is answered'(url) {
      expectEqual([1000, 1005].includes(await close(await connect(url))), true);
    },
    async 'a message over the limit is refused with 1009'(url) {
      const socket = await connect(url);
      const closed = once(socket, 'close');
      socket.send('x'.repeat(65537));
      expectEqual((await closed).code, 1009);
    },
    async 'an unknown path is refused'(url) {
      expectEqual(await outcome(url, '/nowhere'), 1006);
    },
    async 'a hundred connections at once are served'(url) {
      const sockets = await Promise.all(Array.from({ length: 100 }, () => connect(url)));
      await Promise.all(sockets.map((socket, i) => echo(socket, `connection ${i}`)));
      await Promise.all(sockets.map((socket) => close(socket, 1000)));
    },
  },
  topics: {
    async 'a publication reaches its publisher and all others, text and binary'(url) {
      const sockets = await subscribe(url, 4, 'chromium/publications');
      for (const size of TEXT_SIZES) {
        for (const message of ['x'.repeat(size), pattern(size)]) {
          sockets[0].send(message);
          for (const socket of sockets) {
            const [heard] = await hear(socket, 1);
            expectEqual(typeof heard, typeof message);
            expectEqual(heard.length, message.length);
            expectEqual(typeof message === 'string' ? heard === message : heard.every((v, i) => v === message[i]), true);
          }
        }
      }
      for (const socket of sockets) expectEqual(await close(socket, 1000), 1000);
    },
    async 'what six publish at once comes to all in one order'(url) {
      const sockets = await subscribe(url, 6, 'chromium/order');
      const count = 100;
      for (let i = 0; i < count; ++i) sockets.forEach((socket, number) => socket.send(`${number} ${i}`));
      const [first, ...others] = await Promise.all(sockets.map((socket) => hear(socket, 6 * count)));
      for (const other of others) expectEqual(other.join(), first.join());
      for (let number = 0; number < 6; ++number) {
        expectEqual(first.filter((message) => message.startsWith(`${number} `)).join(),
          Array.from({ length: count }, (_, i) => `${number} ${i}`).join());
        await close(sockets[number], 1000);
      }
    },
    async 'a name that is none is refused'(url) {
      expectEqual(await outcome(url, '/topics/ns:name'), 1006);
      expectEqual(await outcome(url, '/topics/name'), 'open');
    },
  },
  large: {
    async 'large messages come back'(url) {
      const socket = await connect(url);
      for (const size of [1 << 20, (1 << 20) + 1, 1 << 24]) {
        await echo(socket, pattern(size));
        await echo(socket, 'x'.repeat(size));
      }
      expectEqual(await close(socket, 1000), 1000);
    },
  },
  origin: {
    async 'a page of the server\'s own origin is welcome'(url) {
      expectEqual(await outcome(url), 'open');
    },
  },
  'foreign origin': {
    async 'a page of another origin is refused'(url) {
      expectEqual(await outcome(url), 1006);
    },
  },
};
true;

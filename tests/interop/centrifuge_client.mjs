// The npm package `centrifuge`, the protocol's own client, in Node.js: node centrifuge_client.mjs URL SCENARIO PID
// (see run.py). It does by itself what the tests look at: it connects again, subscribes again, and recovers.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import process from 'node:process';
import { Centrifuge as JsonCentrifuge } from 'centrifuge';
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf';
import { EventSource } from 'undici';
import WebSocket from 'ws';
import { runTests, tokenOf } from './results.mjs';

const [url, scenario] = process.argv.slice(2);
const httpUrl = url.replace(/^ws/, 'http');
const QUICKLY = { websocket: WebSocket, minReconnectDelay: 20, maxReconnectDelay: 100 };
const PLAINLY = { ...QUICKLY, eventsource: EventSource, emulationEndpoint: `${httpUrl}/emulation` };

/** Where WebSocket is blocked. */
function plain(transport) {
  return [{ transport, endpoint: `${httpUrl}/connection/${transport}` }];
}

/** A promise, and how to keep it. */
function later() {
  let resolve;
  const promise = new Promise((done) => { resolve = done; });
  return { promise, resolve };
}

/** What one kind of wire makes of values: Protobuf carries bytes. */
const WIRES = {
  JSON: {
    connect: (options) => new JsonCentrifuge(`${url}/connection/websocket`, { ...QUICKLY, ...options }),
    encode: (value) => value,
    decode: (data) => data,
  },
  Protobuf: {
    connect: (options) => new ProtobufCentrifuge(`${url}/connection/websocket`, { ...QUICKLY, ...options }),
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (data) => JSON.parse(Buffer.from(data).toString()),
  },
};
/** Those that speak by posting: what is not waited for may overtake. */
const EMULATED = {
  'JSON by http_stream': {
    ...WIRES.JSON, connect: (options) => new JsonCentrifuge(plain('http_stream'), { ...PLAINLY, ...options }),
  },
  'JSON by sse': { ...WIRES.JSON, connect: (options) => new JsonCentrifuge(plain('sse'), { ...PLAINLY, ...options }) },
  'Protobuf by http_stream': {
    ...WIRES.Protobuf, connect: (options) => new ProtobufCentrifuge(plain('http_stream'), { ...PLAINLY, ...options }),
  },
};

/** A client that is connected, and notes what its subscriptions get. */
class Client {
  constructor(wire, options = {}) {
    this.wire = wire;
    this.centrifuge = wire.connect(options);
    this.events = [];  // Of subscriptions that the server makes, and of the connection.
    this.values = [];
    this.tags = [];
    this.centrifuge.on('subscribed', (context) => this.#note(['subscribed', context]));
    this.centrifuge.on('unsubscribed', (context) => this.#note(['unsubscribed', context]));
    this.centrifuge.on('connecting', (context) => this.#note(['connecting', context]));
    this.centrifuge.on('disconnected', (context) => this.#note(['disconnected', context]));
    this.centrifuge.on('publication', ({ channel, data, tags }) => {
      this.values.push([channel, wire.decode(data)]);
      this.tags.push(tags);
      this.#note(['publication', {}]);
    });
    this.centrifuge.connect();
  }

  #note(event) {
    this.events.push(event);
    this.centrifuge.emit('noted');
  }

  /** Until what it has seen makes `condition()` true. */
  async until(condition) {
    while (!condition()) await new Promise((done) => { this.centrifuge.once('noted', done); });
  }

  /** The context of the event of that kind, the `count`th. */
  async event(kind, count = 1) {
    const found = () => this.events.filter(([each]) => each === kind);
    await this.until(() => found().length >= count);
    return found()[count - 1][1];
  }

  async subscribe(channel, options = {}) {
    const subscription = this.centrifuge.newSubscription(channel, options);
    subscription.values = [];
    subscription.joins = [];
    subscription.infos = [];
    subscription.heard = [];
    subscription.on('publication', ({ data, info }) => {
      subscription.infos.push(info);
      subscription.values.push(this.wire.decode(data));
      subscription.emit('value');
    });
    for (const event of ['join', 'leave']) {
      subscription.on(event, ({ info }) => {
        subscription.heard.push(`${event} ${info.user}`);
        subscription.emit('heard');
      });
    }
    subscription.on('subscribed', (context) => subscription.joins.push(context));
    subscription.subscribe();
    await subscription.ready();
    return subscription;
  }

  publish(channel, value) {
    return this.centrifuge.publish(channel, this.wire.encode(value));
  }

  /** Cuts the connection as a network does, without a word. */
  cut() {
    const transport = this.centrifuge._transport;
    if (transport.emulation()) {
      transport.close();
    } else {
      transport._transport.terminate();
    }
  }

  end() {
    this.centrifuge.disconnect();
  }
}

/** Until the subscription has as many values. */
async function values(subscription, count) {
  while (subscription.values.length < count) await new Promise((done) => { subscription.once('value', done); });
  return subscription.values;
}

/** Until the subscription has heard of as many comers and goers. */
async function heard(subscription, count) {
  while (subscription.heard.length < count) await new Promise((done) => { subscription.once('heard', done); });
  return subscription.heard;
}

function numbers(first, last) {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** The error with which `promise` is rejected. */
async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was not refused');
}

/** What the server API answers. */
async function api(method, request) {
  const response = await fetch(`${process.env.ADMIN_URL}/api/${method}`, {
    method: 'POST', headers: { 'X-API-Key': process.env.API_KEY }, body: JSON.stringify(request),
  });
  const { result, error } = await response.json();
  assert.equal(error, undefined);
  return result;
}

/** Of clients with tokens, and what the server does to them by itself. */
function tokenTestsOf(name, wire) {
  return {
    async 'a token subscribes its client, which recovers when it comes back'() {
      const channels = [`${name}/one`, `${name}/other`];
      const client = new Client(wire, { token: tokenOf({ sub: name, channels }) });
      await client.event('subscribed', 2);
      assert.deepEqual(client.events.filter(([kind]) => kind === 'subscribed').map(([, { channel }]) => channel).sort(),
        channels);
      for (const n of numbers(1, 3)) await api('publish', { channel: channels[n % 2], data: n });
      await client.until(() => client.values.length === 3);
      client.cut();
      for (const n of numbers(4, 20)) await api('publish', { channel: channels[n % 2], data: n });
      const { wasRecovering, recovered } = await client.event('subscribed', 4);
      assert.ok(wasRecovering && recovered);
      await client.until(() => client.values.length === 20);
      for (const [i, channel] of channels.entries()) {
        const seen = client.values.filter(([each]) => each === channel).map(([, value]) => value);
        assert.deepEqual(seen, numbers(1, 20).filter((n) => n % 2 === i));
      }
      client.end();
    },
    async 'an application subscribes a user, and ends that'() {
      const [user, channel] = [`${name}/user`, `${name}/by the application`];
      const clients = [1, 2, 3].map(() => new Client(wire, { token: tokenOf({ sub: user }) }));
      await Promise.all(clients.map(({ centrifuge }) => centrifuge.ready()));
      await api('subscribe', { user, channel });
      await api('publish', { channel, data: 'hello' });
      for (const client of clients) {
        assert.equal((await client.event('subscribed')).channel, channel);
        await client.until(() => client.values.length === 1);
        assert.deepEqual(client.values, [[channel, 'hello']]);
      }
      await api('unsubscribe', { user, channel });
      for (const client of clients) {
        assert.equal((await client.event('unsubscribed')).channel, channel);
        client.end();
      }
    },
    async 'what an application publishes has its tags, also when it is recovered'() {
      const channel = `${name}/tagged`;
      const client = new Client(wire, { token: tokenOf({ sub: name, channels: [channel] }) });
      await client.event('subscribed');
      const tags = { key: 'ACME', 'ä"': '' };
      await api('publish', { channel, data: 1, tags });
      await client.until(() => client.values.length === 1);
      client.cut();
      await api('publish', { channel, data: 2, tags, version: 2 });
      await api('publish', { channel, data: 'older', version: 1 });
      await api('publish', { channel, data: 3 });
      await client.until(() => client.values.length === 3);
      assert.deepEqual(client.values.map(([, value]) => value), [1, 2, 3]);
      assert.deepEqual(client.tags.map((each) => ({ ...each })), [tags, tags, {}]);
      client.end();
    },
    async 'an application disconnects a user, for good or not'() {
      const user = `${name}/leaving`;
      const client = new Client(wire, { token: tokenOf({ sub: user }) });
      await client.centrifuge.ready();
      await api('disconnect', { user, disconnect: { code: 4001, reason: 'come back' } });
      const { code, reason } = await client.event('connecting', 2);
      assert.deepEqual([code, reason], [4001, 'come back']);
      await client.centrifuge.ready();
      await api('disconnect', { user });
      assert.equal((await client.event('disconnected')).code, 3503);
    },
    async 'a client refreshes its token by itself'() {
      const refreshed = later();
      const now = () => Math.floor(Date.now() / 1000);
      const claims = { sub: name, channels: [`${name}/kept`] };
      const client = new Client(wire, {
        token: tokenOf({ ...claims, exp: now() + 2 }),
        getToken: async () => { refreshed.resolve(); return tokenOf({ ...claims, exp: now() + 1000 }); },
      });
      await refreshed.promise;
      await client.centrifuge.rpc('answered behind the refresh', wire.encode({})).catch(() => {});
      await api('publish', { channel: `${name}/kept`, data: 'still here' });
      await client.until(() => client.values.length === 1);
      assert.equal(client.events.filter(([kind]) => kind === 'connecting').length, 1);
      client.end();
    },
  };
}

function testsOf(name, wire) {
  const plain = {
    async 'publications reach every subscriber, the publisher among them'() {
      const [one, other] = [new Client(wire), new Client(wire)];
      const subscriptions = [await one.subscribe(`${name}/all`), await other.subscribe(`${name}/all`)];
      const sent = [{ a: 1 }, [1, 'two', null], 'text', 42, true];
      for (const value of sent) await one.publish(`${name}/all`, value);
      for (const each of subscriptions) assert.deepEqual(await values(each, sent.length), sent);
      assert.notEqual(one.centrifuge._client, other.centrifuge._client);
      one.end();
      other.end();
    },
    async 'what a plain client publishes arrives, and the other way round'() {
      const client = new Client(wire);
      const subscription = await client.subscribe(`${name}/mixed`);
      const socket = new WebSocket(`${url}/topics/${name}/mixed`);
      await once(socket, 'open');
      const message = once(socket, 'message');
      await client.publish(`${name}/mixed`, { from: 'a client' });
      assert.equal((await message)[0].toString(), '{"from":"a client"}');
      await values(subscription, 1);
      if (name.startsWith('JSON')) {
        socket.send('a text');
        socket.send(Buffer.from([0, 255]));
        assert.deepEqual((await values(subscription, 3)).slice(1), ['a text', 'AP8=']);
      }
      socket.terminate();
      client.end();
    },
    async 'nothing comes after an unsubscribe, and all again after the next subscribe'() {
      const client = new Client(wire);
      const subscription = await client.subscribe(`${name}/pause`);
      await client.publish(`${name}/pause`, 1);
      await values(subscription, 1);
      subscription.unsubscribe();
      await client.publish(`${name}/pause`, 2);
      subscription.subscribe();
      await subscription.ready();
      await client.publish(`${name}/pause`, 3);
      assert.deepEqual(await values(subscription, 2), [1, 3]);
      client.end();
    },
    async 'a client that is cut off comes back by itself'() {
      const client = new Client(wire);
      const subscription = await client.subscribe(`${name}/cut`);
      const again = later();
      subscription.once('subscribed', again.resolve);
      client.cut();
      await again.promise;
      await client.publish(`${name}/cut`, 'back');
      assert.deepEqual(await values(subscription, 1), ['back']);
      client.end();
    },
    async 'many channels, many publications, each in its order'() {
      const client = new Client(wire);
      const subscriptions = [];
      for (let i = 0; i < 100; ++i) subscriptions.push(client.subscribe(`${name}/many/${i}`));
      const all = await Promise.all(subscriptions);
      for (let n = 0; n < 10; ++n) all.forEach((_, i) => client.publish(`${name}/many/${i}`, n));
      for (const each of all) assert.deepEqual(await values(each, 10), numbers(0, 9));
      client.end();
    },
    async 'what is not there is refused with the codes of the protocol'() {
      const client = new Client(wire);
      const subscription = await client.subscribe(`${name}/codes`);
      assert.equal((await rejection(subscription.presence())).code, 108);
      assert.equal((await rejection(client.centrifuge.rpc('method', wire.encode({})))).code, 108);
      assert.equal((await rejection(client.publish('unknown:channel', 1))).code, 102);
      client.end();
    },
  };
  const history = {
    async 'what was published while it was cut off is recovered, in order, once'() {
      const [reader, writer] = [new Client(wire), new Client(wire)];
      const subscription = await reader.subscribe(`${name}/recover`);
      for (const n of numbers(1, 5)) await writer.publish(`${name}/recover`, n);
      await values(subscription, 5);
      reader.cut();
      for (const n of numbers(6, 40)) await writer.publish(`${name}/recover`, n);
      assert.deepEqual(await values(subscription, 40), numbers(1, 40));
      assert.ok(subscription.joins.at(-1).recovered);
      for (const n of numbers(41, 50)) await writer.publish(`${name}/recover`, n);
      assert.deepEqual(await values(subscription, 50), numbers(1, 50));
      reader.end();
      writer.end();
    },
    async 'who has missed more than is kept, or comes from another stream, is told so'() {
      const client = new Client(wire);
      const channel = `${name}/gap`;
      const subscription = await client.subscribe(channel);
      for (const n of numbers(1, 150)) await client.publish(channel, n);
      const { epoch } = await subscription.history({ limit: 0 });
      for (const since of [{ offset: 1, epoch }, { offset: 149, epoch: 'another' }]) {
        const other = new Client(wire);
        const late = await other.subscribe(channel, { since });
        assert.ok(late.joins[0].wasRecovering && !late.joins[0].recovered);
        assert.deepEqual(late.joins[0].streamPosition, { offset: 150, epoch });
        other.end();
      }
      client.end();
    },
    async 'history is read forward, backward and from a position'() {
      const client = new Client(wire);
      const subscription = await client.subscribe(`${name}/history`);
      for (const n of numbers(1, 10)) await client.publish(`${name}/history`, n);
      const read = async (options) => {
        const page = await subscription.history(options);
        return [page.publications.map(({ data }) => wire.decode(data)), page.offset];
      };
      assert.deepEqual(await read({ limit: 0 }), [[], 10]);
      assert.deepEqual(await read({ limit: 3 }), [[1, 2, 3], 10]);
      assert.deepEqual(await read({ limit: 3, reverse: true }), [[10, 9, 8], 10]);
      const { epoch } = await subscription.history({ limit: 0 });
      assert.deepEqual(await read({ limit: -1, since: { offset: 7, epoch } }), [[8, 9, 10], 10]);
      assert.equal((await rejection(subscription.history({ since: { offset: 1, epoch: 'x' }, limit: 1 }))).code, 112);
      client.end();
    },
  };
  // The infos of tokens, which are JSON, whatever the wire makes of them.
  const valueOf = (info) => (info?.length === 0 ? undefined
    : info instanceof Uint8Array ? JSON.parse(Buffer.from(info).toString()) : info) ?? null;
  const presence = {
    async 'who is there can be asked, and who comes and goes is heard, as tokens say'() {
      const ann = new Client(wire, { token: tokenOf({ sub: 'ann', info: { name: 'Ann' } }) });
      const bob = new Client(wire, { token: tokenOf({ sub: 'bob' }) });
      const channel = `${name}/room`;
      const one = await ann.subscribe(channel, { joinLeave: true });
      assert.deepEqual(await heard(one, 1), ['join ann']);
      const other = await bob.subscribe(channel, { token: tokenOf({ sub: 'bob', channel, info: ['guest'] }) });
      assert.deepEqual(await heard(one, 2), ['join ann', 'join bob']);
      const { clients } = await one.presence();
      assert.ok(Object.entries(clients).every(([id, { client }]) => id === client));
      const seen = Object.values(clients).map(({ user, connInfo, chanInfo }) => [user, valueOf(connInfo), valueOf(chanInfo)]);
      assert.deepEqual(seen.sort(), [['ann', { name: 'Ann' }, null], ['bob', null, ['guest']]]);
      assert.deepEqual(await other.presenceStats(), { numClients: 2, numUsers: 2 });
      bob.cut();  // It comes back as another client.
      assert.deepEqual((await heard(one, 4)).slice(2).sort(), ['join bob', 'leave bob']);
      other.unsubscribe();
      assert.deepEqual((await heard(one, 5)).slice(4), ['leave bob']);
      assert.deepEqual(await one.presenceStats(), { numClients: 1, numUsers: 1 });
      assert.deepEqual(other.heard, []);
      ann.end();
      bob.end();
    },
    async 'subscribers are told who has published'() {
      const ann = new Client(wire, { token: tokenOf({ sub: 'ann', info: { name: 'Ann' } }) });
      const plainClient = new WebSocket(`${url}/topics/${name}/from`);
      await once(plainClient, 'open');
      const subscription = await ann.subscribe(`${name}/from`);
      await ann.publish(`${name}/from`, 1);
      await values(subscription, 1);
      const [info] = subscription.infos;
      assert.deepEqual([info.user, info.client], ['ann', ann.centrifuge._client]);
      assert.deepEqual(valueOf(info.connInfo), { name: 'Ann' });
      plainClient.send(name === 'JSON' ? 'text' : '"text"');
      await values(subscription, 2);
      assert.equal(subscription.infos[1], undefined);
      plainClient.terminate();
      ann.end();
    },
  };
  const deltas = {
    async 'deltas become what was published, also behind a recovery'() {
      const [reader, other, writer] = [new Client(wire), new Client(wire), new Client(wire)];
      const channel = `${name}/quotes`;
      const quote = (n) => ({ symbol: 'ACME', market: 'a place with a long name, \u00e0 \u20ac 5', price: 100 + n, on: `\n"${n}"` });
      const all = numbers(1, 60).map(quote);
      const subscription = await reader.subscribe(channel, { delta: 'fossil' });
      const whole = await other.subscribe(channel);
      for (const each of all.slice(0, 20)) await writer.publish(channel, each);
      assert.deepEqual(await values(subscription, 20), all.slice(0, 20));
      const { numDeltaPayloads, numFullPayloads, compressionRatio } = subscription.deltaStats();
      assert.deepEqual([numFullPayloads, numDeltaPayloads], [1, 19]);
      assert.ok(compressionRatio > 0.3, `${compressionRatio}`);
      reader.cut();
      for (const each of all.slice(20, 40)) await writer.publish(channel, each);
      assert.deepEqual(await values(subscription, 40), all.slice(0, 40));
      assert.ok(subscription.joins.at(-1).recovered);
      for (const each of all.slice(40)) await writer.publish(channel, each);
      assert.deepEqual(await values(subscription, 60), all);
      assert.deepEqual(await values(whole, 60), all);
      assert.ok(subscription.deltaStats().numDeltaPayloads >= 19 + 19);
      // A history is whole.
      const { publications } = await subscription.history({ limit: 2, reverse: true });
      assert.deepEqual(publications.map(({ data }) => wire.decode(data)), [all[59], all[58]]);
      subscription.unsubscribe();
      subscription.subscribe();
      await subscription.ready();
      await writer.publish(channel, 'something else');
      assert.equal((await values(subscription, 61))[60], 'something else');
      for (const each of [reader, other, writer]) each.end();
    },
  };
  const tests = { deltas, history, presence, tokens: tokenTestsOf(name, wire) }[scenario] ?? plain;
  return Object.fromEntries(Object.entries(tests).map(([title, test]) => [`${name}: ${title}`, test]));
}

const tests = { ...testsOf('JSON', WIRES.JSON), ...testsOf('Protobuf', WIRES.Protobuf) };
for (const [name, wire] of Object.entries(EMULATED)) {
  for (const [title, test] of Object.entries(testsOf(name, wire))) {
    if (!title.includes('each in its order')) tests[title] = test;
  }
}
await runTests(tests);

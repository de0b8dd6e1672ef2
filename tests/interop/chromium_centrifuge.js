// npm's Centrifuge client in a page of Chromium, over each transport: {name: async function}. chromium_client.py has put
// the libraries JsonCentrifuge and ProtobufCentrifuge into the page, and offers `cut`: it cuts the page's connections,
// has somebody else publish, and lets them through again.

// In the words of the library, and their paths.
var TRANSPORTS = [['websocket', '/connection/websocket'], ['http_stream', '/connection/http_stream'],
  ['sse', '/connection/sse']];
var QUICKLY = { minReconnectDelay: 20, maxReconnectDelay: 100 };

function expectSame(found, expected) {
  const [one, other] = [JSON.stringify(found), JSON.stringify(expected)];
  if (one !== other) throw new Error(`expected ${other}, found ${one}`.slice(0, 300));
}

function numbers(first, last) {
  return Array.from({ length: last - first + 1 }, (_, i) => String(first + i));
}

/** Nobody reaches the server while another client publishes `values` to `topic`. */
var cutEnds = [];
function whileCut(topic, values) {
  return new Promise((resolve) => {
    cutEnds.push(resolve);
    cut(JSON.stringify({ topic, values }));
  });
}

/** What is on the wire: texts, as plain clients publish them. */
var WIRES = {
  json: { Client: JsonCentrifuge, encode: (text) => text, decode: (data) => data },
  protobuf: {
    Client: ProtobufCentrifuge,
    encode: (text) => new TextEncoder().encode(text),
    decode: (data) => new TextDecoder().decode(data),
  },
};

/** A client that is connected, and notes what its subscriptions get. */
class Client {
  constructor(transport, path, wire) {
    this.wire = WIRES[wire];
    const scheme = transport === 'websocket' ? location.protocol.replace('http', 'ws') : location.protocol;
    this.centrifuge = new this.wire.Client([{ transport, endpoint: `${scheme}//${location.host}${path}` }],
      { ...QUICKLY, emulationEndpoint: `${location.origin}/emulation` });
    this.used = new Promise((resolve) => { this.centrifuge.once('connected', (context) => resolve(context.transport)); });
    this.centrifuge.connect();
  }

  async subscribe(topic) {
    const subscription = this.centrifuge.newSubscription(topic, { recoverable: true });
    subscription.values = [];
    subscription.joins = [];
    subscription.on('publication', ({ data }) => {
      subscription.values.push(this.wire.decode(data));
      subscription.emit('value');
    });
    subscription.on('subscribed', (context) => subscription.joins.push(context));
    subscription.subscribe();
    await subscription.ready();
    return subscription;
  }

  publish(topic, text) {
    return this.centrifuge.publish(topic, this.wire.encode(text));
  }
}

/** Until the subscription has as many values. */
async function values(subscription, count) {
  while (subscription.values.length < count) await new Promise((done) => { subscription.once('value', done); });
  return subscription.values;
}

function testsOver(transport, path, wire) {
  const connect = () => new Client(transport, path, wire);
  const name = `chromium/${transport}/${wire}`;
  const tests = {
    async 'it connects over the transport that it was given'() {
      const client = connect();
      expectSame(await client.used, transport);
      client.centrifuge.disconnect();
    },
    async 'publications reach every subscriber, the publisher among them'() {
      const [one, other] = [connect(), connect()];
      const subscriptions = [await one.subscribe(`${name}/all`), await other.subscribe(`${name}/all`)];
      const sent = ['text', 'é 🚀', 'x'.repeat(20000)];
      for (const text of sent) await one.publish(`${name}/all`, text);
      for (const each of subscriptions) expectSame(await values(each, sent.length), sent);
      for (const each of [one, other]) each.centrifuge.disconnect();
    },
    async 'many publications without waiting arrive once, in order where they go one way'() {
      const client = connect();
      const subscription = await client.subscribe(`${name}/many`);
      await Promise.all(numbers(1, 200).map((text) => client.publish(`${name}/many`, text)));
      const heard = [...await values(subscription, 200)];
      // Others post each publication by itself, several at a time.
      if (transport !== 'websocket') heard.sort((one, other) => one - other);
      expectSame(heard, numbers(1, 200));
      client.centrifuge.disconnect();
    },
    async 'nothing comes after an unsubscribe, and what was missed after the next subscribe'() {
      const [reader, writer] = [connect(), connect()];
      const subscription = await reader.subscribe(`${name}/pause`);
      await writer.publish(`${name}/pause`, '1');
      await values(subscription, 1);
      subscription.unsubscribe();
      await writer.publish(`${name}/pause`, '2');
      expectSame(subscription.values, ['1']);
      subscription.subscribe();
      await subscription.ready();
      await writer.publish(`${name}/pause`, '3');
      expectSame(await values(subscription, 3), ['1', '2', '3']);
      for (const each of [reader, writer]) each.centrifuge.disconnect();
    },
    async 'what was published while it was cut off is recovered, in order, once'() {
      const client = connect();
      const subscription = await client.subscribe(`${name}/recover`);
      for (const text of numbers(1, 5)) await client.publish(`${name}/recover`, text);
      await values(subscription, 5);
      await whileCut(`${name}/recover`, numbers(6, 40));
      expectSame(await values(subscription, 40), numbers(1, 40));
      expectSame(subscription.joins.at(-1).recovered, true);
      for (const text of numbers(41, 45)) await client.publish(`${name}/recover`, text);
      expectSame(await values(subscription, 45), numbers(1, 45));
      client.centrifuge.disconnect();
    },
    async 'who has missed more than is kept is told so'() {
      const client = connect();
      const subscription = await client.subscribe(`${name}/gap`);
      await client.publish(`${name}/gap`, '0');
      await values(subscription, 1);
      const again = new Promise((resolve) => { subscription.once('subscribed', resolve); });
      await whileCut(`${name}/gap`, numbers(1, 150));
      const { wasRecovering, recovered } = await again;
      expectSame([wasRecovering, recovered], [true, false]);
      client.centrifuge.disconnect();
    },
  };
  return Object.fromEntries(Object.entries(tests).map(([title, test]) => [`${transport}, ${wire}: ${title}`, test]));
}

// Server-Sent Events are text.
var centrifugeTests = Object.assign({}, ...TRANSPORTS.map(([transport, path]) => ({
  ...testsOver(transport, path, 'json'),
  ...(transport === 'sse' ? {} : testsOver(transport, path, 'protobuf')),
})));
true;

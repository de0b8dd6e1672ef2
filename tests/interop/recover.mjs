// Whether nothing is lost and nothing comes twice while connections break:
// node recover.mjs URL ADMIN_URL API_KEY MINUTES [CLIENTS]
//
// Clients of the npm package `centrifuge`, half of them with JSON by WebSocket, a quarter with Protobuf, a quarter by
// HTTP, are subscribed to one channel that is published to fifty times a second. All the time their connections are
// cut, stand still for a while, are closed in order, or are ended by the server, as its API asks for; they come back by
// themselves.
// Each has to see every number from 1 on, in order, once. Only where it has missed more than the server keeps may it be
// told `recovered: false` instead, and from then on it sees every number behind the position that it is told. For that
// half of them have a second subscription, to a channel of which less is kept than they miss now and then.
// scripts/recover starts it beside a server. Ends with code 1 if anything is wrong, also if something that it is about
// never happened.

import process from 'node:process';
import { Centrifuge as JsonCentrifuge } from 'centrifuge';
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf';
import WebSocket from 'ws';

const [url, adminUrl, apiKey, minutes, clientsCount = '200'] = process.argv.slice(2);
const LONG = { channel: 'recover/numbers', historySize: 300 };  // The server's --history-size.
const SHORT = { channel: 'short:numbers', historySize: 15 };    // And that of a namespace.
const PUBLISH_MILLISECONDS = 20;
const FAULT_MILLISECONDS = [500, 8000];  // From one to the next, for each client.
const STALL_MILLISECONDS = [100, 4000];
const LATE_SECONDS_MAX = 60;

const between = ([low, high]) => low + Math.random() * (high - low);
const sleep = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });
const counts = {
  cuts: 0, stalls: 0, closes: 0, disconnects: 0, recoveries: 0, publications: 0, deliveries: 0,
};
// Of the recoveries: all that was missed came, or the client was told that it could not.
const recovered = { JSON: 0, Protobuf: 0, 'JSON by http_stream': 0 };
const gaps = { ...recovered };
let published = 0;  // The number that was published last, to both channels.
const faults = [];

/** The server closes the connection of that client. */
async function disconnect(client) {
  const response = await fetch(`${adminUrl}/api/disconnect`, {
    method: 'POST', headers: { 'X-API-Key': apiKey },
    body: JSON.stringify({ client, disconnect: { code: 4002, reason: 'by the test' } }),
  });
  const { error } = await response.json();
  if (error) faults.push(`client ${client}: not disconnected: ${error.message}`);
}

/** A WebSocket of `ws`, as what is broken. */
function socketOf(centrifuge) {
  const socket = centrifuge._transport?._transport;
  if (socket?.readyState !== WebSocket.OPEN) return null;
  return {
    cut: () => socket.terminate(),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => socket.close(4000),
  };
}

/** Opens and shuts: what comes through `fetch` waits while it is shut, and so, in the end, does the server. */
class Gate {
  #opened = Promise.resolve();
  #open = () => {};

  shut() {
    this.#opened = new Promise((done) => { this.#open = done; });
  }

  open() {
    this.#open();
  }

  async fetch(...request) {
    const response = await fetch(...request);
    if (!response.body) return response;
    const wait = async (chunk, controller) => {
      await this.#opened;
      controller.enqueue(chunk);
    };
    return new Response(response.body.pipeThrough(new TransformStream({ transform: wait })), response);
  }
}

const OPTIONS = { websocket: WebSocket, minReconnectDelay: 20, maxReconnectDelay: 1000 };
const JSON_WIRE = {
  name: 'JSON',
  connect: () => new JsonCentrifuge(`${url}/connection/websocket`, OPTIONS),
  connection: socketOf,
  decode: (data) => data,
};
const PROTOBUF_WIRE = {
  name: 'Protobuf',
  connect: () => new ProtobufCentrifuge(`${url}/connection/websocket`, OPTIONS),
  connection: socketOf,
  decode: (data) => Number(Buffer.from(data).toString()),
};
const HTTP_WIRE = {
  name: 'JSON by http_stream',
  connect(gate) {
    const httpUrl = url.replace(/^ws/, 'http');
    const transports = [{ transport: 'http_stream', endpoint: `${httpUrl}/connection/http_stream` }];
    return new JsonCentrifuge(transports, {
      ...OPTIONS, fetch: (...request) => gate.fetch(...request), emulationEndpoint: `${httpUrl}/emulation`,
    });
  },
  connection(centrifuge, gate) {
    const transport = centrifuge._transport;
    if (!transport || centrifuge.state !== 'connected') return null;
    const cut = () => transport.close();
    return { cut, pause: () => gate.shut(), resume: () => gate.open(), close: cut };  // HTTP has no other close.
  },
  decode: (data) => data,
};
const WIRES = [JSON_WIRE, PROTOBUF_WIRE, JSON_WIRE, HTTP_WIRE];

/** What a client sees of a channel. */
class Follower {
  constructor(name, wire, centrifuge, { channel, historySize }) {
    this.name = `${name}, ${channel}`;
    this.wire = wire;
    this.historySize = historySize;
    this.last = 0;  // The number seen last: also its offset, as nobody else publishes.
    this.epoch = null;
    this.subscription = centrifuge.newSubscription(channel, { positioned: true, recoverable: true });
    this.subscription.on('subscribed', (context) => this.#onSubscribed(context));
    this.subscription.on('publication', ({ data, offset }) => this.#onNumber(wire.decode(data), offset));
    this.subscription.subscribe();
  }

  #fault(what) {
    faults.push(`${this.name}: ${what}`);
  }

  /** The position is what it asked to recover from, or the newest one where it could not. */
  #onSubscribed({ wasRecovering, recovered: isRecovered, streamPosition: { offset, epoch } }) {
    const isFirst = this.epoch === null;
    this.epoch ??= epoch;
    const missed = offset - this.last;
    if (epoch !== this.epoch) this.#fault(`epoch ${epoch} instead of ${this.epoch}`);
    if (wasRecovering === isFirst) this.#fault(`subscribes with recovery: ${wasRecovering}`);
    if (isFirst || isRecovered) {
      if (missed !== 0) this.#fault(`is subscribed at ${offset} instead of ${this.last}`);
    } else {
      if (missed <= this.historySize) this.#fault(`is not recovered at ${offset}, ${missed} behind ${this.last}`);
      if (offset > published) this.#fault(`is told of ${offset}, where ${published} is the newest`);
      ++gaps[this.wire.name];
      this.last = offset;
    }
    if (wasRecovering) ++counts.recoveries;
    if (isRecovered) ++recovered[this.wire.name];
  }

  #onNumber(number, offset) {
    ++counts.deliveries;
    if (number !== this.last + 1) this.#fault(`${number} behind ${this.last}`);
    if (offset !== number) this.#fault(`${number} at ${offset}`);
    this.last = number;
  }
}

class Reader {
  constructor(index) {
    this.wire = WIRES[index % WIRES.length];
    this.gate = new Gate();
    this.centrifuge = this.wire.connect(this.gate);
    const kinds = index % (2 * WIRES.length) < WIRES.length ? [LONG, SHORT] : [LONG];
    const name = `client ${index} (${this.wire.name})`;
    this.followers = kinds.map((kind) => new Follower(name, this.wire, this.centrifuge, kind));
    this.centrifuge.on('error', () => {});
    this.centrifuge.connect();
  }

  async suffer(isOver) {
    await sleep(between([0, FAULT_MILLISECONDS[1]]));
    while (!isOver()) {
      const connection = this.wire.connection(this.centrifuge, this.gate);
      const kind = Math.floor(Math.random() * 4);
      if (connection) {
        if (kind === 0) {
          ++counts.cuts;
          connection.cut();
        } else if (kind === 1) {
          ++counts.stalls;
          connection.pause();
          await sleep(between(STALL_MILLISECONDS));
          if (Math.random() < 0.5) {
            ++counts.cuts;
            connection.cut();  // What was on its way is lost.
          }
          connection.resume();
        } else if (kind === 2 && this.centrifuge._client) {
          ++counts.disconnects;
          await disconnect(this.centrifuge._client);
        } else {
          ++counts.closes;
          connection.close();
        }
      }
      await sleep(between(FAULT_MILLISECONDS));
    }
  }
}

async function publish(isOver) {
  const centrifuge = JSON_WIRE.connect();
  centrifuge.connect();
  await centrifuge.ready();
  for (let due = Date.now(); !isOver(); due += PUBLISH_MILLISECONDS) {
    await sleep(Math.max(0, due - Date.now()));
    ++published;
    await Promise.all([LONG, SHORT].map(({ channel }) => centrifuge.publish(channel, published)));
  }
  counts.publications = published;
  centrifuge.disconnect();
}

const end = Date.now() + Number(minutes) * 60_000;
const isOver = () => Date.now() >= end || faults.length > 0;
const readers = Array.from({ length: Number(clientsCount) }, (_, index) => new Reader(index));
const followers = readers.flatMap((reader) => reader.followers);
await Promise.all(followers.map(({ subscription }) => subscription.ready()));
const progress = setInterval(() => console.error(JSON.stringify({ ...counts, recovered, gaps })), 30_000);
const sufferings = readers.map((reader) => reader.suffer(isOver));
await publish(isOver);
await Promise.all(sufferings);
const deadline = Date.now() + LATE_SECONDS_MAX * 1000;
const late = () => followers.filter(({ last }) => last !== published);
while (late().length > 0 && Date.now() < deadline) await sleep(100);
clearInterval(progress);
for (const { name, last } of late()) faults.push(`${name}: ends with ${last} instead of ${published}`);
const isWhole = faults.length === 0;  // Else it was broken off.
const { cuts, stalls, closes, disconnects } = counts;
for (const [what, kinds] of Object.entries({ faults: { cuts, stalls, closes, disconnects }, recovered, gaps })) {
  for (const [name, count] of Object.entries(kinds)) {
    if (count === 0 && isWhole) faults.push(`nothing to see of ${what}: ${name}`);
  }
}
console.log(JSON.stringify({ ...counts, recovered, gaps }));
for (const fault of faults.slice(0, 10)) console.log(`FAILED ${fault}`);
process.exit(faults.length > 0 ? 1 : 0);

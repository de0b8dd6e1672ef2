// Whether nothing is lost and nothing comes twice while connections break:
// node recover.mjs URL ADMIN_URL API_KEY MINUTES [CLIENTS]
//
// Clients of the npm package `centrifuge` are subscribed to one channel that is published to fifty times a second. All
// the time their connections are cut, stand still for a while, are closed in order, or are ended by the server, as its
// API asks for; they come back by themselves.
// Each has to see every number, in order, once; where it does not, it has to have been told so (`recovered: false`).
// scripts/recover starts it beside a server. Ends with code 1 if anything is wrong.

import process from 'node:process';
import { Centrifuge } from 'centrifuge';
import WebSocket from 'ws';

const [url, adminUrl, apiKey, minutes, clientsCount = '200'] = process.argv.slice(2);
const CHANNEL = 'recover/numbers';
const PUBLISH_MILLISECONDS = 20;
const FAULT_MILLISECONDS = [500, 8000];  // From one to the next, for each client.
const STALL_MILLISECONDS = [100, 4000];
const LATE_SECONDS_MAX = 60;

const between = ([low, high]) => low + Math.random() * (high - low);
const sleep = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });
const counts = {
  cuts: 0, stalls: 0, closes: 0, disconnects: 0, recoveries: 0, recovered: 0, gaps: 0, publications: 0, deliveries: 0,
};
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

class Reader {
  constructor(index) {
    this.index = index;
    this.last = 0;  // The number seen last; 0: whatever comes next is the first.
    this.centrifuge = new Centrifuge(url, { websocket: WebSocket, minReconnectDelay: 20, maxReconnectDelay: 1000 });
    this.subscription = this.centrifuge.newSubscription(CHANNEL, { positioned: true, recoverable: true });
    this.subscription.on('subscribed', (context) => this.#onSubscribed(context));
    this.subscription.on('publication', ({ data }) => this.#onNumber(data));
    this.centrifuge.on('error', () => {});
    this.subscription.subscribe();
    this.centrifuge.connect();
  }

  #onSubscribed({ wasRecovering, recovered }) {
    if (!wasRecovering) return;
    ++counts.recoveries;
    if (recovered) {
      ++counts.recovered;
    } else {
      ++counts.gaps;
      this.last = 0;
    }
  }

  #onNumber(number) {
    ++counts.deliveries;
    if (this.last !== 0 && number !== this.last + 1) {
      faults.push(`client ${this.index}: ${number} behind ${this.last}`);
    }
    this.last = number;
  }

  async suffer(isOver) {
    await sleep(between([0, FAULT_MILLISECONDS[1]]));
    while (!isOver()) {
      const socket = this.centrifuge._transport?._transport;
      const kind = Math.floor(Math.random() * 4);
      if (socket?.readyState === WebSocket.OPEN) {
        if (kind === 0) {
          ++counts.cuts;
          socket.terminate();
        } else if (kind === 1) {
          ++counts.stalls;
          socket.pause();
          await sleep(between(STALL_MILLISECONDS));
          socket.resume();
        } else if (kind === 2 && this.centrifuge._client) {
          ++counts.disconnects;
          await disconnect(this.centrifuge._client);
        } else {
          ++counts.closes;
          socket.close(4000);
        }
      }
      await sleep(between(FAULT_MILLISECONDS));
    }
  }
}

async function publish(isOver) {
  const centrifuge = new Centrifuge(url, { websocket: WebSocket });
  centrifuge.connect();
  await centrifuge.ready();
  let number = 0;
  for (let due = Date.now(); !isOver(); due += PUBLISH_MILLISECONDS) {
    await sleep(Math.max(0, due - Date.now()));
    await centrifuge.publish(CHANNEL, ++number);
  }
  counts.publications = number;
  centrifuge.disconnect();
  return number;
}

const end = Date.now() + Number(minutes) * 60_000;
const isOver = () => Date.now() >= end || faults.length > 0;
const readers = Array.from({ length: Number(clientsCount) }, (_, index) => new Reader(index));
await Promise.all(readers.map(({ subscription }) => subscription.ready()));
const progress = setInterval(() => console.error(JSON.stringify(counts)), 30_000);
const sufferings = readers.map((reader) => reader.suffer(isOver));
const last = await publish(isOver);
await Promise.all(sufferings);
const deadline = Date.now() + LATE_SECONDS_MAX * 1000;
const late = () => readers.filter((reader) => reader.last !== last);
while (late().length > 0 && Date.now() < deadline) await sleep(100);
clearInterval(progress);
for (const reader of late()) faults.push(`client ${reader.index}: ends with ${reader.last} instead of ${last}`);
console.log(JSON.stringify(counts));
for (const fault of faults.slice(0, 10)) console.log(`FAILED ${fault}`);
process.exit(faults.length > 0 ? 1 : 0);

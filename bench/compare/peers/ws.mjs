// npm's ws as a peer of scripts/bench: /echo echoes, /topics/NAME subscribes and publishes. Argument: the port.
// One process, no compression, messages passed on as they came. Uses the package that the tests install.
import { createRequire } from 'node:module';

const { WebSocketServer } = createRequire(new URL('../../../tests/interop/', import.meta.url))('ws');
const topics = new Map();

function subscribe(client, name) {
  const subscribers = topics.get(name) ?? new Set();
  topics.set(name, subscribers.add(client));
  client.on('message', (data, binary) => {
    for (const subscriber of subscribers) subscriber.send(data, { binary });
  });
  client.on('close', () => {
    subscribers.delete(client);
    if (subscribers.size === 0) topics.delete(name);
  });
}

const server = new WebSocketServer({
  host: '127.0.0.1', port: Number(process.argv[2]), perMessageDeflate: false, maxPayload: 16 << 20, backlog: 4096,
});
server.on('connection', (client, request) => {
  client.on('error', () => {});
  if (request.url.startsWith('/topics')) return subscribe(client, request.url);
  client.on('message', (data, binary) => client.send(data, { binary }));
});

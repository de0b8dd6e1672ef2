// npm's socket.io as a fan-out peer of scripts/bench: a client names its topic when it connects, and the event "message"
// goes to all of that topic. Argument: the port. One process, no compression. Uses the package that scripts/deps --peers
// installs below npm.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const { Server } = createRequire(new URL('npm/', import.meta.url))('socket.io');
const http = createServer();
const server = new Server(http, {
  transports: ['websocket'], perMessageDeflate: false, serveClient: false, maxHttpBufferSize: 16 << 20,
});
server.on('connection', (client) => {
  const { topic } = client.handshake.auth;
  client.join(topic);
  client.on('message', (data) => server.to(topic).emit('message', data));
});
http.listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4096 });

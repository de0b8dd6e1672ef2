// The npm package `cent.js`, made for Centrifugo's server API, as the backend of an application; what it does is seen by
// clients of the npm package `centrifuge`: node cent_client.mjs URL SCENARIO PID (see run.py).

import assert from 'node:assert/strict';
import process from 'node:process';
import cent from 'cent.js';
import { Centrifuge } from 'centrifuge';
import WebSocket from 'ws';
import { runTests, tokenOf } from './results.mjs';

const { CentClient, CentException } = cent;
const [url] = process.argv.slice(2);
const backendWith = (apiKey) => new CentClient({ url: `${process.env.ADMIN_URL}/api`, apiKey });
const backend = backendWith(process.env.API_KEY);

/** A user's client, which notes what happens to it. */
class User {
  constructor(user, claims = {}) {
    this.centrifuge = new Centrifuge(`${url}/connection/websocket`, {
      websocket: WebSocket, token: tokenOf({ sub: user, ...claims }),
    });
    this.events = [];
    for (const kind of ['subscribed', 'unsubscribed', 'publication', 'disconnected', 'connecting']) {
      this.centrifuge.on(kind, (context) => {
        this.events.push([kind, context]);
        this.centrifuge.emit('noted');
      });
    }
    this.centrifuge.connect();
  }

  /** The context of the event of that kind, the `count`th. */
  async event(kind, count = 1) {
    const found = () => this.events.filter(([each]) => each === kind);
    while (found().length < count) await new Promise((done) => { this.centrifuge.once('noted', done); });
    return found()[count - 1][1];
  }

  end() {
    this.centrifuge.disconnect();
  }
}

await runTests({
  async 'publish and broadcast reach subscribers, and answer with the place'() {
    const channels = ['news/one', 'news/other'];
    const user = new User('ann', { channels });
    await user.event('subscribed', 2);
    const { offset, epoch } = await backend.publish({ channel: channels[0], data: { n: 1 }, tags: { key: 'a' } });
    assert.equal(offset, 1);
    const { responses } = await backend.broadcast({ channels, data: { n: 2 } });
    assert.deepEqual(responses.map(({ result }) => result.offset), [2, 1]);
    assert.equal(responses[0].result.epoch, epoch);
    await user.event('publication', 3);
    const seen = user.events.filter(([kind]) => kind === 'publication').map(([, context]) => context);
    const numbersOf = (channel) => seen.filter((each) => each.channel === channel).map(({ data }) => data.n);
    assert.deepEqual(channels.map(numbersOf), [[1, 2], [2]]);
    assert.deepEqual({ ...(await user.event('publication')).tags }, { key: 'a' });
    user.end();
  },
  async 'subscribe and unsubscribe'() {
    const user = new User('bob');
    await user.centrifuge.ready();
    assert.deepEqual(await backend.subscribe({ user: 'bob', channel: 'rooms/bob' }), {});
    assert.equal((await user.event('subscribed')).channel, 'rooms/bob');
    await backend.publish({ channel: 'rooms/bob', data: { to: 'bob' } });
    assert.deepEqual((await user.event('publication')).data, { to: 'bob' });
    assert.deepEqual(await backend.unsubscribe({ user: 'bob', channel: 'rooms/bob' }), {});
    assert.equal((await user.event('unsubscribed')).channel, 'rooms/bob');
    user.end();
  },
  async 'getPresence and getPresenceStats'() {
    const claims = { channels: ['rooms/all'], info: { name: 'Cy' } };
    const users = [new User('cy', claims), new User('cy', claims), new User('dan', { channels: ['rooms/all'] })];
    for (const user of users) await user.event('subscribed');
    const { presence } = await backend.getPresence({ channel: 'rooms/all' });
    assert.ok(Object.entries(presence).every(([id, { client }]) => id === client));
    assert.deepEqual(Object.values(presence).map(({ user }) => user).sort(), ['cy', 'cy', 'dan']);
    assert.deepEqual(Object.values(presence).find(({ user }) => user === 'cy').conn_info, { name: 'Cy' });
    assert.deepEqual(await backend.getPresenceStats({ channel: 'rooms/all' }), { num_clients: 3, num_users: 2 });
    users.forEach((user) => user.end());
  },
  async 'getHistory and removeHistory'() {
    const channel = 'kept';
    for (let n = 1; n <= 5; ++n) await backend.publish({ channel, data: { n } });
    const read = async (options) => {
      const { publications, offset } = await backend.getHistory({ channel, ...options });
      return [publications.map(({ data, offset: at }) => [data.n, at]), offset];
    };
    const { epoch } = await backend.getHistory({ channel });
    assert.deepEqual(await read({ limit: 2 }), [[[1, 1], [2, 2]], 5]);
    assert.deepEqual(await read({ limit: 2, reverse: true }), [[[5, 5], [4, 4]], 5]);
    assert.deepEqual(await read({ limit: -1, since: { offset: 3, epoch } }), [[[4, 4], [5, 5]], 5]);
    assert.deepEqual(await backend.removeHistory({ channel }), {});
    assert.deepEqual((await backend.getHistory({ channel, limit: -1 })).publications ?? [], []);
  },
  async 'getChannels and getInfo'() {
    const user = new User('eve', { channels: ['list/one', 'list/other', 'another'] });
    await user.event('subscribed', 3);
    const { channels } = await backend.getChannels({ pattern: 'list/*' });
    assert.deepEqual(channels, { 'list/one': { num_clients: 1 }, 'list/other': { num_clients: 1 } });
    assert.ok('another' in (await backend.getChannels()).channels);
    const { nodes } = await backend.getInfo();
    assert.equal(nodes.length, 1);
    assert.ok(nodes[0].num_clients >= 1 && nodes[0].num_channels >= 3, JSON.stringify(nodes[0]));
    user.end();
  },
  async 'refresh ends a connection, or lets it be; disconnect ends it'() {
    const users = [new User('fay'), new User('gus')];
    for (const { centrifuge } of users) await centrifuge.ready();
    const later = Math.floor(Date.now() / 1000) + 1000;
    assert.deepEqual(await backend.refresh({ user: 'fay', expire_at: later }), {});
    assert.deepEqual(await backend.refresh({ user: 'gus', expired: true }), {});
    assert.equal((await users[1].event('connecting', 2)).code, 3005);
    assert.equal(users[0].centrifuge.state, 'connected');
    assert.deepEqual(await backend.disconnect({ user: 'fay', disconnect: { code: 4501, reason: 'banned' } }), {});
    const { code, reason } = await users[0].event('disconnected');
    assert.deepEqual([code, reason], [4501, 'banned']);
    users[1].end();
  },
  async 'what is wrong is an exception: a channel that there is not, a body, a key, the old format'() {
    await assert.rejects(backend.publish({ channel: 'unknown:channel', data: {} }), CentException);
    await assert.rejects(backend.publish({ data: {} }), CentException);
    await assert.rejects(backendWith('another key').publish({ channel: 'news', data: {} }));
    await assert.rejects(backend.pipeline([{ method: 'info', params: {} }]), CentException);
  },
});

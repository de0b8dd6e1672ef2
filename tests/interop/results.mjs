// What the clients written in JavaScript share: how a test is run, and the line it prints (see run.py).

import { createHmac } from 'node:crypto';
import process from 'node:process';

const TEST_MILLISECONDS_MAX = 30000;
export const MESSAGE_BYTES_MAX = 64 * 1024;  // The server's default.
export const SIZES = [0, 1, 2, 125, 126, 127, 128, 1000, 65535, 65536];

/** Bytes that no shifted or wrongly masked copy equals. */
export function pattern(size) {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; ++i) bytes[i] = i * 31 + (i >> 8) * 7 + 5;
  return bytes;
}

function base64url(text) {
  return Buffer.from(text).toString('base64url');
}

/** A token (HS256) with these claims. */
export function tokenOf(claims) {
  const text = `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(JSON.stringify(claims))}`;
  return `${text}.${createHmac('sha256', process.env.TOKEN_SECRET).update(text).digest('base64url')}`;
}

/** Runs {name: async function} one after the other, and ends the process. */
export async function runTests(tests) {
  for (const [name, test] of Object.entries(tests)) {
    let timer;
    const timeout = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('no end in time')), TEST_MILLISECONDS_MAX);
    });
    try {
      await Promise.race([test(), timeout]);
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`FAILED ${name}: ${error.message.split('\n').join(' ').slice(0, 300)}`);
    }
    clearTimeout(timer);
  }
  process.exit(0);
}

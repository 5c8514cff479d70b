/**
 * `npm run bench:equal-work`: does the time of a failed login tell whether the user exists? Pairs of
 * logins, unknown user and wrong password in turn, at the iterations of wrangler.toml.
 *
 *     npm run bench:equal-work -- [--url http://localhost:8000]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { post } from './load.ts';
import { PASSWORD, seed } from './seed.ts';
import { bundle, serve } from './serve.ts';
import { median } from './statistics.ts';

const PAIRS = 20;
const WARM_UP_PAIRS = 2;

const { values: options } = parseArgs({ options: { url: { type: 'string' } } });
if (options.url) await compare(options.url.replace(/\/$/, ''));
else await withServer(compare);

async function compare(url: string): Promise<void> {
  const username = crypto.randomUUID();
  await post(`${url}/register`, 201, { username, password: PASSWORD });

  const unknownUser: number[] = [];
  const wrongPassword: number[] = [];
  for (let pair = 0; pair < WARM_UP_PAIRS + PAIRS; pair++) {
    const unknown = () => timeOfFailure(url, crypto.randomUUID());
    const wrong = () => timeOfFailure(url, username);
    // Each goes first in every other pair: what a first one leaves behind must favour neither.
    const isUnknownFirst = pair % 2 === 0;
    const first = await (isUnknownFirst ? unknown : wrong)();
    const second = await (isUnknownFirst ? wrong : unknown)();
    if (pair < WARM_UP_PAIRS) continue;
    unknownUser.push(isUnknownFirst ? first : second);
    wrongPassword.push(isUnknownFirst ? second : first);
  }

  const [unknown, wrong] = [median(unknownUser), median(wrongPassword)];
  console.log(`unknown user     ${unknown.toFixed(1)} ms (median of ${PAIRS})`);
  console.log(`wrong password   ${wrong.toFixed(1)} ms (median of ${PAIRS})`);
  console.log(`difference       ${((Math.abs(unknown - wrong) / wrong) * 100).toFixed(2)} %`);
}

/** @returns milliseconds that a login which must fail took */
async function timeOfFailure(url: string, username: string): Promise<number> {
  const start = performance.now();
  await post(`${url}/login`, 401, { username, password: `not ${PASSWORD}` });
  return performance.now() - start;
}

async function withServer(use: (url: string) => Promise<void>): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'equal-work-'));
  const server = await serve(await bundle('src/index.ts', join(scratch, 'bundle')), scratch);
  try {
    await seed(server, 0, () => {});
    await use(server.url);
  } finally {
    await server.stop();
    await rm(scratch, { recursive: true });
  }
}

/** Load on loopback, bounded in time or count, and what it saw. A wrong answer stops the bench. */
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import { PASSWORD, randomUser, tokenOf, usernameOf } from './seed.ts';

/** Nothing here takes that long, not even a login among many at 600,000 iterations in JavaScript. */
const TIMEOUT_MS = 30_000;

/** The result of a run: the time of each response, and of the whole run, in milliseconds. */
export type Run = { latencies: number[]; seconds: number };

const authorization = (user: number) => ({ Authorization: `Token ${tokenOf(user)}` });

/** When a run of load ends: after some seconds, or after some requests. */
export type Length = { duration: number } | { amount: number };

/** How soon a run ends after its time is over: what autocannon calls a sample. */
const SAMPLE_MS = 50;

/**
 * `GET /me` over `connections`, each asking again as soon as it is answered.
 *
 * @param users whose tokens the requests carry, in this order and then from the beginning: requests are
 *   made beforehand, because work of the client takes CPU from the server
 */
export async function loadMe(
  url: string,
  { users, connections, length }: { users: number[]; connections: number; length: Length },
): Promise<Run> {
  const latencies: number[] = [];
  let clients = 0;
  let begun: number | undefined;
  let ended = 0;
  const result = await autocannon({
    url: `${url}/me`,
    connections,
    ...length,
    sampleInt: SAMPLE_MS,
    setupClient: (client) => {
      const place = clients++;
      const its = users.filter((_, i) => i % connections === place);
      client.setRequests(its.map((user) => ({ headers: authorization(user) })));
      // Autocannon's own histogram and clock are too coarse: an answer takes less than a millisecond.
      client.on('response', (_status, _bytes, ms) => {
        latencies.push(ms);
        ended = performance.now();
        begun ??= ended - ms;
      });
    },
  });
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(`/me: ${result.non2xx} answers other than 2xx, ${result.errors} errors`);
  }
  return { latencies, seconds: (ended - (begun ?? ended)) / 1000 };
}

/**
 * `GET /me` of random users at a fixed rate, whether or not earlier ones have been answered. Times
 * count from when a request was due, so that a server that stalls cannot hide it.
 */
export async function openLoopMe(
  url: string,
  { users, perSecond, seconds }: { users: number; perSecond: number; seconds: number },
): Promise<Run> {
  const start = performance.now();
  const total = seconds * perSecond;
  const answers = Array.from({ length: total }, async (_, i) => {
    const due = start + (i * 1000) / perSecond;
    await sleep(Math.max(0, due - performance.now()));
    await ask(`${url}/me`, 200, { headers: authorization(randomUser(users)) });
    return performance.now() - due;
  });
  const latencies = await Promise.all(answers);
  return { latencies, seconds: (performance.now() - start) / 1000 };
}

/** Logs random users in, one after the other, until told to stop; their tokens must be theirs. */
export async function loginsUntil(
  url: string,
  { users, isOver }: { users: number; isOver: () => boolean },
): Promise<Run> {
  const start = performance.now();
  const latencies: number[] = [];
  while (!isOver()) {
    const user = randomUser(users);
    const before = performance.now();
    const answer = await post(`${url}/login`, 200, {
      username: usernameOf(user),
      password: PASSWORD,
    });
    latencies.push(performance.now() - before);
    if (!answer.includes(tokenOf(user))) throw new Error('/login answered another token');
  }
  return { latencies, seconds: (performance.now() - start) / 1000 };
}

/** Registers `count` new users, one after the other. */
export async function register(url: string, count: number): Promise<Run> {
  const start = performance.now();
  const latencies: number[] = [];
  for (let i = 0; i < count; i++) {
    const username = crypto.randomUUID();
    const body = { username, password: PASSWORD, email: `${username}@example.com` };
    const before = performance.now();
    await post(`${url}/register`, 201, body);
    latencies.push(performance.now() - before);
  }
  return { latencies, seconds: (performance.now() - start) / 1000 };
}

/** Posts JSON. @returns the answer's body */
export function post(url: string, expected: number, body: object): Promise<string> {
  const headers = { 'Content-Type': 'application/json' };
  return ask(url, expected, { method: 'POST', headers, body: JSON.stringify(body) });
}

/** @throws if the status is not `expected` */
export async function ask(url: string, expected: number, init: RequestInit): Promise<string> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  const body = await response.text();
  if (response.status === expected) return body;
  throw new Error(`${url} answered ${response.status}, not ${expected}: ${body}`);
}

/** The Durable Object that counts, with its real storage. */
import { listDurableObjectIds, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { countMessages, countPasswords } from '../../src/services/count-in-objects.ts';
import { newName } from '../helpers/client.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;

const FREE_FAILURES = 10;
const MAX_FAILURES = 100;

const counters = env.RATE_LIMIT_COUNTER;
const { begin } = countPasswords(counters);
const countMessage = countMessages(counters);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const later = (ms: number) => vi.setSystemTime(Date.now() + ms);

/** Makes an attempt. Returns the seconds that it must wait; 0 if it was allowed. */
async function waitOf(name: string, stored?: string) {
  const attempt = await begin({ name, stored });
  return attempt.ok ? 0 : attempt.error.waitSeconds;
}

/** Makes failed attempts, each as soon as it is allowed. */
async function fail(username: string, times: number) {
  for (let i = 0; i < times; i++) {
    later(SECOND_MS);
    while ((await waitOf(username)) !== 0) later(HOUR_MS);
  }
}

async function succeed(username: string) {
  const attempt = await begin({ name: username, stored: undefined });
  if (!attempt.ok) throw new Error('the attempt was refused');
  await attempt.value?.forgetFailures();
}

type Row = { key: string; at: number };

/** Reads the rows of a table in all objects. */
async function rowsOf(table: 'failures' | 'messages', column: 'key' | 'recipient') {
  const rows: Row[] = [];
  for (const id of await listDurableObjectIds(counters)) {
    const own = await runInDurableObject(counters.get(id), (_, { storage }) =>
      storage.sql.exec<Row>(`SELECT ${column} AS key, at FROM ${table}`).toArray(),
    );
    rows.push(...own);
  }
  return rows;
}

/** Runs the alarm of each object that has one. Returns the number of alarms. */
async function runAlarms(): Promise<number> {
  const ids = await listDurableObjectIds(counters);
  const ran = await Promise.all(ids.map((id) => runDurableObjectAlarm(counters.get(id))));
  return ran.filter(Boolean).length;
}

describe('failed logins', () => {
  it('must wait after ten in a row, and longer after each further one', async () => {
    const username = newName();
    await fail(username, FREE_FAILURES);
    expect(await waitOf(username)).toBe(30);
    later(29 * SECOND_MS);
    expect(await waitOf(username)).toBe(1);
    later(SECOND_MS);
    expect(await waitOf(username)).toBe(0);
    expect(await waitOf(username)).toBe(60);
  });

  it('are refused after a hundred in a row until the password changes', async () => {
    const username = newName();
    await fail(username, MAX_FAILURES);
    expect(await waitOf(username)).toBeUndefined();
    later(YEAR_MS);
    await runAlarms();
    expect(await waitOf(username)).toBeUndefined();
    expect(await waitOf(username, 'a new password')).toBe(0);
  });

  it('do not include refused attempts', async () => {
    const username = newName();
    await fail(username, FREE_FAILURES);
    for (let i = 0; i < 20; i++) expect(await waitOf(username)).toBe(30);
    later(30 * SECOND_MS);
    expect(await waitOf(username)).toBe(0);
  });

  it('are counted from zero after a success', async () => {
    const username = newName();
    await fail(username, FREE_FAILURES - 1);
    await succeed(username);
    await fail(username, FREE_FAILURES);
    expect(await waitOf(username)).toBe(30);
  });

  it('of one name at the same time cannot exceed the limit', async () => {
    const username = newName();
    const waits = await Promise.all(Array.from({ length: 200 }, () => waitOf(username)));
    expect(waits.filter((wait) => wait === 0)).toHaveLength(FREE_FAILURES);
  });

  it('are kept if they began after the attempt that succeeded', async () => {
    const username = newName();
    const success = await begin({ name: username, stored: undefined });
    await fail(username, FREE_FAILURES - 1);
    if (success.ok) await success.value?.forgetFailures();
    later(SECOND_MS);
    expect(await waitOf(username)).toBe(0);
    expect(await waitOf(username)).toBe(30);
  });

  it('do not include attempts that were taken back, and keep the others', async () => {
    const username = newName();
    await fail(username, FREE_FAILURES - 1);
    for (let i = 0; i < 20; i++) {
      const attempt = await begin({ name: username, stored: undefined });
      if (attempt.ok) await attempt.value?.takeBack();
    }
    later(SECOND_MS);
    expect(await waitOf(username)).toBe(0);
    expect(await waitOf(username)).toBe(30);
  });

  it('of one name do not count for other names', async () => {
    const username = newName();
    await fail(username, FREE_FAILURES);
    expect(await waitOf(newName())).toBe(0);
    expect(await waitOf(username, 'of a user')).toBe(0);
  });
});

describe('messages', () => {
  const aRecipient = () => `${newName()}@example.com`;
  const isCounted = async (...message: Parameters<typeof countMessage>) =>
    (await countMessage(...message)).ok;

  it('are limited to five per recipient and minute, of all kinds together', async () => {
    const to = aRecipient();
    for (const kind of ['passwordReset', 'activation', 'passwordChanged', 'emailChanged'] as const)
      expect(await isCounted(to, kind)).toBe(true);
    expect(await isCounted(to, 'passwordReset')).toBe(true);
    expect(await isCounted(to, 'passwordReset')).toBe(false);
    expect(await isCounted(aRecipient(), 'passwordReset')).toBe(true);
    later(MINUTE_MS);
    expect(await isCounted(to, 'passwordReset')).toBe(true);
  });

  it('are limited to ten per kind and day, counted separately for each kind', async () => {
    const to = aRecipient();
    for (let i = 0; i < 10; i++) {
      expect(await isCounted(to, 'emailChanged')).toBe(true);
      later(MINUTE_MS);
    }
    expect(await isCounted(to, 'emailChanged')).toBe(false);
    expect(await isCounted(to, 'passwordReset')).toBe(true);
    later(DAY_MS);
    expect(await isCounted(to, 'emailChanged')).toBe(true);
  });

  it('at the same time cannot exceed the limit', async () => {
    const to = aRecipient();
    const sent = Array.from({ length: 50 }, () => isCounted(to, 'passwordReset'));
    expect((await Promise.all(sent)).filter(Boolean)).toHaveLength(5);
  });

  it('do not count if they are refused or taken back', async () => {
    const to = aRecipient();
    for (let i = 0; i < 20; i++) {
      const counted = await countMessage(to, 'passwordReset');
      if (counted.ok) await counted.value?.();
    }
    for (let i = 0; i < 5; i++) expect(await isCounted(to, 'passwordReset')).toBe(true);
    for (let i = 0; i < 20; i++) expect(await isCounted(to, 'passwordReset')).toBe(false);
    later(MINUTE_MS);
    expect(await isCounted(to, 'passwordReset')).toBe(true);
  });

  it('to addresses that a mail service may treat as the same are counted together', async () => {
    const name = newName();
    for (let i = 0; i < 5; i++) await isCounted(`${name}@example.com`, 'passwordReset');
    expect(await isCounted(`${name.toUpperCase()}@EXAMPLE.com`, 'passwordReset')).toBe(false);
    expect(await isCounted(`${name}@\uFF45xample.com`, 'passwordReset')).toBe(false);
  });
});

describe('the storage', () => {
  it('has digests and times, and no names, passwords or addresses', async () => {
    await begin({ name: 'meg', stored: 'pbkdf2_sha256$1000$salt$hash' });
    await begin({ name: 'nobody', stored: undefined });
    await countMessage('meg@example.com', 'passwordReset');
    const rows = [...(await rowsOf('failures', 'key')), ...(await rowsOf('messages', 'recipient'))];
    for (const { key } of rows) expect(key).toMatch(/^[0-9a-f]{64}$/);
    const names = (await listDurableObjectIds(counters)).length;
    expect(names).toBeLessThanOrEqual(16);
  });

  it('has no row of a successful login', async () => {
    const before = await rowsOf('failures', 'key');
    await succeed(newName());
    expect(await rowsOf('failures', 'key')).toEqual(before);
  });

  it('keeps failures until a year after the last one', async () => {
    const username = newName();
    await fail(username, MAX_FAILURES - 1);
    later(YEAR_MS - MINUTE_MS);
    await runAlarms();
    expect(await waitOf(username)).toBe(0);
    expect(await waitOf(username)).toBeUndefined();

    const other = newName();
    await fail(other, MAX_FAILURES - 1);
    const before = (await rowsOf('failures', 'key')).length;
    later(YEAR_MS);
    await runAlarms();
    expect(before - (await rowsOf('failures', 'key')).length).toBeGreaterThanOrEqual(99);
    await fail(other, FREE_FAILURES);
    expect(await waitOf(other)).toBe(30);
  });

  it('keeps messages for a day', async () => {
    await countMessage(`${newName()}@example.com`, 'activation');
    expect(await rowsOf('messages', 'recipient')).not.toEqual([]);
    later(DAY_MS);
    await runAlarms();
    expect(await rowsOf('messages', 'recipient')).toEqual([]);
  });

  it('schedules an alarm only while it has rows', async () => {
    await begin({ name: newName(), stored: undefined });
    later(YEAR_MS);
    await runAlarms();
    for (const id of await listDurableObjectIds(counters)) {
      await runInDurableObject(counters.get(id), async (_, { storage }) => {
        const isEmpty = storage.sql.exec('SELECT 1 FROM failures').toArray().length === 0;
        expect((await storage.getAlarm()) === null).toBe(isEmpty);
      });
    }
  });
});

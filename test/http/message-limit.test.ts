/** The limits of messages to one recipient. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import type { Bindings } from '../../src/services/bindings.ts';
import { newName, rateLimits, register, send, sendAs } from '../helpers/client.ts';
import { interceptObjects } from '../helpers/intercept-objects.ts';
import { withMailbox } from '../helpers/mailbox.ts';
import { untilRoomInMinute } from '../helpers/until-room-in-minute.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;

const PER_MINUTE = 5;
const OF_KIND_PER_DAY = 10;

let log: MockInstance;
beforeEach(async () => {
  await untilRoomInMinute();
  vi.useFakeTimers({ toFake: ['Date'] });
  log = vi.spyOn(console, 'log').mockReturnValue();
});
afterEach(() => {
  vi.useRealTimers();
});

const later = (ms: number) => vi.setSystemTime(Date.now() + ms);
const aRecipient = () => `${newName()}@example.com`;
const events = () => log.mock.calls.map(([line]) => JSON.parse(String(line)));

/** All limits are enabled. Each request has its own IP address. */
const limited = (changes: Partial<Bindings> = {}) => withMailbox({ ...rateLimits, ...changes });

let addresses = 0;
const from = (token?: string) => ({
  'Content-Type': 'application/json',
  'CF-Connecting-IP': `2001:db8:${(++addresses).toString(16)}::1`,
  ...(token !== undefined && { Authorization: `Token ${token}` }),
});

const ask = (path: string, body: object, bindings: Bindings) =>
  send(path, { method: 'POST', headers: from(), body: JSON.stringify(body) }, bindings);

const reset = (email: string, bindings: Bindings) =>
  ask('/users/reset_password', { email }, bindings);

const act = (method: string, path: string, body: object, token: string, bindings: Bindings) =>
  send(path, { method, headers: from(token), body: JSON.stringify(body) }, bindings);

/** Registers a user with this email address. @returns the token */
async function userOf(email: string): Promise<string> {
  const token = await register(newName(), 'pw');
  await sendAs(token, 'PATCH', '/me', { email });
  return token;
}

const idOf = (email: string) =>
  env.DB.prepare('SELECT id FROM auth_user WHERE email = ?').bind(email).first<number>('id');

describe('messages to one recipient', () => {
  it('are limited to five per minute, and the response to further requests is the same', async () => {
    const { bindings, mails } = limited();
    const email = aRecipient();
    await userOf(email);
    log.mockClear();
    for (let i = 0; i < 20; i++) expect((await reset(email, bindings)).status).toBe(204);
    expect(mails.map(({ to }) => to)).toEqual(Array(PER_MINUTE).fill(email));
    const user_id = await idOf(email);
    expect(events().map(({ event, scope, mail }) => [event, scope ?? mail])).toEqual([
      ...Array(PER_MINUTE).fill(['mail-sent', 'passwordReset']),
      ...Array(20 - PER_MINUTE).fill(['throttled', 'message']),
    ]);
    for (const event of events()) expect(event.user_id).toBe(user_id);
    expect(JSON.stringify(events())).not.toContain(email);
  });

  it('are limited to five per minute for all users of the address together', async () => {
    const { bindings, mails } = limited();
    const email = aRecipient();
    for (let user = 0; user < 10; user++) await userOf(email);
    for (let i = 0; i < 5; i++) await reset(email, bindings);
    expect(mails).toHaveLength(PER_MINUTE);
  });

  it('are limited to five per minute in total, and ten per day of each kind', async () => {
    const { bindings, mails } = limited();
    const email = aRecipient();
    const change = { current_password: 'pw', new_password: 'pw' };
    const changePassword = async () => {
      const token = await userOf(email);
      return (await act('POST', '/password', change, token, bindings)).status;
    };
    await reset(email, bindings);
    for (let i = 0; i < 18; i++) expect(await changePassword()).toBe(200);
    expect(mails).toHaveLength(PER_MINUTE);
    for (let i = 0; i < 10; i++) {
      later(MINUTE_MS);
      expect(await changePassword()).toBe(200);
    }
    const notices = () => mails.filter(({ subject }) => subject.includes('password has been'));
    expect(notices()).toHaveLength(OF_KIND_PER_DAY);
    later(DAY_MS);
    expect(await changePassword()).toBe(200);
    expect(notices()).toHaveLength(OF_KIND_PER_DAY + 1);
  });

  it('include the links of registrations', async () => {
    const { bindings, mails } = limited({ EMAIL_VERIFICATION: 'required' });
    const email = aRecipient();
    for (let i = 0; i < 10; i++) {
      const registration = { username: newName(), password: 'pw', email };
      expect((await ask('/register', registration, bindings)).status).toBe(201);
    }
    await ask('/users/resend_activation', { email }, bindings);
    expect(mails).toHaveLength(PER_MINUTE);
  });

  it('are counted by the stored address that gets the notice', async () => {
    const { bindings, mails } = limited();
    const [old, next] = [aRecipient(), aRecipient()];
    const token = await userOf(old);
    for (let i = 0; i < 10; i++) {
      await act('PATCH', '/me', { email: next, current_password: 'pw' }, token, bindings);
      await act('PATCH', '/me', { email: old, current_password: 'pw' }, token, bindings);
    }
    expect(mails.filter(({ to }) => to === old)).toHaveLength(PER_MINUTE);
    expect(mails.filter(({ to }) => to === next)).toHaveLength(PER_MINUTE);
  });
});

describe('the limit of a recipient', () => {
  it('is not used up by requests for an unknown address', async () => {
    const { bindings, mails } = limited();
    const email = aRecipient();
    for (let i = 0; i < 10; i++) await reset(email, bindings);
    await userOf(email);
    await reset(email, bindings);
    expect(mails).toHaveLength(1);
  });

  it('is not used up by another user who sets the address', async () => {
    const { bindings, mails } = limited();
    const email = aRecipient();
    await userOf(email);
    const attacker = await userOf(aRecipient());
    for (let i = 0; i < 10; i++) {
      expect(
        (await act('PATCH', '/me', { email, current_password: 'pw' }, attacker, bindings)).status,
      ).toBe(200);
    }
    mails.length = 0;
    await reset(email, bindings);
    expect(mails.filter(({ to }) => to === email).length).toBeGreaterThan(0);
  });

  it('on notices does not stop a link after many users had the address', async () => {
    const { bindings, mails } = limited();
    const email = aRecipient();
    for (let i = 0; i < 2 * OF_KIND_PER_DAY; i++) {
      const token = await userOf(email);
      await act('PATCH', '/me', { email: aRecipient(), current_password: 'pw' }, token, bindings);
      later(MINUTE_MS);
    }
    await userOf(email);
    mails.length = 0;
    await reset(email, bindings);
    expect(mails.map(({ to }) => to)).toEqual([email]);
  });

  it('on a message that lists other accounts does not stop the link of a named user', async () => {
    const { bindings, mails } = limited();
    const email = aRecipient();
    for (let user = 0; user < 11; user++) await userOf(email);
    const username = newName();
    await sendAs(await register(username, 'pw'), 'PATCH', '/me', { email });
    for (let i = 0; i <= OF_KIND_PER_DAY; i++) {
      later(MINUTE_MS);
      await reset(email, bindings);
    }
    expect(mails).toHaveLength(OF_KIND_PER_DAY);
    for (const { text } of mails) expect(text).not.toContain(username);
    later(MINUTE_MS);
    await ask('/users/reset_password', { email, username }, bindings);
    expect(mails).toHaveLength(OF_KIND_PER_DAY + 1);
    expect(mails.at(-1)?.text).toContain(username);
  });

  it('on the link of a named user is ten per day and does not stop the link of another user', async () => {
    const { bindings, mails } = limited();
    const email = aRecipient();
    const [named, other] = [newName(), newName()];
    for (const username of [named, other]) {
      await sendAs(await register(username, 'pw'), 'PATCH', '/me', { email });
    }
    const askFor = (username: string) => {
      later(MINUTE_MS);
      return ask('/users/reset_password', { email, username }, bindings);
    };
    for (let i = 0; i <= OF_KIND_PER_DAY; i++) await askFor(named);
    expect(mails).toHaveLength(OF_KIND_PER_DAY);
    await askFor(other);
    await reset(email, bindings);
    expect(mails).toHaveLength(OF_KIND_PER_DAY + 2);
  });

  it('is not shared by all users without an address', async () => {
    const { bindings, mails } = limited();
    for (let user = 0; user < 10; user++) {
      const token = await register(newName(), 'pw');
      const email = aRecipient();
      expect(
        (await act('PATCH', '/me', { email, current_password: 'pw' }, token, bindings)).status,
      ).toBe(200);
    }
    expect(mails).toEqual([]);
    expect(events().filter(({ event }) => event === 'throttled')).toEqual([]);
  });

  it('does not count messages that the mail service refuses', async () => {
    vi.spyOn(console, 'error').mockReturnValue();
    const broken = { send: () => Promise.reject(new Error('the mail service is down')) };
    const email = aRecipient();
    await userOf(email);
    for (let i = 0; i < 10; i++) await reset(email, limited({ EMAIL: broken }).bindings);
    const { bindings, mails } = limited();
    await reset(email, bindings);
    expect(mails).toHaveLength(1);
  });

  it('stops all messages if the counting object does not respond', async () => {
    const errors = vi.spyOn(console, 'error').mockReturnValue();
    const counter = interceptObjects(env.RATE_LIMIT_COUNTER, () =>
      Promise.reject(new Error('Network connection lost.')),
    );
    const { bindings, mails } = limited({ RATE_LIMIT_COUNTER: counter });
    const email = aRecipient();
    await userOf(email);
    expect((await reset(email, bindings)).status).toBe(204);
    expect(mails).toEqual([]);
    const [line] = errors.mock.calls.flat();
    expect(JSON.parse(String(line))).toMatchObject({ event: 'rate-limit-unavailable' });
  });
});

/** Compares link tokens with vectors made by a real Django. */
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import {
  checkToken,
  decodeUid,
  encodeUid,
  type LinkTokenUser,
  makeToken,
} from '../../src/auth/link-tokens.ts';
import recorded from '../conformance/reset-tokens.json?raw';

const Recorded = v.object({
  tokens: v.array(
    v.object({
      secret_key: v.string(),
      now: v.string(),
      user: v.object({
        id: v.number(),
        password: v.string(),
        last_login: v.nullable(v.string()),
        email: v.string(),
      }),
      uid: v.string(),
      token: v.string(),
    }),
  ),
});

const { tokens } = v.parse(Recorded, JSON.parse(recorded));

const TIMEOUT_SECONDS = 259_200;
const DAY_SECONDS = 86_400;
const YEAR_SECONDS = 365 * DAY_SECONDS;

const PURPOSES = ['passwordReset', 'activation'] as const;

const settingsWith = (secretKey: string, ...secretKeyFallbacks: string[]) => ({
  secretKey,
  secretKeyFallbacks,
  timeoutSeconds: TIMEOUT_SECONDS,
});

const later = (moment: Date, seconds: number) => new Date(moment.getTime() + seconds * 1000);

const cases = tokens.map(({ now, ...rest }) => ({ ...rest, now: new Date(`${now}Z`) }));

it('has 45 tokens made by Django', () => {
  expect(cases).toHaveLength(45);
});

describe.each(cases)('$token of user $user.id at $now', ({ secret_key, now, user, uid, token }) => {
  it('is the same as Django made', () => {
    expect(makeToken('passwordReset', user, settingsWith(secret_key), now)).toBe(token);
    expect(encodeUid(user.id)).toBe(uid);
    expect(decodeUid(uid)).toBe(user.id);
  });

  it('expires at the exact second', () => {
    const check = (moment: Date) =>
      checkToken('passwordReset', user, token, settingsWith(secret_key), moment);
    // Django drops the fraction of a second.
    const made = new Date(Math.floor(now.getTime() / 1000) * 1000);
    expect(check(now)).toBe(true);
    expect(check(later(made, TIMEOUT_SECONDS))).toBe(true);
    expect(check(later(made, TIMEOUT_SECONDS + 1))).toBe(false);
  });

  it('is invalid after a change of the user, for another user and with another key', () => {
    const check = (change: Partial<LinkTokenUser>, linkSettings = settingsWith(secret_key)) =>
      checkToken('passwordReset', { ...user, ...change }, token, linkSettings, now);
    expect(check({ id: user.id - 1 })).toBe(false);
    expect(check({ password: `${user.password}x` })).toBe(false);
    expect(check({ last_login: '2026-01-02 03:04:06' })).toBe(false);
    expect(check({ email: `x${user.email}` })).toBe(false);
    expect(check({}, settingsWith(`${secret_key}x`))).toBe(false);
    expect(check({}, settingsWith('new', 'other', secret_key))).toBe(true);
  });
});

describe('a token', () => {
  const [{ secret_key, user, token, now }] = [cases[1] ?? expect.fail()];
  const [timestamp = '', digest = ''] = token.split('-');

  it.each([
    ['empty', ''],
    ['without a hyphen', timestamp + digest],
    ['with a third part', `${token}-0`],
    ['in upper case', token.toUpperCase()],
    ['with a later time', `${timestamp}0-${digest}`],
    ['with a leading zero', `0${token}`],
    ['with white space', ` ${token}`],
    ['cut short', token.slice(0, -1)],
    ['with another digest', `${timestamp}-${[...digest].reverse().join('')}`],
    ['without a timestamp', `-${digest}`],
    ['with a timestamp that is too large', `${'z'.repeat(60)}-${digest}`],
    ['with a negative timestamp', `-1-${digest}`],
  ])('%s is refused', (_, changed) => {
    expect(checkToken('passwordReset', user, token, settingsWith(secret_key), now)).toBe(true);
    expect(checkToken('passwordReset', user, changed, settingsWith(secret_key), now)).toBe(false);
  });
});

describe('a timestamp', () => {
  const linkSettings = settingsWith('a secret key');
  const now = new Date('2026-11-20T12:00:00Z');
  const user = { id: 7, password: 'x', last_login: null, email: '5meg@example.com' };

  /** The token with its signature and another timestamp. */
  const moved = (token: string, move: (timestamp: number) => number) => {
    const [timestamp = '', digest] = token.split('-');
    return `${move(Number.parseInt(timestamp, 36)).toString(36)}-${digest}`;
  };

  it.each(PURPOSES)(
    'from the future does not make a %s link valid for another address',
    (purpose) => {
      const token = makeToken(purpose, user, linkSettings, now);
      const other = { ...user, email: 'meg@example.com' };
      const future = moved(token, (timestamp) => timestamp * 10 + 5);
      expect(checkToken(purpose, other, future, linkSettings, now)).toBe(false);
      expect(checkToken(purpose, other, future, linkSettings, later(now, 100 * YEAR_SECONDS))).toBe(
        false,
      );
    },
  );

  it.each(PURPOSES)(
    'from the past does not make a %s link valid for another address',
    (purpose) => {
      const linkSettings = { ...settingsWith('a secret key'), timeoutSeconds: YEAR_SECONDS };
      const token = makeToken(purpose, user, linkSettings, now);
      const last = Number.parseInt(token, 36) % 10;
      const other = { ...user, email: `${last}${user.email}` };
      const past = moved(token, (timestamp) => Math.floor(timestamp / 10));
      expect(checkToken(purpose, other, past, linkSettings, now)).toBe(false);
    },
  );

  it('may be exactly one day ahead, because Django counts in its own time zone', () => {
    const check = (made: Date) =>
      checkToken(
        'passwordReset',
        user,
        makeToken('passwordReset', user, linkSettings, made),
        linkSettings,
        now,
      );
    expect(check(later(now, 14 * 3600))).toBe(true);
    expect(check(later(now, DAY_SECONDS))).toBe(true);
    expect(check(later(now, DAY_SECONDS + 1))).toBe(false);
  });
});

describe('a link for one purpose', () => {
  const linkSettings = settingsWith('a secret key', 'an older key');
  const now = new Date('2026-11-20T12:00:00Z');
  const user = { id: 7, password: 'x', last_login: null, email: 'meg@example.com' };

  it('is not valid for the other, except that activation accepts the salt of djoser', () => {
    const reset = makeToken('passwordReset', user, linkSettings, now);
    const activation = makeToken('activation', user, linkSettings, now);
    expect(activation).not.toBe(reset);
    expect(checkToken('passwordReset', user, reset, linkSettings, now)).toBe(true);
    expect(checkToken('passwordReset', user, activation, linkSettings, now)).toBe(false);
    expect(checkToken('activation', user, activation, linkSettings, now)).toBe(true);
    expect(checkToken('activation', user, reset, linkSettings, now)).toBe(true);
  });

  it.each(PURPOSES)('(%s) is valid with an older key', (purpose) => {
    const token = makeToken(purpose, user, settingsWith('an older key'), now);
    expect(checkToken(purpose, user, token, linkSettings, now)).toBe(true);
    expect(checkToken(purpose, user, token, settingsWith('a secret key'), now)).toBe(false);
  });
});

describe('a uid', () => {
  it.each([
    '',
    'A',
    'MTI=',
    '!!!',
    'bWVn',
    'LTE',
    'MS4w',
    'MQ MQ',
    'TmFO',
    'SW5maW5pdHk',
    'OTAwNzE5OTI1NDc0MDk5Mg', // 2^53
    btoa('9'.repeat(18)),
  ])('%j is invalid', (uid) => {
    expect(decodeUid(uid)).toBeUndefined();
  });

  it.each(['MR', 'MDE', 'MWUw', 'IDE', 'MHgx'])(
    '%j is invalid, because the uid of user 1 is a rate limit key and must be unique',
    (uid) => {
      expect(Number(atob(uid))).toBe(1);
      expect(decodeUid(uid)).toBeUndefined();
    },
  );
});

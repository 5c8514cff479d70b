/**
 * Two requests at the same time, of which one revokes a token: no token lives that should not.
 *
 * The second request runs to its end at one of these moments: before a round trip of the first to D1, after a
 * round trip whose response is lost, or after the first request.
 */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Bindings } from '../../src/services/bindings.ts';
import { storedToken } from '../../src/store/stored-token.ts';
import { tokenIdOf } from '../../src/store/tokens.ts';
import { getAs, newName, post, register, sendAs } from '../helpers/client.ts';
import { interceptD1 } from '../helpers/intercept-d1.ts';
import { linkFor, withMailbox } from '../helpers/mailbox.ts';

const LOST = new Error('D1_ERROR: Network connection lost.');

type User = {
  username: string;
  /** A token that the user has before the race. */
  token: string;
};

type Act = (user: User, bindings: Bindings) => Promise<Response>;

type Race = {
  name: string;
  /** Between the registration and the race. */
  arrange?: (user: User, bindings: Bindings) => Promise<unknown>;
  first: Act;
  second: Act;
  check: (after: After) => void;
};

type After = {
  statuses: { first: number; second: number };
  /** When the second request ran. */
  moment: 'before' | 'between' | 'after';
  isValid: { old: boolean; first: boolean; second: boolean };
  /** Tokens of the user that are stored in either table. */
  stored: number;
};

const logIn: Act = ({ username }, bindings) =>
  post('/login', { username, password: 'pw' }, bindings);
const use: Act = ({ token }, bindings) => getAs(token, '/me', bindings);
const logOut: Act = ({ token }, bindings) => sendAs(token, 'POST', '/logout', {}, bindings);
const logOutAll: Act = ({ token }, bindings) => sendAs(token, 'POST', '/logoutall', {}, bindings);
const deleteById: Act = ({ token }, bindings) =>
  sendAs(token, 'DELETE', `/tokens/${tokenIdOf(storedToken(token))}`, undefined, bindings);
const changePassword: Act = ({ token }, bindings) =>
  sendAs(token, 'POST', '/password', { current_password: 'pw', new_password: 'new' }, bindings);
const deleteAccount: Act = ({ token }, bindings) =>
  sendAs(token, 'DELETE', '/me', { current_password: 'pw' }, bindings);
const changePasswordOfDjRestAuth: Act = ({ token }, bindings) => {
  const body = { old_password: 'pw', new_password1: 'new', new_password2: 'new' };
  return sendAs(token, 'POST', '/dj-rest-auth/password/change/', body, bindings);
};
const reset: Act = async ({ username }, bindings) => {
  const body = { ...(await linkFor(username)), new_password: 'new' };
  return post('/users/reset_password_confirm', body, bindings);
};

/** A login stores its token before, while or after all tokens are deleted. */
const eitherOrder =
  (login: 'first' | 'second', goesLast: 'before' | 'after') =>
  ({ moment, isValid, statuses, stored }: After) => {
    expect(statuses[login]).toBe(200);
    expect(isValid.old).toBe(false);
    if (moment !== 'between') expect(isValid[login]).toBe(moment === goesLast);
    expect(stored).toBe(isValid[login] ? 1 : 0);
  };

/** The old password and the old tokens give nothing any more. */
const onlyTokenOf =
  (owner: 'first' | 'second') =>
  ({ isValid, statuses, stored }: After) => {
    expect(statuses[owner]).toBe(200);
    expect(isValid).toEqual({ old: false, first: false, second: false, [owner]: true });
    expect(stored).toBe(1);
  };

const nothingLives = ({ isValid, stored }: After) => {
  expect(isValid).toEqual({ old: false, first: false, second: false });
  expect(stored).toBe(0);
};

const LOGINS: Race[] = [
  {
    name: 'a login, and a logout everywhere',
    first: logIn,
    second: logOutAll,
    check: eitherOrder('first', 'before'),
  },
  {
    name: 'a logout everywhere, and a login',
    first: logOutAll,
    second: logIn,
    check: eitherOrder('second', 'after'),
  },
  {
    name: 'a login, and a change of the password',
    first: logIn,
    second: changePassword,
    check: onlyTokenOf('second'),
  },
  {
    name: 'a change of the password, and a login',
    first: changePassword,
    second: logIn,
    check: onlyTokenOf('first'),
  },
  ...[
    { name: 'a reset of the password', revoke: reset },
    { name: 'a change of the password over dj-rest-auth', revoke: changePasswordOfDjRestAuth },
    { name: 'the deletion of the account', revoke: deleteAccount },
  ].flatMap(({ name, revoke }) => [
    { name: `a login, and ${name}`, first: logIn, second: revoke, check: nothingLives },
    { name: `${name}, and a login`, first: revoke, second: logIn, check: nothingLives },
  ]),
];

const USES: Race[] = [
  ...[
    { name: 'a logout', revoke: logOut },
    { name: 'a logout everywhere', revoke: logOutAll },
    { name: 'the deletion of the token by its id', revoke: deleteById },
    { name: 'a reset of the password', revoke: reset },
    { name: 'the deletion of the account', revoke: deleteAccount },
  ].flatMap(({ name, revoke }) => [
    { name: `a use that renews, and ${name}`, first: use, second: revoke, check: nothingLives },
    { name: `${name}, and a use that renews`, first: revoke, second: use, check: nothingLives },
  ]),
  {
    name: 'a use that renews, and a change of the password',
    first: use,
    second: changePassword,
    check: onlyTokenOf('second'),
  },
];

/** At a limit of one token. */
const RACES_AT_THE_LIMIT: Race[] = [
  {
    name: 'two logins of a user without a token',
    arrange: logOutAll,
    first: logIn,
    second: logIn,
    check: exactlyOneLogin,
  },
  {
    name: 'two logins of a user with an expired token',
    arrange: ({ token }) => setExpiry(token, '2020-01-01 00:00:00'),
    first: logIn,
    second: logIn,
    check: exactlyOneLogin,
  },
  {
    name: 'a login at the limit, and a logout',
    first: logIn,
    second: logOut,
    check({ moment, isValid, statuses, stored }) {
      expect(statuses.second).toBe(204);
      expect([200, 403]).toContain(statuses.first);
      if (moment === 'before') expect(statuses.first).toBe(200);
      if (moment === 'after') expect(statuses.first).toBe(403);
      const isLoggedIn = statuses.first === 200;
      expect(isValid).toEqual({ old: false, first: isLoggedIn, second: false });
      expect(stored).toBe(isLoggedIn ? 1 : 0);
    },
  },
  {
    name: 'a login at the limit, and a change of the password',
    first: logIn,
    second: changePassword,
    check: onlyTokenOf('second'),
  },
];

function exactlyOneLogin({ isValid, statuses, stored }: After) {
  expect([statuses.first, statuses.second].sort()).toEqual([200, 403]);
  const [first, second] = [statuses.first === 200, statuses.second === 200];
  expect(isValid).toEqual({ old: false, first, second });
  expect(stored).toBe(1);
}

const setExpiry = (token: string, expiry: string) =>
  env.DB.prepare('UPDATE knox_authtoken SET expiry = ? WHERE digest = ?')
    .bind(expiry, storedToken(token).digest)
    .run();

const IN_A_MINUTE = () =>
  new Date(Date.now() + 60_000).toISOString().slice(0, 19).replace('T', ' ');

/** The tokens that are stored and have not expired. */
const countStored = async (username: string) =>
  (
    await env.DB.prepare(
      `SELECT count(*) AS n FROM auth_user JOIN (
         SELECT user_id FROM authtoken_token UNION ALL
         SELECT user_id FROM knox_authtoken WHERE expiry IS NULL OR expiry > datetime('now')
       ) ON user_id = id WHERE username = ?`,
    )
      .bind(username)
      .first<{ n: number }>()
  )?.n;

const tokenOf = async (response: Response): Promise<string | undefined> => {
  if (response.status !== 200) return undefined;
  return (await response.clone().json<{ token?: string }>()).token;
};

const isRead = (sql: string[]) => sql.every((each) => /^\s*select/i.test(each));

/**
 * Runs a race.
 *
 * @param when the round trip of the first request at which the second one runs, and whether the first then
 *   loses the response to its write; undefined: after the first request
 * @returns `ended` if the first request has no such round trip, `not-retried` if it is a read
 */
async function run(
  { arrange, first, second }: Race,
  vars: Partial<Bindings>,
  when: { roundTrip: number; isLost: boolean } | undefined,
): Promise<After | 'ended' | 'not-retried'> {
  let roundTrips = 0;
  let isRacing = false;
  let other: Response | undefined;
  const user = { username: newName(), token: '' };
  const runSecond = async () => {
    isRacing = false;
    other = await second(user, bindings);
    isRacing = true;
  };
  const DB = interceptD1(env.DB, {
    async around({ sql, run }) {
      if (!isRacing) return run();
      if (roundTrips++ !== when?.roundTrip || (when.isLost && isRead(sql))) return run();
      if (when.isLost) await run();
      await runSecond();
      if (when.isLost) throw LOST;
      return run();
    },
  });
  const { bindings } = withMailbox({ ...vars, DB });

  user.token = await register(user.username, 'pw', bindings);
  await setExpiry(user.token, IN_A_MINUTE());
  await arrange?.(user, bindings);
  isRacing = true;
  const response = await first(user, bindings);
  isRacing = false;
  if (when && roundTrips <= when.roundTrip) return 'ended';
  if (when && !other) return 'not-retried';
  other ??= await second(user, bindings);

  const isValid = async (token: string | undefined) =>
    token !== undefined && (await getAs(token, '/me', bindings)).status === 200;
  return {
    statuses: { first: response.status, second: other.status },
    moment: when === undefined ? 'after' : momentOf(when),
    isValid: {
      old: await isValid(user.token),
      first: await isValid(await tokenOf(response)),
      second: await isValid(await tokenOf(other)),
    },
    stored: (await countStored(user.username)) ?? 0,
  };
}

const momentOf = ({ roundTrip, isLost }: { roundTrip: number; isLost: boolean }) =>
  roundTrip === 0 && !isLost ? 'before' : 'between';

/** @returns when the second request ran */
async function check(race: Race, vars: Partial<Bindings>): Promise<string[]> {
  const moments: string[] = [];
  const checkAt = async (when?: { roundTrip: number; isLost: boolean }) => {
    const after = await run(race, vars, when);
    if (typeof after === 'string') return after === 'not-retried';
    race.check(after);
    moments.push(after.moment);
    return true;
  };
  await checkAt();
  for (let roundTrip = 0; await checkAt({ roundTrip, isLost: false }); roundTrip++) {
    await checkAt({ roundTrip, isLost: true });
  }
  return moments;
}

beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(console, 'error').mockImplementation(() => {});
  const { setTimeout } = globalThis;
  // The retry of a write does not wait.
  vi.spyOn(globalThis, 'setTimeout').mockImplementation((run: () => void, ms = 0) =>
    setTimeout(run, ms <= 100 ? 0 : ms),
  );
});

const KNOX = {
  TOKEN_MODEL: 'knox.AuthToken',
  AUTO_REFRESH: 'true',
  LOGOUT_ON_PASSWORD_CHANGE: 'true',
};

describe('no token of knox lives that should not after', () => {
  it.each([...LOGINS, ...USES])('$name', async (race) => {
    expect(new Set(await check(race, KNOX))).toEqual(new Set(['before', 'between', 'after']));
  });

  it.each(USES)('$name, with a token cache', async (race) => {
    const moments = await check(race, { ...KNOX, TOKEN_CACHE_SECONDS: '60' });
    expect(new Set(moments)).toEqual(new Set(['before', 'between', 'after']));
  });

  it.each(RACES_AT_THE_LIMIT)('$name, at TOKEN_LIMIT_PER_USER', async (race) => {
    const moments = await check(race, { ...KNOX, TOKEN_LIMIT_PER_USER: '1' });
    expect(new Set(moments)).toEqual(new Set(['before', 'between', 'after']));
  });
});

describe('no token of DRF lives that should not after', () => {
  it.each(LOGINS)('$name', async (race) => {
    const moments = await check(race, { LOGOUT_ON_PASSWORD_CHANGE: 'true' });
    expect(moments).toEqual(expect.arrayContaining(['before', 'after']));
  });
});

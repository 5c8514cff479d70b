/** A login with an unknown username costs as much as its stand-in hash, and never succeeds. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { drawStandIn } from '../../src/auth/stand-in.ts';
import { makePassword } from '../../src/hashing/hashers.ts';
import { createStore } from '../../src/store/store.ts';
import { answer, newName, post, register, unthrottled } from '../helpers/client.ts';
import { LOGIN_PATHS, withPath } from '../helpers/routes.ts';

const store = createStore(env.DB);

const SHA256 = `${'A'.repeat(43)}=`;
const SHA1 = `${'A'.repeat(27)}=`;

/** Stored passwords of each kind. PBKDF2_ITERATIONS of the tests is 1,000. */
const KINDS = {
  'of today’s cost': `pbkdf2_sha256$1000$saltOfTodaySaltOfToday$${SHA256}`,
  cheaper: `pbkdf2_sha256$300$cheaper$${SHA256}`,
  'more expensive': `pbkdf2_sha256$2500$expensive$${SHA256}`,
  'cheaper, SHA-1': `pbkdf2_sha1$700$cheaperSha1$${SHA1}`,
  'more expensive, SHA-1': `pbkdf2_sha1$1700$expensiveSha1$${SHA1}`,
  scrypt: `scrypt$1024$scrypt$8$1$${'A'.repeat(86)}==`,
  unusable: `!${'A'.repeat(40)}`,
  argon2: 'argon2$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHQ$aGFzaA',
  bcrypt: `bcrypt_sha256$$2b$12$${'A'.repeat(53)}`,
  malformed: 'gibberish',
};

async function userWith(encoded: string, isActive = true): Promise<string> {
  const username = newName();
  await register(username);
  await env.DB.prepare('UPDATE auth_user SET password = ?, is_active = ? WHERE username = ?')
    .bind(encoded, Number(isActive), username)
    .run();
  return username;
}

/** The stored password that is verified for an unknown username. */
async function standInOf(name: string): Promise<string | undefined> {
  const { encoded } = await store.findUserOrStandIn(name, drawStandIn(name, env.SECRET_KEY));
  return encoded;
}

/** Tries random unknown usernames until one has this stand-in. */
async function nameWithStandIn(encoded: string): Promise<string> {
  for (;;) {
    const name = newName();
    if ((await standInOf(name)) === encoded) return name;
  }
}

/** The native derivations of a refused login: hash, iterations, and the salt if it is stored. */
async function derivations(username: string, password: string, path = '/login') {
  const deriveBits = vi.spyOn(crypto.subtle, 'deriveBits');
  const { status } = await post(path, { username, password }, withPath(path, unthrottled));
  expect(status).toBe(path === '/login' ? 401 : 400);
  const calls = deriveBits.mock.calls.map(([algorithm]) => {
    if (typeof algorithm !== 'object') throw new Error('PBKDF2 comes with its parameters');
    const { hash, iterations, salt } = algorithm;
    const text = new TextDecoder().decode(salt);
    const isStored = Object.values(KINDS).some((encoded) => encoded.includes(`$${text}$`));
    return { hash, iterations, salt: isStored ? text : 'of no user' };
  });
  deriveBits.mockRestore();
  return calls;
}

beforeEach(async () => {
  await env.DB.exec('DELETE FROM authtoken_token; DELETE FROM auth_user');
});

describe('a login with an unknown username', () => {
  describe.each(LOGIN_PATHS)('at %s', (path) => {
    it.each(Object.entries(KINDS))('costs as much as its stand-in: %s', async (_kind, encoded) => {
      for (const each of Object.values(KINDS)) await userWith(each);
      const known = await userWith(encoded);
      const unknown = await nameWithStandIn(encoded);
      const expected = await derivations(known, 'wrong', path);
      expect(await derivations(unknown, 'wrong', path)).toEqual(expected);
    });
  });

  it('has stand-ins of each kind in proportion to the stored ones', async () => {
    const stored = Object.values(KINDS);
    // The first kind is stored twice, each other kind once.
    for (const each of [...stored, ...stored.slice(0, 1)]) await userWith(each);
    const drawn = await Promise.all(
      Array.from({ length: 1100 }, (_, i) => standInOf(`unknown ${i}`)),
    );
    // The mean is 100 usernames per user, with a standard deviation of 9.5.
    for (const [i, encoded] of stored.entries()) {
      const count = drawn.filter((each) => each === encoded).length;
      expect(Math.abs(count - (i === 0 ? 200 : 100))).toBeLessThan(4 * 9.5);
    }
  });

  it('costs one current hash in an empty database', async () => {
    expect(await derivations(newName(), 'pw')).toEqual([
      { hash: expect.anything(), iterations: 1000, salt: 'of no user' },
    ]);
  });

  it('has the same stand-in each time', async () => {
    for (const each of Object.values(KINDS)) await userWith(each);
    for (let i = 0; i < 10; i++) {
      const name = newName();
      expect(await derivations(name, 'pw')).toEqual(await derivations(name, 'other'));
    }
  });

  it('is refused with the password of its stand-in, and changes nothing', async () => {
    const log = vi.spyOn(console, 'log').mockReturnValue();
    const encoded = await makePassword('pw', 300);
    await userWith(encoded);
    await env.DB.exec('DELETE FROM authtoken_token');
    const unknown = newName();
    expect(await standInOf(unknown)).toBe(encoded);

    const response = await post('/login', { username: unknown, password: 'pw' });
    expect(await answer(response)).toEqual({
      status: 401,
      body: { valid: false, detail: 'Unable to log in with provided credentials.' },
    });
    const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)));
    const failed = lines.filter(({ event }) => event === 'login-failed');
    expect(failed).toMatchObject([{ reason: 'unknown-user' }]);
    expect(failed[0]).not.toHaveProperty('user_id');
    const { results } = await env.DB.prepare(
      'SELECT password, key FROM auth_user LEFT JOIN authtoken_token ON user_id = id',
    ).all();
    expect(results).toEqual([{ password: encoded, key: null }]);
  });

  it('costs the same with the password of its stand-in', async () => {
    const encoded = await makePassword('pw', 300);
    await userWith(encoded);
    const unknown = newName();
    const iterations = async (password: string) =>
      (await derivations(unknown, password)).map((derivation) => derivation.iterations);
    expect(await iterations('pw')).toEqual([300, 700]);
    expect(await iterations('wrong')).toEqual([300, 700]);
  });
});

describe.each(LOGIN_PATHS)('a login of an inactive user at %s', (path) => {
  it.each([300, 1000, 2500])(
    'costs the same with the right password of %d iterations',
    async (count) => {
      const inactive = await userWith(await makePassword('pw', count), false);
      const wrong = await derivations(inactive, 'wrong', path);
      expect(await derivations(inactive, 'pw', path)).toEqual(wrong);
    },
  );
});

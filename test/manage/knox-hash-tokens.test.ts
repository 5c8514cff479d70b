/** `hash_tokens`: tokens of authtoken become tokens of knox. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { useManage, withVars } from '../helpers/manage.ts';

const { manage, query } = useManage();

const DUMP = 'test/conformance/dumpdata.json';
const KNOX = withVars({ TOKEN_MODEL: 'knox.AuthToken' });
const withMaxAge = (days: number) =>
  withVars({ TOKEN_MODEL: 'knox.AuthToken', TOKEN_MAX_AGE_DAYS: String(days) });

const TOKENS = 'SELECT key, created, user_id FROM authtoken_token ORDER BY key';
const HASHED = 'SELECT * FROM knox_authtoken ORDER BY digest';

/** As knox 5 stores them (knox/crypto.py, `hash_token`; knox/models.py, `AuthTokenManager.create`). */
const hashed = (tokens: Record<string, unknown>[], expiry: unknown = null) =>
  tokens
    .map(({ key, created, user_id }) => ({
      digest: createHash('sha512').update(String(key)).digest('hex'),
      created,
      user_id,
      expiry,
      token_key: String(key).slice(0, 15),
    }))
    .sort((a, b) => (a.digest < b.digest ? -1 : 1));

/** Users with tokens that sort in another order than they are numbered. */
const insertMany = async (users: number) => {
  const numbers = `WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ${users})`;
  await query(`${numbers} INSERT INTO auth_user SELECT value, '!', NULL, 0, 'user' || value, '', '', 0, 1,
    '2024-03-18 02:30:00', '' FROM n`);
  await query(`${numbers} INSERT INTO authtoken_token
    SELECT lower(hex(randomblob(20))), '2024-03-18 02:30:00', value FROM n`);
};

test('every token of a dump becomes a hash, with its user and its date', async () => {
  await manage(['import', DUMP]);
  const tokens = await query(TOKENS);
  expect(tokens).toHaveLength(23);

  expect(await manage(['hash_tokens'], KNOX)).toMatchObject({
    code: 0,
    stdout: 'Tokens hashed: 23\n',
    stderr: expect.not.stringContaining('WARNING'),
  });
  expect(await query(TOKENS)).toEqual([]);
  expect(await query(HASHED)).toEqual(hashed(tokens));
});

test('a second run changes nothing', async () => {
  await manage(['import', DUMP]);
  await manage(['hash_tokens'], KNOX);
  const before = await query(HASHED);
  expect(await manage(['hash_tokens'], KNOX)).toMatchObject({
    code: 0,
    stdout: 'Tokens hashed: 0\n',
  });
  expect(await query(HASHED)).toEqual(before);
});

test('the tokens expire at a chosen moment', async () => {
  await manage(['import', DUMP]);
  const tokens = await query(TOKENS);
  await manage(['hash_tokens', '--expiry', '2099-12-31T12:00:00+02:00'], KNOX);
  expect(await query(HASHED)).toEqual(hashed(tokens, '2099-12-31 10:00:00'));
});

test.each([
  ['yesterday', /expected a date or a datetime/],
  ['2024-02-30', /expected a date or a datetime/],
  ['2024-01-01', /it is in the past/],
])('--expiry %s is refused', async (expiry, reason) => {
  await manage(['import', DUMP]);
  expect(await manage(['hash_tokens', '--expiry', expiry], KNOX)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(reason),
  });
  expect(await query(TOKENS)).toHaveLength(23);
});

test('no token lives longer than TOKEN_MAX_AGE_DAYS lets it', async () => {
  await manage(['import', DUMP]);
  await query(`UPDATE authtoken_token SET created = '2024-02-28 10:20:30.123456'`);
  await manage(['hash_tokens'], withMaxAge(2));
  expect(await query('SELECT DISTINCT expiry FROM knox_authtoken')).toEqual([
    { expiry: '2024-03-01 10:20:30' },
  ]);
});

test('of two limits the earlier one counts', async () => {
  await insertMany(2);
  await query(`UPDATE authtoken_token SET created = '2024-01-01 00:00:00' WHERE user_id = 1`);
  await query(`UPDATE authtoken_token SET created = '2098-01-01 00:00:00' WHERE user_id = 2`);
  await manage(['hash_tokens', '--expiry', '2098-01-10'], withMaxAge(30));
  expect(await query('SELECT user_id, expiry FROM knox_authtoken ORDER BY user_id')).toEqual([
    { user_id: 1, expiry: '2024-01-31 00:00:00' },
    { user_id: 2, expiry: '2098-01-10 00:00:00' },
  ]);
});

test('a key of any characters is hashed as knox does it', async () => {
  await manage(['import', DUMP]);
  await query(`UPDATE authtoken_token SET key = '🔑é short' WHERE user_id = 2`);
  await query(`UPDATE authtoken_token SET key = '0123456789abc🔑🔑🔑' WHERE user_id = 1`);
  await manage(['hash_tokens'], KNOX);
  expect(
    await query(
      'SELECT digest, token_key FROM knox_authtoken WHERE user_id IN (1, 2) ORDER BY user_id',
    ),
  ).toEqual([
    {
      digest: createHash('sha512').update('0123456789abc🔑🔑🔑').digest('hex'),
      token_key: '0123456789abc🔑🔑',
    },
    { digest: createHash('sha512').update('🔑é short').digest('hex'), token_key: '🔑é short' },
  ]);
});

test('more tokens than a transaction takes are hashed, each once', async () => {
  await insertMany(4500);
  const tokens = await query(TOKENS);
  const outcome = await manage(['hash_tokens'], KNOX);
  expect(outcome).toMatchObject({ code: 0, stdout: 'Tokens hashed: 4,500\n' });
  expect(outcome.stderr).toContain('Hashing 100%');
  expect(await query(HASHED)).toEqual(hashed(tokens));
  expect(await query(TOKENS)).toEqual([]);
});

test('the tokens of a page that were deleted since it was read do not come back', async () => {
  await insertMany(2);
  const [first] = await query(TOKENS);
  let isFirst = true;
  const intercept = (d1: D1Database) =>
    new Proxy(d1, {
      get: (target, name) =>
        name === 'batch'
          ? async (statements: D1PreparedStatement[]) => {
              if (isFirst) await query(`DELETE FROM authtoken_token WHERE key = '${first?.key}'`);
              isFirst = false;
              return target.batch(statements);
            }
          : Reflect.get(target, name).bind(target),
    });
  expect(await manage(['hash_tokens'], { ...KNOX, intercept })).toMatchObject({
    stdout: 'Tokens hashed: 1\n',
  });
  expect(await query('SELECT count(*) AS n FROM knox_authtoken')).toEqual([{ n: 1 }]);
});

test('at every moment a token is in one of the tables, also if a response is lost', async () => {
  await insertMany(4500);
  const seen: unknown[] = [];
  let batches = 0;
  const intercept = (d1: D1Database) =>
    new Proxy(d1, {
      get: (target, name) =>
        name === 'batch'
          ? async (statements: D1PreparedStatement[]) => {
              const results = await target.batch(statements);
              seen.push(
                ...(await query(`SELECT (SELECT count(*) FROM authtoken_token) +
                  (SELECT count(*) FROM knox_authtoken) AS tokens`)),
              );
              if (batches++ === 0) throw new Error('D1_ERROR: Network connection lost.');
              return results;
            }
          : Reflect.get(target, name).bind(target),
    });
  expect(await manage(['hash_tokens'], { ...KNOX, intercept })).toMatchObject({ code: 0 });
  expect(seen).toEqual(Array(4).fill({ tokens: 4500 }));
  expect(await query(TOKENS)).toEqual([]);
});

test('a token whose digest is another user’s stays in its table', async () => {
  await insertMany(2);
  const [{ key } = {}] = await query('SELECT key FROM authtoken_token WHERE user_id = 1');
  const digest = createHash('sha512').update(String(key)).digest('hex');
  await query(
    `INSERT INTO knox_authtoken VALUES ('${digest}', '2024-03-18 02:30:00', 2, NULL, 'x')`,
  );
  expect(await manage(['hash_tokens'], KNOX)).toMatchObject({
    stdout: 'Tokens hashed: 1\n',
    stderr: expect.stringContaining('WARNING: 1 token left in authtoken_token'),
  });
  expect(await query(TOKENS)).toMatchObject([{ key, user_id: 1 }]);
});

test('with the model authtoken.Token it is refused, because the service would refuse the tokens', async () => {
  await manage(['import', DUMP]);
  for (const run of [withVars({}), withVars({ TOKEN_MODEL: 'authtoken.Token' })]) {
    expect(await manage(['hash_tokens'], run)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Set TOKEN_MODEL = "knox.AuthToken" and deploy first'),
    });
  }
  expect(await manage(['hash_tokens'], withVars({ TOKEN_MODEL: 'knox' }))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      'TOKEN_MODEL is "knox". It must be "authtoken.Token" or "knox.AuthToken".',
    ),
  });
  expect(await query(TOKENS)).toHaveLength(23);
});

test('the way back is refused with the reason', async () => {
  await manage(['import', DUMP]);
  await manage(['hash_tokens'], KNOX);
  expect(await manage(['hash_tokens', '--reverse'], KNOX)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('CommandError: a hash has no key: '),
  });
  expect(await query(HASHED)).toHaveLength(23);
});

test('it is a command that asks before it writes to the remote database', async () => {
  expect((await manage(['hash_tokens', '--help'])).stdout).toContain('--yes');
});

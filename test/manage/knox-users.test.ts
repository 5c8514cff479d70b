/** Commands for users who have tokens of knox. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { useManage, withVars } from '../helpers/manage.ts';

const { manage, query } = useManage();

const DUMP = 'test/conformance/knox-dumpdata.json';
const KNOX = withVars({ TOKEN_MODEL: 'knox.AuthToken' });
const OF_BOB = 'SELECT * FROM knox_authtoken WHERE user_id = 2';

const BOB = "user 'bob' (id 2, no address)";

const digestOf = (token: string) => createHash('sha512').update(token).digest('hex');

/** The token and the expiry that `drf_create_token` prints. */
const GENERATED = /^Generated token (\S+) for user bob(?:, expires (.+))?\n$/;

const createToken = async (vars: Record<string, string>, ...options: string[]) => {
  const run = withVars({ TOKEN_MODEL: 'knox.AuthToken', ...vars });
  const { stdout } = await manage(['drf_create_token', ...options, 'bob'], run);
  const [, token = '', expiry] = GENERATED.exec(stdout) ?? [];
  return { token, expiry };
};

const SECOND_MS = 1000;

test('drf_create_token makes a token of knox and prints it once', async () => {
  await manage(['import', DUMP]);
  const before = Date.now();
  const { token, expiry = '' } = await createToken({});
  expect(token).toMatch(/^[0-9a-f]{64}$/);
  const seconds = (Date.parse(`${expiry.replace(' ', 'T')}Z`) - before) / SECOND_MS;
  expect(Math.round(seconds / 60)).toBe(10 * 60);
  expect(await query(OF_BOB)).toHaveLength(4);
  expect(await query(`${OF_BOB} AND digest = '${digestOf(token)}'`)).toMatchObject([
    { expiry, token_key: token.slice(0, 15) },
  ]);
  const other = await createToken({});
  expect(other.token).not.toBe(token);
  expect(await query(OF_BOB)).toHaveLength(5);
});

test('drf_create_token -r deletes all other tokens, also the one of authtoken', async () => {
  await manage(['import', DUMP]);
  await query(`INSERT INTO authtoken_token VALUES ('plain', '2024-03-18 02:30:00', 2)`);
  const { token } = await createToken({}, '-r');
  expect(await query(OF_BOB)).toMatchObject([{ digest: digestOf(token) }]);
  expect(await query('SELECT * FROM authtoken_token')).toEqual([]);
});

test('drf_create_token takes TOKEN_TTL and TOKEN_PREFIX', async () => {
  await manage(['import', DUMP]);
  const prefixed = await createToken({ TOKEN_PREFIX: 'knx_', TOKEN_TTL: 'none' });
  expect(prefixed).toEqual({
    token: expect.stringMatching(/^knx_[0-9a-f]{64}$/),
    expiry: undefined,
  });
  expect(await query(`${OF_BOB} AND digest = '${digestOf(prefixed.token)}'`)).toMatchObject([
    { expiry: null, token_key: prefixed.token.slice(0, 15) },
  ]);
  const short = await createToken({ TOKEN_TTL: '60' });
  expect(Date.parse(`${short.expiry?.replace(' ', 'T')}Z`) - Date.now()).toBeLessThan(61_000);
});

test('drf_create_token -r at the default model leaves the tokens of knox', async () => {
  await manage(['import', DUMP]);
  const { stdout } = await manage(['drf_create_token', '-r', 'bob'], withVars({}));
  expect(stdout).toMatch(/^Generated token [0-9a-f]{40} for user bob\n$/);
  expect(await query(OF_BOB)).toHaveLength(3);
});

test('users counts the tokens that have not expired, and says when the last one expires', async () => {
  await manage(['import', DUMP]);
  await query(`INSERT INTO authtoken_token VALUES ('plain', '2024-03-18 02:30:00', 5)`);
  const lines = (await manage(['users'])).stdout.split('\n');
  expect(lines.map((line) => line.split('\t').slice(1))).toEqual([
    ['ada@example.com', 'ada@example.com', '2 tokens without expiry'],
    ['bob', '-', '1 token until 2098-01-01 00:00:00'],
    ['carol', '-', 'inactive, 1 token until 2099-12-31 23:59:59.999000'],
    ['дмитрий', '-', '2 tokens without expiry'],
    ['no-tokens', '-', 'no token'],
    ['legacy', '-', 'no token'],
    ['admin', '-', 'superuser, 3 tokens until 2099-12-31 23:59:59.999000'],
    ['prefixed', '-', '2 tokens without expiry'],
    [],
  ]);
});

test('users with a name prints this user only, and never a token', async () => {
  await manage(['import', DUMP]);
  const { stdout, stderr } = await manage(['users', 'bob']);
  expect(stdout).toBe('2\tbob\t-\t1 token until 2098-01-01 00:00:00\n');
  for (const { token_key } of await query('SELECT token_key FROM knox_authtoken')) {
    expect((await manage(['users'])).stdout + stdout + stderr).not.toContain(token_key);
  }
  expect(await manage(['users', 'Bob'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining("user 'Bob' does not exist. Did you mean 'bob'?"),
  });
});

test('drf_delete_token ends the sessions of knox', async () => {
  await manage(['import', DUMP]);
  expect(await manage(['drf_delete_token', 'bob'])).toMatchObject({
    code: 0,
    stdout: "Deleted 3 tokens of user 'bob'\n",
  });
  expect(await query(OF_BOB)).toEqual([]);
  expect((await manage(['users', 'bob'])).stdout).toBe('2\tbob\t-\tno token\n');
});

test('deleteuser deletes the tokens of both models, and reports them', async () => {
  await manage(['import', DUMP]);
  await query(`INSERT INTO authtoken_token VALUES ('plain', '2024-03-18 02:30:00', 2)`);
  expect(await manage(['deleteuser', 'bob'], { keys: ['n'] })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`Delete ${BOB} and 4 tokens? This cannot be undone.`),
  });
  expect(await query(OF_BOB)).toHaveLength(3);
  expect(await manage(['deleteuser', 'bob', '--yes'])).toMatchObject({
    code: 0,
    stdout: `Deleted ${BOB} and 4 tokens\n`,
  });
  expect(await query(OF_BOB)).toEqual([]);
  expect(await query('SELECT * FROM authtoken_token')).toEqual([]);
  expect(await query('SELECT count(*) AS n FROM knox_authtoken')).toEqual([{ n: 10 }]);
});

test('changepassword, deactivate and activate keep the tokens, as in Django', async () => {
  await manage(['import', DUMP]);
  const before = await query(OF_BOB);
  const input = 'a new password 1\n'.repeat(2);
  expect(await manage(['changepassword', 'bob'], { ...KNOX, input })).toMatchObject({ code: 0 });
  for (const command of ['deactivate', 'activate']) {
    expect(await manage([command, 'bob'], KNOX)).toMatchObject({ code: 0 });
    expect(await query(OF_BOB)).toEqual(before);
  }
});

import { expect, test } from 'vitest';
import { readConfiguration } from '../../src/manage/configuration.ts';
import type { Database } from '../../src/manage/database.ts';
import { useManage } from '../helpers/manage.ts';
import { useDatabases } from '../helpers/manage-process.ts';

const freshDatabase = useDatabases();

const ARGON2 = 'argon2$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHQ$aGFzaA';

test('doctor checks the database and the settings', async () => {
  const { manage, query } = freshDatabase();
  await manage(['import', 'test/conformance/dumpdata.json']);
  query(`UPDATE auth_user SET username = 'ﬁnder' WHERE id = 1`);
  query(`UPDATE auth_user SET password = 'md5$c2FsdA$${'0'.repeat(32)}' WHERE id = 2`);
  query(`UPDATE auth_user SET password = '${ARGON2}' WHERE id = 4`);
  query(`UPDATE auth_user SET password = '${ARGON2.replace('m=102400', 'm=131072')}' WHERE id = 5`);
  query(`UPDATE auth_user SET password = 'pbkdf2_sha1$260000$c2FsdA$aGFzaA==' WHERE id = 3`);
  query(`INSERT INTO authtoken_token VALUES ('orphan', '2024-03-18 02:30:00', 999)`);
  query(`INSERT INTO knox_authtoken VALUES ('orphan', '2024-03-18 02:30:00', 999, NULL, 'orphan')`);
  query(`INSERT INTO d1_migrations (name) VALUES ('9999_later.sql')`);
  query(`DELETE FROM d1_migrations WHERE name = '0000_django_tables.sql'`);

  const { code, stdout } = await manage(['doctor']);
  expect(code).toBe(0);
  const lines = stdout.split('\n');
  expect(lines).toContain(
    'WARNING  Migrations not applied: 0000_django_tables.sql. Run `npm run wrangler -- d1 migrations apply`',
  );
  expect(lines).toContain('         Users: 26, 3 inactive');
  expect(lines).toContain('         Tokens: 24');
  expect(lines).toContain('OK       Users without a token: 3 (the next login creates one)');
  expect(lines).toContain('WARNING  Tokens without a user: 2');
  expect(stdout).toMatch(/\nOK {9}\d+ users with pbkdf2_sha256 of 260,000 iterations\n/);
  expect(lines).toContain(
    'WARNING    1 user with pbkdf2_sha1 of 260,000 iterations: the first login of each blocks other ' +
      'requests for about 468 ms in production',
  );
  expect(lines).toContain('OK         5 users with pbkdf2_sha256 of 1,000 iterations');
  expect(lines).toContain(
    'WARNING    1 user with md5, which is not checked: MD5PasswordHasher is not in PASSWORD_HASHERS. ' +
      'They can reset it by e-mail, or set one with `changepassword`',
  );
  expect(lines).toContain('OK         1 user with argon2');
  expect(stdout).toMatch(
    /\nWARNING {4}1 user with argon2, which is not checked: above the limits of this service\. /,
  );
  expect(lines).toContain('OK         2 users with an unusable password');
  expect(stdout).toMatch(/\nWARNING {2}Usernames not in Unicode form NFKC: 1: .*ﬁnder \(id 1\)\n/);
  expect(stdout).not.toContain('c2FsdA');

  expect(lines).toContain(
    'Before production (SECURITY.md), by the wrangler configuration without .dev.vars:',
  );
  expect(lines).toContain(
    'OK       1. PBKDF2_ITERATIONS 600,000: in production a login or registration costs about 180 ms ' +
      'of CPU, in a Durable Object, on every plan',
  );
  expect(stdout).toMatch(/\nWARNING {2}3\. CORS_ALLOWED_ORIGINS has http:\/\/localhost:3000, /);
  expect(stdout).toMatch(/\nTO DO {4}10\. [^\n]+\n$/);
});

test('doctor and each command name the migration of a table that is missing', async () => {
  const { manage, query } = freshDatabase();
  query('DROP TABLE knox_authtoken');
  query(`DELETE FROM d1_migrations WHERE name = '0003_knox_authtoken.sql'`);
  const { code, stdout } = await manage(['doctor']);
  expect(code).toBe(0);
  expect(stdout.split('\n').slice(0, 2)).toEqual([
    'WARNING  Migrations not applied: 0003_knox_authtoken.sql. Run `npm run wrangler -- d1 migrations apply`',
    'WARNING  Tables missing: knox_authtoken. The rows are checked after the migrations',
  ]);
  expect(stdout).toContain('Before production (SECURITY.md)');
  expect(await manage(['users'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      'CommandError: the database has no table knox_authtoken yet: run `npm run wrangler -- d1 migrations apply DB --local',
    ),
  });
});

const { manage, query } = useManage();

/** Stores a user past the code under test. */
const insert = (id: string, values: Record<string, string> = {}) => {
  const user = {
    password: '!',
    is_superuser: '0',
    username: `user${id}`,
    last_name: '',
    email: '',
    is_staff: '0',
    is_active: '1',
    date_joined: '2026-01-01 00:00:00',
    first_name: '',
    ...values,
  };
  const quoted = Object.values(user).map((value) => `'${value.replaceAll("'", "''")}'`);
  return query(
    `INSERT INTO auth_user (id, ${Object.keys(user).join(', ')}) VALUES (${id}, ${quoted.join(', ')})`,
  );
};

const doctor = async (database?: Partial<Database>) =>
  (await manage(['doctor'], { ...(database && { database }) })).stdout.split('\n');

test('an empty database has no finding', async () => {
  const lines = await doctor();
  const findings = lines.slice(
    0,
    lines.indexOf(
      'Before production (SECURITY.md), by the wrangler configuration without .dev.vars:',
    ),
  );
  expect(findings.filter((line) => line.startsWith('WARNING'))).toEqual([
    // The migrations are applied without wrangler here.
    expect.stringContaining('Migrations not applied'),
  ]);
});

const DIGEST = 'f'.repeat(128);
const KNOX = { TOKEN_MODEL: 'knox.AuthToken' };
const KNOX_DUMP = 'test/conformance/knox-dumpdata.json';

/** The lines about the token model. */
async function ofTokens(vars: Record<string, string> = {}): Promise<string[]> {
  const lines = await doctor({ vars });
  const start = lines.findIndex((line) => line.includes('Token model: '));
  return lines.slice(start, lines.findIndex((line) => line.includes('Tokens without a user')) + 1);
}

test('doctor names the model at the default, and says nothing of knox', async () => {
  await manage(['import', 'test/conformance/dumpdata.json']);
  expect(await ofTokens()).toEqual([
    '         Token model: authtoken.Token',
    '         Tokens: 23',
    'OK       Users without a token: 3 (the next login creates one)',
    'OK       Tokens without a user: 0',
  ]);
});

test('doctor says that tokens of knox are not accepted with the model authtoken.Token', async () => {
  await manage(['import', KNOX_DUMP]);
  expect(await ofTokens()).toContainEqual(
    expect.stringMatching(
      /^WARNING {2}Tokens of knox: 13: not accepted, because TOKEN_MODEL is authtoken\.Token\./,
    ),
  );
});

test('doctor reports expired tokens, tokens of knox 4 and tokens that are not hashed', async () => {
  await manage(['import', KNOX_DUMP]);
  await query(
    `INSERT INTO knox_authtoken VALUES ('${DIGEST}', '2019-01-11 05:42:00', 7, NULL, 'abcdef01')`,
  );
  await query(`INSERT INTO authtoken_token VALUES ('plain', '2024-03-18 02:30:00', 2)`);
  expect(await ofTokens(KNOX)).toEqual([
    '         Token model: knox.AuthToken',
    '         Tokens of knox: 14',
    'OK       Expired tokens of knox: 3 (logins remove them)',
    'WARNING  Users with tokens of knox before 5.0: 1: these tokens are not accepted, as in knox 5. Delete ' +
      'all tokens of a user with `drf_delete_token`: legacy (id 7)',
    'WARNING  Tokens stored as plain text: 1: accepted, as tokens of authtoken. Hash them with `hash_tokens`',
    'OK       Users without a token: 1 (the next login creates one)',
    'OK       Tokens without a user: 0',
  ]);
  await manage(['drf_delete_token', 'legacy']);
  await manage(['hash_tokens'], { database: { vars: KNOX } });
  const lines = await ofTokens(KNOX);
  expect(lines.filter((line) => line.startsWith('WARNING'))).toEqual([]);
  expect(lines).toContain('         Tokens of knox: 14');
});

test('doctor takes a user with a token of knox for one who does not wait for activation', async () => {
  await insert('1', { is_active: '0' });
  await query(
    `INSERT INTO knox_authtoken VALUES ('${DIGEST}', '2026-01-01 00:00:00', 1, NULL, 'abcdef')`,
  );
  expect(await doctor({ vars: KNOX })).toContain(`OK       ${WAITING}0`);
});

test('doctor names values that are longer than their columns', async () => {
  await insert('1', {
    username: 'صلى الله عليه وسلم'.repeat(9),
    email: `${'i̇'.repeat(130)}@example.com`,
  });
  await insert('2', { first_name: '🔑'.repeat(151), last_name: '🔑'.repeat(150) });
  await insert('3', { username: '🔑'.repeat(150), email: `${'a'.repeat(242)}@example.com` });
  expect(await doctor()).toContainEqual(
    expect.stringMatching(
      /^WARNING {2}Values longer than Django's columns: 2: .*: صلى.* \(id 1, username, email\), user2 \(id 2, first_name\)$/,
    ),
  );
});

test('doctor names addresses that a look-up does not find', async () => {
  await insert('1', { email: 'ann@Example.COM' });
  await insert('2', { email: 'Ünï@EXÄMPLE.com' });
  await insert('3', { email: 'Ünï@exämple.com' });
  expect(await doctor()).toContainEqual(
    expect.stringMatching(
      /^WARNING {2}E-mail addresses with capital letters.*: 1: .*: user2 \(id 2\)$/,
    ),
  );
});

const WAITING = 'Users waiting for activation (inactive, never logged in, no token): ';

test('doctor names inactive users that an activation link would activate', async () => {
  await insert('1', { is_active: '0' });
  await insert('2', { is_active: '0', last_login: '2026-01-01 00:00:00' });
  await insert('3', { is_active: '0' });
  await query(`INSERT INTO authtoken_token VALUES ('key', '2026-01-01 00:00:00', 3)`);
  const advice = 'an activation link lets them in. Use `deactivate` for users who must stay out';
  expect(await doctor()).toContain(`WARNING  ${WAITING}1: ${advice}: user1 (id 1)`);
  // If addresses are verified, new users wait for activation. That is no problem.
  const vars = { EMAIL_VERIFICATION: 'required' };
  expect(await doctor({ vars })).toContain(`         ${WAITING}1: ${advice}: user1 (id 1)`);
  await manage(['deactivate', 'user1']);
  expect(await doctor()).toContain(`OK       ${WAITING}0`);
});

test.each([
  ['2147483646', []],
  ['2147483647', ['WARNING  Ids of new users are above 2147483647. ']],
  ['9007199254740990', ['WARNING  Ids of new users are above 2147483647. ']],
  ['9007199254740991', ['WARNING  Ids of new users are above 2^53: registrations fail. ']],
])('doctor checks that the id after %s can be used', async (seq, found) => {
  await insert('1');
  await query(`UPDATE sqlite_sequence SET seq = ${seq} WHERE name = 'auth_user'`);
  const lines = (await doctor()).filter((line) => line.includes('Ids of new users'));
  expect(lines).toEqual(found.map((start) => expect.stringContaining(start)));
});

test('doctor counts and names users of any id, each once', async () => {
  await query(`
    WITH RECURSIVE c(n) AS (SELECT 9007199254740992 UNION ALL SELECT n + 1 FROM c LIMIT 1001)
    INSERT INTO auth_user SELECT n, '!', NULL, 0, 'ﬁ' || n, '', '', 0, 1, '2026-01-01 00:00:00', '' FROM c`);
  const lines = await doctor();
  expect(lines).toContainEqual(expect.stringMatching(/^WARNING {2}Ids above 2147483647: 1,001: /));
  expect(lines).toContainEqual(
    expect.stringMatching(/NFKC: 1,001: .*, ﬁ9007199254740993 \(id 9007199254740993\), /),
  );
});

test('doctor says whether the key is strong, and never shows it', async () => {
  const value = 'short';
  const read = await readConfiguration();
  const vars = { ...read.vars, DEFAULT_FROM_EMAIL: 'us@example.com' };
  const configuration = { ...read, vars };
  const lines = await doctor({ configuration, secretKey: async () => ({ kind: 'value', value }) });
  expect(lines).toContainEqual(
    expect.stringMatching(
      /^WARNING {2}7\. SECRET_KEY of \.dev\.vars has less than 50 characters, /,
    ),
  );
  expect(lines.join('\n')).not.toContain(value);
});

test('doctor ends with an error if a setting is not valid', async () => {
  const vars = { PBKDF2_ITERATIONS: '12' };
  expect(await manage(['doctor'], { database: { vars } })).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^SettingsError: PBKDF2_ITERATIONS is "12"\. [^\n]*\n$/),
  });
});

import { expect, test } from 'vitest';
import { useDatabases } from '../helpers/manage-process.ts';

const freshDatabase = useDatabases();

test('doctor says what would hurt', async () => {
  const { manage, query } = freshDatabase();
  await manage(['import', 'test/conformance/dumpdata.json']);
  query(`UPDATE auth_user SET username = 'ﬁnder' WHERE id = 1`);
  query(`UPDATE auth_user SET password = 'argon2$argon2id$v=19$c2FsdA$aGFzaA' WHERE id = 2`);
  query(`UPDATE auth_user SET password = 'pbkdf2_sha1$260000$c2FsdA$aGFzaA==' WHERE id = 3`);
  query(`INSERT INTO authtoken_token VALUES ('orphan', '2024-03-18 02:30:00', 999)`);
  query(`INSERT INTO d1_migrations (name) VALUES ('9999_later.sql')`);
  query(`DELETE FROM d1_migrations WHERE name = '0000_django_tables.sql'`);

  const { code, stdout } = await manage(['doctor']);
  expect(code).toBe(0);
  expect(stdout).toContain('LOOK Migrations pending: 0000_django_tables.sql\n');
  expect(stdout).toContain(
    ' ok  Setting: PBKDF2_ITERATIONS 600,000: in production a login or registration costs about 180 ms ' +
      'of CPU, in a Durable Object, on every plan\n',
  );
  expect(stdout).toContain('     Users: 26, 3 inactive\n     Tokens: 24\n');
  expect(stdout).toContain(' ok  Users without a token: 3 (the next login makes one)\n');
  expect(stdout).toContain('LOOK Tokens without a user: 1\n');
  expect(stdout).toMatch(/ ok {4}\d+ users with pbkdf2_sha256 of 260,000 iterations\n/);
  expect(stdout).toContain(
    'LOOK   1 user with pbkdf2_sha1 of 260,000 iterations: in production JavaScript hashes it, which ' +
      'holds up other requests for about 468 ms, until the first login\n',
  );
  expect(stdout).toContain(' ok    5 users with pbkdf2_sha256 of 1,000 iterations\n');
  expect(stdout).toContain('LOOK   1 user with argon2, which cannot be checked here');
  expect(stdout).toContain(' ok    2 users with an unusable password');
  expect(stdout).toMatch(/LOOK Usernames not in Unicode form NFKC: 1.*ﬁnder \(id 1\)\n/);
  expect(stdout).not.toContain('c2FsdA');
});

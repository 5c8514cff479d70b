import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { inspectionQueries } from '../../../src/store/operator/inspection.ts';

const inspection = inspectionQueries(env.DB);

const PBKDF2 = 'pbkdf2_sha256$1000$salt$hash';

/** Gives the database these users and no others, with ids from 1. */
async function fill(users: { username?: string; password?: string; key?: string }[]) {
  await env.DB.exec('DELETE FROM authtoken_token');
  await env.DB.exec('DELETE FROM auth_user');
  for (const [i, { username = `user${i}`, password = PBKDF2, key }] of users.entries()) {
    await env.DB.prepare(
      `INSERT INTO auth_user (id, password, is_superuser, username, last_name, email, is_staff,
         is_active, date_joined, first_name) VALUES (?, ?, 0, ?, '', '', 0, 1, '2026-01-01 00:00:00', '')`,
    )
      .bind(i + 1, password, username)
      .run();
    if (key !== undefined) {
      await env.DB.prepare('INSERT INTO authtoken_token VALUES (?, ?, ?)')
        .bind(key, '2026-01-01 00:00:00', i + 1)
        .run();
    }
  }
}

beforeEach(() => fill([]));

const idsOf = (users: { id: string }[]) => users.map(({ id }) => Number(id));

it('pages through names beyond ASCII, each once', async () => {
  await fill([{ username: 'ann' }, { username: 'ﬁnn' }, { username: 'zoë' }, { username: 'a~ b' }]);
  const page = async (afterId: string) => idsOf(await inspection.pageOfNonAsciiNames(afterId, 1));
  expect(await page('0')).toEqual([2]);
  expect(await page('2')).toEqual([3]);
  expect(await page('3')).toEqual([]);
});

it('finds blank names', async () => {
  await fill([{ username: '' }, { username: ' ' }, { username: 'ann' }]);
  expect(idsOf(await inspection.pageOfBlankNames('0', 10))).toEqual([1]);
});

it('finds passwords that are neither plainly PBKDF2’s nor unusable', async () => {
  const passwords = [PBKDF2, '!x', 'pbkdf2_sha1$1$salt$hash', 'argon2$x', 'pbkdf2_sha256$1$$h', ''];
  await fill(passwords.map((password) => ({ password })));
  expect(idsOf(await inspection.pageOfOddPasswords('0', 10))).toEqual([4, 5, 6]);
});

it('finds tokens that no request can send', async () => {
  const keys = ['good', '', 'a b', 'a\tb', 'a\nb', 'a\vb', 'a\fb', 'a\rb', 'a\u00a0b'];
  await fill(keys.map((key) => ({ key })));
  expect(idsOf(await inspection.pageOfUnsendableKeys('0', 10))).toEqual([2, 3, 4, 5, 6, 7, 8]);
});

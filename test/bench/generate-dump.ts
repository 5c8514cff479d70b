/**
 * Prints a dump of as many users, each with a token, as `dumpdata` would: for trying how an import
 * scales. The password of each user is "correct horse". `node test/bench/generate-dump.ts 1000000 > big.json`;
 * with `--natural` after the number, as with `--natural-primary --natural-foreign`; with `--custom`, the users of
 * a model `users.User` with UUIDs, `full_name`, `is_admin` and `created_at`; with `--knox`, tokens of knox.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { makePassword } from '../../src/hashing/hashers.ts';
import { storedToken } from '../../src/store/stored-token.ts';

/** As Django 3.2 does. */
const ITERATIONS = 260_000;

const CREATED = '2024-03-18T02:30:01.123Z';

const total = Number(process.argv[2] ?? 1000);
const isNatural = process.argv[3] === '--natural';
const isCustom = process.argv[3] === '--custom';
const isKnox = process.argv[3] === '--knox';
const password = await makePassword('correct horse', ITERATIONS);

await pipeline(Readable.from(dump()), process.stdout);

function* dump(): Generator<string> {
  for (let id = 1; id <= total; id++) {
    yield (id === 1 ? '[' : ', ') + JSON.stringify(isCustom ? customUser(id) : authUser(id));
  }
  for (let id = 1; id <= total; id++) {
    yield `, ${JSON.stringify(isKnox ? knoxToken(id) : token(id))}`;
  }
  yield ']\n';
}

function token(id: number) {
  const pk = createHash('sha1').update(`token of ${id}`).digest('hex');
  return { model: 'authtoken.token', pk, fields: { user: referenceTo(id), created: CREATED } };
}

function knoxToken(id: number) {
  const key = createHash('sha256').update(`token of ${id}`).digest('hex');
  const { digest: pk, token_key } = storedToken(key);
  const expiry = '2099-12-31T23:59:59.999Z';
  return { model: 'knox.authtoken', pk, fields: { token_key, user: id, created: CREATED, expiry } };
}

function emailOf(id: number): string {
  return `user${id}@example.com`;
}

/** Not in the order of the users, as random UUIDs. */
function uuidOf(id: number): string {
  const digits = createHash('md5').update(String(id)).digest('hex');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function referenceTo(id: number): string | number | [string] {
  if (isNatural) return [emailOf(id)];
  return isCustom ? uuidOf(id) : id;
}

function authUser(id: number) {
  return {
    model: 'auth.user',
    pk: isNatural ? undefined : id,
    fields: {
      password,
      last_login: null,
      is_superuser: false,
      username: emailOf(id),
      first_name: 'Zoë',
      last_name: 'O’Neil',
      email: emailOf(id),
      is_staff: false,
      is_active: true,
      date_joined: '2024-03-18T02:30:00.123Z',
      groups: [],
      user_permissions: [],
    },
  };
}

function customUser(id: number) {
  return {
    model: 'users.user',
    pk: uuidOf(id),
    fields: {
      password,
      last_login: null,
      is_superuser: false,
      email: emailOf(id),
      full_name: 'Zoë O’Neil',
      is_active: true,
      is_admin: false,
      created_at: '2024-03-18T02:30:00.123Z',
      groups: [],
      user_permissions: [],
    },
  };
}

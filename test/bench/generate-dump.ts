/**
 * Prints a dump of as many users, each with a token, as `dumpdata` would: for trying how an import
 * scales. Everybody's password is "correct horse". `node test/bench/generate-dump.ts 1000000 > big.json`;
 * with `--natural` after the number, as with `--natural-primary --natural-foreign`.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { makePassword } from '../../src/hashing/hashers.ts';

/** As Django 3.2 does. */
const ITERATIONS = 260_000;

const total = Number(process.argv[2] ?? 1000);
const isNatural = process.argv[3] === '--natural';
const password = await makePassword('correct horse', ITERATIONS);

await pipeline(Readable.from(dump()), process.stdout);

function* dump(): Generator<string> {
  for (let id = 1; id <= total; id++) {
    const fields = {
      password,
      last_login: null,
      is_superuser: false,
      username: `user${id}@example.com`,
      first_name: 'Zoë',
      last_name: 'O’Neil',
      email: `user${id}@example.com`,
      is_staff: false,
      is_active: true,
      date_joined: '2024-03-18T02:30:00.123Z',
      groups: [],
      user_permissions: [],
    };
    const pk = isNatural ? undefined : id;
    yield (id === 1 ? '[' : ', ') + JSON.stringify({ model: 'auth.user', pk, fields });
  }
  for (let id = 1; id <= total; id++) {
    const pk = createHash('sha1').update(`token of ${id}`).digest('hex');
    const user = isNatural ? [`user${id}@example.com`] : id;
    const fields = { user, created: '2024-03-18T02:30:01.123Z' };
    yield `, ${JSON.stringify({ model: 'authtoken.token', pk, fields })}`;
  }
  yield ']\n';
}

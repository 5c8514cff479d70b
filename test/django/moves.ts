/**
 * Moves a Django project here and back with the commands of docs/moving-from-django.md. Django then
 * tries every password and token.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { startServer } from '../helpers/server.ts';
import { linesOf, sectionOf } from './page.ts';
import { type Project, setIterations } from './project.ts';

/** Users who register at the Worker. */
const REGISTRATIONS = [
  { username: 'ann', password: 'from the edge' },
  { username: 'Ünïcödé', password: 'ünï🔑cödé', first_name: 'Zoë', email: 'Zoe@Example.COM' },
  { username: '用户', password: '  spaces kept  ' },
  { username: 'long', password: 'p'.repeat(4096) },
];

/** The user that both columns of the page's table create and use. */
const SUPERUSER = {
  DJANGO_SUPERUSER_USERNAME: 'meg',
  DJANGO_SUPERUSER_EMAIL: 'meg@example.com',
  DJANGO_SUPERUSER_PASSWORD: 'a first password 1',
};

const Login = v.object({ username: v.string(), password: v.string(), token: v.string() });
type Login = v.InferOutput<typeof Login>;
const Seeded = v.object({ logins: v.array(Login), iterations: v.number() });
const Token = v.object({ token: v.string() });
const Rows = v.array(v.array(v.string()));
const Checked = v.object({
  checked: v.number(),
  groups: v.record(v.string(), v.array(v.string())),
  users: Rows,
  tokens: Rows,
});

export async function moveThereAndBack({ directory, env, shell }: Project): Promise<void> {
  const run = (heading: string, block: number): void => {
    for (const line of linesOf(heading, block)) {
      console.log(`$ ${line}`);
      shell(line);
    }
  };
  const check = (logins: Login[]) => {
    writeFileSync(join(directory, 'logins.json'), JSON.stringify(logins));
    const result = v.parse(Checked, JSON.parse(shell('python manage.py shell < check.py')));
    assert.equal(result.checked, logins.length);
    console.log(`Django accepts ${logins.length} passwords and tokens, and refuses wrong ones`);
    return result;
  };

  const seeded = v.parse(Seeded, JSON.parse(shell('python manage.py shell < seed.py')));
  setIterations(directory, seeded.iterations);

  run('Move to this service', 0);
  const logins = [...seeded.logins, ...(await useWorker(directory, seeded.logins))];

  run('Going back', 1);
  const loaded = check(logins);
  assert.deepEqual(loaded.groups, { plain: ['editors'] }, 'loaddata keeps the groups');

  rmSync(join(directory, 'db.sqlite3'));
  run('Going back', 2);
  const opened = check(logins);
  // A dump cuts off microseconds, and Django's own rows had them.
  assert.deepEqual(withoutMicroseconds(opened.users), withoutMicroseconds(loaded.users));
  assert.deepEqual(withoutMicroseconds(opened.tokens), withoutMicroseconds(loaded.tokens));
  console.log('loaddata and the SQLite file give the same rows');

  run('Move to this service', 1);
  check(logins);

  shell('python manage.py dumpdata auth.user > users.json');
  shell('python manage.py dumpdata authtoken.token > tokens.json');
  // As `npm start` does: sets DEFAULT_FROM_EMAIL.
  shell('npm run --silent dev-vars');
  // Its own session, so that Django's getpass finds no terminal and reads these lines.
  const input = 'a new password 1\n'.repeat(2);
  for (const line of commandsOf('Commands side by side')) {
    console.log(`$ ${line}`);
    execFileSync('setsid', ['--wait', 'sh', '-c', line], {
      cwd: directory,
      input,
      env: { ...env, ...SUPERUSER },
    });
  }
  check(logins);

  for (const heading of ['djoser', 'PostgreSQL and MySQL']) {
    rmSync(join(directory, '.wrangler/state'), { recursive: true });
    shell('npm run migrate');
    run(heading, 0);
    const users = shell('npm run --silent manage -- users --limit 1000').trim().split('\n');
    assert.equal(users.length, check(logins).users.length, heading);
  }
}

/** Both columns of a section's table, row by row. What is Python there is run in Django's shell. */
function commandsOf(heading: string): string[] {
  const rows = [
    ...sectionOf(heading).matchAll(/^\| `(?<django>[^|]+)` +\| `(?<here>[^|]+)` +\|$/gm),
  ];
  assert(rows.length > 0, `no table under "${heading}"`);
  return rows.flatMap(({ groups: { django = '', here = '' } = {} }) => {
    const shell = `python manage.py shell -c "from django.contrib.auth.models import User; ${django}"`;
    return [django.startsWith('python') ? django : shell, here];
  });
}

function withoutMicroseconds(rows: string[][]): string[][] {
  return rows.map((row) => row.map((value) => value.replace(/(:\d\d)(\.\d{3})\d*/, '$1$2')));
}

/** Logs everybody of Django's in at the Worker, and registers the others there. */
async function useWorker(directory: string, known: Login[]): Promise<Login[]> {
  const server = startServer({ cwd: directory });
  try {
    const origin = await server.url;
    for (const { username, password, token } of known) {
      assert.equal(await post(`${origin}/login`, { username, password }), token, username);
    }
    console.log(`the Worker accepts ${known.length} passwords of Django's, with the same tokens`);
    const registered: Login[] = [];
    for (const registration of REGISTRATIONS) {
      registered.push({ ...registration, token: await post(`${origin}/register`, registration) });
    }
    return registered;
  } finally {
    await server.stop();
  }
}

async function post(url: string, body: Record<string, string>): Promise<string> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  return v.parse(Token, await answer.json()).token;
}

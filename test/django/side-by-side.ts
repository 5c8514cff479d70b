/**
 * A Django project and this service live side by side after a move: each side changes, creates and
 * deletes users, and the changes here go back to Django.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import * as v from 'valibot';
import { startServer } from '../helpers/server.ts';
import { linesOf } from './page.ts';
import { type Project, setIterations } from './project.ts';

/** `name` is the username, or what the address begins with. */
const Login = v.object({
  name: v.string(),
  username: v.string(),
  password: v.string(),
  token: v.string(),
});
type Login = v.InferOutput<typeof Login>;
const Logins = v.array(Login);
const Token = v.object({ token: v.string() });
const User = v.looseObject({
  id: v.union([v.number(), v.string()]),
  email: v.string(),
  is_active: v.boolean(),
  groups: v.array(v.string()),
  token: v.nullable(v.string()),
});
const State = v.object({
  iterations: v.number(),
  users: v.record(v.string(), User),
  passwords: v.array(v.nullable(v.string())),
  tokens: v.array(v.nullable(v.string())),
});

type Users = v.InferOutput<typeof State>['users'];
const Dumped = v.object({
  pk: v.number(),
  fields: v.object({ username: v.string(), is_active: v.boolean(), groups: v.array(v.number()) }),
});

const DumpedOwn = v.looseObject({ fields: v.looseObject({ bio: v.optional(v.string()) }) });

const NEW_PASSWORD = 'another password of plain';

type UserModel = {
  name: string;
  /** The fields that the model of the project adds to `import` and `export`. */
  options?: string;
  /** Users log in with their address. */
  usesAddress?: boolean;
};

/** The models of the project. Two are its own, in test/django/users and test/django/members. */
export const USER_MODELS: UserModel[] = [
  { name: 'auth.User' },
  { name: 'users.User', options: '--user-model users.User' },
  {
    name: 'members.Member',
    options: '--user-model members.Member --map is_staff=is_admin --map date_joined=created_at',
    usesAddress: true,
  },
];

export async function liveSideBySide(project: Project, model: UserModel): Promise<void> {
  const { directory, shell } = project;
  const { usesAddress = false } = model;
  const run = (block: number, heading = 'Side by side for months'): string =>
    linesOf(heading, block)
      .map((line) => ofModel(line, model))
      .map((line) => {
        console.log(`$ ${line}`);
        return shell(line);
      })
      .join('');
  const step = (name: string): unknown =>
    JSON.parse(shell(`STEP=${name} python manage.py shell < side_by_side.py`));
  const stateFor = (logins: Login[]) => {
    writeFileSync(join(directory, 'logins.json'), JSON.stringify(logins));
    return v.parse(State, step('state'));
  };
  const database = (name: string) => join(directory, name);

  const logins = v.parse(Logins, step('seed'));
  setIterations(directory, stateFor([]).iterations);
  shell('npm run migrate');
  run(0, model.name === 'users.User' ? 'Custom user model' : undefined);

  const { changed, registered, stale } = await live(directory, logins, usesAddress);
  const inDjango = v.parse(Logins, step('meanwhile'));
  const before = stateFor([]).users;
  copyFileSync(database('db.sqlite3'), database('before.sqlite3'));

  if (model.name === 'auth.User') loadCarelessly(project, before);
  if (model.name === 'users.User') loadWithoutOwnFields(project, model.name);

  run(2);
  const { ann, ...others } = stateFor([]).users;
  assert(ann, 'one user is moved alone');
  assert.deepEqual(others, before, 'nobody else is changed');
  const exported = run(1);
  const all = [...changed, ...inDjango, ...registered];
  const { users, passwords, tokens } = stateFor(all);
  assert.deepEqual(
    passwords,
    all.map(({ username }) => username),
  );
  assert.deepEqual(
    tokens,
    all.map(({ username }) => username),
  );
  console.log(`Django accepts ${all.length} passwords and tokens of both sides`);
  assert.deepEqual(
    stateFor(stale).tokens,
    stale.map(() => null),
    'replaced and deleted tokens are refused',
  );

  // A user who was not changed here is as before, with every field and group.
  for (const name of ['zoe', 'alex', 'boss']) assert.deepEqual(users[name], before[name], name);
  const { plain, leaver, yan } = users;
  assert(plain && leaver && yan && before.plain && before.leaver && before.zoe);
  const { password, token, last_login, email, ...kept } = plain;
  assert.deepEqual({ ...before.plain, ...kept }, before.plain);
  assert.equal(email, usesAddress ? 'plain@example.com' : 'plain@edge.example');
  assert.deepEqual(leaver, { ...before.leaver, is_active: false, token: null });
  assert.notEqual(yan.id, before.zoe.id);
  assert.match(exported, new RegExp(`yan\\S*: id 4 is now ${yan.id}`));
  console.log('untouched users, fields and groups of Django are as before');

  copyFileSync(database('db.sqlite3'), database('after.sqlite3'));
  copyFileSync(database('before.sqlite3'), database('db.sqlite3'));
  step('interfere');
  const interfered = stateFor([]).users;
  assert.throws(
    () => shell('python manage.py shell < changes.py'),
    /Nothing is changed.*\(1\): plain/,
  );
  assert.deepEqual(
    stateFor([]).users,
    interfered,
    'a script for an earlier Django changes nothing',
  );
  copyFileSync(database('after.sqlite3'), database('db.sqlite3'));

  rmSync(join(directory, 'changes.py'));
  assert.match(
    run(1),
    /Users to update: +0\n(.*\n)?Users to create: +0\n(.*\n)?Tokens to write: +0/,
  );
  shell('python manage.py shell < changes.py');
  assert.deepEqual(stateFor([]).users, users, 'a second run changes nothing');

  rmSync(join(directory, 'changes.py'));
  run(0, model.name === 'users.User' ? 'With a custom user model' : 'Going back');
  assert.deepEqual(
    stateFor([]).users,
    { ...users, boss: { ...users.boss, email: 'boss@example.com' } },
    'without the imported file, an address that was changed in Django is the one from here',
  );

  run(3);
  await useToken(
    directory,
    inDjango.find(({ name }) => name === 'zoe'),
  );
  if (model.name === 'auth.User') await stopAtAnyMoment(project);
}

/** A command of the page for another user model, as the page says. */
function ofModel(line: string, { name, options, usesAddress }: UserModel): string {
  const command = line
    .replace('auth.user', name)
    .replace(/ --user (ann|zoe)/, usesAddress ? ' --user $1@example.com' : '$&');
  const takesOptions = /manage -- (import|export)/.test(line) && !line.includes('--user-model');
  return options && takesOptions ? `${command} ${options}` : command;
}

/** A user who was moved without the others logs in here, and has the same token. */
async function useToken(directory: string, login?: Login): Promise<void> {
  assert(login);
  const server = startServer({ cwd: directory });
  try {
    const response = await fetch(`${await server.url}/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(login),
    });
    assert.equal(v.parse(Token, await response.json()).token, login.token);
    console.log(`the Worker accepts ${login.username}, who was moved without the others`);
  } finally {
    await server.stop();
  }
}

/** Checks what docs/moving-from-django.md says about `loaddata`. Django is as before afterwards. */
function loadCarelessly({ directory, shell }: Project, before: Users): void {
  shell('npm run manage -- export edge.json');
  assert.throws(() => shell('python manage.py loaddata edge.json'), /UNIQUE constraint failed/);
  for (const line of linesOf('What loaddata does to users who are there', 0)) shell(line);
  const rows: unknown = JSON.parse(shell('python manage.py dumpdata auth.user'));
  const { zoe, yan, leaver } = Object.fromEntries(
    v.parse(v.array(Dumped), rows).map(({ pk, fields }) => [fields.username, { pk, ...fields }]),
  );
  assert.equal(zoe, undefined, 'loaddata replaces a user of the same id');
  assert.deepEqual([yan?.pk, yan?.groups], [before.zoe?.id, [1]], 'who inherits the groups');
  assert.equal(leaver?.is_active, true, 'loaddata deletes nobody');
  copyFileSync(join(directory, 'before.sqlite3'), join(directory, 'db.sqlite3'));
}

/** A model with more fields: a field that the fixture leaves out gets its default. */
function loadWithoutOwnFields({ directory, shell }: Project, userModel: string): void {
  const dumped = v.parse(
    v.array(DumpedOwn),
    JSON.parse(shell(`python manage.py dumpdata ${userModel}`)),
  );
  const path = join(directory, 'fixture.json');
  for (const { fields } of dumped) delete fields.bio;
  writeFileSync(path, JSON.stringify(dumped));
  shell('python manage.py loaddata fixture.json');
  const loaded = v.parse(
    v.array(DumpedOwn),
    JSON.parse(shell(`python manage.py dumpdata ${userModel}`)),
  );
  assert.deepEqual(new Set(loaded.map(({ fields }) => fields.bio)), new Set(['nothing to say']));
  const created = '2026-01-01T00:00:00Z';
  writeFileSync(
    path,
    JSON.stringify([
      { model: userModel, pk: 1000, fields: { username: 'new' } },
      { model: 'authtoken.token', pk: 'new', fields: { user: 1000, created } },
    ]),
  );
  // The receiver in test/django/users/models.py.
  assert.throws(() => shell('python manage.py loaddata fixture.json'), /UNIQUE constraint failed/);
  copyFileSync(join(directory, 'before.sqlite3'), join(directory, 'db.sqlite3'));
}

/** Acts as the users do here. @returns all that log in here, and tokens that were revoked */
async function live(directory: string, logins: Login[], usesAddress: boolean) {
  const server = startServer({ cwd: directory });
  try {
    const origin = await server.url;
    const send = async (method: string, path: string, token: string, body?: object) => {
      const response = await fetch(origin + path, {
        method,
        headers: { 'Content-Type': 'application/json', Authorization: `Token ${token}` },
        ...(body && { body: JSON.stringify(body) }),
      });
      assert(response.ok, `${method} ${path}: ${response.status}`);
      return response;
    };
    const tokenOf = async (response: Response) => v.parse(Token, await response.json()).token;
    const find = (name: string): Login => {
      const login = logins.find((login) => login.name === name);
      assert(login, name);
      return login;
    };
    const register = async (name: string) => {
      const username = usesAddress ? `${name}@example.com` : name;
      const password = `${name} at the edge`;
      const response = await fetch(`${origin}/register`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ username, password, ...(usesAddress && { email: username }) }),
      });
      return { name, username, password, token: await tokenOf(response) };
    };

    const [plain, leaver] = [find('plain'), find('leaver')];
    if (!usesAddress) await send('PATCH', '/me', plain.token, { email: 'plain@edge.example' });
    const token = await tokenOf(
      await send('POST', '/password', plain.token, {
        current_password: plain.password,
        new_password: NEW_PASSWORD,
      }),
    );
    await send('DELETE', '/me', leaver.token, { current_password: leaver.password });
    // The first has the id that Django gives to zoe, the second the name that alex has there.
    const registered = [await register('yan'), await register('alex'), await register('ann')];
    return {
      changed: [{ ...plain, password: NEW_PASSWORD, token }, find('boss')],
      registered: registered.filter(({ name }) => name !== 'alex'),
      stale: [plain, leaver, ...registered.filter(({ name }) => name === 'alex')],
    };
  } finally {
    await server.stop();
  }
}

/** Users that are created in Django by a script that is stopped. */
const MANY = 2000;
const FIRST_ID = 1001;

/** Milliseconds after the transaction has begun to write, which takes more than a second. */
const MOMENTS = [0, 100, 300, 600];

/** How often to look whether the transaction has begun. */
const POLL_MS = 5;

/** The free space of the disk, as parts of what the database grows by. */
const FULL_AT = [0, 0.4, 0.8];

/** The unit of `ulimit -f` in sh (POSIX, "ulimit"). */
const BLOCK_BYTES = 512;

/** Kills the script, and fills the disk, at several moments: Django has all users then, or none of them. */
async function stopAtAnyMoment({ directory, env, shell }: Project): Promise<void> {
  const records = Array.from({ length: MANY }, (_, i) => FIRST_ID + i).flatMap((id) => [
    {
      model: 'auth.user',
      pk: id,
      fields: { username: `many${id}`, date_joined: '2026-01-01T00:00:00Z' },
    },
    {
      model: 'authtoken.token',
      pk: `token of many${id}`,
      fields: { user: id, created: '2026-01-01T00:00:00Z' },
    },
  ]);
  writeFileSync(join(directory, 'many.json'), JSON.stringify(records));
  shell('npm run manage -- import many.json');
  rmSync(join(directory, 'changes.py'));
  shell('npm run manage -- export changes.py --against db.sqlite3');

  const path = join(directory, 'db.sqlite3');
  copyFileSync(path, join(directory, 'few.sqlite3'));
  const counts = () => {
    const database = new DatabaseSync(path);
    try {
      return database
        .prepare(`SELECT count(*) AS users, count(key) AS tokens, sum(key = 'token of ' || username) AS own
          FROM auth_user LEFT JOIN authtoken_token ON user_id = id WHERE username LIKE 'many%'`)
        .get();
    } finally {
      database.close();
    }
  };
  const start = (command = 'exec python manage.py shell < changes.py') => {
    copyFileSync(join(directory, 'few.sqlite3'), path);
    rmSync(`${path}-journal`, { force: true });
    const child = spawn('sh', ['-c', command], { cwd: directory, env, stdio: 'ignore' });
    return { child, ended: new Promise<number | null>((end) => child.once('close', end)) };
  };
  const [none, whole] = [
    { users: 0, tokens: 0, own: null },
    { users: MANY, tokens: MANY, own: MANY },
  ];

  for (const moment of MOMENTS) {
    const { child, ended } = start();
    while (!existsSync(`${path}-journal`) && child.exitCode === null) await wait(POLL_MS);
    await wait(moment);
    child.kill('SIGKILL');
    assert.notEqual(await ended, 0);
    assert.deepEqual({ ...counts() }, none);
  }
  assert.equal(await start().ended, 0);
  assert.deepEqual({ ...counts() }, whole);
  const [few, many] = [statSync(join(directory, 'few.sqlite3')).size, statSync(path).size];
  for (const part of FULL_AT) {
    const blocks = Math.floor((few + part * (many - few)) / BLOCK_BYTES);
    const { ended } = start(`ulimit -f ${blocks}; exec python manage.py shell < changes.py`);
    assert.notEqual(await ended, 0);
    assert.deepEqual({ ...counts() }, none);
  }
  console.log(
    `a script killed at ${MOMENTS.length} moments, or on a full disk, changes all or nothing`,
  );
  assert.equal(await start().ended, 0);
  assert.deepEqual({ ...counts() }, whole);
}

/**
 * Moves a Django project with knox here and back, with the commands of docs/moving-from-django.md. Both
 * sides then try the tokens that the other one has created.
 */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { startServer } from '../helpers/server.ts';
import { linesOf } from './page.ts';
import { type Project, setIterations, setVariable } from './project.ts';

const Seeded = v.object({
  accepted: v.record(v.string(), v.string()),
  refused: v.array(v.string()),
  plain: v.string(),
  password: v.string(),
  iterations: v.number(),
});
const Checked = v.object({ checked: v.number(), rows: v.number() });
const Token = v.object({ token: v.string() });
const Me = v.object({ username: v.string() });

/** A user who registers at the Worker. */
const NEW_USER = { username: 'ann', password: 'from the edge' };

/** Tokens with the names of their users, and tokens that are not valid. */
type Tokens = { accepted: Record<string, string>; refused: string[] };

export async function moveKnoxThereAndBack({ directory, shell }: Project): Promise<void> {
  const run = (block: number): void => {
    for (const line of linesOf('knox', block)) {
      console.log(`$ ${line}`);
      shell(line);
    }
  };
  const checkDjango = (tokens: Tokens): void => {
    writeFileSync(join(directory, 'tokens.json'), JSON.stringify(tokens));
    const result = v.parse(Checked, JSON.parse(shell('python manage.py shell < check_knox.py')));
    assert.equal(result.checked, Object.keys(tokens.accepted).length);
    say('Django', tokens);
  };

  const seeded = v.parse(Seeded, JSON.parse(shell('python manage.py shell < seed_knox.py')));
  const { plain, password } = seeded;
  setIterations(directory, seeded.iterations);
  setVariable(directory, 'TOKEN_MODEL', 'knox.AuthToken');
  checkDjango(seeded);

  run(0);
  const [revoked = '', ...others] = Object.keys(seeded.accepted);
  const created = await withWorker(directory, async (origin) => {
    await checkWorker(origin, withToken(seeded, plain, 'drf'));
    assert.equal((await send(`${origin}/logout`, revoked, 'POST')).status, 204);
    const names = [...new Set(Object.values(seeded.accepted))];
    const logins = names.map(async (name) => [await logIn(origin, name, password), name]);
    const registered = [await tokenOf(`${origin}/register`, NEW_USER), NEW_USER.username];
    return [...(await Promise.all(logins)), registered];
  });
  const kept = others.map((token) => [token, seeded.accepted[token]]);
  const tokens: Tokens = {
    accepted: Object.fromEntries([...kept, ...created]),
    refused: [...seeded.refused, revoked],
  };

  run(1);
  checkDjango({ ...tokens, refused: [...tokens.refused, plain] });

  run(2);
  const hashed = withToken(tokens, plain, 'drf');
  for (const block of [3, 4]) {
    rmSync(join(directory, 'db.sqlite3'));
    run(block);
    checkDjango(hashed);
  }

  rmSync(join(directory, '.wrangler/state'), { recursive: true });
  shell('npm run migrate');
  shell('npm run manage -- import db.sqlite3');
  await withWorker(directory, (origin) => checkWorker(origin, hashed));
}

const withToken = ({ accepted, refused }: Tokens, token: string, username: string): Tokens => ({
  accepted: { ...accepted, [token]: username },
  refused,
});

const say = (who: string, { accepted, refused }: Tokens): void =>
  console.log(
    `${who} accepts ${Object.keys(accepted).length} tokens, and refuses ${refused.length} of knox`,
  );

async function withWorker<T>(directory: string, work: (origin: string) => Promise<T>): Promise<T> {
  const server = startServer({ cwd: directory });
  try {
    return await work(await server.url);
  } finally {
    await server.stop();
  }
}

async function checkWorker(origin: string, tokens: Tokens): Promise<void> {
  for (const [token, username] of Object.entries(tokens.accepted)) {
    const response = await send(`${origin}/me`, token);
    assert.equal(v.parse(Me, await response.json()).username, username);
  }
  for (const token of tokens.refused) {
    assert.equal((await send(`${origin}/me`, token)).status, 401);
  }
  say('the Worker', tokens);
}

const logIn = (origin: string, username: string, password: string): Promise<string> =>
  tokenOf(`${origin}/login`, { username, password });

async function tokenOf(url: string, body: Record<string, string>): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  return v.parse(Token, await response.json()).token;
}

const send = (url: string, token: string, method = 'GET') =>
  fetch(url, { method, headers: { Authorization: `Token ${token}` } });

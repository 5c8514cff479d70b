/** An import into the database that a busy local server uses at the same time. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, onTestFinished, test } from 'vitest';
import { useDatabases } from '../helpers/manage-process.ts';
import { token, user } from '../helpers/records.ts';
import { startServer } from '../helpers/server.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { withoutLimits } from '../helpers/without-limits.ts';

const freshDatabase = useDatabases();

const USERS = 30_000;
/** Users of the server itself have lower ids. */
const FIRST_ID = 1000;

test('an import beside a busy server is complete, and each request gets a response', async () => {
  const dump = join(temporaryDirectory(), 'dump.json');
  const ids = Array.from({ length: USERS }, (_, i) => FIRST_ID + i);
  writeFileSync(
    dump,
    JSON.stringify(ids.flatMap((id) => [user(id), token(String(id).padStart(40, '0'), id)])),
  );

  const { manage, query, persistTo } = freshDatabase();
  const server = startServer({ persistTo, config: withoutLimits(false) });
  onTestFinished(server.stop);
  const url = await server.url;
  const login: RequestInit = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: 'ann', password: 'correct horse' }),
  };
  const registered = await fetch(`${url}/register`, login);
  const { token: key } = v.parse(v.object({ token: v.string() }), await registered.json());
  const me: RequestInit = { headers: { Authorization: `Token ${key}` } };

  const statuses = new Set<number>();
  let isOver = false;
  const askAgain = async (path: string, init: RequestInit) => {
    while (!isOver) {
      const response = await fetch(url + path, init);
      statuses.add(response.status);
      await response.body?.cancel();
    }
  };
  const clients = [askAgain('/login', login), askAgain('/me', me), askAgain('/me', me)];
  const imported = await manage(['import', dump]);
  isOver = true;
  await Promise.all(clients);

  expect(imported).toMatchObject({ code: 0 });
  expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
  expect((await fetch(`${url}/health`)).status).toBe(200);
  expect(query('SELECT count(*) AS tokens FROM authtoken_token')).toEqual([{ tokens: USERS + 1 }]);
});

/** Ids above 2^53, which JavaScript's numbers cannot distinguish. */
import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { bulkQueries } from '../../src/store/operator/bulk.ts';
import { operatorQueries } from '../../src/store/operator/users.ts';
import { createStore } from '../../src/store/store.ts';
import { answer, getAs, newName, post, register, sendAs } from '../helpers/client.ts';

/** Sets the last used id. The next user gets the next id. */
const setLastId = (lastId: string) =>
  env.DB.exec(`UPDATE sqlite_sequence SET seq = ${lastId} WHERE name = 'auth_user'`);

const firstNames = async () =>
  (await env.DB.prepare('SELECT first_name FROM auth_user ORDER BY id').raw()).flat();

/** Inserts a user with a token directly into the database. */
async function insert(id: string, key: string): Promise<string> {
  const username = newName();
  await env.DB.exec(
    `INSERT INTO auth_user VALUES (${id}, 'x', NULL, 0, '${username}', '', 'ann@example.com', 0, 1, '2026-01-01 00:00:00', '')`,
  );
  await env.DB.exec(`INSERT INTO authtoken_token VALUES ('${key}', '2026-01-01 00:00:00', ${id})`);
  return username;
}

beforeEach(async () => {
  await env.DB.exec('DELETE FROM authtoken_token');
  await env.DB.exec('DELETE FROM auth_user');
});

it('accepts the highest exact id', async () => {
  await register(newName());
  await setLastId('9007199254740990');
  const token = await register(newName());
  expect(await answer(await getAs(token))).toMatchObject({
    status: 200,
    body: { id: 2 ** 53 - 1 },
  });
});

it('responds 500 to a registration that gets an id which is not exact', async () => {
  await register(newName());
  await setLastId('9007199254740991');
  const registered = await post('/register', { username: newName(), password: 'correct horse' });
  expect(registered.status).toBe(500);
});

it('never changes the wrong user if two ids become the same number', async () => {
  await insert('9007199254740992', 'even');
  await insert('9007199254740993', 'odd');
  for (const token of ['even', 'odd']) {
    expect((await sendAs(token, 'PATCH', '/me', { first_name: token })).status).toBe(500);
  }
  expect(await firstNames()).toEqual(['', '']);
});

it('throws in each query that reads an id which is not exact', async () => {
  const username = await insert('9007199254740992', 'even');
  const store = createStore(env.DB);
  const refused = /ids above 2\^53/;
  await expect(store.findToken('even')).rejects.toThrow(refused);
  await expect(store.findUserOrStandIn(username, [[0]])).rejects.toThrow(refused);
  await expect(store.findUserById(2 ** 53)).rejects.toThrow(refused);
  await expect(store.findUsersToReset('ann@example.com', '', 10)).rejects.toThrow(refused);
  await expect(operatorQueries(env.DB).findUser(username)).rejects.toThrow(refused);
  await expect(bulkQueries(env.DB).findUserIds([username])).rejects.toThrow(refused);
  await expect(bulkQueries(env.DB).pageOfAccounts(0, 10)).rejects.toThrow(refused);
});

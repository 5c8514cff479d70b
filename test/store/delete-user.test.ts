/** DELETE /me with rows of other tables: the database decides, and Django's deferred keys never fail at the end. */
import { env } from 'cloudflare:workers';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { answer, getAs, newName, register, sendAs } from '../helpers/client.ts';

const query = async (sql: string, ...values: unknown[]) =>
  (
    await env.DB.prepare(sql)
      .bind(...values)
      .all()
  ).results;

/** Creates the tables, which are dropped after the test, children first. */
async function createTables(...tables: string[]) {
  const drop = async () => {
    for (const name of ['caption', 'photo', 'rock'])
      await env.DB.exec(`DROP TABLE IF EXISTS ${name}`);
  };
  onTestFinished(drop);
  for (const table of tables) await env.DB.exec(`CREATE TABLE ${table}`);
}

/** Two users. The first one is deleted; rows of the other one must stay. */
async function users() {
  const names = [newName(), newName()];
  const tokens = await Promise.all(names.map((username) => register(username, 'pw')));
  const rows = await query(
    'SELECT id FROM auth_user WHERE username IN (?, ?) ORDER BY username = ? DESC',
    ...names,
    names[0],
  );
  const [id, otherId] = rows.map((row) => Number(row.id));
  const [token = ''] = tokens;
  return { id: id ?? 0, otherId: otherId ?? 0, username: names[0] ?? '', token };
}

const remove = (token: string) => sendAs(token, 'DELETE', '/me', { current_password: 'pw' });

const REFUSED = {
  status: 409,
  body: { detail: 'This user cannot be deleted: other records refer to it.' },
};

/** Nothing is deleted, and the database works on without an error. */
async function expectRefused(token: string, id: number) {
  const error = vi.spyOn(console, 'error');
  expect(await answer(await remove(token))).toEqual(REFUSED);
  expect(error).not.toHaveBeenCalled();
  error.mockRestore();
  expect((await getAs(token)).status).toBe(200);
  expect(await query('SELECT id FROM auth_user WHERE id = ?', id)).toEqual([{ id }]);
}

async function expectDeleted(token: string, id: number) {
  expect((await remove(token)).status).toBe(204);
  expect((await getAs(token)).status).toBe(401);
  expect(await query('SELECT id FROM auth_user WHERE id = ?', id)).toEqual([]);
  expect(await query('SELECT key FROM authtoken_token WHERE user_id = ?', id)).toEqual([]);
}

describe.each(['', 'DEFERRABLE INITIALLY DEFERRED'])('a reference %s', (deferred) => {
  /** A table with a row for each user. */
  async function rocks(reference: string, type = 'integer') {
    const ids = await users();
    await createTables(
      `rock (id integer PRIMARY KEY, owner_id ${type} REFERENCES Auth_User (id) ${reference} ${deferred})`,
    );
    await query('INSERT INTO rock VALUES (1, ?), (2, ?)', ids.id, ids.otherId);
    return ids;
  }
  const owners = () => query('SELECT id, owner_id FROM rock ORDER BY id');

  it('with CASCADE deletes the rows of the user', async () => {
    const { id, otherId, token } = await rocks('ON DELETE CASCADE');
    await expectDeleted(token, id);
    expect(await owners()).toEqual([{ id: 2, owner_id: otherId }]);
  });

  it('with SET NULL keeps the rows without an owner', async () => {
    const { id, otherId, token } = await rocks('ON DELETE SET NULL');
    await expectDeleted(token, id);
    expect(await owners()).toEqual([
      { id: 1, owner_id: null },
      { id: 2, owner_id: otherId },
    ]);
  });

  it('with SET NULL refuses if the column is NOT NULL', async () => {
    const { id, otherId, token } = await rocks('ON DELETE SET NULL', 'integer NOT NULL');
    await expectRefused(token, id);
    expect(await owners()).toEqual([
      { id: 1, owner_id: id },
      { id: 2, owner_id: otherId },
    ]);
  });

  it('with SET DEFAULT gives the rows to the user of the default', async () => {
    const heir = newName();
    await register(heir);
    const [row] = await query('SELECT id FROM auth_user WHERE username = ?', heir);
    const heirId = Number(row?.id);
    const { id, otherId, token } = await rocks(
      'ON DELETE SET DEFAULT',
      `integer DEFAULT ${heirId}`,
    );
    await expectDeleted(token, id);
    expect(await owners()).toEqual([
      { id: 1, owner_id: heirId },
      { id: 2, owner_id: otherId },
    ]);
  });

  it('with SET DEFAULT refuses if there is no user of the default', async () => {
    const { id, token } = await rocks('ON DELETE SET DEFAULT', 'integer DEFAULT -1');
    await expectRefused(token, id);
    expect(await owners()).toContainEqual({ id: 1, owner_id: id });
  });

  it.each(['', 'ON DELETE NO ACTION', 'ON DELETE RESTRICT'])(
    'with %j refuses until there is no row of the user',
    async (reference) => {
      const { id, otherId, token } = await rocks(reference);
      await expectRefused(token, id);
      expect(await owners()).toEqual([
        { id: 1, owner_id: id },
        { id: 2, owner_id: otherId },
      ]);
      await query('DELETE FROM rock WHERE owner_id = ?', id);
      await expectDeleted(token, id);
      expect(await owners()).toEqual([{ id: 2, owner_id: otherId }]);
    },
  );

  it.each([
    ['CASCADE', 'CASCADE', 'deletes'],
    ['CASCADE', 'SET NULL', 'deletes'],
    ['CASCADE', 'NO ACTION', 'refuses'],
    ['CASCADE', 'RESTRICT', 'refuses'],
    ['SET NULL', 'NO ACTION', 'deletes'],
  ])('with %s, and %s to its rows, %s', async (first, second, outcome) => {
    const { id, token } = await rocks(`ON DELETE ${first}`);
    await createTables(
      `photo (rock_id integer REFERENCES rock (id) ON DELETE ${second} ${deferred})`,
    );
    await query('INSERT INTO photo VALUES (1), (2)');
    if (outcome === 'deletes') return expectDeleted(token, id);
    await expectRefused(token, id);
    expect(await query('SELECT rock_id FROM photo ORDER BY 1')).toEqual([
      { rock_id: 1 },
      { rock_id: 2 },
    ]);
    await query('DELETE FROM photo WHERE rock_id = 1');
    await expectDeleted(token, id);
  });

  it('with CASCADE through three tables and a table that refers to itself', async () => {
    const { id, token } = await rocks('ON DELETE CASCADE');
    await createTables(
      `photo (id integer PRIMARY KEY, rock_id integer REFERENCES rock (id) ON DELETE CASCADE ${deferred},
        copy_of integer REFERENCES photo (id) ON DELETE CASCADE ${deferred})`.replaceAll('\n', ' '),
      `caption (photo_id integer REFERENCES photo (id) ${deferred})`,
    );
    await query('INSERT INTO photo VALUES (10, 1, NULL), (11, NULL, 10), (12, NULL, NULL)');
    await query('INSERT INTO caption VALUES (11), (12)');
    await expectRefused(token, id);
    await query('DELETE FROM caption WHERE photo_id = 11');
    await expectDeleted(token, id);
    expect(await query('SELECT id FROM photo')).toEqual([{ id: 12 }]);
  });

  it('with NO ACTION does not refuse for a row that another reference deletes', async () => {
    const { id, otherId, token } = await users();
    await createTables(
      `rock (owner_id integer REFERENCES auth_user (id) ON DELETE CASCADE ${deferred}, editor_id integer REFERENCES auth_user (id) ${deferred})`,
    );
    await query('INSERT INTO rock VALUES (?1, ?1), (?2, ?2)', id, otherId);
    await expectDeleted(token, id);
    expect(await query('SELECT owner_id FROM rock')).toEqual([{ owner_id: otherId }]);
  });

  it('to the username, or to the token, refuses', async () => {
    const { id, username, token } = await users();
    await createTables(
      `rock (owner varchar(150) REFERENCES auth_user (username) ${deferred})`,
      `photo (key varchar(40) REFERENCES authtoken_token (key) ${deferred})`,
    );
    await query('INSERT INTO rock VALUES (?)', username);
    await expectRefused(token, id);
    await query('DELETE FROM rock');
    await query('INSERT INTO photo VALUES (?)', token);
    await expectRefused(token, id);
    await query('DELETE FROM photo');
    await expectDeleted(token, id);
  });
});

it('refuses if a trigger of the database refuses', async () => {
  const { id, token } = await users();
  onTestFinished(async () => {
    await env.DB.exec('DROP TRIGGER IF EXISTS keep');
  });
  await env.DB.exec(
    `CREATE TRIGGER keep BEFORE DELETE ON auth_user WHEN old.id = ${id} BEGIN SELECT RAISE(ABORT, 'kept'); END`,
  );
  await expectRefused(token, id);
});

it('does not change the rows of a user whose password is wrong', async () => {
  const { id, token } = await users();
  await createTables('rock (owner_id integer REFERENCES auth_user (id) ON DELETE CASCADE)');
  await query('INSERT INTO rock VALUES (?)', id);
  expect((await sendAs(token, 'DELETE', '/me', { current_password: 'no' })).status).toBe(400);
  expect(await query('SELECT owner_id FROM rock')).toEqual([{ owner_id: id }]);
});

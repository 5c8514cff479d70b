/** `TOKEN_READS = "nearest"` with a D1 whose replica is stale. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';
import type { Bindings } from '../../src/services/bindings.ts';
import { answer, getAs, newName, post, register, sendAs, unthrottled } from '../helpers/client.ts';

/**
 * A D1 whose sessions read from a replica that holds what `replicate` last copied to it. The
 * replica is a set of tables beside the real ones.
 */
function replicated(reads: 'primary' | 'nearest') {
  const sessions: string[] = [];
  const onReplica = (sql: string) =>
    sql
      .replaceAll('"auth_user"', '"replica_user"')
      .replaceAll('"authtoken_token"', '"replica_token"');
  const DB = new Proxy(env.DB, {
    get(target, property: string) {
      if (property === 'withSession') {
        return (constraint: string) => {
          sessions.push(constraint);
          return { prepare: (sql: string) => target.prepare(onReplica(sql)) };
        };
      }
      return Reflect.get(target, property).bind(target);
    },
  });
  const bindings: Bindings = Object.assign({}, unthrottled, { DB, TOKEN_READS: reads });
  return { bindings, sessions };
}

const dropReplica = () =>
  env.DB.batch([
    env.DB.prepare('DROP TABLE IF EXISTS replica_user'),
    env.DB.prepare('DROP TABLE IF EXISTS replica_token'),
  ]);
afterEach(dropReplica);

async function replicate() {
  await dropReplica();
  await env.DB.batch([
    env.DB.prepare('CREATE TABLE replica_user AS SELECT * FROM auth_user'),
    env.DB.prepare('CREATE TABLE replica_token AS SELECT * FROM authtoken_token'),
  ]);
}

describe('TOKEN_READS = "nearest"', () => {
  it('accepts a new token that no replica has yet', async () => {
    const { bindings, sessions } = replicated('nearest');
    await replicate();
    const username = newName();
    const response = await post('/register', { username, password: 'pw' }, bindings);
    const { token } = await response.json<{ token: string }>();
    expect(await answer(await getAs(token, '/me', bindings))).toMatchObject({
      status: 200,
      body: { username },
    });
    expect(sessions).toEqual(['first-unconstrained']);
  });

  it('reads from the replica', async () => {
    const { bindings } = replicated('nearest');
    const token = await register(newName());
    await replicate();
    await env.DB.exec("UPDATE replica_user SET first_name = 'from the replica'");
    expect(await answer(await getAs(token, '/me', bindings))).toMatchObject({
      body: { first_name: 'from the replica' },
    });
  });

  it('accepts a revoked token until the replica is up to date (the documented lag)', async () => {
    const { bindings } = replicated('nearest');
    const token = await register(newName());
    await replicate();
    expect((await sendAs(token, 'POST', '/logout', undefined, bindings)).status).toBe(204);
    expect((await getAs(token, '/me', bindings)).status).toBe(200);
    await replicate();
    expect((await getAs(token, '/me', bindings)).status).toBe(401);
  });
});

describe('TOKEN_READS = "primary"', () => {
  it('reads no replica, so a revoked token is invalid at once', async () => {
    const { bindings, sessions } = replicated('primary');
    const token = await register(newName());
    await replicate();
    await sendAs(token, 'POST', '/logout', undefined, bindings);
    expect((await getAs(token, '/me', bindings)).status).toBe(401);
    expect(sessions).toEqual([]);
  });
});

/** Fields of the host's own at registration, and its handlers of events. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import * as v from 'valibot';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../src/app.ts';
import { registrationFields } from '../../src/auth/registration-fields.ts';
import { createClient } from '../../src/client/create-client.ts';
import type { Bindings } from '../../src/services/bindings.ts';
import { eventHandlers } from '../../src/services/events.ts';
import { answer, newName, unthrottled } from '../helpers/client.ts';
import { watchD1 } from '../helpers/intercept-d1.ts';
import { withMailbox } from '../helpers/mailbox.ts';

const INSERT =
  'INSERT INTO profile (user_id, nickname, age) SELECT id, ?, ? FROM auth_user WHERE username = ?';

const handled = vi.fn();
const auth = createApp({
  registration: registrationFields({
    schema: v.object({ nickname: v.string(), age: v.optional(v.number(), 18) }),
    jsonSchema: { properties: { nickname: { type: 'string' } }, required: ['nickname'] },
    statements: ({ username }, { nickname, age }, db) => [
      db.prepare(INSERT).bind(nickname, age, username),
    ],
    retrieve: ({ id }, db) =>
      db.prepare('SELECT nickname, age FROM profile WHERE user_id = ?').bind(id).first(),
  }),
  events: eventHandlers({
    user_registered: (event) => handled('user_registered', event),
    user_logged_in: (event) => handled('user_logged_in', event),
    user_login_failed: (event) => handled('user_login_failed', event),
    user_logged_out() {
      throw new Error('A fault of the host.');
    },
  }),
});

async function ask(
  method: string,
  path: string,
  { body, token, bindings = unthrottled }: { body?: object; token?: string; bindings?: Bindings },
) {
  const ctx = createExecutionContext();
  const headers = {
    'Content-Type': 'application/json',
    ...(token !== undefined && { Authorization: `Token ${token}` }),
  };
  const init = { method, headers, body: body ? JSON.stringify(body) : null };
  const request = new Request(`http://localhost:8000${path}`, init);
  const response = await auth.fetch(request, bindings, ctx);
  await waitOnExecutionContext(ctx);
  return response;
}

const PASSWORD = 'S3cret-horse';

const countOf = (table: string) =>
  env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first<number>('n');

/** Users without a profile, and profiles without a user. */
const strays = async () => [await countOf('auth_user'), await countOf('profile')];

beforeAll(async () => {
  await env.DB.exec('DELETE FROM authtoken_token; DELETE FROM auth_user');
  await env.DB.exec(
    'CREATE TABLE profile (user_id integer PRIMARY KEY REFERENCES auth_user (id) ON DELETE CASCADE, nickname text NOT NULL UNIQUE, age integer CHECK (age < 200))',
  );
  return () => env.DB.exec('DROP TABLE profile');
});

beforeEach(() => {
  handled.mockClear();
});

describe('fields of the host', () => {
  it.each([
    ['/register', { password: PASSWORD }],
    ['/users/', { password: PASSWORD }],
    ['/dj-rest-auth/registration/', { password1: PASSWORD, password2: PASSWORD }],
    ['/knox/register/', { password: PASSWORD }],
  ])('are stored with the user in one round trip by %s', async (path, passwords) => {
    const { bindings: watched, roundTrips } = watchD1();
    const model = path.startsWith('/knox') ? { TOKEN_MODEL: 'knox.AuthToken' } : {};
    const bindings = { ...watched, ...model };
    const nickname = newName();
    const body = { username: newName(), nickname, age: 20, ...passwords };
    expect((await ask('POST', path, { body, bindings })).status).toBe(201);
    expect(roundTrips).toHaveLength(1);
    expect(roundTrips[0]?.sql).toContain(INSERT);
    const stored = env.DB.prepare(
      'SELECT username, age FROM profile JOIN auth_user ON user_id = id WHERE nickname = ?',
    );
    expect(await stored.bind(nickname).first()).toEqual({ username: body.username, age: 20 });
  });

  it('are stored with a user who must verify the address', async () => {
    const { bindings } = withMailbox({ EMAIL_VERIFICATION: 'required' });
    const [username, nickname] = [newName(), newName()];
    const body = { username, nickname, password: PASSWORD, email: `${username}@example.com` };
    expect((await ask('POST', '/register', { body, bindings })).status).toBe(201);
    const [users, profiles] = await strays();
    expect(users).toBe(profiles);
  });

  it('are refused with the errors of the other fields, in DRF’s shape', async () => {
    expect(await answer(await ask('POST', '/register', { body: { username: 'meg' } }))).toEqual({
      status: 400,
      body: { password: ['This field is required.'], nickname: ['This field is required.'] },
    });
  });

  it('are refused as not unique by the constraint, and no user is stored', async () => {
    const nickname = newName();
    const body = () => ({ username: newName(), nickname, password: PASSWORD });
    expect((await ask('POST', '/register', { body: body() })).status).toBe(201);
    const before = await strays();
    expect(await answer(await ask('POST', '/register', { body: body() }))).toEqual({
      status: 400,
      body: { nickname: ['This field must be unique.'] },
    });
    expect(await strays()).toEqual(before);
  });

  it('leave no user if another constraint refuses their row', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const before = await strays();
    const body = { username: newName(), nickname: newName(), password: PASSWORD, age: 200 };
    expect((await ask('POST', '/register', { body })).status).toBe(500);
    expect(await strays()).toEqual(before);
  });

  it('are shown by /me, /users/me and /dj-rest-auth/user', async () => {
    const nickname = newName();
    const body = { username: newName(), nickname, password: PASSWORD };
    const { token } = await (await ask('POST', '/register', { body })).json<{ token: string }>();
    for (const path of ['/me', '/users/me/', '/dj-rest-auth/user/']) {
      const { body: shown } = await answer(await ask('GET', path, { token }));
      expect(shown).toMatchObject({ username: body.username, nickname, age: 18 });
    }
  });

  it('are described in the OpenAPI document', async () => {
    const { components } = Object(await (await ask('GET', '/openapi.json', {})).json());
    const { RegisterRequestWithUsername, UserCreateRequest, RegistrationRequest, User } =
      components.schemas;
    for (const schema of [RegisterRequestWithUsername, UserCreateRequest, RegistrationRequest]) {
      expect(schema.properties.nickname).toEqual({ type: 'string' });
      expect(schema.required).toContain('nickname');
    }
    expect(User.required).not.toContain('nickname');
    expect(User.properties.nickname).toEqual({ type: 'string' });
  });
});

describe('handlers of events', () => {
  it('get ids and reasons only', async () => {
    const username = newName();
    const body = { username, nickname: newName(), password: PASSWORD };
    await ask('POST', '/register', { body });
    await ask('POST', '/login', { body: { username, password: PASSWORD } });
    await ask('POST', '/login', { body: { username, password: 'wrong' } });
    const user_id = await env.DB.prepare('SELECT id FROM auth_user WHERE username = ?')
      .bind(username)
      .first<number>('id');
    expect(handled.mock.calls).toEqual([
      ['user_registered', { user_id }],
      ['user_logged_in', { user_id }],
      ['user_login_failed', { user_id, reason: 'wrong-password' }],
    ]);
  });

  it('change nothing if they throw, which is logged', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {});
    const body = { username: newName(), nickname: newName(), password: PASSWORD };
    const { token } = await (await ask('POST', '/register', { body })).json<{ token: string }>();
    expect((await ask('POST', '/logout', { token })).status).toBe(204);
    expect(log.mock.calls.flat().join()).toContain(
      'The handler of the event user_logged_out failed',
    );
    expect((await ask('GET', '/me', { token })).status).toBe(401);
  });
});

it('does not compile with wrong fields, missing options or unknown events', () => {
  const schema = v.object({ nickname: v.string() });
  // @ts-expect-error: no statements
  registrationFields({ schema });
  // @ts-expect-error: no schema
  registrationFields({ statements: () => [] });
  registrationFields({
    schema,
    // @ts-expect-error: the schema has no such field
    statements: (_, { age }) => [age],
  });
  const client = createClient<{ nickname: string }>('http://localhost:8000');
  // @ts-expect-error: no nickname
  const unsent = () => client.register({ username: 'meg', password: PASSWORD });
  expect(unsent).toBeTypeOf('function');
  // @ts-expect-error: there is no such event
  eventHandlers({ user_logged_inn() {} });
  // @ts-expect-error: the event has no such property
  eventHandlers({ user_logged_in: ({ password }) => password });
});

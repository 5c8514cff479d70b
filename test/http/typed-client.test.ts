/** `hc<AppType>`: compares the inferred types of bodies and responses with real responses. */
import { exports } from 'cloudflare:workers';
import { hc, type InferRequestType, type InferResponseType } from 'hono/client';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { AppType } from '../../src/index.ts';
import { newName } from '../helpers/client.ts';

/** A client of the app. */
const clientOf = (token?: string) =>
  hc<AppType>('http://localhost:8000', {
    fetch: (input: string | URL | Request, init?: RequestInit) =>
      exports.default.fetch(input, init),
    headers: token === undefined ? {} : { Authorization: `Token ${token}` },
  });

const client = clientOf();

type User = {
  id: number;
  username: string;
  first_name: string;
  last_name: string;
  email: string;
};

describe('hc<AppType>', () => {
  it('infers the body of each route', () => {
    type Taken<T> = InferRequestType<T>;
    expectTypeOf<Taken<typeof client.register.$post>>().toEqualTypeOf<{
      json: {
        username: string;
        password: string;
        first_name?: string | undefined;
        last_name?: string | undefined;
        email?: string | undefined;
      };
    }>();
    type Credentials = { json: { username: string; password: string } };
    expectTypeOf<Taken<typeof client.login.$post>>().toEqualTypeOf<Credentials>();
    expectTypeOf<Taken<(typeof client)['api-token-auth']['$post']>>().toEqualTypeOf<Credentials>();
    expectTypeOf<Taken<typeof client.password.$post>>().toEqualTypeOf<{
      json: { current_password: string; new_password: string };
    }>();
    expectTypeOf<Taken<typeof client.me.$patch>>().toEqualTypeOf<{
      json: {
        first_name?: string | undefined;
        last_name?: string | undefined;
        email?: string | undefined;
        current_password?: string | undefined;
      };
    }>();
    expectTypeOf<Taken<typeof client.me.$delete>>().toEqualTypeOf<{
      json: { current_password: string };
    }>();
  });

  it('infers the response of each route by status', () => {
    type Token = { readonly token: string };
    expectTypeOf<InferResponseType<typeof client.register.$post, 201>>().toEqualTypeOf<
      Token | { detail: string }
    >();
    expectTypeOf<InferResponseType<typeof client.password.$post, 200>>().toEqualTypeOf<Token>();
    expectTypeOf<InferResponseType<typeof client.login.$post, 200>>().toEqualTypeOf<{
      readonly valid: true;
      readonly token: string;
    }>();
    expectTypeOf<InferResponseType<typeof client.me.$get, 200>>().toEqualTypeOf<User>();
    expectTypeOf<InferResponseType<typeof client.me.$patch, 200>>().toEqualTypeOf<User>();
    expectTypeOf<InferResponseType<typeof client.logout.$post, 204>>().toEqualTypeOf<null>();
    expectTypeOf<InferResponseType<typeof client.tokens.$get, 200>>().toEqualTypeOf<
      {
        id: string;
        token_key: string;
        created: string;
        expiry: string | null;
        is_current: boolean;
      }[]
    >();
    expectTypeOf<InferResponseType<typeof client.me.$get, 401>>().toEqualTypeOf<{
      detail: string;
    }>();
    expectTypeOf<InferResponseType<typeof client.register.$post, 400>>().toEqualTypeOf<
      Record<string, string[]> | { detail: string }
    >();
  });

  it('registers, logs in, reads the user and changes it', async () => {
    const json = { username: newName(), password: 'correct horse' };
    const registered = await client.register.$post({ json });
    if (registered.status !== 201) throw new Error(`POST /register responded ${registered.status}`);
    const registration = await registered.json();
    if (!('token' in registration)) throw new Error('POST /register sent a link');
    const { token } = registration;

    const loggedIn = await client.login.$post({ json });
    expect(loggedIn.status).toBe(200);
    expect(await loggedIn.json()).toEqual({ valid: true, token });

    const mine = clientOf(token);
    const me = await mine.me.$get();
    expect(await me.json()).toMatchObject({ username: json.username });
    const changed = await mine.me.$patch({ json: { first_name: 'Meg' } });
    if (changed.status !== 200) throw new Error(`PATCH /me responded ${changed.status}`);
    expect((await changed.json()).first_name).toBe('Meg');
    const tokens = await mine.tokens.$get();
    if (tokens.status !== 200) throw new Error(`GET /tokens responded ${tokens.status}`);
    const [own] = await tokens.json();
    expect(own?.is_current).toBe(true);
    const deleted = await mine.tokens[':id'].$delete({ param: { id: own?.id ?? '' } });
    expect(deleted.status).toBe(204);
    expect((await mine.me.$get()).status).toBe(401);
  });

  it('gets DRF’s messages', async () => {
    const refused = await client.register.$post({ json: { username: '', password: 'pw' } });
    if (refused.status !== 400) throw new Error(`POST /register responded ${refused.status}`);
    expect(await refused.json()).toEqual({ username: ['This field may not be blank.'] });
  });
});

/** Changes of a user between the query and the response of a login. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { Bindings } from '../../src/services/bindings.ts';
import { answer, getAs, newName, post, register, sendAs } from '../helpers/client.ts';
import { interceptD1 } from '../helpers/intercept-d1.ts';
import { linkFor, withMailbox } from '../helpers/mailbox.ts';

const REFUSAL = {
  status: 401,
  body: { valid: false, detail: 'Unable to log in with provided credentials.' },
};

/**
 * Logs in. After the login has read its user, another request of the same isolate runs to its end.
 *
 * @returns the response, and the number of D1 round trips of the login
 */
async function loginDuring(
  credentials: { username: string; password: string },
  change: (bindings: Bindings) => Promise<Response>,
) {
  let roundTrips = 0;
  let isChanging = false;
  const bindings: Bindings = {
    ...withMailbox().bindings,
    DB: interceptD1(env.DB, {
      around: async ({ run }) => {
        const result = await run();
        if (isChanging) return result;
        roundTrips++;
        if (roundTrips === 1) {
          isChanging = true;
          expect((await change(bindings)).ok).toBe(true);
          isChanging = false;
        }
        return result;
      },
    }),
  };
  const response = await answer(await post('/login', credentials, bindings));
  return { response, roundTrips };
}

describe('a login whose user already has a token', () => {
  it('returns a valid new token if a logout during the login revokes the old one', async () => {
    const username = newName();
    const old = await register(username, 'pw');
    const { response, roundTrips } = await loginDuring({ username, password: 'pw' }, (bindings) =>
      sendAs(old, 'POST', '/logout', {}, bindings),
    );
    const token = expect.stringMatching(/^[0-9a-f]{40}$/);
    expect(response).toEqual({ status: 200, body: { valid: true, token } });
    const { token: given } = response.body as { token: string };
    expect(given).not.toBe(old);
    expect((await getAs(given)).status).toBe(200);
    expect(roundTrips).toBe(2);
  });

  it('is refused if the password is changed during the login', async () => {
    const username = newName();
    const token = await register(username, 'old');
    const passwords = { current_password: 'old', new_password: 'new' };
    const { response } = await loginDuring({ username, password: 'old' }, (bindings) =>
      sendAs(token, 'POST', '/password', passwords, bindings),
    );
    expect(response).toEqual(REFUSAL);
  });

  it('is refused if the password is reset during the login', async () => {
    const username = newName();
    await register(username, 'old');
    const reset = { ...(await linkFor(username)), new_password: 'new' };
    const { response } = await loginDuring({ username, password: 'old' }, (bindings) =>
      post('/users/reset_password_confirm', reset, bindings),
    );
    expect(response).toEqual(REFUSAL);
  });

  it('is refused if the user is deleted during the login', async () => {
    const username = newName();
    const token = await register(username, 'pw');
    const { response } = await loginDuring({ username, password: 'pw' }, (bindings) =>
      sendAs(token, 'DELETE', '/me', { current_password: 'pw' }, bindings),
    );
    expect(response).toEqual(REFUSAL);
  });

  it('returns the existing token if another user logs out during the login', async () => {
    const username = newName();
    const [token, other] = [await register(username, 'pw'), await register(newName())];
    const { response, roundTrips } = await loginDuring({ username, password: 'pw' }, (bindings) =>
      sendAs(other, 'POST', '/logout', {}, bindings),
    );
    expect(response).toEqual({ status: 200, body: { valid: true, token } });
    expect(roundTrips).toBe(2);
  });

  it('needs one round trip to D1 if no token is revoked during the login', async () => {
    const username = newName();
    const token = await register(username, 'pw');
    const { response, roundTrips } = await loginDuring({ username, password: 'pw' }, (bindings) =>
      getAs(token, '/me', bindings),
    );
    expect(response).toEqual({ status: 200, body: { valid: true, token } });
    expect(roundTrips).toBe(1);
  });
});

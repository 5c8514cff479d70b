/** The values that `AuthEntrypoint` sends to other Workers, and the errors that it hides. */
import { createExecutionContext } from 'cloudflare:test';
import { exports } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { AuthEntrypoint } from '../../src/index.ts';
import { newName, register, unthrottled } from '../helpers/client.ts';
import { failingD1, watchD1 } from '../helpers/intercept-d1.ts';

describe('AuthEntrypoint', () => {
  it('returns the user and its token as plain values', async () => {
    const username = newName();
    const token = await register(username);
    const result = await exports.AuthEntrypoint.authenticate(`Token ${token}`);
    expect(JSON.parse(JSON.stringify(result))).toEqual({
      ok: true,
      value: {
        user: {
          id: expect.any(Number),
          username,
          first_name: '',
          last_name: '',
          email: '',
          is_staff: false,
          is_superuser: false,
          is_active: true,
        },
        token: {
          key: token,
          created: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/),
        },
      },
    });
  });

  it('returns a failure as a value', async () => {
    expect(await exports.AuthEntrypoint.authenticate(undefined)).toMatchObject({
      ok: false,
      error: { kind: 'not-authenticated' },
    });
    expect(await exports.AuthEntrypoint.authenticate('Token unknown')).toMatchObject({
      ok: false,
      error: { kind: 'authentication-failed', reason: 'invalid-token' },
    });
  });

  it('returns the keyword that the header should have, for WWW-Authenticate', async () => {
    const bindings = { ...unthrottled, AUTH_HEADER_KEYWORD: 'Bearer' };
    const token = await register(newName());
    const entrypoint = new AuthEntrypoint(createExecutionContext(), bindings);
    expect(await entrypoint.authenticate(`Bearer ${token}`)).toMatchObject({ ok: true });
    expect(await entrypoint.authenticate(`Token ${token}`)).toEqual({
      ok: false,
      error: { kind: 'not-authenticated', keyword: 'Bearer' },
    });
  });

  it('shares its prepared statements with HTTP', async () => {
    const { bindings, prepared } = watchD1();
    await register(newName(), 'pw', bindings);
    const before = prepared.length;
    const entrypoint = new AuthEntrypoint(createExecutionContext(), bindings);
    await entrypoint.authenticate('Token unknown');
    expect(prepared).toHaveLength(before);
  });
});

describe('AuthEntrypoint with a database that fails', () => {
  let log: MockInstance<typeof console.error>;
  beforeEach(() => {
    log = vi.spyOn(console, 'error').mockImplementation(() => {});
  });
  const KEY = 'f'.repeat(40);

  function authenticate(message: string) {
    const bindings = failingD1(new Error(message));
    return new AuthEntrypoint(createExecutionContext(), bindings).authenticate(`Token ${KEY}`);
  }

  it('returns `unavailable` if D1 does not respond', async () => {
    expect(await authenticate('D1_ERROR: Network connection lost.')).toEqual({
      ok: false,
      error: { kind: 'unavailable' },
    });
    expect(log.mock.calls.flat().join()).toContain('database-unavailable');
  });

  it('throws a generic error for a bug, and logs the cause without the token', async () => {
    await expect(authenticate('D1_ERROR: no such column: nope')).rejects.toThrow(
      /^edge-authtoken could not authenticate\. The cause is in its log\.$/,
    );
    expect(log.mock.calls.flat().join()).toContain('no such column: nope');
    expect(log.mock.calls.flat().join()).not.toContain(KEY);
  });
});

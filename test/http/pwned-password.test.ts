/** `PwnedPassword` in the routes that set passwords. test/helpers/pwned-passwords.ts is the service. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { answer, newName, post, register, sendAs } from '../helpers/client.ts';
import { linkFor, sendWithoutDelay, withMailbox } from '../helpers/mailbox.ts';

const { bindings } = withMailbox({
  AUTH_PASSWORD_VALIDATORS: 'PwnedPassword,UserAttributeSimilarity,MinimumLength',
});

beforeEach(() => {
  sendWithoutDelay();
});

const BREACHED = 'breached words';
const SENTENCE = 'This password is known to have appeared in a public data breach.';

describe('a password from a known breach', () => {
  it('is refused by a registration', async () => {
    const username = newName();
    const response = await post('/register', { username, password: BREACHED }, bindings);
    expect(await answer(response)).toEqual({ status: 400, body: { password: [SENTENCE] } });
    const other = await post('/register', { username, password: 'other words' }, bindings);
    expect(other.status).toBe(201);
  });

  it('is refused by a password change, if the current password is right', async () => {
    const token = await register(newName(), 'old words');
    const change = (current_password: string) =>
      sendAs(token, 'POST', '/password', { current_password, new_password: BREACHED }, bindings);
    expect(await answer(await change('old words'))).toEqual({
      status: 400,
      body: { new_password: [SENTENCE] },
    });
    const fetch = vi.spyOn(globalThis, 'fetch');
    expect(await answer(await change('wrong'))).toEqual({
      status: 400,
      body: { current_password: ['Invalid password.'] },
    });
    expect(fetch).not.toHaveBeenCalled();
  });

  it('is refused by a reset, after one look-up and only with a valid link', async () => {
    const username = newName();
    await register(username, 'old words');
    const link = await linkFor(username);
    const confirm = (token: string) =>
      post('/users/reset_password_confirm', { ...link, token, new_password: BREACHED }, bindings);
    const fetch = vi.spyOn(globalThis, 'fetch');
    expect((await confirm(`0${link.token}`)).status).toBe(400);
    expect(fetch).not.toHaveBeenCalled();
    expect(await answer(await confirm(link.token))).toEqual({
      status: 400,
      body: { new_password: [SENTENCE] },
    });
    expect(fetch).toHaveBeenCalledTimes(1);
  });
});

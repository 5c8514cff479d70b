import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createStore } from '../../src/store/store.ts';
import { newName, register } from '../helpers/client.ts';

it.each([
  { is_staff: true, is_superuser: false, is_active: false },
  { is_staff: false, is_superuser: true, is_active: false },
  { is_staff: false, is_superuser: false, is_active: true },
])('a token is found with the columns of its user: %j', async (flags) => {
  const { is_staff, is_superuser, is_active } = flags;
  const username = newName();
  const key = await register(username);
  await env.DB.prepare(
    `UPDATE auth_user SET first_name = 'Ada', last_name = 'Lovelace', email = 'ada@example.com',
       is_staff = ?, is_superuser = ?, is_active = ? WHERE username = ?`,
  )
    .bind(Number(is_staff), Number(is_superuser), Number(is_active), username)
    .run();
  const names = { first_name: 'Ada', last_name: 'Lovelace', email: 'ada@example.com' };
  expect(await createStore(env.DB).findToken(key)).toEqual({
    user: { id: expect.any(Number), username, ...names, ...flags },
    token: { key, created: expect.stringMatching(/^\d{4}-\d\d-\d\d /) },
  });
});

import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { djangoDatetime } from '../../src/lib/django-datetime.ts';
import { newName, register } from '../helpers/client.ts';

it('writes datetimes as Django does: microseconds, no time zone, no fraction if it is zero', () => {
  const written = (iso: string) => djangoDatetime(new Date(iso));
  expect(written('2019-06-01T12:30:45.123Z')).toBe('2019-06-01 12:30:45.123000');
  expect(written('2015-01-01T00:00:00.000Z')).toBe('2015-01-01 00:00:00');
  expect(written('2015-01-01T00:00:00.001+02:00')).toBe('2014-12-31 22:00:00.001000');
});

it('stores a registered user with Django’s values and storage classes', async () => {
  const username = newName();
  const key = await register(username);
  const stored = await env.DB.prepare(
    `SELECT u.last_login, u.is_superuser, u.is_staff, u.is_active, u.first_name, u.date_joined,
            t.created, t.key, typeof(u.is_active) AS is_active_type, typeof(u.date_joined) AS date_type,
            u.password
       FROM auth_user u JOIN authtoken_token t ON t.user_id = u.id WHERE u.username = ?`,
  )
    .bind(username)
    .first();
  const datetime = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{3}000)?$/);
  expect(stored).toEqual({
    last_login: null,
    is_superuser: 0,
    is_staff: 0,
    is_active: 1,
    first_name: '',
    date_joined: datetime,
    created: datetime,
    key,
    is_active_type: 'integer',
    date_type: 'text',
    password: expect.stringMatching(/^pbkdf2_sha256\$1000\$[a-zA-Z0-9]{22}\$.{44}$/),
  });
});

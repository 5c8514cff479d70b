/** A user of the types that openapi-typescript generates. The test compiles it. */
import createClient from 'openapi-fetch';
import type { paths } from './schema.ts';

const client = createClient<paths>({ baseUrl: 'https://auth.example' });
const meg = { username: 'meg', password: 'ducharme' };
const email = 'meg@ducharme.com';

await client.POST('/register', { body: { ...meg, email } });
await client.POST('/register', { body: { email, password: meg.password } });
const login = await client.POST('/login', { body: meg });
if (login.data) console.log(login.data.valid satisfies true, login.data.token satisfies string);
else console.log(login.error);
await client.POST('/login', { body: { email, password: meg.password } });
// @ts-expect-error: a password is missing
await client.POST('/login', { body: { username: 'meg' } });
const me = await client.GET('/me');
if (me.data) console.log(me.data.id satisfies number, me.data.username satisfies string);
await client.PATCH('/me', { body: {} });
await client.PATCH('/me', { body: { first_name: 'Meg' } });
await client.POST('/users/reset_password', { body: { email } });
await client.GET('/openapi.json', { params: { query: { version: '3.0' } } });

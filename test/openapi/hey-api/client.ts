/** A user of the client that @hey-api/openapi-ts generates. The test compiles it. */
import { client } from './generated/client.gen.ts';
import {
  login,
  openApi,
  register,
  resetPassword,
  retrieveMe,
  updateMe,
} from './generated/index.ts';

const meg = { username: 'meg', password: 'ducharme' };
const email = 'meg@ducharme.com';

client.setConfig({ baseUrl: 'https://auth.example', auth: 'Token fa2eba9be8282d59' });
await register({ body: { ...meg, email } });
await register({ body: { email, password: meg.password } });
const { data, error } = await login({ body: meg });
if (data) console.log(data.valid satisfies true, data.token satisfies string);
else console.log(error);
await login({ body: { email, password: meg.password } });
// @ts-expect-error: a password is missing
await login({ body: { username: 'meg' } });
const me = await retrieveMe();
if (me.data) console.log(me.data.id satisfies number, me.data.username satisfies string);
await updateMe({ body: {} });
await updateMe({ body: { first_name: 'Meg' } });
await resetPassword({ body: { email } });
await openApi({ query: { version: '3.0' } });

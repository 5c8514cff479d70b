/** The published type `Api` matches the routes: `route()` does not compile with anything else. */
import { expect, it } from 'vitest';
import { body, noBody } from '../../src/http/body.ts';
import { type ApiRoute, anyone, authenticated, route } from '../../src/http/route.ts';
import { AuthTokenSchema, PasswordSchema } from '../../src/validation/schemas.ts';
import { ROUTES } from '../helpers/routes.ts';

/** The pages and the OpenAPI document are not in the typed client. */
const PAGES = ['GET /', 'GET /account', 'GET /openapi.json'];

const FAMILIES = ['djoser', 'dj-rest-auth', 'knox', 'Staff'];

const API = {
  'POST /register': true,
  'POST /login': true,
  'POST /api-token-auth': true,
  'POST /logout': true,
  'POST /logoutall': true,
  'GET /tokens': true,
  'DELETE /tokens/:id': true,
  'POST /password': true,
  'GET /me': true,
  'PATCH /me': true,
  'PUT /me': true,
  'DELETE /me': true,
  'POST /users/reset_password': true,
  'POST /users/reset_password_confirm': true,
  'POST /users/activation': true,
  'POST /users/resend_activation': true,
  'GET /health': true,
} satisfies Record<ApiRoute, true>;

it('has exactly the routes of the app that are in no family', () => {
  const own = ROUTES.filter(({ description: { tag } }) => !FAMILIES.includes(tag));
  const routes = own.map(({ method, path }) => `${method} ${path}`);
  expect(new Set(routes)).toEqual(new Set([...PAGES, ...Object.keys(API)]));
});

const description = {
  operationId: 'test',
  summary: 'Test',
  description: 'A test.',
  tag: 'About this service' as const,
  responses: {},
};
const logout = { access: authenticated, body: noBody, description };

it('compiles a route with the body and the responses of the type', () => {
  route('POST /logout', { ...logout, handle: (c) => c.body(null, 204) });
  route('POST /login', {
    ...{ access: anyone('login-address'), body: body(AuthTokenSchema), description },
    handle: (c) => c.json({ valid: true as const, token: '' }, 200),
  });
});

it('does not compile a route with another path, body, response or caller', () => {
  // @ts-expect-error: there is no such route
  route('GET /ping', { ...logout, handle: (c) => c.body(null, 204) });
  // @ts-expect-error: there is no such method
  route('POST /me', { ...logout, handle: (c) => c.body(null, 204) });
  // @ts-expect-error: another status
  route('POST /logout', { ...logout, handle: (c) => c.json({}, 200) });
  // @ts-expect-error: another response body
  route('GET /me', { ...logout, handle: (c) => c.json({ id: '1' }, 200) });
  route('POST /login', {
    ...{ access: anyone('login-address'), description },
    // @ts-expect-error: another request body
    body: body(PasswordSchema),
    handle: (c) => c.json({ valid: true as const, token: '' }, 200),
  });
  route('POST /logout', {
    ...{ access: anyone('login-address'), body: noBody, description },
    // @ts-expect-error: a route that anyone may call has no user
    handle: (c, { user }) => (user ? c.body(null, 204) : c.body(null, 204)),
  });
  // @ts-expect-error: no access
  route('POST /logout', { body: noBody, description, handle: (c) => c.body(null, 204) });
  // @ts-expect-error: no description
  route('POST /logout', {
    ...{ access: authenticated, body: noBody },
    handle: (c) => c.body(null, 204),
  });
});

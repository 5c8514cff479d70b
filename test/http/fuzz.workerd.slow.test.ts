/**
 * Ten thousand generated requests to all routes. The response is always JSON in DRF's shape, never
 * a 5xx, and no secret reaches the log. `FUZZ_SEED=<n> npm test` generates others.
 */
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import * as v from 'valibot';
import { beforeEach, expect, inject, it, type MockInstance, vi } from 'vitest';
import type { Route } from '../../src/http/route.ts';
import type { Bindings } from '../../src/services/bindings.ts';
import { parseSettings } from '../../src/settings.ts';
import { VARIANTS as DJOSER } from '../conformance/djoser.ts';
import { concretePath, newName, register, send, unthrottled } from '../helpers/client.ts';
import { sendWithoutDelay, withAllRoutes } from '../helpers/mailbox.ts';
import { ROUTES as ALL_ROUTES } from '../helpers/routes.ts';

const REQUESTS = 10_000;
const MAIL_REQUESTS = 2000;
const TIME_LIMIT_MS = 120_000;

/** Of the user whose token is sent. */
const PASSWORD = 'pw';

/** Part of every generated secret. It must not be in a log. */
const SECRET = 'S3CRET';

const views = ALL_ROUTES.filter(({ kind }) => kind === 'view');

const pathsOf = (routes: Route[]) => [...new Set(routes.map(({ path }) => concretePath(path)))];

/** The routes that need e-mail. */
const isByMail = ({ access }: Route) => access.rateLimit === 'mail-address';

const ROUTES = pathsOf(views.filter((route) => !isByMail(route)));
const MAIL_ROUTES = pathsOf(views.filter(isByMail));

/** With a list of routes at `/`, because the page is not JSON. */
const USUAL = {
  ...unthrottled,
  BROWSABLE_API: 'false',
  ALLOW_PUT_ME: 'true',
  TOKEN_RESPONSE_FIELDS: 'id,staff=is_staff,valid=true',
};

/** The settings of the families that change bodies and responses. */
const CONFIGURATIONS: Bindings[] = [
  USUAL,
  {
    ...withAllRoutes(USUAL),
    ...DJOSER.find(({ variant }) => variant === 'retype')?.vars,
    LOGIN_FIELD: 'email',
    HIDE_USERS: 'false',
    LOGOUT_ON_PASSWORD_CHANGE: 'true',
    OLD_PASSWORD_FIELD_ENABLED: 'false',
  },
];

/** The fields of all bodies. */
const FIELDS = [
  ...new Set(
    CONFIGURATIONS.map((bindings) => parseSettings(bindings)).flatMap((settings) =>
      views.flatMap(({ bodySchema }) => Object.keys(bodySchema?.(settings).entries ?? {})),
    ),
  ),
];

const path = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...ROUTES) },
  fc.constantFrom(...ROUTES).map((route) => `${route}/`),
  fc.webPath().map((anywhere) => `/${anywhere}`),
  fc.constantFrom('/%00', '/%ff', '/me?x=%', '/__proto__', '//login'),
  fc
    .record({ search: fc.string({ unit: 'binary' }), before: fc.string() }, { requiredKeys: [] })
    .map((query) => `/users?${new URLSearchParams(query)}`),
  fc.webSegment().map((segment) => `/users/${segment}/`),
  fc.bigInt({ min: -1n, max: 1n << 70n }).map((id) => `/users/${id}`),
);

const method = fc.oneof(
  { weight: 4, arbitrary: fc.constant('POST') },
  fc.constantFrom('GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'PURGE', 'QUERY', 'TRACE'),
);

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '\ud800',
    '\ufdfa'.repeat(150),
    'a@b.example',
    '0',
    'x'.repeat(5000),
  ),
  { weight: 2, arbitrary: fc.constant(PASSWORD) },
  fc.string().map((rest) => SECRET + rest),
);

const value = fc.oneof(
  { weight: 6, arbitrary: text },
  fc.constantFrom(null, true, 0, -0, 1.5, [], {}, { toString: 1 }, ['x']),
  fc.jsonValue(),
);

const fields = fc.dictionary(
  fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...FIELDS) },
    fc.constantFrom('__proto__', 'constructor', 'id', ''),
  ),
  value,
  { maxKeys: 6 },
);

const strings = fc.dictionary(fc.constantFrom(...FIELDS), text, { maxKeys: 5 });

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';
const BOUNDARY = 'b0undary';
const MULTIPART_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

const multipart = (parts: Record<string, string>) =>
  Object.entries(parts)
    .map(
      ([name, part]) =>
        `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${part}\r\n`,
    )
    .concat(`--${BOUNDARY}--\r\n`)
    .join('');

type Body = { type: string; body: string | Uint8Array<ArrayBuffer> };

const body: fc.Arbitrary<Body> = fc.oneof(
  { weight: 6, arbitrary: fields.map((data) => ({ type: JSON_TYPE, body: JSON.stringify(data) })) },
  {
    weight: 2,
    arbitrary: strings.map((data) => ({ type: FORM_TYPE, body: `${new URLSearchParams(data)}` })),
  },
  {
    weight: 2,
    arbitrary: strings.map((data) => ({ type: MULTIPART_TYPE, body: multipart(data) })),
  },
  fc.json().map((json) => ({ type: JSON_TYPE, body: json })),
  fc
    .tuple(fc.json(), fc.nat(40))
    .map(([json, cut]) => ({ type: JSON_TYPE, body: json.slice(0, cut) })),
  fc
    .tuple(
      fc.constantFrom(
        JSON_TYPE,
        FORM_TYPE,
        MULTIPART_TYPE,
        'multipart/form-data',
        'text/plain',
        '',
        '*/*',
        `${JSON_TYPE}; charset=utf-7`,
      ),
      fc.uint8Array({ maxLength: 2000 }).map((bytes) => new Uint8Array(bytes)),
    )
    .map(([type, bytes]) => ({ type, body: bytes })),
  fc.constant({ type: JSON_TYPE, body: ' '.repeat(70_000) }),
);

/** Characters of a header: no control characters, which every HTTP server refuses. */
const headerValue = fc
  .string({ unit: 'binary-ascii', maxLength: 100 })
  .map((ascii) => ascii.replace(/[^\x20-\x7e]/g, ''));

const VALID = 'a valid token';

const encoded = (text: string) => new TextEncoder().encode(text).toBase64();

const authorization = fc.oneof(
  { weight: 3, arbitrary: fc.constant(VALID) },
  { weight: 3, arbitrary: fc.constant(undefined) },
  headerValue,
  headerValue.map((rest) => `Token ${rest}`),
  headerValue.map((rest) => `Basic ${rest}`),
  fc.tuple(text, text).map((words) => `Basic ${encoded(words.join(':'))}`),
  fc.constantFrom('Token', `Token ${SECRET.repeat(3000)}`, 'Bearer x'),
);

const headers = fc.dictionary(
  fc.constantFrom(
    'Origin',
    'Accept',
    'X-Forwarded-For',
    'CF-Connecting-IP',
    'Cookie',
    'Content-Encoding',
    'Access-Control-Request-Method',
    'X-HTTP-Method-Override',
    'CF-Ray',
  ),
  headerValue,
  { maxKeys: 3 },
);

const request = fc.record({
  path,
  method,
  body: fc.option(body),
  authorization,
  headers,
  bindings: fc.constantFrom(...CONFIGURATIONS),
});

/** Requests to the routes for links, some with the parts of a real link. */
const mailRequest = fc.record({
  path: fc.constantFrom(...MAIL_ROUTES),
  method,
  body: fc.option(
    fc.oneof(
      body,
      fc
        .record({
          email: fc.oneof(fc.emailAddress(), fc.constant(`${SECRET}@example.com`), text),
          uid: fc.oneof(
            fc.integer({ min: -1, max: 100 }).map((id) => btoa(`${id}`)),
            text,
          ),
          token: fc.oneof(fc.stringMatching(/^[0-9a-z]{1,12}-[0-9a-f]{32}$/), text),
          new_password: text,
          new_password1: text,
          new_password2: text,
          key: fc.oneof(fc.stringMatching(/^[0-9A-Za-z]{1,4}-[0-9a-z]{1,12}-[0-9a-f]{32}$/), text),
        })
        .map((data) => ({ type: JSON_TYPE, body: JSON.stringify(data) })),
    ),
  ),
  authorization,
  headers,
  bindings: fc.constantFrom(...CONFIGURATIONS, withAllRoutes(USUAL)),
});

type Asked = typeof request extends fc.Arbitrary<infer T> ? T : never;

/** Non-ASCII header bytes as workerd decodes them: UTF-8, invalid bytes replaced, a warning on stderr. */
const oddBytes = fc.record({
  path: fc.constantFrom('/me', '/login'),
  method: fc.constantFrom('GET', 'POST'),
  body: fc.constant(null),
  authorization: fc
    .uint8Array({ minLength: 1, maxLength: 20 })
    .map((bytes) => `Token ${new TextDecoder().decode(bytes.map((byte) => byte | 0x80))}`),
  headers: fc.constant({}),
  bindings: fc.constant(USUAL),
});

const Sentences = v.array(v.string());
const Failure = v.union([
  v.strictObject({ detail: v.string() }),
  v.strictObject({ valid: v.literal(false), detail: v.string() }),
  v.pipe(
    v.record(v.string(), Sentences),
    v.check((errors) => Object.keys(errors).length > 0),
  ),
]);

/** Events after which a token, or its password, is not valid any more. */
const REVOKES = /logged-out|password-changed|email-changed|account-deleted/;

let log: MockInstance[];
let token: string;

beforeEach(async () => {
  sendWithoutDelay();
  log = [vi.spyOn(console, 'log'), vi.spyOn(console, 'warn'), vi.spyOn(console, 'error')];
  for (const spy of log) spy.mockImplementation(() => {});
  token = await registerStaff();
});

/** Staff may ask for more. */
async function registerStaff() {
  const username = newName();
  const key = await register(username, PASSWORD);
  await env.DB.prepare('UPDATE auth_user SET is_staff = 1 WHERE username = ?').bind(username).run();
  return key;
}

async function hold({ path, method, body, authorization, headers, bindings }: Asked) {
  const all = new Headers(headers);
  if (authorization !== undefined) {
    all.set('Authorization', authorization === VALID ? `Token ${token}` : authorization);
  }
  if (body) all.set('Content-Type', body.type);
  const bodyless = method === 'GET' || method === 'HEAD' || method === 'TRACE';
  const init = { method, headers: all, body: bodyless || !body ? null : body.body };
  const response = await send(path, init, bindings);

  expect(response.status).toBeLessThan(500);
  const said = await response.text();
  const isEmpty = response.status === 204 || method === 'HEAD';
  // djoser's response if no user can wait for activation.
  const isRefusal = path === '/users/resend_activation' && response.status === 400 && said === '';
  if (isEmpty || isRefusal) expect(said).toBe('');
  else {
    expect(response.headers.get('Content-Type')).toBe('application/json');
    const json: unknown = JSON.parse(said);
    if (response.status >= 400) v.parse(Failure, json);
    else expect(json).toBeTypeOf('object');
  }
  const isByBasic = path.startsWith('/knox/login') && /^ *basic( |$)/i.test(authorization ?? '');
  const challenge = isByBasic ? 'Basic realm="api"' : 'Token';
  if (response.status === 401) expect(response.headers.get('WWW-Authenticate')).toBe(challenge);

  const lines = log.flatMap((spy) => spy.mock.calls.flat());
  for (const line of lines) {
    expect(Object.values(JSON.parse(line)).join()).not.toMatch(/S3CRET|pbkdf2|[0-9a-f]{40}/);
  }
  for (const spy of log) spy.mockClear();
  if (REVOKES.test(lines.join())) token = await registerStaff();
}

const seed = inject('fuzzSeed');

it(`responds correctly to ${REQUESTS} generated requests (seed ${seed})`, {
  timeout: TIME_LIMIT_MS + 10_000,
}, async () => {
  await fc.assert(fc.asyncProperty(request, hold), {
    seed,
    numRuns: REQUESTS,
    interruptAfterTimeLimit: TIME_LIMIT_MS,
    markInterruptAsFailure: true,
  });
  // Some of the requests succeed.
  const users = await env.DB.prepare('SELECT count(*) AS n FROM auth_user').first<number>('n');
  expect(users).toBeGreaterThan(10);
});

it(
  `responds correctly to ${MAIL_REQUESTS} generated requests about links (seed ${seed})`,
  async () => {
    const property = fc.asyncProperty(mailRequest, hold);
    await fc.assert(property, { seed, numRuns: MAIL_REQUESTS });
  },
  TIME_LIMIT_MS,
);

it(`responds correctly to header bytes beyond ASCII (seed ${seed})`, async () => {
  await fc.assert(fc.asyncProperty(oddBytes, hold), { seed, numRuns: 10 });
});

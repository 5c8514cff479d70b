/** Replays each example of `GET /openapi.json` and compares the response. */
import { env } from 'cloudflare:workers';
import * as v from 'valibot';
import { afterEach, describe, expect, it } from 'vitest';
import { toTemplate } from '../../../src/http/route.ts';
import type { Bindings } from '../../../src/services/bindings.ts';
import { storedToken } from '../../../src/store/stored-token.ts';
import { tokenIdOf } from '../../../src/store/tokens.ts';
import { post, register, send } from '../../helpers/client.ts';
import { failingD1 } from '../../helpers/intercept-d1.ts';
import { linkFor, withAllRoutes, withMailbox } from '../../helpers/mailbox.ts';
import { ROUTES } from '../../helpers/routes.ts';

const Examples = v.optional(v.record(v.string(), v.object({ value: v.unknown() })), {});
const Content = v.optional(v.record(v.string(), v.object({ examples: Examples })), {});
const Response_ = v.object({
  headers: v.optional(v.record(v.string(), v.unknown()), {}),
  content: Content,
});

const Reference = v.object({ $ref: v.string() });
const Operation = v.object({
  security: v.array(v.unknown()),
  requestBody: v.optional(v.object({ content: Content }), { content: {} }),
  responses: v.record(v.string(), v.union([Reference, Response_])),
});

const Document = v.object({
  servers: v.array(v.object({ url: v.string() })),
  paths: v.record(v.string(), v.record(v.string(), Operation)),
  components: v.object({ responses: v.record(v.string(), Response_) }),
});

const Fields = v.record(v.string(), v.union([v.string(), v.boolean()]));
type Fields = v.InferOutput<typeof Fields>;

const served = await send('/openapi.json', {}, withAllRoutes());
const { paths, components, servers } = v.parse(Document, await served.json());

const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    route: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    path,
    ...operation,
  })),
);

/** Each described response, once per example and per media type of its request. */
const replays = operations.flatMap(({ responses, requestBody, ...operation }) =>
  Object.entries(responses).flatMap(([status, response]) => {
    const { content, headers } = '$ref' in response ? resolve(response.$ref) : response;
    const examples = Object.entries(content['application/json']?.examples ?? {});
    // A response without an example has no body or is this document. A plain request of Meg's gets it.
    const expected = examples.length > 0 ? examples : [['meg', undefined] as const];
    return expected.flatMap(([name, example]) =>
      requests(requestBody.content, name).map((request) => ({
        ...operation,
        ...request,
        name,
        status: Number(status),
        headers: Object.keys(headers),
        expected: example?.value,
      })),
    );
  }),
);

function resolve(reference: string) {
  const response = components.responses[reference.split('/').pop() ?? ''];
  if (!response) throw new Error(`${reference} leads nowhere.`);
  return response;
}

/** The request example of that name in each media type. By default the first one, in JSON. */
function requests(content: v.InferOutput<typeof Content>, name: string) {
  const all = Object.entries(content).map(([mediaType, { examples }]) => {
    const example = examples[name] ?? Object.values(examples)[0];
    return { mediaType, fields: v.parse(Fields, example?.value), isNamed: name in examples };
  });
  const [first] = all;
  if (!first) return [{ mediaType: undefined, fields: {} }];
  return first.isNamed ? all : [first];
}

const verifying = { EMAIL_VERIFICATION: 'required' };
const never: RateLimit = { limit: async () => ({ success: false }) };
const LOST = new Error('D1_ERROR: Network connection lost.');

type Arrangement = {
  /** Changes the fields of the request. */
  fields?: (fields: Fields) => Fields;
  /** The body sent instead of fields. */
  body?: string;
  mediaType?: string;
  authorization?: string | undefined;
  accept?: string;
  query?: string;
  /** The username of the user in the path. Meg by default. */
  id?: string;
  bindings?: Partial<Bindings>;
  before?: () => Promise<unknown>;
};

/** The steps to get the examples that need more than a plain request of Meg's, by name. */
const ARRANGEMENTS: Record<string, Arrangement> = {
  taken: { before: () => register(MEG.username, MEG.password) },
  empty: { fields: () => ({}) },
  wrong: {
    fields: (fields) => ({
      ...fields,
      password: 'wrong',
      current_password: 'wrong',
      old_password: 'wrong',
    }),
  },
  different: { fields: (fields) => ({ ...fields, new_password2: 'another' }) },
  blank: { fields: (fields) => ({ ...fields, username: '' }) },
  used: { fields: (fields) => ({ ...fields, key: 'MQ-0-f27b388314a46ba01ed210fcf23b91a4' }) },
  unproven: { fields: ({ current_password: _, ...fields }) => fields },
  misspelt: { fields: (fields) => ({ ...fields, email: 'meg at ducharme.com' }) },
  malformed: { body: '{' },
  large: { body: 'x'.repeat(64 * 1024 + 1) },
  text: { body: 'meg', mediaType: 'text/plain' },
  html: { accept: 'text/html' },
  anonymous: { authorization: undefined },
  unknown: { authorization: 'Token unknown' },
  often: {
    bindings: { LOGIN_LIMIT: never, REGISTER_LIMIT: never, MAIL_ADDRESS_LIMIT: never },
    // A change of the email address sends a notice to the old one.
    before: () => env.DB.exec("UPDATE auth_user SET email = 'old@example.com'"),
  },
  fault: { bindings: { PBKDF2_ITERATIONS: 'many' } },
  'unknown-user': { fields: (fields) => ({ ...fields, uid: 'MA' }) },
  'invalid-token': {
    fields: (fields) => ({ ...fields, token: '0-f27b388314a46ba01ed210fcf23b91a4' }),
  },
  unverified: {
    fields: (fields) => ({ ...fields, email: MEG.username }),
    bindings: verifying,
  },
  other: { id: 'other', before: () => register('other') },
  nobody: { id: 'nobody' },
  version: { query: '?version=2.0' },
  unsigned: { bindings: { SECRET_KEY: undefined } },
  stale: {
    before: () => env.DB.exec('UPDATE auth_user SET is_active = 1'),
  },
  down: { bindings: failingD1(LOST) },
  limit: {
    bindings: { TOKEN_LIMIT_PER_USER: '1' },
    before: () => post('/login', MEG, { ...withMailbox().bindings, TOKEN_MODEL: 'knox.AuthToken' }),
  },
  referenced: {
    before: () =>
      env.DB.exec(
        'CREATE TABLE rocks (owner_id integer NOT NULL REFERENCES auth_user (id)); INSERT INTO rocks SELECT id FROM auth_user',
      ),
  },
};

const REGISTRATIONS = [
  'POST /register',
  'POST /users',
  'POST /dj-rest-auth/registration',
  'POST /knox/register',
];

const MEG = { username: 'meg@ducharme.com', password: 'ducharme' };

function encode(fields: Fields, mediaType: string | undefined) {
  switch (mediaType) {
    case undefined:
      return null;
    case 'application/json':
      return JSON.stringify(fields);
    case 'application/x-www-form-urlencoded':
      return new URLSearchParams(Object.entries(fields).map(([name, value]) => [name, `${value}`]));
    default: {
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.set(name, `${value}`);
      return form;
    }
  }
}

const TIMES = ['date_joined', 'token_created', 'created', 'expiry'];

/** The start of the digest of a token, or of a key. */
const HEXADECIMAL = expect.stringMatching(/^[0-9a-f]{15,16}$/);

/** Replaces tokens, ids and times of a response, which differ in each run, so that it can be compared. */
function anyOf(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(anyOf);
  if (typeof body !== 'object' || body === null) return body;
  const values = Object.entries(body).map(([key, value]) => {
    const isKey = ['token', 'key', 'auth_token'].includes(key) && typeof value === 'string';
    if (isKey) return [key, expect.stringMatching(`^[0-9a-f]{${value.length}}$`)];
    if (TIMES.includes(key) && value !== null) return [key, expect.stringMatching(/^\d{4}-/)];
    if (key === 'token_key' || (key === 'id' && typeof value === 'string'))
      return [key, HEXADECIMAL];
    return [key, ['id', 'pk'].includes(key) ? expect.any(Number) : anyOf(value)];
  });
  return Object.fromEntries(values);
}

afterEach(async () => {
  await env.DB.exec(
    'DROP TABLE IF EXISTS rocks; DELETE FROM authtoken_token; DELETE FROM knox_authtoken; DELETE FROM auth_user',
  );
});

describe('GET /openapi.json', () => {
  it('describes each route of the app and no other', () => {
    const served = new Set(ROUTES.map(({ method, path }) => `${method} ${toTemplate(path)}`));
    expect(operations.map(({ route }) => route).sort()).toEqual([...served].sort());
  });

  it('has the origin of the request as its server', () => {
    expect(servers).toEqual([{ url: 'http://localhost:8000' }]);
  });
});

describe.each(operations)('$route', ({ route }) => {
  const own = replays.filter((replay) => replay.route === route);

  it.each(own)('responds $status as in the example “$name” ($mediaType)', async (replay) => {
    const { method, path, name, status, headers, expected, security } = replay;
    const arrangement = ARRANGEMENTS[name] ?? {};
    const isByMail = /^\/users\/|^\/account$|\/verify-email$|\/resend-email$/.test(path);
    const { bindings } = withMailbox({
      ALLOW_PUT_ME: 'true',
      ...(isByMail && verifying),
      ...(path.startsWith('/knox/') && { TOKEN_MODEL: 'knox.AuthToken' }),
      ...arrangement.bindings,
    });
    const isRegistered = !REGISTRATIONS.includes(route);
    const isUnverified = /activation|verify-email|resend-email/.test(path);
    const token = isRegistered ? await registerMeg(isUnverified) : undefined;
    const link = isRegistered ? await linkFor(MEG.username) : { uid: '', token: '' };
    const isAdmin = path.startsWith('/admin/api');
    if (isAdmin) await arrangeStaff(name);
    await arrangement.before?.();
    // Meg cannot do everything to herself.
    const actsOnOther = isAdmin && method !== 'GET';
    const id =
      path === '/tokens/{id}'
        ? tokenIdOf(storedToken(arrangement.id ?? token ?? ''))
        : await idOf(arrangement.id ?? (actsOnOther ? 'colleague' : MEG.username));

    const { mediaType, authorization } = {
      authorization: security.length > 0 ? `Token ${token}` : undefined,
      mediaType: replay.mediaType,
      ...arrangement,
    };
    const wellMade = {
      ...replay.fields,
      ...('uid' in replay.fields && link),
      ...('key' in replay.fields && { key: `${link.uid}-${link.token}` }),
    };
    const fields = arrangement.fields?.(wellMade) ?? wellMade;
    const body = arrangement.body ?? encode(fields, mediaType);
    const response = await send(
      path.replace('{id}', `${id}`) + (arrangement.query ?? ''),
      {
        method,
        body,
        headers: {
          ...(authorization && { Authorization: authorization }),
          ...(arrangement.accept && { Accept: arrangement.accept }),
          // The runtime sets the Content-Type of a form, with its boundary.
          ...(typeof body === 'string' && mediaType && { 'Content-Type': mediaType }),
        },
      },
      bindings,
    );

    expect(response.status).toBe(status);
    for (const header of headers) expect(response.headers.has(header)).toBe(true);
    if (expected !== undefined) expect(await response.json()).toEqual(anyOf(expected));
    else if (status === 204) expect(await response.text()).toBe('');
  });
});

const idOf = (username: string) =>
  env.DB.prepare('SELECT id FROM auth_user WHERE username = ?').bind(username).first<number>('id');

/** Makes Meg a superuser, unless the example is that of a learner, and registers a user to act on. */
async function arrangeStaff(name: string) {
  if (name !== 'learner') {
    await env.DB.prepare('UPDATE auth_user SET is_staff = 1, is_superuser = 1').run();
  }
  if (name !== 'boss') await register('colleague');
  if (name === 'unreachable') return;
  await env.DB.exec("UPDATE auth_user SET email = 'c@example.com' WHERE username = 'colleague'");
}

/** @param isUnverified registers with an email address, which gets a link instead of a token */
async function registerMeg(isUnverified: boolean): Promise<string | undefined> {
  const names = { ...MEG, first_name: 'Meg', last_name: 'Ducharme' };
  const response = isUnverified
    ? await post('/register', { ...names, email: MEG.username }, withMailbox(verifying).bindings)
    : await post('/register', names);
  const { token } = await response.json<{ token?: string }>();
  return token;
}

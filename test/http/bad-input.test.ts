/** Invalid requests get JSON in DRF's shape and never a 500. */
import { describe, expect, it, vi } from 'vitest';
import { answer, getAs, newName, register, send } from '../helpers/client.ts';

const KIB = 1024;

const post = (path: string, body: BodyInit, type = 'application/json') =>
  send(path, { method: 'POST', headers: { 'Content-Type': type }, body });

/** A body without a Content-Length header. */
const streamed = (bytes: number) =>
  new ReadableStream({
    start(controller) {
      for (let sent = 0; sent < bytes; sent += KIB)
        controller.enqueue(new Uint8Array(KIB).fill(32));
      controller.close();
    },
  });

const TOO_LARGE = { status: 413, body: { detail: 'Request body is too large.' } };

describe.each(['/register', '/login', '/api-token-auth'])('POST %s', (path) => {
  it('refuses a body of more than 64 KiB', async () => {
    expect(await answer(await post(path, ' '.repeat(64 * KIB + 1)))).toEqual(TOO_LARGE);
    expect(await answer(await post(path, ' '.repeat(10_000_000)))).toEqual(TOO_LARGE);
  });

  it('refuses a body of more than 64 KiB without Content-Length', async () => {
    expect(await answer(await post(path, streamed(65 * KIB)))).toEqual(TOO_LARGE);
  });

  it('accepts a body of exactly 64 KiB', async () => {
    const fields = JSON.stringify({ username: newName(), password: 'pw' });
    const response = await post(path, fields.padEnd(64 * KIB));
    expect([200, 201, 400, 401]).toContain(response.status);
  });

  it.each([
    { name: 'truncated JSON', body: '{"username": "s3cr3t-value' },
    { name: 'a byte order mark', body: '\uFEFF{}' },
    { name: 'NaN', body: '{"username": NaN}' },
    { name: 'nesting deeper than the stack', body: '['.repeat(60_000) },
    {
      name: 'balanced nesting deeper than the stack',
      body: '['.repeat(32_000) + ']'.repeat(32_000),
    },
  ])('responds 400 to $name without quoting it', async ({ body }) => {
    const { status, body: said } = await answer(await post(path, body));
    expect(status).toBe(400);
    expect(JSON.stringify(said)).not.toContain('s3cr3t');
  });

  it('responds to bytes that are not UTF-8 with a parse error', async () => {
    expect(await answer(await post(path, new Uint8Array([0x22, 0xff, 0x22])))).toEqual({
      status: 400,
      body: { detail: 'JSON parse error - The body is not valid UTF-8.' },
    });
  });

  it.each([
    { type: 'multipart/form-data', boundary: 'None' },
    { type: 'multipart/form-data; charset=utf-8', boundary: 'None' },
    { type: 'multipart/form-data; boundary=', boundary: '' },
    { type: 'multipart/form-data; boundary="a b "', boundary: 'a b ' },
    { type: `multipart/form-data; boundary=${'x'.repeat(202)}`, boundary: 'x'.repeat(202) },
  ])('responds to a multipart body of $type with Django’s message', async ({ type, boundary }) => {
    expect(await answer(await post(path, '--x\r\n', type))).toEqual({
      status: 400,
      body: { detail: `Multipart form parse error - Invalid boundary in multipart: ${boundary}` },
    });
  });

  it.each(['x', '--b', '--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--'])(
    'reads a multipart body without a field as an empty form, as Django does: %j',
    async (body) => {
      expect(await answer(await post(path, body, 'multipart/form-data; boundary=b'))).toEqual({
        status: 400,
        body: { username: ['This field is required.'], password: ['This field is required.'] },
      });
    },
  );

  it.each([
    { type: 'application/json', body: `[${'[],'.repeat(100)}[]]` },
    { type: 'application/json', body: `{${'"a": 0,'.repeat(200)} "a": 0}` },
    { type: 'application/x-www-form-urlencoded', body: 'a&'.repeat(200) },
    {
      type: 'multipart/form-data; boundary=b',
      body: `${'--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n'.repeat(201)}--b--`,
    },
  ])('refuses more than 200 fields: $type', async ({ type, body }) => {
    expect(await answer(await post(path, body, type))).toEqual({
      status: 400,
      body: { detail: 'The body has too many fields.' },
    });
  });

  it('responds 415 to a body without a media type', async () => {
    const response = await send(path, { method: 'POST', body: new TextEncoder().encode('{}') });
    expect(await answer(response)).toEqual({
      status: 415,
      body: { detail: 'Unsupported media type "" in request.' },
    });
  });

  it('responds 400 to a file in a string field', async () => {
    const form = new FormData();
    form.set('username', new File(['x'], 'x.txt'));
    form.set('password', 'pw');
    const response = await send(path, { method: 'POST', body: form });
    expect(await answer(response)).toEqual({
      status: 400,
      body: { username: ['Not a valid string.'] },
    });
  });

  // workerd throws this error while it reads a body if the client closes the connection.
  it.each([undefined, '5000'])(
    'logs no error if the client closes the connection during an upload of %s bytes',
    async (length) => {
      const logs = (['log', 'warn', 'error'] as const).map((level) => vi.spyOn(console, level));
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode('{"username": ')),
        pull: (controller) => controller.error(new Error('Network connection lost.')),
      });
      const headers = {
        'Content-Type': 'application/json',
        ...(length && { 'Content-Length': length }),
      };
      const response = await send(path, { method: 'POST', headers, body });
      expect(await answer(response)).toEqual({
        status: 400,
        body: { detail: 'Malformed request.' },
      });
      for (const log of logs) expect(log).not.toHaveBeenCalled();
    },
  );

  it('treats the names of Object.prototype as unknown fields', async () => {
    const body = '{"__proto__": {"username": "x", "password": "y"}, "constructor": 1}';
    expect(await answer(await post(path, body))).toEqual({
      status: 400,
      body: { username: ['This field is required.'], password: ['This field is required.'] },
    });
  });
});

describe('a token', () => {
  it.each([
    { name: '100 KB long', token: 'a'.repeat(100_000) },
    { name: 'SQL', token: "'or'1'='1" },
    { name: 'in another script', token: 'жетон' },
  ])('that is $name gets the response of an invalid token', async ({ token }) => {
    const body = { detail: 'Invalid token.' };
    expect(await answer(await getAs(token))).toEqual({ status: 401, body });
  });
});

describe('a path', () => {
  it.each(['/nowhere', '/me/x', '/register//', '/%00', '/%ff', '/__proto__'])(
    'without a route responds 404: %s',
    async (path) => {
      expect(await answer(await send(path))).toEqual({
        status: 404,
        body: { detail: 'Not found.' },
      });
    },
  );

  it('may end in a slash', async () => {
    const token = await register(newName());
    expect((await getAs(token, '/me/')).status).toBe(200);
    expect((await post('/login/', '{}')).status).toBe(400);
    expect((await send('/login/')).headers.get('Allow')).toBe('POST, OPTIONS');
  });
});

describe('a method that the route does not allow', () => {
  it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'PURGE'])(
    'responds 405: %s /login',
    async (method) => {
      const response = await send('/login', { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('Allow')).toBe('POST, OPTIONS');
      const body = JSON.stringify({ detail: `Method "${method}" not allowed.` });
      expect(await response.text()).toBe(method === 'HEAD' ? '' : body);
    },
  );

  it('does not include OPTIONS, which describes the route as DRF’s SimpleMetadata does', async () => {
    const response = await send('/api-token-auth', { method: 'OPTIONS' });
    expect(response.headers.get('Allow')).toBe('POST, OPTIONS');
    expect(await answer(response)).toEqual({
      status: 200,
      body: {
        name: 'Api Token Auth',
        description: '',
        renders: ['application/json'],
        parses: ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'],
      },
    });
  });
});

describe('several errors of one field', () => {
  // Recorded from Django REST Framework 3.14 with a ModelSerializer of Django's User.
  it('are all in the response, in the order of DRF’s validators', async () => {
    const fields = {
      username: 'é!'.repeat(100),
      password: 'pw',
      email: 'x'.repeat(300),
      first_name: 'a\0'.repeat(100),
    };
    expect(await answer(await post('/register', JSON.stringify(fields)))).toEqual({
      status: 400,
      body: {
        username: [
          'Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.',
          'Ensure this field has no more than 150 characters.',
        ],
        email: [
          'Ensure this field has no more than 254 characters.',
          'Enter a valid email address.',
        ],
        first_name: [
          'Ensure this field has no more than 150 characters.',
          'Null characters are not allowed.',
        ],
      },
    });
  });
});

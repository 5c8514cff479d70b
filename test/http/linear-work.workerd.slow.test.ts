/**
 * A body of 64 KiB, the maximum, costs at most about twice the work of one of 32 KiB,
 * for each field of each route, and for each media type. The work is counted, not timed.
 */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Bindings } from '../../src/services/bindings.ts';
import { parseSettings } from '../../src/settings.ts';
import { VARIANTS as DJOSER } from '../conformance/djoser.ts';
import { getAs, newName, register, send, unthrottled } from '../helpers/client.ts';
import { countWork, type Work } from '../helpers/count-work.ts';
import { sendWithoutDelay, withAllRoutes } from '../helpers/mailbox.ts';
import { ROUTES as ALL_ROUTES, withPath } from '../helpers/routes.ts';

const KIB = 1024;

/** Bytes of a body besides the value. */
const ENVELOPE = 512;

const LENGTHS = [32 * KIB - ENVELOPE, 64 * KIB - ENVELOPE] as const;

/** Maximum factor of the work at double the length. Constant work makes it smaller. */
const MAX_GROWTH = 2.1;

/** The longest address (`EmailValidator`), in UTF-16 units. No longer text may be normalized. */
const MAX_NORMALIZED = 2 * 320;

/** Without a query for the token in each request, which is not what is measured. */
const CACHED = { TOKEN_CACHE_SECONDS: '60' };

/** Some fields depend on the settings: an address can be required, and a password be entered twice. */
const CONFIGURATIONS: Bindings[] = [
  withAllRoutes(CACHED),
  { ...unthrottled, ...CACHED },
  withAllRoutes({
    ...CACHED,
    ...DJOSER.find(({ variant }) => variant === 'retype')?.vars,
    LOGIN_FIELD: 'email',
    OLD_PASSWORD_FIELD_ENABLED: 'false',
  }),
];

/** Each route that reads a body, and its fields, for each schema of its body. */
const ROUTES = ALL_ROUTES.flatMap(({ method, path, bodySchema }) => {
  if (!bodySchema) return [];
  const schemas = CONFIGURATIONS.map((bindings) => bodySchema(parseSettings(bindings)));
  return schemas.flatMap((schema, i) =>
    schemas.indexOf(schema) === i
      ? [{ method, path, fields: Object.keys(schema.entries), bindings: CONFIGURATIONS[i] }]
      : [],
  );
});

/** Repeats a text up to a number of bytes in UTF-8. */
const fill = (bytes: number, unit: string) =>
  unit.repeat(Math.floor(bytes / new TextEncoder().encode(unit).length));

/** Strings that are hard for some of the checks. */
const STRINGS: Record<string, (bytes: number) => string> = {
  'white space in the middle': (bytes) => `a${fill(bytes, ' ')}a`,
  'wide white space in the middle': (bytes) => `a${fill(bytes, '\u3000')}a`,
  'white space in many places': (bytes) => fill(bytes, ' a'),
  'white space only': (bytes) => fill(bytes, ' '),
  letters: (bytes) => fill(bytes, 'a'),
  'letters and a mistake': (bytes) => `${fill(bytes, 'a')}!`,
  digits: (bytes) => fill(bytes, '1'),
  'letters of another script': (bytes) => fill(bytes, '\u0431'),
  'letters that grow in NFKC': (bytes) => fill(bytes, '\ufdfa'),
  'letters that grow in lower case': (bytes) => `a@${fill(bytes, '\u0130')}.com`,
  'combining marks out of order': (bytes) => `a${fill(bytes, '\u0301\u0323')}`,
  'Hangul in parts': (bytes) => fill(bytes, '\u1112\u1161\u11ab'),
  emoji: (bytes) => fill(bytes, '\u{1f600}'),
  'null characters': (bytes) => fill(bytes / 6, '\0'),
  '@ signs': (bytes) => fill(bytes, '@'),
  'a dotted mailbox': (bytes) => `${fill(bytes, 'a.')}@example.com`,
  'a quoted mailbox': (bytes) => `"${fill(bytes / 4, '\\"')}@example.com`,
  'a long domain': (bytes) => `a@${fill(bytes, `${'a'.repeat(63)}.`)}!`,
  'a domain of hyphens': (bytes) => `a@a${fill(bytes, '-')}a.com`,
  'a domain of short labels': (bytes) => `a@${fill(bytes, 'a-.')}com`,
  'an IPv4 address': (bytes) => `a@[${fill(bytes, '1.')}]`,
  'an IPv6 address': (bytes) => `a@[${fill(bytes, 'f:')}]`,
  'base 64 of digits': (bytes) => fill(bytes, 'MQ'),
  'a timestamp': (bytes) => `${fill(bytes, 'z')}-${'0'.repeat(32)}`,
};

/** The same as JSON, and values that are not strings. */
const VALUES: Record<string, (bytes: number) => string> = {
  ...Object.fromEntries(
    Object.entries(STRINGS).map(([name, make]) => [
      name,
      (bytes: number) => JSON.stringify(make(bytes)),
    ]),
  ),
  'lone surrogates': (bytes) => `"${fill(bytes, '\\ud800')}"`,
  'a lone surrogate at the end': (bytes) => `"${fill(bytes, 'a')}\\ud800"`,
  'a large integer': (bytes) => fill(bytes, '1'),
  'a long fraction': (bytes) => `0.${fill(bytes, '1')}`,
  'a large float': (bytes) => `${fill(bytes, '1')}.5`,
  'a large exponent': (bytes) => `1e${fill(bytes, '9')}`,
  'a small exponent': (bytes) => `1e-${fill(bytes, '9')}`,
  'a deep list': (bytes) => `${fill(bytes / 2, '[')}${fill(bytes / 2, ']')}`,
  'a deep object': (bytes) => `${fill(bytes, '{"":0,"":').slice(0, -1)}`,
  'a list of numbers': (bytes) => `[${fill(bytes, '1,')}1]`,
  'a list of floats': (bytes) => `[${fill(bytes, '1e5,')}1]`,
  'a list of texts': (bytes) => `[${fill(bytes, '"",')}""]`,
  'a list of objects': (bytes) => `[${fill(bytes, '{},')}{}]`,
  'a number, and a list of numbers elsewhere': (bytes) => `1, "other": [${fill(bytes, '1,')}1]`,
};

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';
const MULTIPART_TYPE = 'multipart/form-data; boundary=b';
const PART = '--b\r\nContent-Disposition: form-data; name="a"';

type Body = { type: string; make: (bytes: number) => string };

const BODIES: Record<string, Body> = {
  'a list': { type: JSON_TYPE, make: (bytes) => `[${fill(bytes, '1,')}1]` },
  'white space': { type: JSON_TYPE, make: (bytes) => `${fill(bytes, ' ')}{}` },
  brackets: { type: JSON_TYPE, make: (bytes) => fill(bytes, '[') },
  'many keys': {
    type: JSON_TYPE,
    make: (bytes) => `{${Array.from({ length: bytes / 10 }, (_, i) => `"${i}":1`).join()}}`,
  },
  'one key many times': { type: JSON_TYPE, make: (bytes) => `{${fill(bytes, '"a":1,')}"a":1}` },
  'form: many fields': { type: FORM_TYPE, make: (bytes) => fill(bytes, 'a&') },
  'form: ampersands': { type: FORM_TYPE, make: (bytes) => fill(bytes, '&') },
  'form: white space in the middle': {
    type: FORM_TYPE,
    make: (bytes) =>
      `username=a${fill(bytes, '+')}a&email=a${fill(bytes / 2, '+')}a`.slice(0, bytes),
  },
  'form: escapes': { type: FORM_TYPE, make: (bytes) => `username=${fill(bytes, '%20')}` },
  'multipart: many fields': {
    type: MULTIPART_TYPE,
    make: (bytes) => fill(bytes, `${PART}\r\n\r\n1\r\n`),
  },
  'multipart: many boundaries': { type: MULTIPART_TYPE, make: (bytes) => fill(bytes, '\r\n--b') },
  'multipart: almost boundaries': {
    type: MULTIPART_TYPE,
    make: (bytes) => `${PART}\r\n\r\n${fill(bytes, '\r\n--')}`,
  },
  'multipart: a long header': {
    type: MULTIPART_TYPE,
    make: (bytes) => `${PART}${fill(bytes, 'a')}`,
  },
  'multipart: many header lines': {
    type: MULTIPART_TYPE,
    make: (bytes) => `${PART}\r\n${fill(bytes, 'X: y\r\n')}\r\n1\r\n`,
  },
  'multipart: many parameters': {
    type: MULTIPART_TYPE,
    make: (bytes) => `${PART}${fill(bytes, '; a=b')}\r\n\r\n1\r\n`,
  },
};

const HEADERS: Record<string, (bytes: number) => Record<string, string>> = {
  'a token of many words': (bytes) => ({ Authorization: `Token ${fill(bytes, 'a ')}a` }),
  'a token after white space': (bytes) => ({ Authorization: `Token${fill(bytes, ' ')}a` }),
  'many media ranges': (bytes) => ({ Accept: `${fill(bytes, 'a,')}*/*` }),
  'white space in a media range': (bytes) => ({ Accept: `a${fill(bytes, ' ')}a, */*` }),
  'a long origin': (bytes) => ({ Origin: fill(bytes, 'a') }),
  'many parameters of a media type': (bytes) => ({
    'Content-Type': `multipart/form-data${fill(bytes, '; a')}`,
  }),
  'a boundary after white space': (bytes) => ({
    'Content-Type': `multipart/form-data;${fill(bytes, ' ')}boundary=${fill(bytes, ' ')}`,
  }),
  'a long boundary': (bytes) => ({
    'Content-Type': `multipart/form-data; boundary="${fill(bytes, 'a ')}"`,
  }),
};

/** Credentials in the header. */
const BASIC: Record<string, (bytes: number) => string> = {
  'a long name': (bytes) => btoa(`${fill(bytes / 2, 'a')}:pw`),
  'a long password': (bytes) => btoa(`meg:${fill(bytes / 2, 'a')}`),
  'many colons': (bytes) => btoa(fill(bytes / 2, ':')),
  'white space in the middle': (bytes) => btoa(`a${fill(bytes / 2, ' ')}a:pw`),
  'letters that grow in NFKC': (bytes) =>
    new TextEncoder().encode(`${fill(bytes / 2, '\ufdfa')}:pw`).toBase64(),
  'no base64': (bytes) => fill(bytes, '!'),
  'many words': (bytes) => fill(bytes, 'a '),
};

let token: string;
let id: number;
beforeEach(async () => {
  sendWithoutDelay();
  for (const level of ['log', 'warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation(() => {});
  }
  token = await register(newName());
  ({ id } = await (await getAs(token)).json<{ id: number }>());
});

/** Why the work is not linear; undefined if it is. */
async function faultOf(work: (bytes: number) => Promise<Work>): Promise<string | undefined> {
  const [half, whole] = [await work(LENGTHS[0]), await work(LENGTHS[1])];
  const [pattern] = whole.superlinear;
  if (pattern !== undefined) return `a long text reaches /${pattern}/`;
  if (whole.longestNormalized > MAX_NORMALIZED) return `NFKC of ${whole.longestNormalized} units`;
  const growth = whole.characters / half.characters;
  return growth > MAX_GROWTH ? `grows ${growth} times, to ${whole.characters}` : undefined;
}

async function faultsOf<T>(
  inputs: Record<string, T>,
  request: (input: T, bytes: number) => Promise<Response>,
): Promise<Record<string, string>> {
  const faults: Record<string, string> = {};
  for (const [name, input] of Object.entries(inputs)) {
    const fault = await faultOf((bytes) =>
      countWork(async () => expect((await request(input, bytes)).status).toBeLessThan(500)),
    );
    if (fault !== undefined) faults[name] = fault;
  }
  return faults;
}

describe.each(ROUTES)('$method $path', ({ method, path, fields, bindings }) => {
  const ask = (type: string, body: string) => {
    const headers = { 'Content-Type': type, Authorization: `Token ${token}` };
    const init = { method, headers, body };
    return send(path.replace(/:id\{.*\}/, `${id}`), init, bindings && withPath(path, bindings));
  };

  it.each(fields)('checks %s in linear time', async (field) => {
    const faults = await faultsOf(VALUES, (make, bytes) =>
      ask(JSON_TYPE, `{${JSON.stringify(field)}: ${make(bytes)}}`),
    );
    expect(faults).toEqual({});
  });

  it('parses a body in linear time', async () => {
    const faults = await faultsOf(BODIES, ({ type, make }, bytes) => ask(type, make(bytes)));
    expect(faults).toEqual({});
  });
});

it('reads headers in linear time', async () => {
  const faults = await faultsOf(HEADERS, (make, bytes) => {
    const headers = new Headers(make(bytes));
    return send('/login', { method: 'POST', headers, body: 'x' });
  });
  expect(faults).toEqual({});
  const ofToken = await faultsOf(HEADERS, (make, bytes) =>
    send('/me', { headers: new Headers(make(bytes)) }),
  );
  expect(ofToken).toEqual({});
  const ofBasic = await faultsOf(BASIC, (make, bytes) => {
    const headers = { Authorization: `Basic ${make(bytes)}` };
    return send('/knox/login', { method: 'POST', headers }, withPath('/knox/login', unthrottled));
  });
  expect(ofBasic).toEqual({});
});

describe('the count', () => {
  const text = (bytes: number) => `a${fill(bytes, ' ')}a`;

  it.each([
    ['white space at both ends', (bytes: number) => text(bytes).replace(/^\s+|\s+$/g, '')],
    ['two repetitions', (bytes: number) => /^\s*a*\s*!$/.test(text(bytes))],
    ['NFKC', (bytes: number) => text(bytes).normalize('NFKC')],
    [
      'a loop in a loop',
      (bytes: number) => [...text(bytes)].slice(0, bytes / 64).map(() => text(bytes).indexOf('b')),
    ],
  ])('finds work that is not linear: %s', async (_, run) => {
    expect(await faultOf((bytes) => countWork(async () => run(bytes)))).toBeDefined();
  });
});

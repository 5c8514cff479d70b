import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  type Deployment,
  findingsOf,
  POINTS,
  type SecretKey,
} from '../../src/manage/before-production.ts';
import { type Configuration, readConfiguration } from '../../src/manage/configuration.ts';

/** A configuration that nothing is wrong with. */
const SAFE: Configuration = {
  definedEnvironments: [],
  vars: {
    CORS_ALLOWED_ORIGINS: 'https://app.example.com',
    AUTH_PASSWORD_VALIDATORS: 'MinimumLength,CommonPassword,NumericPassword',
    TOKEN_MAX_AGE_DAYS: '30',
    DEFAULT_FROM_EMAIL: 'Us <us@example.com>',
    PASSWORD_RESET_CONFIRM_URL: 'https://app.example.com/reset/{uid}/{token}',
    ACTIVATION_URL: 'https://auth.example.com/account#activate/{uid}/{token}',
    EMAIL_VERIFICATION: 'required',
  },
  durable_objects: {
    bindings: [
      { name: 'PASSWORD_HASHER', class_name: 'PasswordHasher' },
      { name: 'RATE_LIMIT_COUNTER', class_name: 'RateLimitCounter' },
    ],
  },
  ratelimits: [
    { name: 'LOGIN_LIMIT', namespace_id: '1' },
    { name: 'LOGIN_ADDRESS_LIMIT', namespace_id: '2' },
    { name: 'REGISTER_LIMIT', namespace_id: '3' },
    { name: 'MAIL_LIMIT', namespace_id: '4' },
    { name: 'MAIL_ADDRESS_LIMIT', namespace_id: '5' },
  ],
  send_email: [{ name: 'EMAIL' }],
  observability: { enabled: true },
  routes: ['auth.example.com'],
  d1_databases: [],
};

type Change = Omit<Partial<Configuration>, 'vars'> & { vars?: Record<string, unknown> };

/** Findings of the safe configuration with a change: `<level> <point>. <text>`. */
function findings(change: Change = {}, others: Partial<Deployment> = {}): string[] {
  const configuration = { ...SAFE, ...change, vars: { ...SAFE.vars, ...change.vars } };
  const found = findingsOf({ configuration, secretKey: { kind: 'secret' }, ...others });
  return found.flatMap((point, i) => point.map(({ level, text }) => `${level} ${i + 1}. ${text}`));
}

const warnings = (...args: Parameters<typeof findings>) =>
  findings(...args).filter((line) => line.startsWith('WARNING'));

test('the list is that of SECURITY.md', () => {
  const security = readFileSync('SECURITY.md', 'utf8');
  const section = /^## Before production\n(.*?)^## /ms.exec(security)?.[1] ?? '';
  const items = section.match(/^\d+\. .*$/gm);
  expect(items).toEqual(POINTS.map(({ text }, i) => `${i + 1}. ${text}`));
});

test('asks for a check of each pattern of origins', () => {
  const CORS_ALLOWED_ORIGINS = 'https://app.example.com,https://*.rocks.pages.dev';
  expect(findings({ vars: { CORS_ALLOWED_ORIGINS } })).toEqual(
    expect.arrayContaining([
      'OK 3. CORS_ALLOWED_ORIGINS has https://app.example.com, https://*.rocks.pages.dev.',
      'TO DO 3. Check that all sites of https://*.rocks.pages.dev in CORS_ALLOWED_ORIGINS are yours.',
    ]),
  );
});

test('nothing is wrong with a safe configuration, and the rest is to do', () => {
  expect(findings()).toEqual([
    expect.stringMatching(/^OK 1\. PBKDF2_ITERATIONS 600,000: /),
    'OK 2. All rate limits are bound.',
    'TO DO 2. Check that nothing else of your account uses the same namespace_id.',
    'OK 3. CORS_ALLOWED_ORIGINS has https://app.example.com.',
    'OK 4. AUTH_PASSWORD_VALIDATORS has MinimumLength, CommonPassword, NumericPassword.',
    'OK 5. TOKEN_MAX_AGE_DAYS is 30.',
    expect.stringMatching(/^TO DO 6\. Serve over HTTPS only: turn on "Always Use HTTPS"/),
    'OK 7. DEFAULT_FROM_EMAIL is Us <us@example.com>.',
    'OK 7. SECRET_KEY is a secret. Its value cannot be read: it should be 50 random characters.',
    'OK 7. PASSWORD_RESET_CONFIRM_URL leads to app.example.com.',
    'OK 7. ACTIVATION_URL leads to auth.example.com.',
    'TO DO 7. Try `npm run manage -- sendtestemail <address> --remote`.',
    'OK 8. Workers Logs are on.',
    expect.stringMatching(/^TO DO 8\. Watch the log/),
    expect.stringMatching(/^TO DO 9\. Restrict who can read the D1 database/),
    'TO DO 10. Run npm audit and the tests before each deployment.',
  ]);
});

test('wrangler.toml of a fresh clone has two warnings: what only its owner knows', async () => {
  const configuration = await readConfiguration();
  const found = findingsOf({ configuration, secretKey: { kind: 'unknown' } });
  const levels = found.map((point) => point.map(({ level }) => level));
  expect(levels).toEqual([
    ['OK'],
    ['OK', 'TO DO'],
    ['WARNING'],
    ['OK'],
    ['WARNING'],
    ['TO DO'],
    ['OK'],
    ['OK', 'TO DO'],
    ['TO DO'],
    ['TO DO'],
  ]);
});

test('each rate limit of wrangler.toml is checked', async () => {
  const { ratelimits, durable_objects } = await readConfiguration();
  for (const { name } of ratelimits) {
    const without = ratelimits.filter((limit) => limit.name !== name);
    expect(warnings({ ratelimits: without })).toEqual([
      expect.stringContaining(`WARNING 2. ${name} is not bound: `),
    ]);
  }
  const bindings = durable_objects.bindings.filter(({ name }) => name === 'PASSWORD_HASHER');
  expect(warnings({ durable_objects: { bindings } })).toEqual([
    'WARNING 2. RATE_LIMIT_COUNTER is not bound: wrong passwords of one account from all addresses are ' +
      'not limited. Bind it in the wrangler configuration.',
    'WARNING 2. RATE_LIMIT_COUNTER is not bound: messages to one recipient are not limited. Bind it ' +
      'in the wrangler configuration.',
  ]);
});

const LINK = '/reset/{uid}/{token}';

test.each<[string, Change, RegExp]>([
  [
    'hashing in the Worker',
    { durable_objects: { bindings: SAFE.durable_objects.bindings.slice(1) } },
    /^WARNING 1\. PBKDF2_ITERATIONS 600,000: .* bind PASSWORD_HASHER/,
  ],
  [
    'fewer iterations than OWASP',
    { vars: { PBKDF2_ITERATIONS: '599999' } },
    /^WARNING 1\. .*OWASP asks for 600,000 iterations\.$/,
  ],
  [
    'a namespace for two limits',
    { ratelimits: SAFE.ratelimits.map((limit) => ({ ...limit, namespace_id: '1' })) },
    /^WARNING 2\. Rate limits with the same namespace_id count together: LOGIN_LIMIT, LOGIN_ADDRESS_LIMIT, /,
  ],
  [
    'an origin on this machine',
    { vars: { CORS_ALLOWED_ORIGINS: 'https://app.example.com,https://localhost:3000' } },
    /^WARNING 3\. CORS_ALLOWED_ORIGINS has https:\/\/localhost:3000: /,
  ],
  [
    'an origin without https',
    { vars: { CORS_ALLOWED_ORIGINS: 'http://example.com,https://app.example.com' } },
    /^WARNING 3\. CORS_ALLOWED_ORIGINS has http:\/\/example\.com: /,
  ],
  [
    'a link to a site that only a pattern of origins includes',
    {
      vars: {
        CORS_ALLOWED_ORIGINS: 'https://app.example.com,https://*.rocks.pages.dev',
        PASSWORD_RESET_CONFIRM_URL: `https://evil.rocks.pages.dev${LINK}`,
      },
    },
    /^WARNING 7\. PASSWORD_RESET_CONFIRM_URL leads to evil\.rocks\.pages\.dev, which is neither/,
  ],
  [
    'the default origins',
    {
      vars: {
        CORS_ALLOWED_ORIGINS: undefined,
        PASSWORD_RESET_CONFIRM_URL: `https://auth.example.com${LINK}`,
      },
    },
    /^WARNING 3\. CORS_ALLOWED_ORIGINS has http:\/\/localhost:3000, /,
  ],
  [
    'a validator less',
    { vars: { AUTH_PASSWORD_VALIDATORS: 'NumericPassword' } },
    /^WARNING 4\. AUTH_PASSWORD_VALIDATORS lacks MinimumLength, CommonPassword\. Add them\.$/,
  ],
  [
    'a change of the password without the old one',
    { vars: { OLD_PASSWORD_FIELD_ENABLED: 'false' } },
    /^WARNING 4\. OLD_PASSWORD_FIELD_ENABLED is "false": /,
  ],
  [
    'tokens that never expire',
    { vars: { TOKEN_MAX_AGE_DAYS: undefined } },
    /^WARNING 5\. TOKEN_MAX_AGE_DAYS is not set: /,
  ],
  [
    'tokens of knox that never expire',
    { vars: { TOKEN_MODEL: 'knox.AuthToken', TOKEN_TTL: 'none' } },
    /^WARNING 5\. TOKEN_TTL is "none": a token never expires/,
  ],
  [
    'verification without e-mail',
    { vars: { DEFAULT_FROM_EMAIL: undefined } },
    /^WARNING 7\. EMAIL_VERIFICATION is "required" and DEFAULT_FROM_EMAIL is not set: every request is answered 500\.$/,
  ],
  [
    'a sender without a binding',
    { send_email: [], vars: { EMAIL_VERIFICATION: 'none' } },
    /^WARNING 7\. DEFAULT_FROM_EMAIL is set and EMAIL is not bound: /,
  ],
  [
    'a local sender',
    { vars: { DEFAULT_FROM_EMAIL: 'Us <webmaster@localhost>' } },
    /^WARNING 7\. DEFAULT_FROM_EMAIL is Us <webmaster@localhost>: no mail service accepts it\./,
  ],
  [
    'a key that is no secret',
    { vars: { SECRET_KEY: 'k'.repeat(50) } },
    /^WARNING 7\. SECRET_KEY is a variable of the wrangler configuration/,
  ],
  [
    'no link',
    { vars: { PASSWORD_RESET_CONFIRM_URL: undefined } },
    /^WARNING 7\. PASSWORD_RESET_CONFIRM_URL is not set: requests for its link are answered 503\./,
  ],
  ...['localhost:8000', '127.0.0.1', '127.1.2.3', '[::1]:8000', 'app.localhost'].map(
    (host): [string, Change, RegExp] => [
      `a link to ${host}`,
      { vars: { PASSWORD_RESET_CONFIRM_URL: `https://${host}${LINK}` } },
      /^WARNING 7\. PASSWORD_RESET_CONFIRM_URL leads to \S+, the reader's own machine\.$/,
    ],
  ),
  [
    'a link without https',
    { vars: { ACTIVATION_URL: `http://app.example.com${LINK}` } },
    /^WARNING 7\. ACTIVATION_URL leads to http:\/\/app\.example\.com without https/,
  ],
  [
    'a link to another host',
    { vars: { ACTIVATION_URL: `https://app.example.com@evil.example${LINK}` } },
    /^WARNING 7\. ACTIVATION_URL leads to evil\.example, which is neither a host of this Worker nor in /,
  ],
  ['no logs', { observability: undefined }, /^WARNING 8\. Workers Logs are off\./],
])('warns of %s', (_, change, line) => {
  expect(warnings(change)).toEqual([expect.stringMatching(line)]);
});

test('names the host of a link if no host of the Worker is known', () => {
  const vars = { CORS_ALLOWED_ORIGINS: '', PASSWORD_RESET_CONFIRM_URL: `https://a.example${LINK}` };
  const found = findings({ routes: [], vars: { ...vars, EMAIL_VERIFICATION: 'none' } });
  expect(found).toContainEqual(
    expect.stringMatching(/^TO DO 7\. PASSWORD_RESET_CONFIRM_URL leads to a\.example\. Check that/),
  );
});

test.each([
  ['*.example.com/*', 'auth.example.com'],
  ['https://auth.example.com/api/*', 'auth.example.com'],
])('knows the route %s', (route, host) => {
  const vars = { CORS_ALLOWED_ORIGINS: '', EMAIL_VERIFICATION: 'none' };
  const linkTo = (to: string) => ({ ...vars, PASSWORD_RESET_CONFIRM_URL: `https://${to}${LINK}` });
  expect(warnings({ routes: [], route, vars: linkTo(host) })).toEqual([]);
  expect(warnings({ routes: [], route, vars: linkTo('evil.example') })).toHaveLength(1);
});

test('knows the host of the deployment', () => {
  const vars = { CORS_ALLOWED_ORIGINS: '', EMAIL_VERIFICATION: 'none' };
  const to = { ...vars, PASSWORD_RESET_CONFIRM_URL: `https://a.workers.dev${LINK}` };
  expect(warnings({ routes: [], vars: to }, { hosts: ['a.workers.dev'] })).toEqual([]);
});

test('says nothing of links if e-mail is off', () => {
  const vars = { DEFAULT_FROM_EMAIL: undefined, EMAIL_VERIFICATION: 'none' };
  expect(findings({ vars }).filter((line) => line.includes(' 7. '))).toEqual([
    'OK 7. E-mail is off: DEFAULT_FROM_EMAIL is not set. A forgotten password needs an operator.',
  ]);
});

const RANDOM = 'abcdefghij'.repeat(5);

test.each<[SecretKey, string]>([
  [{ kind: 'unknown' }, 'TO DO 7. Set SECRET_KEY to 50 random characters: '],
  [{ kind: 'unset' }, 'WARNING 7. SECRET_KEY is not set: requests for a link are answered 503.'],
  [{ kind: 'value', value: RANDOM }, 'OK 7. SECRET_KEY of .dev.vars has at least 50 characters.'],
  [
    { kind: 'value', value: RANDOM.slice(1) },
    'WARNING 7. SECRET_KEY of .dev.vars has less than 50',
  ],
  [
    { kind: 'value', value: 'abcd'.repeat(20) },
    'WARNING 7. SECRET_KEY of .dev.vars has less than 50',
  ],
  [
    { kind: 'value', value: `django-insecure-${RANDOM}` },
    'WARNING 7. SECRET_KEY of .dev.vars has less than 50',
  ],
])('checks a key as Django’s security.W009 does, and never shows it: %j', (secretKey, start) => {
  const lines = findings({}, { secretKey });
  expect(lines).toContainEqual(
    expect.stringMatching(new RegExp(`^${start.replaceAll('.', '\\.')}`)),
  );
  if (secretKey.kind === 'value') expect(lines.join()).not.toContain(secretKey.value);
});

test('tokens of knox expire by default', () => {
  const vars = { TOKEN_MODEL: 'knox.AuthToken', TOKEN_MAX_AGE_DAYS: undefined };
  expect(findings({ vars })).toContain('OK 5. TOKEN_TTL is 36,000 seconds.');
});

test('a TOML number is read as its text', () => {
  const vars = (TOKEN_MAX_AGE_DAYS: unknown) => findings({ vars: { TOKEN_MAX_AGE_DAYS } });
  expect(vars(30)).toEqual(vars('30'));
  expect(vars(30)).not.toEqual(vars(undefined));
});

test('a value that is not valid is an error', () => {
  expect(() => findings({ vars: { PBKDF2_ITERATIONS: '12' } })).toThrow(
    'PBKDF2_ITERATIONS is "12". It must be a whole number',
  );
  expect(() => findings({ vars: { TOKEN_MAX_AGE_DAYS: 0 } })).toThrow('TOKEN_MAX_AGE_DAYS is 0');
  expect(() => findings({ vars: { ACTIVATION_URL: 'https://example.com/{uid}' } })).toThrow(
    'ACTIVATION_URL is',
  );
});

/** Requests to djoser and to the Worker: equal responses, and deliberate differences. */
import assert from 'node:assert/strict';
import type { Answer, Difference, Request } from './djoser.ts';
import type { Link } from './links.ts';

const RESET = 'reset_password';
const CONFIRM = 'reset_password_confirm';
const ACTIVATION = 'activation';
const RESEND = 'resend_activation';
const ROUTES = [RESET, CONFIRM, ACTIVATION, RESEND];

const JSON_TYPE = { 'Content-Type': 'application/json' };
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };

const NEW_PASSWORD = 'remembered words 1';

/** By the names that seed_links.py gives them. */
type Links = Record<string, Link>;

/** A request to set a new password by a link. */
const withPassword = (link: Link) => ({ ...link, new_password: NEW_PASSWORD });

/** @param token a user's: djoser checks it before the method */
export function sameExchanges(links: Links, token: string): Request[] {
  const headers = { Authorization: `Token ${token}` };
  return [
    ...ROUTES.flatMap((route) =>
      ['GET', 'PUT', 'PATCH', 'DELETE'].map((method) => ({ route, method, headers })),
    ),
    ...ROUTES.map((route) => ({ route, method: 'GET', what: 'without a token' })),
    ...ROUTES.flatMap(bodies),
    ...[RESET, RESEND].flatMap(addresses),
    ...[CONFIRM, ACTIVATION].flatMap((route) => brokenLinks(route, links)),
    ...resets(),
    ...passwords(links),
    ...confirmations(links),
    ...activations(links),
  ];
}

/** Bodies without the fields of a route, or that are not read at all. */
function bodies(route: string): Request[] {
  return [
    ...[{}, { unknown: 'field' }, [], 'known@example.com', null, 7, 1.5, false].map((json) => ({
      route,
      json,
    })),
    { route, headers: JSON_TYPE, body: '', what: 'an empty body' },
    { route, headers: FORM, body: '' },
    { route, headers: { 'Content-Type': 'text/plain' }, body: 'email=known@example.com' },
    { route, headers: { 'Content-Type': 'application/xml' }, body: '<email/>' },
    { route, headers: { 'Content-Type': 'multipart/form-data' }, body: 'without a boundary' },
    { route, headers: { Accept: 'text/html' }, json: {} },
  ];
}

/** Addresses that are none. */
function addresses(route: string): Request[] {
  const values = [
    ...[null, '', '   ', 5, 1.5, true, ['known@example.com'], { address: 'known@example.com' }],
    ...[
      'no address',
      'known@',
      '@example.com',
      'known@example',
      'a b@example.com',
      'ünï@example.com',
    ],
    ...['a@example.com\r\nBcc: b@example.com', 'a@example.com\0', '\0', 'a\ud800@example.com'],
  ];
  return [
    ...values.map((email) => ({ route, json: { email } })),
    { route, headers: FORM, body: 'email=' },
    { route, headers: FORM, body: 'email=nowhere' },
    { route, body: formData({ email: 'nowhere' }), what: 'multipart' },
  ];
}

/** Known and unknown addresses. */
function resets(): Request[] {
  const asked = [
    ...[
      'known@example.com',
      '  known@example.com ',
      'unusable@example.com',
      'inactive@example.com',
    ],
    ...[
      'nobody@example.com',
      'known@exämple.com',
      '"quoted"@example.com',
      'a@[127.0.0.1]',
      'a@localhost',
    ],
    `${'a'.repeat(300)}@example.com`,
  ];
  return [
    ...asked.map((email) => ({ route: RESET, json: { email } })),
    { route: RESET, json: { email: 'known@example.com', uid: 'ignored' } },
    { route: RESET, headers: FORM, body: 'email=known%40example.com' },
    { route: RESET, body: formData({ email: 'known@example.com' }), what: 'multipart, known' },
    { route: RESEND, json: { email: 'waiting@example.com' } },
    { route: RESEND, json: { email: ' waiting@example.com' } },
    { route: RESEND, headers: FORM, body: 'email=waiting%40example.com' },
  ];
}

function brokenLinks(route: string, links: Links): Request[] {
  const known = withPassword(named(links, 'known'));
  const uids = [
    ...['x', 'xxxxx', '!', '%%', '-_', '_w', 'é', '1', 'bWVn', 'MQMQMQ', 'MS41', 'LTE', 'MA'],
    // 999999, and what no integer of SQLite can be.
    ...['OTk5OTk5', 'OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5'],
  ];
  const tokens = [
    ...['x', '-', '0-0', 'a-b-c', 'é-é', 'set-password', `${'z'.repeat(20)}-${'0'.repeat(32)}`],
    known.token.toUpperCase(),
    named(links, 'waiting').token,
    named(links, 'expired').token,
  ];
  return [
    { route, json: { uid: null, token: null, new_password: null } },
    { route, json: { uid: '', token: '', new_password: '' } },
    { route, json: { uid: ' ', token: '\t', new_password: NEW_PASSWORD } },
    { route, json: { uid: [], token: {}, new_password: [] } },
    { route, json: { uid: true, token: false, new_password: true } },
    { route, json: { uid: 'MQ\0', token: '\0', new_password: 'a\0' } },
    { route, json: { uid: '\ud800', token: '\udfff', new_password: 'a\ud800' } },
    { route, json: { ...known, uid: undefined } },
    { route, json: { ...known, token: undefined } },
    { route, headers: FORM, body: 'uid=MQ' },
    { route, body: formData({ ...known, token: 'x' }), what: 'multipart with a bad token' },
    ...uids.map((uid) => ({ route, json: { ...known, uid } })),
    ...tokens.map((token) => ({ route, json: { ...known, token } })),
  ];
}

/** Passwords that the validators refuse, whosever link it is. */
function passwords(links: Links): Request[] {
  const refused = ['short', 'password', '1234567890123', '1234', 12345678901];
  return [
    ...refused.map((new_password) => ({
      route: CONFIRM,
      json: { uid: 'x', token: 'x', new_password },
    })),
    { route: CONFIRM, json: named(links, 'known'), what: 'a link without a password' },
    {
      route: CONFIRM,
      json: { ...named(links, 'jsonny'), new_password: 'short' },
      what: 'a short password with a good link',
    },
  ];
}

function confirmations(links: Links): Request[] {
  const confirm = (name: string) => withPassword(named(links, name));
  return [
    { route: CONFIRM, json: confirm('jsonny'), what: 'a good link' },
    { route: CONFIRM, json: confirm('jsonny'), what: 'the same link again' },
    {
      route: CONFIRM,
      headers: FORM,
      body: `${new URLSearchParams(confirm('formy'))}`,
      what: 'a good link in a form',
    },
    { route: CONFIRM, body: formData(confirm('multiparty')), what: 'a good link in multipart' },
    { route: CONFIRM, json: { ...confirm('typed'), new_password: 1.5e300 }, what: 'a number' },
    { route: CONFIRM, json: confirm('unusable'), what: 'a good link, no usable password before' },
  ];
}

function activations(links: Links): Request[] {
  const activate = (name: string) => named(links, name);
  return [
    { route: ACTIVATION, json: activate('expired activation'), what: 'an expired link' },
    {
      route: ACTIVATION,
      json: { ...activate('activating'), token: activate('waiting').token },
      what: "another's link",
    },
    { route: ACTIVATION, json: activate('activating'), what: 'a good link' },
    { route: ACTIVATION, json: activate('activating'), what: 'the same link again' },
    {
      route: ACTIVATION,
      headers: FORM,
      body: `${new URLSearchParams(activate('form-activating'))}`,
      what: 'a good link in a form',
    },
    { route: ACTIVATION, json: activate('known'), what: 'a link of an active user' },
  ];
}

const NO_CONTENT: Answer = { status: 204 };
const RAISED: Answer = { status: 500, body: 'Server Error (500)' };
const INVALID_UID: Answer = {
  status: 400,
  body: { uid: ["Invalid user id or user doesn't exist."] },
};
const INVALID_TOKEN: Answer = { status: 400, body: { token: ['Invalid token for given user.'] } };
const STALE: Answer = { status: 403, body: { detail: 'Stale token for given user.' } };
const NOT_AN_ADDRESS: Answer = { status: 400, body: { email: ['Enter a valid email address.'] } };

const refusesPassword = (sentence: string): Answer => ({
  status: 400,
  body: { new_password: [sentence] },
});

export function differentExchanges(links: Links): Difference[] {
  const known = withPassword(named(links, 'known'));
  return [
    ...['nobody', 'known', 'without-password'].map((name) => ({
      why: 'the answer must not say who is a user',
      route: RESEND,
      json: { email: `${name}@example.com` },
      djoser: { status: 400 },
      worker: NO_CONTENT,
    })),
    ...[{}, { username: 'twin' }].map((named) => ({
      why: 'djoser expects that an address has one user',
      route: RESET,
      json: { email: 'twins@example.com', ...named },
      djoser: RAISED,
      worker: { ...NO_CONTENT, mails: ['reset twins@example.com'] },
    })),
    {
      why: 'a username asks for the link of that user only',
      route: RESET,
      json: { email: 'known@example.com', username: 'twin' },
      djoser: { ...NO_CONTENT, mails: ['reset known@example.com'] },
      worker: NO_CONTENT,
    },
    {
      why: "an address is found in any case, as by Django's own form",
      route: RESET,
      json: { email: 'KNOWN@example.com' },
      djoser: NO_CONTENT,
      worker: { ...NO_CONTENT, mails: ['reset known@example.com'] },
    },

    // A user who was active before was deactivated by an operator.
    {
      why: 'has a token, so was active before',
      route: RESEND,
      json: { email: 'deactivated@example.com' },
      djoser: { ...NO_CONTENT, mails: ['activate deactivated@example.com'] },
      worker: NO_CONTENT,
    },
    {
      why: 'has logged in, so was active before',
      route: RESEND,
      json: { email: 'returning@example.com' },
      djoser: { ...NO_CONTENT, mails: ['activate returning@example.com'] },
      worker: NO_CONTENT,
    },
    {
      why: 'has a token, so was active before',
      route: ACTIVATION,
      what: 'a link of a deactivated user',
      json: named(links, 'deactivated'),
      djoser: NO_CONTENT,
      worker: STALE,
    },
    {
      why: 'has logged in, so was active before; no activation has such a link',
      route: ACTIVATION,
      what: 'a link of a deactivated user',
      json: named(links, 'returning'),
      djoser: NO_CONTENT,
      worker: INVALID_TOKEN,
    },
    ...['inactive', 'resetting'].map((name) => ({
      why: 'an operator deactivated the user, or the address is not verified yet',
      route: CONFIRM,
      what: `a link of an inactive user (${name})`,
      json: withPassword(named(links, name)),
      djoser: NO_CONTENT,
      worker: INVALID_TOKEN,
    })),
    {
      why: 'the password of before is still set',
      route: ACTIVATION,
      what: 'a link after the password reset that was refused',
      json: named(links, 'resetting'),
      djoser: INVALID_TOKEN,
      worker: NO_CONTENT,
    },
    {
      why: 'an activation sets the last login, so that its link is spent',
      route: CONFIRM,
      what: 'the link of an activation',
      json: withPassword(named(links, 'activating')),
      djoser: NO_CONTENT,
      worker: INVALID_TOKEN,
    },

    {
      why: 'passwords are never trimmed',
      route: CONFIRM,
      json: { uid: 'x', token: 'x', new_password: '         ' },
      djoser: refusesPassword('This field may not be blank.'),
      worker: INVALID_UID,
    },
    {
      why: 'djoser compares with the anonymous user of the request',
      route: CONFIRM,
      what: 'the first name for a password',
      json: { ...named(links, 'similar'), new_password: 'bartholomew1' },
      djoser: NO_CONTENT,
      worker: refusesPassword('The password is too similar to the first name.'),
    },
    {
      why: 'hashing must cost nothing beside PBKDF2',
      route: CONFIRM,
      json: { uid: 'x', token: 'x', new_password: 'remembered words '.repeat(300) },
      djoser: INVALID_UID,
      worker: refusesPassword('Ensure this field has no more than 4096 characters.'),
    },

    // '+1', '1_0', ' 1 ', '١' and 'MQ==' are 1 or 10 to Python.
    ...['KzE', 'MV8w', 'IDEg', '2aE', 'MQ==', 'M!Q'].map((uid) => ({
      why: 'an id is written in one way, as Django writes it',
      route: CONFIRM,
      json: { uid, token: 'x', new_password: NEW_PASSWORD },
      djoser: INVALID_TOKEN,
      worker: INVALID_UID,
    })),
    {
      why: 'djoser validates a number as text, and then takes the number',
      route: CONFIRM,
      json: { ...known, uid: 5 },
      djoser: RAISED,
      worker: INVALID_UID,
    },
    {
      why: 'djoser validates a number as text, and then takes the number',
      route: CONFIRM,
      json: { ...known, token: 5 },
      djoser: RAISED,
      worker: INVALID_TOKEN,
    },
    {
      why: 'djoser trims a token to validate it, and then takes it as it came',
      route: CONFIRM,
      what: 'a good link with spaces around its token',
      json: { ...withPassword(named(links, 'spaced')), token: ` ${named(links, 'spaced').token} ` },
      djoser: INVALID_TOKEN,
      worker: NO_CONTENT,
    },

    {
      why: "a parser's own words quote the body",
      route: RESET,
      headers: JSON_TYPE,
      body: '{"email": ',
      djoser: jsonParseError('Expecting value: line 1 column 11 (char 10)'),
      worker: jsonParseError('The body is not valid JSON.'),
    },
    {
      why: "a parser's own words quote the body",
      route: CONFIRM,
      headers: JSON_TYPE,
      body: '{"uid": NaN}',
      djoser: jsonParseError("Out of range float values are not JSON compliant: 'NaN'"),
      worker: jsonParseError('The body is not valid JSON.'),
    },
    {
      why: 'a body has at most 64 KiB',
      route: RESET,
      json: { email: 'a'.repeat(65_536) },
      djoser: NOT_AN_ADDRESS,
      worker: { status: 413, body: { detail: 'Request body is too large.' } },
    },
    {
      why: 'addresses follow Django 5.2',
      route: RESET,
      json: { email: 'a@example.12' },
      djoser: NO_CONTENT,
      worker: NOT_AN_ADDRESS,
    },
    {
      why: 'a route that needs no token does not check one, as /login',
      route: RESET,
      json: { email: 'nobody@example.com' },
      headers: { Authorization: 'Token nobody' },
      djoser: { status: 401, body: { detail: 'Invalid token.' }, authenticate: 'Token' },
      worker: NO_CONTENT,
    },
  ];
}

const jsonParseError = (words: string): Answer => ({
  status: 400,
  body: { detail: `JSON parse error - ${words}` },
});

function named(links: Links, name: string): Link {
  const link = links[name];
  assert(link, `seed_links.py has made no link ${name}`);
  return link;
}

function formData(fields: Record<string, string>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}

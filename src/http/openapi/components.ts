/**
 * The parts of the OpenAPI document that are not in a route. They use only what OpenAPI 3.0 and 3.1 have in
 * common: `enum` and not `const`, no lists of types.
 */
import type { Settings } from '../../settings.ts';
import type { ResponseDescription, Tag } from './description.ts';
import { detail } from './description.ts';
import { KEY } from './examples.ts';

export const text = { type: 'string' };
/** 40 digits, or 64 of knox after a prefix of up to 10 characters (knox/settings.py). */
const token = { ...text, description: 'The key of a token.', maxLength: 74 };
const EXPIRY = { description: 'A string. Null if the token does not expire.' };
const messages = { type: 'array', items: text };

/** An object that has all of these properties. */
export const object = (properties: Record<string, object>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
});

export const reference = (kind: 'schemas' | 'responses' | 'headers', name: string) => ({
  $ref: `#/components/${kind}/${name}`,
});

const value = (only: boolean) => ({ type: 'boolean', enum: [only] });

const djoserUser = object({ email: text, id: { type: 'integer' }, username: text });

const knoxToken = {
  type: 'object',
  properties: {
    expiry: EXPIRY,
    token,
    user: object({ username: text }),
  },
  required: ['expiry', 'token'],
};

export const SCHEMAS = {
  Token: object({ token }),
  Registered: { anyOf: [reference('schemas', 'Token'), reference('schemas', 'Detail')] },
  Login: object({ valid: value(true), token }),
  LoginFailed: object({ valid: value(false), detail: text }),
  User: object({
    id: { type: 'integer' },
    username: text,
    first_name: text,
    last_name: text,
    email: text,
  }),
  AuthToken: object({ auth_token: token }),
  DjoserUser: djoserUser,
  DjoserUsers: { type: 'array', items: djoserUser },
  Key: object({ key: token }),
  KeyOrDetail: { anyOf: [reference('schemas', 'Key'), reference('schemas', 'Detail')] },
  UserDetails: object({
    pk: { type: 'integer' },
    username: text,
    email: text,
    first_name: text,
    last_name: text,
  }),
  OwnTokens: {
    type: 'array',
    items: object({
      id: text,
      token_key: { ...text, description: 'The first characters of the token.' },
      created: text,
      expiry: EXPIRY,
      is_current: { type: 'boolean', description: 'Whether it is the token of the request.' },
    }),
  },
  KnoxToken: knoxToken,
  KnoxTokenOrDetail: { anyOf: [reference('schemas', 'KnoxToken'), reference('schemas', 'Detail')] },
  KnoxError: object({ error: text }),
  Detail: object({ detail: text }),
  FieldErrors: { type: 'object', additionalProperties: messages },
  Invalid: { anyOf: [reference('schemas', 'FieldErrors'), reference('schemas', 'Detail')] },
  Health: {
    type: 'object',
    properties: { status: { ...text, enum: ['ok', 'unavailable'] }, detail: text },
    required: ['status'],
  },
};

/** The schemas of values of `TOKEN_RESPONSE_FIELDS` that are not text. */
const FIELD_VALUES: Record<string, object> = {
  id: { type: 'integer' },
  is_staff: { type: 'boolean' },
  is_superuser: { type: 'boolean' },
  expiry: EXPIRY,
  true: value(true),
};

/**
 * The schemas of responses, with the properties that the settings add.
 *
 * @param shown the properties of a user that the host adds. They may be missing
 */
export function schemasOf(
  { tokenResponseFields, errorMessage }: Settings,
  shown: Record<string, object> | undefined,
): Record<string, object> {
  const fields = tokenResponseFields
    .map((field) => field.split('='))
    .map(([key, source = '']) => [key, FIELD_VALUES[source] ?? text]);
  const added: object = Object.fromEntries(fields);
  const message = errorMessage ? { message: text } : {};
  const { Token, Login, LoginFailed, Detail, FieldErrors, User, DjoserUser, UserDetails } = SCHEMAS;
  return {
    ...SCHEMAS,
    User: { ...User, properties: { ...shown, ...User.properties } },
    DjoserUser: { ...DjoserUser, properties: { ...shown, ...DjoserUser.properties } },
    UserDetails: { ...UserDetails, properties: { ...shown, ...UserDetails.properties } },
    Token: { ...Token, properties: { ...added, ...Token.properties } },
    Login: { ...Login, properties: { ...added, ...Login.properties } },
    LoginFailed: { ...LoginFailed, properties: { ...LoginFailed.properties, ...message } },
    Detail: { ...Detail, properties: { ...Detail.properties, ...message } },
    FieldErrors: errorMessage ? { ...FieldErrors, properties: message } : FieldErrors,
  };
}

export const RESPONSES = {
  Unauthorized: detail(
    'There is no token, or it is not valid.',
    {
      anonymous: 'Authentication credentials were not provided.',
      unknown: 'Invalid token.',
    },
    ['WWW-Authenticate'],
  ),
  BodyTooLarge: detail('The body is larger than 64 KiB.', { large: 'Request body is too large.' }),
  UnsupportedMediaType: detail('The body is neither JSON nor a form.', {
    text: 'Unsupported media type "text/plain" in request.',
  }),
  NotAcceptable: detail('The `Accept` header does not include JSON.', {
    html: 'Could not satisfy the request Accept header.',
  }),
  Throttled: detail(
    'Too many requests of this kind from one address, or too many wrong passwords of one account. There is no `Retry-After` if only a new password helps.',
    { often: 'Request was throttled. Expected available in 60 seconds.' },
    ['Retry-After'],
  ),
  Fault: detail('A server error. The log has the cause.', { fault: 'A server error occurred.' }),
  Unavailable: detail(
    'The database did not respond.',
    { down: 'Service temporarily unavailable, try again later.' },
    ['Retry-After'],
  ),
} satisfies Record<string, ResponseDescription>;

export const headersOf = ({ authHeaderKeyword }: Settings) => ({
  'Retry-After': {
    description: 'The number of seconds to wait before the next attempt.',
    schema: { type: 'integer' },
  },
  'WWW-Authenticate': { description: `\`${authHeaderKeyword}\``, schema: text },
});

/** `Bearer` is a scheme that tools know. For others they send the whole value of the header. */
export const securitySchemesOf = ({ authHeaderKeyword: keyword }: Settings) => ({
  Token:
    keyword.toLowerCase() === 'bearer'
      ? { type: 'http', scheme: 'bearer' }
      : {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: `The word \`${keyword}\`, a space and the key: \`${keyword} ${KEY}\`.`,
        },
});

export const TAGS: { name: Tag; description: string }[] = [
  { name: 'Without a token', description: 'Routes that give a token.' },
  { name: 'With a token', description: 'The account of the user.' },
  {
    name: 'By e-mail',
    description: 'Password reset and activation. These routes need e-mail to be configured.',
  },
  { name: 'djoser', description: 'The routes of djoser, for its clients.' },
  { name: 'dj-rest-auth', description: 'The routes of dj-rest-auth, for its clients.' },
  { name: 'knox', description: 'The routes of django-rest-knox, for its clients.' },
  {
    name: 'Staff',
    description: 'The routes of the staff page. They need the token of a member of staff.',
  },
  { name: 'About this service', description: 'For monitors and tools.' },
];

export const infoOf = ({ authHeaderKeyword }: Settings, server: string) => ({
  title: 'edge-authtoken',
  version: '1',
  description: `Django REST Framework’s token authentication, without Django, at the edge. Register or log in to get a token. Send it with every request as \`Authorization: ${authHeaderKeyword} <key>\`.\n\nEvery path accepts a trailing slash. A body has at most 64 KiB. If a path does not have the method, the response is 405 with \`Allow\`. If there is no such path, it is 404. Both have a \`detail\`.`,
  contact: { name: 'The operator of this service', url: server },
  license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
});

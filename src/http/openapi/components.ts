/** The parts of the OpenAPI document that are not in a route. */
import type { ResponseDescription, Tag } from './description.ts';
import { detail } from './description.ts';

const text = { type: 'string' };
const token = { ...text, description: 'The key of a token.', maxLength: 40 };
const messages = { type: 'array', items: text };

/** An object that has all of these properties. */
const object = (properties: Record<string, object>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
});

export const reference = (kind: 'schemas' | 'responses' | 'headers', name: string) => ({
  $ref: `#/components/${kind}/${name}`,
});

export const SCHEMAS = {
  Token: object({ token }),
  Registered: { anyOf: [reference('schemas', 'Token'), reference('schemas', 'Detail')] },
  Login: object({ valid: { const: true }, token }),
  LoginFailed: object({ valid: { const: false }, detail: text }),
  User: object({
    id: { type: 'integer' },
    username: text,
    first_name: text,
    last_name: text,
    email: text,
  }),
  Key: object({ key: token }),
  KeyOrDetail: { anyOf: [reference('schemas', 'Key'), reference('schemas', 'Detail')] },
  UserDetails: object({
    pk: { type: 'integer' },
    username: text,
    email: text,
    first_name: text,
    last_name: text,
  }),
  Detail: object({ detail: text }),
  FieldErrors: { type: 'object', additionalProperties: messages },
  Invalid: { anyOf: [reference('schemas', 'FieldErrors'), reference('schemas', 'Detail')] },
  Health: object({ status: { enum: ['ok', 'unavailable'] } }),
};

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

export const HEADERS = {
  'Retry-After': {
    description: 'The number of seconds to wait before the next attempt.',
    schema: { type: 'integer' },
  },
  'WWW-Authenticate': { description: '`Token`', schema: text },
};

export const SECURITY_SCHEMES = {
  Token: {
    type: 'apiKey',
    in: 'header',
    name: 'Authorization',
    description:
      'The word `Token`, a space and the key: `Token fa2eba9be8282d595c997ee5cd49f2ed31f65bed`.',
  },
};

export const TAGS: { name: Tag; description: string }[] = [
  { name: 'Without a token', description: 'Routes that give a token.' },
  { name: 'With a token', description: 'The account of the user.' },
  {
    name: 'By e-mail',
    description: 'Password reset and activation. These routes need e-mail to be configured.',
  },
  { name: 'dj-rest-auth', description: 'The routes of dj-rest-auth, for its clients.' },
  { name: 'About this service', description: 'For monitors and tools.' },
];

export const INFO = {
  title: 'edge-authtoken',
  version: '1',
  description:
    'Django REST Framework’s token authentication, without Django, at the edge. Register or log in to get a token. Send it with every request as `Authorization: Token <key>`.\n\nEvery path accepts a trailing slash. A body has at most 64 KiB. If a path does not have the method, the response is 405 with `Allow`. If there is no such path, it is 404. Both have a `detail`.',
  license: { name: 'MIT', identifier: 'MIT' },
};

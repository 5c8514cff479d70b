/**
 * This API described in OpenAPI 3.1. What bodies may hold comes from the schemas that check them
 * (src/validation/schemas.ts). An example of a request and one of an answer that have one name
 * belong together; test/http/openapi/openapi.test.ts replays them all.
 *
 * For Node alone: the Worker serves what generate.ts made of this.
 */
import { Hono } from 'hono';
import { type DescribeRouteOptions, describeRoute, generateSpecs, resolver } from 'hono-openapi';
import * as v from 'valibot';
import {
  ActivationSerializer,
  AuthTokenSerializer,
  DeleteSerializer,
  EmailSerializer,
  PasswordResetConfirmSerializer,
  PasswordSerializer,
  ProfileSerializer,
  RegisterSerializer,
} from '../../validation/schemas.ts';

const USERNAME = 'meg@ducharme.com';
const PASSWORD = 'ducharme';
const KEY = 'fa2eba9be8282d595c997ee5cd49f2ed31f65bed';
const MEG = { id: 1, username: USERNAME, first_name: 'Meg', last_name: 'Ducharme', email: '' };

const LINK = { uid: 'MQ', token: 'd9t8mi-f27b388314a46ba01ed210fcf23b91a4' };

const CREDENTIALS = { meg: { username: USERNAME, password: PASSWORD } };

type Examples = Record<string, unknown>;

const named = (examples: Examples) =>
  Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }]));

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** A body in the media types that are read, each with the same examples. */
function body(name: string, serializer: v.GenericSchema, examples: Examples) {
  const schema = resolver(v.pipe(serializer, v.metadata({ ref: name })));
  const media = { schema, examples: named(examples) };
  return {
    required: true,
    content: {
      'application/json': media,
      'application/x-www-form-urlencoded': media,
      'multipart/form-data': media,
    },
  };
}

const answer = (description: string, schema: string, examples: Examples) => ({
  description,
  content: { 'application/json': { schema: reference(schema), examples: named(examples) } },
});

const invalid = (examples: Examples) =>
  answer('What is wrong, by field; or why the body could not be read.', 'Invalid', {
    ...examples,
    malformed: { detail: 'JSON parse error - The body is not valid JSON.' },
  });

const detail = (description: string, sentences: Record<string, string>, headers = {}) => {
  const examples = Object.entries(sentences).map(([name, detail]) => [name, { detail }] as const);
  return { ...answer(description, 'Detail', Object.fromEntries(examples)), headers };
};

const shared = (name: string) => ({ $ref: `#/components/responses/${name}` });

/** What every route answers where the client takes no JSON, or something is wrong with us. */
const FAULTS = { 406: shared('NotAcceptable'), 500: shared('Fault'), 503: shared('Unavailable') };

const NOT_READ = { 413: shared('BodyTooLarge'), 415: shared('UnsupportedMediaType') };
const AUTHENTICATED = { security: [{ Token: [] }] };
const ANYBODY = { security: [] };

const RETRY_AFTER = { 'Retry-After': { $ref: '#/components/headers/Retry-After' } };
const WWW_AUTHENTICATE = { 'WWW-Authenticate': { $ref: '#/components/headers/WWW-Authenticate' } };

const REQUIRED = ['This field is required.'];
const INVALID_LINK = {
  nobody: { uid: ["Invalid user id or user doesn't exist."] },
  void: { token: ['Invalid token for given user.'] },
};
const NO_SECRET_KEY = detail(
  'There is no SECRET_KEY to sign links with.',
  { unsigned: 'Service temporarily unavailable, try again later.' },
  RETRY_AFTER,
);
const NO_LINKS = detail(
  'There is no SECRET_KEY to sign links with, or the setting that says where links lead is missing.',
  { unsigned: 'Service temporarily unavailable, try again later.' },
  RETRY_AFTER,
);
const NO_EMAIL = detail('No e-mail can be sent here.', { unbound: 'Not found.' });

/** A route that sends links to an address. */
const linkTo = (description: string) => ({
  requestBody: body('EmailRequest', EmailSerializer, {
    meg: { email: USERNAME },
    one: { email: USERNAME, username: USERNAME },
  }),
  responses: {
    204: { description },
    400: invalid({
      empty: { email: REQUIRED },
      misspelt: { email: ['Enter a valid email address.'] },
    }),
    404: NO_EMAIL,
    ...NOT_READ,
    429: shared('Throttled'),
    ...FAULTS,
    503: NO_LINKS,
  },
});

const WRONG_PASSWORD = { current_password: ['Invalid password.'] };

/** By method and path. */
const OPERATIONS: Record<string, DescribeRouteOptions> = {
  'POST /register': {
    operationId: 'register',
    summary: 'Register a user',
    description:
      'Inserts a user and its token, both or neither. A body with an `email` and no `username` is read as if it had the address for both.',
    tags: ['Without a token'],
    ...ANYBODY,
    requestBody: body('RegisterRequest', RegisterSerializer, {
      meg: { username: USERNAME, password: PASSWORD, first_name: 'Meg', last_name: 'Ducharme' },
    }),
    responses: {
      201: answer(
        'The new user’s token; with EMAIL_VERIFICATION = "required" none before the address is verified.',
        'Registered',
        { meg: { token: KEY }, unverified: { detail: 'Verification e-mail sent.' } },
      ),
      400: invalid({
        taken: { username: ['A user with that username already exists.'] },
        empty: { username: REQUIRED, password: REQUIRED },
      }),
      ...NOT_READ,
      429: shared('Throttled'),
      ...FAULTS,
    },
  },
  'POST /login': {
    operationId: 'login',
    summary: 'Log in',
    description:
      'Answers the user’s token, the same each time. A body with an `email` and no `username` is read as if the address were the name.',
    tags: ['Without a token'],
    ...ANYBODY,
    requestBody: body('LoginRequest', AuthTokenSerializer, CREDENTIALS),
    responses: {
      200: answer('The user’s token.', 'Login', { meg: { valid: true, token: KEY } }),
      400: invalid({ empty: { username: REQUIRED, password: REQUIRED } }),
      401: answer('Wrong name or password, or a user who may not log in.', 'LoginFailed', {
        wrong: { valid: false, detail: 'Unable to log in with provided credentials.' },
      }),
      ...NOT_READ,
      429: shared('Throttled'),
      ...FAULTS,
    },
  },
  'POST /api-token-auth': {
    operationId: 'obtainAuthToken',
    summary: 'Log in, in DRF’s own form',
    description: 'What rest_framework’s `obtain_auth_token` answers.',
    tags: ['Without a token'],
    ...ANYBODY,
    requestBody: body('LoginRequest', AuthTokenSerializer, CREDENTIALS),
    responses: {
      200: answer('The user’s token.', 'Token', { meg: { token: KEY } }),
      400: invalid({
        empty: { username: REQUIRED, password: REQUIRED },
        wrong: { non_field_errors: ['Unable to log in with provided credentials.'] },
      }),
      ...NOT_READ,
      429: shared('Throttled'),
      ...FAULTS,
    },
  },
  'GET /me': {
    operationId: 'retrieveMe',
    summary: 'Who am I?',
    tags: ['With a token'],
    ...AUTHENTICATED,
    responses: {
      200: answer('The token’s user.', 'User', { meg: MEG }),
      401: shared('Unauthorized'),
      ...FAULTS,
    },
  },
  'PATCH /me': {
    operationId: 'updateMe',
    summary: 'Change names and address',
    description:
      'Sets the given fields and leaves the others. If e-mail can be sent, another address needs the current password.',
    tags: ['With a token'],
    ...AUTHENTICATED,
    requestBody: body('ProfileRequest', ProfileSerializer, {
      address: { email: USERNAME, current_password: PASSWORD },
    }),
    responses: {
      200: answer('The user as it is now.', 'User', { address: { ...MEG, email: USERNAME } }),
      400: invalid({
        misspelt: { email: ['Enter a valid email address.'] },
        unproven: { current_password: REQUIRED },
        wrong: WRONG_PASSWORD,
      }),
      401: shared('Unauthorized'),
      ...NOT_READ,
      429: shared('Throttled'),
      ...FAULTS,
    },
  },
  'DELETE /me': {
    operationId: 'deleteMe',
    summary: 'Delete my account',
    description: 'Deletes the user and its token, both or neither.',
    tags: ['With a token'],
    ...AUTHENTICATED,
    requestBody: body('DeleteRequest', DeleteSerializer, { meg: { current_password: PASSWORD } }),
    responses: {
      204: { description: 'User and token are gone.' },
      400: invalid({ empty: { current_password: REQUIRED }, wrong: WRONG_PASSWORD }),
      401: shared('Unauthorized'),
      409: answer('Rows of other tables refer to this user. Nothing was deleted.', 'Detail', {
        referenced: { detail: 'This user cannot be deleted: other records refer to it.' },
      }),
      ...NOT_READ,
      429: shared('Throttled'),
      ...FAULTS,
    },
  },
  'POST /password': {
    operationId: 'changePassword',
    summary: 'Change my password',
    description: 'Sets a new password and a new token, both or neither: the old token is dead.',
    tags: ['With a token'],
    ...AUTHENTICATED,
    requestBody: body('PasswordRequest', PasswordSerializer, {
      meg: { current_password: PASSWORD, new_password: 'a better one' },
    }),
    responses: {
      200: answer('The new token.', 'Token', { meg: { token: KEY } }),
      400: invalid({
        empty: { current_password: REQUIRED, new_password: REQUIRED },
        wrong: WRONG_PASSWORD,
      }),
      401: shared('Unauthorized'),
      ...NOT_READ,
      429: shared('Throttled'),
      ...FAULTS,
    },
  },
  'POST /logout': {
    operationId: 'logout',
    summary: 'Log out',
    description: 'Deletes the token; the next login makes a new one.',
    tags: ['With a token'],
    ...AUTHENTICATED,
    responses: {
      204: { description: 'The token is gone.' },
      401: shared('Unauthorized'),
      ...FAULTS,
    },
  },
  'POST /users/reset_password': {
    operationId: 'resetPassword',
    summary: 'I forgot my password',
    description:
      'Sends one message with a link for each active account of this address, up to ten. With a `username` it has the link of that account only. The response is the same if no account has the address.',
    tags: ['By e-mail'],
    ...ANYBODY,
    ...linkTo('If an account has this address, a link is on its way.'),
  },
  'POST /users/reset_password_confirm': {
    operationId: 'resetPasswordConfirm',
    summary: 'Set a new password by a link',
    description:
      'A link works once, for an active user. It revokes the token; the next login makes a new one.',
    tags: ['By e-mail'],
    ...ANYBODY,
    requestBody: body('PasswordResetConfirmRequest', PasswordResetConfirmSerializer, {
      meg: { ...LINK, new_password: 'a better one' },
    }),
    responses: {
      204: { description: 'The new password is set.' },
      400: invalid({
        empty: { uid: REQUIRED, token: REQUIRED, new_password: REQUIRED },
        ...INVALID_LINK,
      }),
      404: NO_EMAIL,
      ...NOT_READ,
      429: shared('Throttled'),
      ...FAULTS,
    },
  },
  'POST /users/activation': {
    operationId: 'activation',
    summary: 'Verify my address by a link',
    description: 'Only with EMAIL_VERIFICATION = "required". From now on the user can log in.',
    tags: ['By e-mail'],
    ...ANYBODY,
    requestBody: body('ActivationRequest', ActivationSerializer, { meg: LINK }),
    responses: {
      204: { description: 'The user is active.' },
      400: invalid({ empty: { uid: REQUIRED, token: REQUIRED }, ...INVALID_LINK }),
      403: detail('This user does not wait for an activation.', {
        stale: 'Stale token for given user.',
      }),
      404: NO_EMAIL,
      ...NOT_READ,
      429: shared('Throttled'),
      ...FAULTS,
    },
  },
  'POST /users/resend_activation': {
    operationId: 'resendActivation',
    summary: 'Send me the link again',
    description:
      'Only with EMAIL_VERIFICATION = "required". As `/users/reset_password`, for accounts that wait for an activation.',
    tags: ['By e-mail'],
    ...ANYBODY,
    ...linkTo('If an account with this address waits for it, a link is on its way.'),
  },
  'GET /health': {
    operationId: 'health',
    summary: 'Is the database there?',
    tags: ['About this service'],
    ...ANYBODY,
    responses: {
      200: answer('It answers.', 'Health', { healthy: { status: 'ok' } }),
      500: shared('Fault'),
      503: {
        ...answer('It does not.', 'Health', { down: { status: 'unavailable' } }),
        headers: RETRY_AFTER,
      },
    },
  },
  'GET /': {
    operationId: 'root',
    summary: 'A page to try it all with; or, with BROWSABLE_API = "false", a list of the routes',
    tags: ['About this service'],
    ...ANYBODY,
    responses: {
      200: {
        description: 'The page, or the methods by path.',
        content: {
          'text/html': { schema: { type: 'string' } },
          'application/json': { schema: { type: 'object' } },
        },
      },
      500: shared('Fault'),
    },
  },
  'GET /account': {
    operationId: 'account',
    summary: 'The page that links in e-mails lead to',
    tags: ['About this service'],
    ...ANYBODY,
    responses: {
      200: {
        description: 'The page.',
        content: { 'text/html': { schema: { type: 'string' } } },
      },
      404: NO_EMAIL,
      500: shared('Fault'),
      503: NO_SECRET_KEY,
    },
  },
  'GET /openapi.json': {
    operationId: 'openApi',
    summary: 'This description',
    tags: ['About this service'],
    ...ANYBODY,
    responses: {
      200: {
        description: 'An OpenAPI document.',
        content: { 'application/json': { schema: { type: 'object' } } },
      },
      500: shared('Fault'),
    },
  },
};

const sentences = { type: 'array' as const, items: { type: 'string' as const } };

/** An object whose fields are all there. */
const object = (properties: Record<string, object>) => ({
  type: 'object' as const,
  properties,
  required: Object.keys(properties),
});

const text = { type: 'string' as const };
const token = { ...text, description: 'A token’s key.', maxLength: 40 };

const DOCUMENTATION = {
  info: {
    title: 'edge-authtoken',
    version: '1',
    description:
      'Django REST Framework’s token authentication, without Django, at the edge. Register or log in for a token and send it with every request, as `Authorization: Token <key>`.\n\nA trailing slash is accepted on every path. Bodies are of at most 64 KiB. Where a path has no such method the answer is 405 with `Allow`; where there is no such path, 404; both with a `detail`.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  /** The Worker puts its own origin here. */
  servers: [{ url: '/' }],
  tags: [
    { name: 'Without a token', description: 'How to come by one.' },
    { name: 'With a token', description: 'The user’s own account.' },
    { name: 'By e-mail', description: 'Where e-mail can be sent: accounts that recover.' },
    { name: 'About this service', description: 'For monitors and for tools.' },
  ],
  components: {
    securitySchemes: {
      Token: {
        type: 'apiKey' as const,
        in: 'header',
        name: 'Authorization',
        description:
          'The word `Token`, a space and the key: `Token fa2eba9be8282d595c997ee5cd49f2ed31f65bed`.',
      },
    },
    headers: {
      'Retry-After': {
        description: 'After how many seconds to try again.',
        schema: { type: 'integer' as const },
      },
      'WWW-Authenticate': { description: '`Token`', schema: text },
    },
    schemas: {
      Token: object({ token }),
      Registered: { anyOf: [reference('Token'), reference('Detail')] },
      Login: object({ valid: { const: true }, token }),
      LoginFailed: object({ valid: { const: false }, detail: text }),
      User: object({
        id: { type: 'integer' },
        username: text,
        first_name: text,
        last_name: text,
        email: text,
      }),
      Detail: object({ detail: text }),
      FieldErrors: { type: 'object' as const, additionalProperties: sentences },
      Invalid: { anyOf: [reference('FieldErrors'), reference('Detail')] },
      Health: object({ status: { enum: ['ok', 'unavailable'] } }),
    },
    responses: {
      Unauthorized: detail(
        'No token, or none that is good.',
        {
          anonymous: 'Authentication credentials were not provided.',
          unknown: 'Invalid token.',
        },
        WWW_AUTHENTICATE,
      ),
      BodyTooLarge: detail('More than 64 KiB.', { large: 'Request body is too large.' }),
      UnsupportedMediaType: detail('Neither JSON nor a form.', {
        text: 'Unsupported media type "text/plain" in request.',
      }),
      NotAcceptable: detail('An `Accept` header without JSON.', {
        html: 'Could not satisfy the request Accept header.',
      }),
      Throttled: detail(
        'Too many requests of this kind from one address, or too many wrong passwords of one account. There is no `Retry-After` if only a new password helps.',
        { often: 'Request was throttled. Expected available in 60 seconds.' },
        RETRY_AFTER,
      ),
      Fault: detail('A fault of ours.', { fault: 'A server error occurred.' }),
      Unavailable: detail(
        'The database did not answer.',
        { down: 'Service temporarily unavailable, try again later.' },
        RETRY_AFTER,
      ),
    },
  },
};

export function openApiDocument() {
  const routes = new Hono();
  for (const [route, operation] of Object.entries(OPERATIONS)) {
    const [method = '', path = ''] = route.split(' ');
    routes.on(method, path, describeRoute(operation));
  }
  return generateSpecs(routes, { documentation: DOCUMENTATION, excludeStaticFile: false });
}

/**
 * A route is one object. Everything that needs to know the routes reads the list of these objects:
 * the router, 405 with `Allow`, OPTIONS, the index at `/` and the OpenAPI document.
 */
import type { Next, TypedResponse } from 'hono';
import type { StatusCode } from 'hono/utils/http-status';
import type { LinkServices } from '../auth/account-mail.ts';
import type { LinkPurpose } from '../auth/link-tokens.ts';
import { type Authenticated, authenticate } from '../auth/tokens.ts';
import type { Api } from '../client/api.ts';
import { type Err, ok, type Result } from '../lib/result.ts';
import type { Services } from '../services/services.ts';
import type { Settings } from '../settings.ts';
import { type BodyReader, noBody } from './body.ts';
import { negotiate } from './content-negotiation.ts';
import type { AppContext } from './context.ts';
import { errorResponse, type Failure } from './errors.ts';
import { type EmailServices, emailServices, linkServices } from './notifications.ts';
import type { Description } from './openapi/description.ts';
import { type AddressScope, limitAddress } from './rate-limit.ts';
import { runAfterResponse } from './run-after-response.ts';

/** The routes of the typed client, such as `GET /me`. */
export type ApiRoute = {
  [Path in keyof Api]: `${MethodsOf<Api[Path]>} ${Path}`;
}[keyof Api];

type MethodsOf<Endpoints> = Uppercase<
  keyof Endpoints extends infer Key ? (Key extends `$${infer Method}` ? Method : never) : never
>;

/** The type of a route in the typed client: its body and its responses. */
type EndpointOf<Key extends ApiRoute> =
  Key extends `${infer Method} ${infer Path extends keyof Api}`
    ? Api[Path][`$${Lowercase<Method>}` & keyof Api[Path]]
    : never;

type BodyOf<Key extends ApiRoute> =
  EndpointOf<Key> extends { input: { json: infer Body } } ? Body : unknown;

/** The responses of a route in Hono's types. */
type ResponseOf<Endpoint> = Endpoint extends {
  output: infer Output;
  status: infer Status extends StatusCode;
  outputFormat: infer Format extends 'json' | 'body';
}
  ? Response & TypedResponse<Output, Status, Format>
  : never;

/** The access rules of a route: its callers, the settings that enable it, and its rate limit. */
export type Access<Caller extends object> = {
  /** Whether a request needs the token of a user. The OpenAPI document and 405 depend on it. */
  requiresUser: boolean;
  /** Whether a request without a token is accepted, but one with an invalid token is not. */
  acceptsUser?: boolean;
  /** Whether other methods of its path require a user (`asInViewSet`). */
  otherMethodsRequireUser?: boolean;
  /** Limits the requests of one address before their bodies are read. */
  rateLimit: AddressScope | undefined;
  /** If it returns false, the route does not exist. If it is undefined, it is always enabled. */
  isEnabled?: (services: Services) => boolean;
  /** Returns the properties that the handler gets with the data of the body. */
  identify: (c: AppContext) => Promise<Result<Caller, Failure>>;
};

export const isEnabled = (access: Access<object>, services: Services): boolean =>
  access.isEnabled?.(services) ?? true;

/** Any client. @param rateLimit required if the route reads a body */
export const anyone = (rateLimit: AddressScope | undefined): Access<object> => ({
  requiresUser: false,
  rateLimit,
  identify: async () => ok({}),
});

/** A user with a valid token (`TokenAuthentication` with `IsAuthenticated`). */
export const authenticated: Access<Authenticated> = {
  requiresUser: true,
  rateLimit: undefined,
  identify: (c) => c.get('authenticate')(c.req.header('Authorization')),
};

/**
 * As `authenticated`, but the token is looked up in the primary database and never in a cache. So a user
 * who lost a right cannot use it any more.
 */
export const currentlyAuthenticated: Access<Authenticated> = {
  ...authenticated,
  identify: (c) =>
    authenticate(c.req.header('Authorization'), (key) => findCurrently(c, key), c.var.settings),
};

const findCurrently = (c: AppContext, key: string) =>
  c.var.tokens.find(key, (work) => runAfterResponse(c, work), c.var.store.findCurrentToken);

/** Any client. If a request has a token, the token must be valid. */
export const optionallyAuthenticated: Access<{ authenticated?: Authenticated }> = {
  requiresUser: false,
  acceptsUser: true,
  rateLimit: undefined,
  async identify(c) {
    const result = await authenticated.identify(c);
    if (result.ok) return ok({ authenticated: result.value });
    return result.error.kind === 'not-authenticated' ? ok({}) : result;
  },
};

/** Any client, if e-mail is configured. */
export const byEmail: Access<EmailServices> = {
  requiresUser: false,
  rateLimit: 'mail-address',
  isEnabled: ({ mail }) => mail !== undefined,
  identify: async (c) => ok(emailServices(c.var)),
};

/** The same access, for a route that sends links for this purpose. */
export const sendsLinks = (
  purpose: LinkPurpose,
  access: Access<EmailServices>,
): Access<{ services: LinkServices }> => ({
  ...access,
  identify: async (c) => ok({ services: linkServices(c, purpose) }),
});

/** Any client, if new users must verify their addresses. */
export const byVerification: Access<EmailServices> = {
  ...byEmail,
  isEnabled: ({ mail, settings }) =>
    mail !== undefined && settings.emailVerification === 'required',
};

/**
 * The same access, as in djoser's view set: only the method of this route is public. Another method of the
 * path is 401 without a token, before it is 405 (`UserViewSet.get_permissions`).
 */
export const asInViewSet = <Caller extends object>(access: Access<Caller>): Access<Caller> => ({
  ...access,
  otherMethodsRequireUser: true,
});

/** The settings that are on or off. */
type Flag = {
  [Name in keyof Settings]: Settings[Name] extends boolean ? Name : never;
}[keyof Settings];

/** The same access, if the settings say so. */
export const ifSettings = <Caller extends object>(
  access: Access<Caller>,
  areSo: (settings: Settings) => boolean,
): Access<Caller> => ({
  ...access,
  isEnabled: (services) => areSo(services.settings) && isEnabled(access, services),
});

/** The same access, if a setting is on. */
export const ifOn = <Caller extends object>(
  access: Access<Caller>,
  setting: Flag,
): Access<Caller> => ifSettings(access, (settings) => settings[setting]);

/** A path of a route as in OpenAPI: `/users/:id{[0-9]+}` → `/users/{id}`. */
export const toTemplate = (path: string): string =>
  path.replaceAll(/:(?<name>\w+)(?:\{[^}]*\})?/g, '{$<name>}');

type MaybePromise<T> = T | Promise<T>;

export type Definition<Caller extends object, Input, Data, Responses extends Response> = {
  access: Access<Caller>;
  body: BodyReader<Input, Data>;
  /** `view` by default. */
  kind?: Route['kind'];
  description: Description;
  /** It returns a response, or a failure that errors.ts translates to one. */
  handle: (
    c: AppContext,
    request: Caller & { data: Data },
  ) => MaybePromise<Responses | Err<Failure>>;
};

/** A route in the list of routes. */
export type Route = {
  method: string;
  path: string;
  access: Access<object>;
  bodySchema: BodyReader<unknown, unknown>['schema'];
  /** A `view` negotiates content as DRF's views do. A `page` is HTML. A `file` is for tools. */
  kind: 'view' | 'page' | 'file';
  description: Description;
  /** Calls `next` if the route is disabled. */
  respond: (c: AppContext, next: Next) => Promise<Response | undefined>;
};

/**
 * A route of the API. Its checks have the order of `APIView.dispatch` (rest_framework/views.py):
 * content negotiation, authentication, rate limit, body.
 *
 * @param key method and path. Body and responses must have the types in client/api.ts
 */
export const route = <const Key extends ApiRoute, Caller extends object, Data>(
  key: Key,
  definition: Definition<Caller, BodyOf<Key>, Data, ResponseOf<EndpointOf<Key>>>,
): Route => build(key, definition);

/** A route for browsers or tools. It is not in the typed client. */
export const page = <Caller extends object = object>(
  key: `GET ${string}`,
  definition: Omit<Definition<Caller, unknown, undefined, Response>, 'body'>,
): Route => build(key, { body: noBody, kind: 'page', ...definition });

/** A route of a family. It is not in the typed client. */
export const familyRoute = <Caller extends object, Input, Data>(
  key: string,
  definition: Definition<Caller, Input, Data, Response>,
): Route => build(key, definition);

function build<Caller extends object, Input, Data>(
  key: string,
  { access, body, kind = 'view', description, handle }: Definition<Caller, Input, Data, Response>,
): Route {
  const [method = '', path = ''] = key.split(' ');

  async function run(c: AppContext): Promise<Response | Err<Failure>> {
    const negotiated = kind === 'view' ? negotiate(c.req) : ok(undefined);
    if (!negotiated.ok) return negotiated;
    const caller = await access.identify(c);
    if (!caller.ok) return caller;
    const allowed =
      body.schema && access.rateLimit ? await limitAddress(c, access.rateLimit) : ok(undefined);
    if (!allowed.ok) return allowed;
    const data = await body.read(c);
    if (!data.ok) return data;
    return handle(c, { ...caller.value, data: data.value });
  }

  return {
    method,
    path,
    access,
    bodySchema: body.schema,
    kind,
    description,
    async respond(c, next) {
      if (!isEnabled(access, c.var)) {
        await next();
        return undefined;
      }
      const outcome = await run(c);
      return outcome instanceof Response ? outcome : errorResponse(c, outcome.error);
    },
  };
}

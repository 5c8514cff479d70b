/**
 * One route is one object. The router, `Allow` and 405, OPTIONS, content negotiation, the index at
 * `/`, routes that settings disable and the OpenAPI document all read the list of these objects.
 */
import type { TypedResponse } from 'hono';
import type { StatusCode } from 'hono/utils/http-status';
import type { LinkServices } from '../auth/account-mail.ts';
import type { LinkPurpose } from '../auth/link-tokens.ts';
import type { Authenticated } from '../auth/tokens.ts';
import type { Api } from '../client/api.ts';
import { type Err, err, ok, type Result } from '../lib/result.ts';
import type { Services } from '../services/services.ts';
import { type BodyReader, noBody } from './body.ts';
import { negotiate } from './content-negotiation.ts';
import type { AppContext } from './context.ts';
import { errorResponse, type Failure } from './errors.ts';
import { linkServices, type Mailing, mailing } from './notifications.ts';
import type { Description } from './openapi/description.ts';
import { type AddressScope, limitAddress } from './rate-limit.ts';

/** `GET /me` and so on: the routes that the typed client knows. */
export type ApiRoute = {
  [Path in keyof Api]: `${MethodsOf<Api[Path]>} ${Path}`;
}[keyof Api];

type MethodsOf<Endpoints> = Uppercase<
  keyof Endpoints extends infer Key ? (Key extends `$${infer Method}` ? Method : never) : never
>;

/** What the typed client knows of a route: its body and its responses. */
type EndpointOf<Key extends ApiRoute> =
  Key extends `${infer Method} ${infer Path extends keyof Api}`
    ? Api[Path][`$${Lowercase<Method>}` & keyof Api[Path]]
    : never;

type BodyOf<Key extends ApiRoute> =
  EndpointOf<Key> extends { input: { json: infer Body } } ? Body : unknown;

/** The responses of a route, as Hono types them. */
type ResponseOf<Endpoint> = Endpoint extends {
  output: infer Output;
  status: infer Status extends StatusCode;
  outputFormat: infer Format extends 'json' | 'body';
}
  ? Response & TypedResponse<Output, Status, Format>
  : never;

/** Who may call a route, when it exists, and how its requests are limited. */
export type Access<Caller extends object> = {
  /** Whether a request needs the token of a user. */
  requiresUser: boolean;
  /** Limits the requests of one address before their bodies are read. */
  rateLimit: AddressScope | undefined;
  /** If this is false, the path does not exist: 404. Undefined: it always exists. */
  isEnabled?: (services: Services) => boolean;
  /** What the handler gets to know of the caller. */
  identify: (c: AppContext) => Promise<Result<Caller, Failure>>;
};

export const isEnabled = (access: Access<object>, services: Services): boolean =>
  access.isEnabled?.(services) ?? true;

/** @param rateLimit needed if the route reads a body */
export const anyone = (rateLimit: AddressScope | undefined): Access<object> => ({
  requiresUser: false,
  rateLimit,
  identify: async () => ok({}),
});

/** The user of a valid token (`TokenAuthentication` with `IsAuthenticated`). */
export const authenticated: Access<Authenticated> = {
  requiresUser: true,
  rateLimit: undefined,
  identify: (c) => c.get('authenticate')(c.req.header('Authorization')),
};

/** Anyone, if e-mail can be sent. */
export const byEmail: Access<Mailing> = {
  requiresUser: false,
  rateLimit: 'mail-address',
  isEnabled: ({ mail }) => mail !== undefined,
  identify: async (c) => ok(mailing(c.var)),
};

/** As the access, for a route that sends links of this purpose. */
export const sendsLinks = (
  purpose: LinkPurpose,
  access: Access<Mailing>,
): Access<{ services: LinkServices }> => ({
  ...access,
  identify: async (c) => ok({ services: linkServices(c, purpose) }),
});

/** Anyone, if new users must verify their addresses. */
export const byVerification: Access<Mailing> = {
  ...byEmail,
  isEnabled: ({ mail, settings }) =>
    mail !== undefined && settings.emailVerification === 'required',
};

type MaybePromise<T> = T | Promise<T>;

type Definition<Caller extends object, Input, Data, Responses extends Response> = {
  /** Who may call it. */
  access: Access<Caller>;
  body: BodyReader<Input, Data>;
  /** By default a `view`. */
  kind?: Route['kind'];
  /** For the OpenAPI document. */
  description: Description;
  /** A failure that is returned becomes its response in errors.ts. */
  handle: (
    c: AppContext,
    request: Caller & { data: Data },
  ) => MaybePromise<Responses | Err<Failure>>;
};

/** A route of any type. */
export type Route = {
  method: string;
  path: string;
  access: Access<object>;
  bodySchema: BodyReader<unknown, unknown>['schema'];
  /** A `view` negotiates content as DRF's do, a `page` is HTML, a `file` is for tools. */
  kind: 'view' | 'page' | 'file';
  description: Description;
  respond: (c: AppContext) => Promise<Response>;
};

/**
 * A route of the API. The order of its checks is that of `APIView.dispatch`
 * (rest_framework/views.py): content negotiation, authentication, rate limit, body.
 *
 * @param key its method and path. Its body and its responses must be those in client/api.ts
 */
export const route = <const Key extends ApiRoute, Caller extends object, Data>(
  key: Key,
  definition: Definition<Caller, BodyOf<Key>, Data, ResponseOf<EndpointOf<Key>>>,
): Route => build(key, definition);

/** A route for browsers or tools, which the typed client does not know. */
export const page = <Caller extends object = object>(
  key: `GET ${string}`,
  definition: Omit<Definition<Caller, unknown, undefined, Response>, 'body'>,
): Route => build(key, { body: noBody, kind: 'page', ...definition });

function build<Caller extends object, Input, Data>(
  key: string,
  { access, body, kind = 'view', description, handle }: Definition<Caller, Input, Data, Response>,
): Route {
  const [method = '', path = ''] = key.split(' ');

  async function run(c: AppContext): Promise<Response | Err<Failure>> {
    if (!isEnabled(access, c.var)) return err({ kind: 'not-found' });
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
    async respond(c) {
      const outcome = await run(c);
      return outcome instanceof Response ? outcome : errorResponse(c, outcome.error);
    },
  };
}

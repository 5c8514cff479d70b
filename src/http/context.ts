import type { Context } from 'hono';
import type { Settings } from '../settings.ts';
import type { Store } from '../store/store.ts';
import type { Authenticate, TokenAuthenticationVariables } from './token-authentication.ts';

/** Bindings that may be left out of wrangler.toml: without them nothing is throttled. */
type OptionalBindings = 'LOGIN_LIMIT' | 'REGISTER_LIMIT';

export type Bindings = Omit<Env, OptionalBindings> & Partial<Pick<Env, OptionalBindings>>;

/** What an isolate makes once of its bindings. */
export type Services = { settings: Settings; store: Store; authenticate: Authenticate };

/** What every handler of this Worker finds on its context. */
export type AppEnv = { Bindings: Bindings; Variables: Services };

export type AppContext = Context<AppEnv>;

/** The context of a route behind `tokenAuthentication`. */
export type AuthenticatedContext = Context<AppEnv & { Variables: TokenAuthenticationVariables }>;

/** Any route's. */
export type RouteContext = AppContext | AuthenticatedContext;

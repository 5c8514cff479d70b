/** What an isolate makes once of its bindings: the settings, the store and who asks. For every door. */
import { announceTokenCheck } from './auth/passwords/hashers.ts';
import { type Authenticate, authenticate } from './auth/tokens.ts';
import { parseSettings, type Settings } from './settings.ts';
import { createStore, type Store } from './store/store.ts';

/** Bindings that may be left out of wrangler.toml: without them nothing is throttled. */
type OptionalBindings = 'LOGIN_LIMIT' | 'REGISTER_LIMIT';

export type Bindings = Omit<Env, OptionalBindings> & Partial<Pick<Env, OptionalBindings>>;

export type Services = { settings: Settings; store: Store; authenticate: Authenticate };

/** An isolate's `env` stays the same: its vars are parsed and its statements prepared once. */
const services = new WeakMap<Bindings, Services>();

/** @throws SettingsError where a var cannot be used */
export function servicesOf(env: Bindings): Services {
  const known = services.get(env);
  if (known) return known;
  const settings = parseSettings(env);
  const store = createStore(env.DB, settings);
  const created: Services = {
    settings,
    store,
    authenticate: (authorization) => {
      announceTokenCheck();
      return authenticate(authorization, store.findToken, settings.tokenMaxAgeDays);
    },
  };
  services.set(env, created);
  return created;
}
